package etf_test

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestReaderControlMessage reads a captured message of OTP 29 as package dist does: {6, FromPid, ”, x}, then the payload.
func TestReaderControlMessage(t *testing.T) {
	control := unhex(t, "6804 6106 58 5200 00000066 00000000 6b00c7b4 5201 5202", "6803 5203 6c00000001 5204 6a 5203")
	atoms := []etf.Atom{"n29@vm", "", "x", "hello", "foo"}
	r := etf.NewReader(etf.Raw{Bytes: control, Atoms: atoms})
	arity, err := r.Tuple()
	if arity != 4 || err != nil {
		t.Fatalf("Tuple = %d, %v", arity, err)
	}
	op, err := r.Int()
	if op != 6 || err != nil {
		t.Fatalf("Int = %d, %v", op, err)
	}
	from, err := r.Pid()
	if want := (etf.Pid{Node: "n29@vm", ID: 0x66, Creation: 0x6b00c7b4}); from != want || err != nil {
		t.Fatalf("Pid = %v, %v", from, err)
	}
	cookie, err := r.Atom()
	if cookie != "" || err != nil {
		t.Fatalf("Atom = %q, %v", cookie, err)
	}
	to, err := r.Atom()
	if to != "x" || err != nil {
		t.Fatalf("Atom = %q, %v", to, err)
	}
	payload, err := r.Raw()
	if err != nil || len(r.Rest()) != 0 {
		t.Fatalf("Raw: %v, rest %x", err, r.Rest())
	}
	if got := payload.String(); got != "{hello,[foo],hello}" {
		t.Errorf("payload = %s", got)
	}
	if own := payload.Own(); own.String() != "{hello,[foo],hello}" || own.Atoms != nil {
		t.Errorf("Own = %s with table %v", own, own.Atoms)
	}
}

func TestReaderKeepsCursorOnError(t *testing.T) {
	whole := mustAppend(t, etf.Tuple{
		etf.Atom("ok"), etf.Int(1), etf.Int(-70000), etf.Int(math.MinInt64), mustParse(t, "18446744073709551616"), etf.Float(1.5),
		etf.Binary("b"), etf.List{etf.Atom("a")}, etf.List{etf.Int(1)}, etf.Map{{Key: etf.Atom("k"), Value: etf.Int(1)}},
		etf.Pid{Node: "a@b"}, etf.Port{Node: "a@b"}, etf.Ref{Node: "a@b", Len: 3}, etf.BitString{Bytes: []byte{0x80}, Bits: 1},
		etf.Export{Module: "m", Function: "f", Arity: 1}, etf.Improper{Elems: []etf.Term{etf.Int(1)}, Tail: etf.Int(2)},
	})
	tokens := map[string]func(r *etf.Reader) error{
		"Tuple":    func(r *etf.Reader) error { _, err := r.Tuple(); return err },
		"Atom":     func(r *etf.Reader) error { _, err := r.Atom(); return err },
		"Bool":     func(r *etf.Reader) error { _, err := r.Bool(); return err },
		"Int":      func(r *etf.Reader) error { _, err := r.Int(); return err },
		"Uint":     func(r *etf.Reader) error { _, err := r.Uint(); return err },
		"BigInt":   func(r *etf.Reader) error { _, err := r.BigInt(); return err },
		"Float":    func(r *etf.Reader) error { _, err := r.Float(); return err },
		"Pid":      func(r *etf.Reader) error { _, err := r.Pid(); return err },
		"Port":     func(r *etf.Reader) error { _, err := r.Port(); return err },
		"Ref":      func(r *etf.Reader) error { _, err := r.Ref(); return err },
		"Binary":   func(r *etf.Reader) error { _, err := r.Binary(); return err },
		"Bytes":    func(r *etf.Reader) error { _, err := r.Bytes(); return err },
		"Charlist": func(r *etf.Reader) error { _, err := r.Charlist(); return err },
		"List":     func(r *etf.Reader) error { _, err := r.List(); return err },
		"Nil":      func(r *etf.Reader) error { return r.Nil() },
		"Map":      func(r *etf.Reader) error { _, err := r.Map(); return err },
		"Export":   func(r *etf.Reader) error { _, err := r.Export(); return err },
		"Skip":     func(r *etf.Reader) error { return r.Skip() },
		"Raw":      func(r *etf.Reader) error { _, err := r.Raw(); return err },
		"Term":     func(r *etf.Reader) error { _, err := r.Term(); return err },
	}
	for name, read := range tokens {
		ok := 0
		// At every offset, with every number of bytes there: the bytes may mean anything.
		for from := range whole {
			for to := from; to <= len(whole); to++ {
				r := etf.NewReader(etf.Raw{Bytes: whole[from:to]})
				switch err := read(&r); {
				case err == nil && (r.Offset() == 0 || len(r.Rest()) != to-from-r.Offset()):
					t.Fatalf("%s of %x: offset %d, rest %x", name, whole[from:to], r.Offset(), r.Rest())
				case err == nil:
					ok++
				case r.Offset() != 0:
					t.Fatalf("%s of %x moves to %d with error %v", name, whole[from:to], r.Offset(), err)
				case from == to && !errors.Is(err, io.ErrUnexpectedEOF):
					t.Fatalf("%s of nothing: %v", name, err)
				}
			}
		}
		if ok == 0 && name != "Bool" {
			t.Errorf("%s never succeeds", name)
		}
	}
}

// TestReaderDecode: Go values one after the other, and what becomes of the cursor.
func TestReaderDecode(t *testing.T) {
	b := etf.AppendString(etf.AppendInt(nil, 7), "text")
	b = etf.AppendNil(etf.AppendInt(etf.AppendListHeader(b, 1), 300))
	r := etf.NewReader(etf.Raw{Bytes: b})
	var n int
	var s string
	if err := r.Decode(&s); err == nil || r.Offset() != 0 {
		t.Errorf("integer into a string: %v, offset %d", err, r.Offset())
	}
	if err := errors.Join(r.Decode(&n), r.Decode(&s)); err != nil || n != 7 || s != "text" {
		t.Errorf("%d, %q, %v", n, s, err)
	}
	at := r.Offset()
	if err := r.Decode(new([]int8)); err == nil || r.Offset() != at {
		t.Errorf("300 into an int8: %v, offset %d, want %d", err, r.Offset(), at)
	}
	var l []int
	if err := r.Decode(&l); err != nil || len(l) != 1 || l[0] != 300 || len(r.Rest()) != 0 {
		t.Errorf("%v, %v, rest %x", l, err, r.Rest())
	}
}

// TestReaderAfterLimit: an error inside a term does not count for the next one.
func TestReaderAfterLimit(t *testing.T) {
	r := etf.NewReader(etf.Raw{Bytes: mustAppend(t, mustParse(t, "{{{{a}}}}"))}, etf.WithLimits(etf.Limits{Depth: 2}))
	for range 5 {
		if _, err := r.Term(); !errors.Is(err, etf.ErrLimit) || r.Offset() != 0 {
			t.Fatalf("four levels: %v, offset %d", err, r.Offset())
		}
	}
	for range 2 {
		if n, err := r.Tuple(); n != 1 || err != nil {
			t.Fatalf("Tuple = %d, %v", n, err)
		}
	}
	if term, err := r.Term(); err != nil || term.String() != "{{a}}" {
		t.Errorf("two levels: %v, %v", term, err)
	}
}

func TestReaderTag(t *testing.T) {
	r := etf.NewReader(etf.Raw{Bytes: []byte{106}})
	if tag, err := r.Tag(); tag != 106 || err != nil {
		t.Errorf("Tag = %d, %v", tag, err)
	}
	if err := r.Nil(); err != nil {
		t.Fatal(err)
	}
	if tag, err := r.Tag(); tag != 0 || err != io.ErrUnexpectedEOF {
		t.Errorf("Tag at the end = %d, %v", tag, err)
	}
}

func TestReaderIntegers(t *testing.T) {
	for _, c := range []struct {
		text string
		i    bool // fits int64
		u    bool // fits uint64
	}{
		{"0", true, true}, {"255", true, true}, {"256", true, true}, {"-1", true, false}, {"2147483647", true, true}, {"2147483648", true, true},
		{"-2147483648", true, false}, {"-2147483649", true, false}, {"9223372036854775807", true, true}, {"9223372036854775808", false, true},
		{"-9223372036854775808", true, false}, {"-9223372036854775809", false, false}, {"18446744073709551615", false, true},
		{"18446744073709551616", false, false}, {"-18446744073709551616", false, false},
	} {
		raw := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.text))}
		i, err := etf.As[int64](raw)
		if (err == nil) != c.i || err == nil && etf.Int(i).String() != c.text {
			t.Errorf("%s as int64: %d, %v", c.text, i, err)
		}
		var typed *etf.TypeError
		if err != nil && (!errors.As(err, &typed) || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s as int64: error %v", c.text, err)
		}
		u, err := etf.As[uint64](raw)
		if (err == nil) != c.u || err == nil && !etf.Equal(mustParse(t, c.text), uintTerm(t, u)) {
			t.Errorf("%s as uint64: %d, %v", c.text, u, err)
		}
		b, err := etf.As[*etf.Big](raw)
		if err != nil || b.String() != c.text {
			t.Errorf("%s as *Big: %v, %v", c.text, b, err)
		}
	}
}

func uintTerm(t *testing.T, u uint64) etf.Term {
	term, err := etf.Raw{Bytes: etf.AppendUint(nil, u)}.Term()
	if err != nil {
		t.Fatal(err)
	}
	return term
}

func TestReaderLists(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"nil", "6a", "0"},
		{"zero length, then nil", "6c00000000 6a", "0"},
		{"zero length, then a list", "6c00000000 6c00000001 6101 6a", "1"},
		{"one", "6c00000001 6101 6a", "1"},
		{"improper", "6c00000001 6101 6102", "1"},
		{"bytes", "6b0001 01", "want list"},
		{"atom", "770161", "atom a, want list"},
		{"more than there is", "6c00000003 6101 6a", "unexpected end"},
		{"no room for the tail", "6c00000001 6a", "unexpected end"},
	} {
		r := etf.NewReader(etf.Raw{Bytes: unhex(t, c.hex)})
		n, err := r.List()
		got := etf.Int(n).String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want && !(err != nil && strings.Contains(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestReaderDoesNotAllocate: the tokens of a control message cost no memory, but for the text of atoms.
func TestReaderDoesNotAllocate(t *testing.T) {
	atoms := []etf.Atom{"n29@vm", "", "x"}
	data := unhex(t, "6805 6106 58 5200 00000066 00000000 6b00c7b4 5a00035200 00000001 00000002 00000003 00000004 5202 6d00000003616263")
	n := testing.AllocsPerRun(100, func() {
		r := etf.NewReader(etf.Raw{Bytes: data, Atoms: atoms})
		_, err1 := r.Tuple()
		_, err2 := r.Int()
		_, err3 := r.Pid()
		_, err4 := r.Ref()
		_, err5 := r.Atom()
		_, err6 := r.Raw()
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
