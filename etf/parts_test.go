package etf_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/erlnode/erlnode/etf"
)

// A term with a long binary is written without being copied.
func ExampleParts() {
	picture := bytes.Repeat([]byte{'.'}, 100_000)
	var parts etf.Parts
	b, err := parts.Append(nil, etf.Tuple{etf.Atom("picture"), etf.Binary(picture), etf.Int(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(b), "bytes and", parts.Len())
	whole := net.Buffers(parts.Slices(nil, b))
	n, _ := whole.WriteTo(io.Discard)
	fmt.Println(n, "in all")
	// Output:
	// 18 bytes and 100000
	// 100018 in all
}

const long = 64 << 10

// What is left out and put in again is what Append makes of it, and it is the value's own memory.
func TestParts(t *testing.T) {
	b := make([]byte, long+3)
	for i := range b {
		b[i] = byte(i >> 3)
	}
	short := b[:long-1]
	s := strings.Repeat("x", long)
	raw := etf.Raw{Bytes: etf.AppendBinary(nil, b)}
	type inside struct {
		_ struct{} `etf:",tuple"`
		B []byte
		S string
		R etf.Raw
		A any
	}
	for _, x := range []struct {
		v     any
		parts [][]byte
	}{
		{b, [][]byte{b}}, {s, [][]byte{[]byte(s)}}, {etf.Binary(b), [][]byte{b}}, {raw, [][]byte{raw.Bytes}}, {short, nil}, {1, nil},
		{etf.Tuple{etf.Binary(b), etf.Atom("x"), etf.List{etf.Binary(short), etf.Binary(b[:long])}}, [][]byte{b, b[:long]}},
		{inside{B: b, S: s, R: raw, A: b}, [][]byte{b, []byte(s), raw.Bytes, b}},
		{map[string][]byte{"a": b, "b": short}, [][]byte{b}},
		{[]string{s, s}, [][]byte{[]byte(s), []byte(s)}},
		{map[any]int{s: 1}, nil},
		{etf.Map{{Key: etf.Binary(b), Value: etf.Binary(b)}}, [][]byte{b, b}},
		{&etf.Fun{Module: "m", Free: []etf.Term{etf.Binary(b)}, Pid: etf.Pid{Node: "n@h"}}, nil},
		{etf.BitString{Bytes: b, Bits: 3}, nil},
		{etf.Raw{Bytes: append([]byte{104, 2, 82, 0}, raw.Bytes...), Atoms: []etf.Atom{"a"}}, nil},
	} {
		want, err := etf.Append([]byte("before"), x.v)
		if err != nil {
			t.Fatal(err)
		}
		parts := etf.Parts{{At: 6, Bytes: nil}} // of what was encoded before
		got, err := parts.Append([]byte("before"), x.v)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(parts.Join(got), want) {
			t.Errorf("%T: parts and the rest are not the encoding", x.v)
		}
		var left [][]byte
		n := 0
		for _, part := range parts[1:] {
			left = append(left, part.Bytes)
			n += len(part.Bytes)
		}
		if !slices.EqualFunc(left, x.parts, bytes.Equal) {
			t.Errorf("%T: %d parts, want %d", x.v, len(left), len(x.parts))
		}
		if parts.Len() != n || len(got)+n != len(want) {
			t.Errorf("%T: %d bytes in parts, %d in the rest, %d in all", x.v, parts.Len(), len(got), len(want))
		}
		if v, ok := x.v.([]byte); ok && n > 0 && unsafe.SliceData(v) != unsafe.SliceData(left[0]) {
			t.Errorf("%T was copied", x.v)
		}
	}
}

// With an error nothing is noted, and what was noted before stays.
func TestPartsError(t *testing.T) {
	b := make([]byte, long)
	parts := etf.Parts{{At: 2, Bytes: b}}
	out, err := parts.Append([]byte("dst"), []any{b, make(chan int)})
	if err == nil || string(out) != "dst" || len(parts) != 1 {
		t.Errorf("%q, %d parts, %v", out, len(parts), err)
	}
}

// Parts that somebody has made up neither lose a byte nor panic.
func TestPartsAnywhere(t *testing.T) {
	p := etf.Parts{{2, []byte("B")}, {-7, []byte("C")}, {1, []byte("D")}, {99, []byte("E")}, {3, nil}}
	if got := string(p.Join([]byte("aabb"))); got != "aaBCDbbE" {
		t.Error(got)
	}
}
