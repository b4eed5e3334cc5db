package etf_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// seeds are the short golden vectors, the good and the bad.
func seeds(f *testing.F) (data [][]byte, text []string) {
	for _, v := range readVectors(f) {
		if b, err := hex.DecodeString(v.bytes); err == nil && len(b) < 600 {
			data = append(data, b)
			if v.kind != "refuse" {
				text = append(text, v.text)
			}
		}
	}
	return data, text
}

// table resolves the atom cache references in fuzzed input.
var table = []etf.Atom{"a", "node@host", "", "quoted atom", "ж"}

// FuzzDecode: no input panics; what is decoded survives encoding, printing and Skip, with and without an atom cache.
func FuzzDecode(f *testing.F) {
	data, _ := seeds(f)
	for _, d := range data {
		f.Add(d)
	}
	f.Add([]byte("\x83\x68\x02\x52\x00\x58\x52\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Add([]byte("\x83\x43\x00\x00\x00\x01\x00\x77\x01m\x77\x01r\x77\x01k\x61\x05"))
	f.Fuzz(func(t *testing.T, data []byte) {
		term, rest, err := etf.Decode(data)
		if err == nil {
			checkTerm(t, term)
			if len(rest) == 0 {
				var x any
				if err := etf.Unmarshal(data, &x); err != nil || !etf.Equal(x.(etf.Term), term) {
					t.Fatalf("Unmarshal into any: %v, %v; Decode gives %v", x, err, term)
				}
			}
		}
		if len(data) < 2 || data[0] != etf.Version {
			return
		}
		raw := etf.Raw{Bytes: data[1:], Atoms: table}
		read, skip := etf.NewReader(raw), etf.NewReader(raw)
		term, err = read.Term()
		errSkip := skip.Skip()
		if err != nil {
			return
		}
		checkTerm(t, term)
		if errSkip != nil || skip.Offset() != read.Offset() {
			t.Fatalf("Term stops at %d, Skip at %d: %v", read.Offset(), skip.Offset(), errSkip)
		}
		raw.Bytes = raw.Bytes[:read.Offset()]
		own := raw.Own()
		if got, err := own.Term(); err != nil || !etf.Equal(got, term) || len(own.Atoms) > 0 {
			t.Fatalf("Own: %v, %v; Term gives %v", got, err, term)
		}
		b, err := etf.Append(nil, raw)
		if err != nil || !bytes.Equal(b, own.Bytes) {
			t.Fatalf("Append: %x, %v; Own gives %x", b, err, own.Bytes)
		}
	})
}

// checkTerm checks that a decoded term survives everything.
func checkTerm(t *testing.T, term etf.Term) {
	t.Helper()
	b, err := etf.AppendTerm(nil, term)
	if err != nil {
		t.Fatalf("AppendTerm(%v): %v", term, err)
	}
	back, err := etf.Raw{Bytes: b}.Term()
	if err != nil || !etf.Equal(back, term) {
		t.Fatalf("%v comes back as %v, %v", term, back, err)
	}
	if again, err := etf.Append(nil, back); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%v encodes to %x, then to %x, %v", term, b, again, err)
	}
	parsed, err := etf.Parse(term.String())
	if err != nil || !etf.Equal(parsed, term) {
		t.Fatalf("%s parses to %v, %v", term, parsed, err)
	}
}

// FuzzParse: no text panics; what is parsed prints as text that parses to the same.
func FuzzParse(f *testing.F) {
	_, text := seeds(f)
	for _, s := range append(text, "% c\n{a, 16#ff, 1_000 , $\\n}.", `<<1:4,"é"/utf8,-1:12>>`, "#m:r/exported{k=5,l=[]}", "'\\x{1F600}'", "- - 5", `"a" "b"`) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		term, err := etf.Parse(text)
		if err != nil {
			if e, ok := err.(*etf.ParseError); !ok || e.Offset < 0 || e.Offset > len(text) || e.Line != 1+strings.Count(text[:e.Offset], "\n") {
				t.Fatalf("error %#v", err)
			}
			return
		}
		checkTerm(t, term)
	})
}

type fuzzTarget struct {
	A int8
	B uint16 `etf:"b,omitempty"`
	C string `etf:",string"`
	D []byte
	E []float64
	F map[string]*fuzzTarget
	G [2]etf.Atom
	H *big.Int
	I etf.Charlist
	J etf.Pid
	K etf.Term
	L map[etf.Atom]bool
	M fuzzTuple
	N [3]byte
	O []etf.List
	P *etf.Fun
	fuzzInner
}

type fuzzInner struct{ X, Y float32 }

type fuzzTuple struct {
	_    struct{} `etf:"point,tuple"`
	X, Y int
	Rest []uint8Like
}

type uint8Like uint16

// FuzzUnmarshal: no input panics; what is decoded into Go values survives encoding.
func FuzzUnmarshal(f *testing.F) {
	data, _ := seeds(f)
	for _, d := range data {
		f.Add(d)
	}
	full := fuzzTarget{A: 1, B: 2, C: "c", D: []byte("d"), E: []float64{1.5}, G: [2]etf.Atom{"a", "b"}, H: big.NewInt(7), I: "text", K: etf.Int(1),
		F: map[string]*fuzzTarget{"x": nil}, L: map[etf.Atom]bool{"y": true}, M: fuzzTuple{Rest: []uint8Like{1, 2, 3}}, J: etf.Pid{Node: "a@b"}}
	for _, v := range []any{full, full.M, full.F, []any{full, &full}} {
		b, err := etf.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for d := range readInspect(f, "1.14") { // times among them
		f.Add(unhex(f, d))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{new(fuzzTarget), new(fuzzTuple), new(map[string][]int), new(map[any]any), new([]any), new([]*string),
			new([2][]uint8Like), new(map[fuzzInner]etf.Atom), new(*etf.Raw), new([]etf.Charlist), new(time.Time), new(etf.NaiveDateTime), new(time.Duration), new(listOptions),
			new([]color), new(etf.Result[int]), new(float32), new(uint64), new(bool)} {
			if etf.Unmarshal(data, v) != nil {
				continue
			}
			if k, ok := v.(*fuzzTarget); ok && k.K == nil {
				k.K = etf.Atom("nil") // a nil Term has no encoding
			}
			b, err := etf.Marshal(v)
			if err != nil {
				if nilTerm(v) {
					continue
				}
				t.Fatalf("Marshal(%#v): %v", v, err)
			}
			again := reflect.New(reflect.TypeOf(v).Elem())
			if err := etf.Unmarshal(b, again.Interface()); err != nil {
				t.Fatalf("%x from %x: %v", b, data, err)
			}
			b2, err := etf.Marshal(again.Interface())
			if err != nil || !bytes.Equal(b, b2) {
				t.Fatalf("%#v: %x, then %x, %v", v, b, b2, err)
			}
		}
	})
}

// nilTerm reports whether some fuzzTarget below v has no K.
func nilTerm(v any) bool {
	var k func(f *fuzzTarget) bool
	k = func(f *fuzzTarget) bool {
		if f == nil {
			return false
		}
		for _, g := range f.F {
			if k(g) {
				return true
			}
		}
		return f.K == nil
	}
	f, ok := v.(*fuzzTarget)
	return ok && k(f)
}
