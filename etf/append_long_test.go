package etf

import (
	"bytes"
	"testing"
)

// What is copied in pieces is the same as what is copied at once, around the length of a piece and where room is short.
func TestAppendLong(t *testing.T) {
	const piece = pieceOfLong
	whole := make([]byte, 5*piece)
	for i := range whole {
		whole[i] = byte(i>>8 ^ i)
	}
	for _, n := range []int{0, 1, piece - 1, piece, piece + 1, 3 * piece, 3*piece + 1, len(whole)} {
		for _, room := range []int{0, n, n + 8, 2 * n} {
			b, want := whole[:n], append([]byte("before"), whole[:n]...)
			dst := append(make([]byte, 0, 6+room), "before"...)
			if got := copyLong(dst, b); !bytes.Equal(got, want) {
				t.Errorf("%d bytes with room for %d: another copy", n, room)
			}
			if got := copyLong(dst, bytesOf(string(b))); !bytes.Equal(got, want) {
				t.Errorf("string of %d bytes with room for %d: another copy", n, room)
			}
			if room > 0 && cap(copyLong(dst, b)) != cap(dst) {
				t.Errorf("%d bytes with room for %d: took new memory", n, room)
			}
		}
	}
	dst := make([]byte, 0, len(whole)+16)
	want := append([]byte{tagSmallTuple, 1}, AppendBinary(nil, whole)...)
	for _, v := range []any{
		Tuple{Binary(whole)}, Raw{Bytes: want},
		struct {
			_ struct{} `etf:",tuple"`
			V any
		}{V: whole},
		struct {
			_ struct{} `etf:",tuple"`
			B []byte
		}{B: whole},
		struct {
			_ struct{} `etf:",tuple"`
			S string
		}{S: string(whole)},
		struct {
			_ struct{} `etf:",tuple"`
			V any
		}{V: string(whole)},
	} {
		if got, err := Append(dst, v); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: %v, or another encoding", v, err)
		}
	}
}

// BenchmarkAppendLong encodes a binary of a MiB into a buffer that is used again, and reads it, as the system call does that sends it.
func BenchmarkAppendLong(b *testing.B) {
	whole := bytes.Repeat([]byte("x"), 1<<20)
	buf, to := make([]byte, 0, len(whole)+64), make([]byte, 64<<10)
	b.SetBytes(int64(len(whole)))
	for b.Loop() {
		buf, _ = Append(buf[:0], whole)
		for at := 0; at < len(whole); at += len(to) {
			copy(to, buf[at:])
		}
	}
}
