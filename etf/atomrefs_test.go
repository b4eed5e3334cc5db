package etf_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/erlnode/erlnode/etf"
)

// A node that has told its peer of two atoms sends their numbers from then on.
func ExampleAtomRefs() {
	var refs etf.AtomRefs
	refs.Add("point")
	refs.Add("x")
	refs.Update(func(a etf.Atom) (ref byte, ok bool) { // as the header that goes before the term has them
		switch a {
		case "point":
			return 0, true
		case "x":
			return 1, true
		}
		return 0, false
	})
	type point struct {
		_ struct{} `etf:"point,elixir"`
		X int      `etf:"x"`
	}
	refs.Begin()
	b, ok := refs.Append(nil, []etf.Atom{"x", "point", "x"})
	fmt.Printf("%x %v\n", b, ok)
	fmt.Println(etf.Raw{Bytes: b, Atoms: []etf.Atom{"point", "x"}})

	refs.Begin()
	_, ok = refs.Append(nil, point{X: 1}) // __struct__ is none of them
	fmt.Println(ok)
	// Output:
	// 6c000000035201520052016a true
	// [x,point,x]
	// false
}

// checkRefs encodes v, whose encoding and term are known, with references for all of its atoms, and for all but one.
func checkRefs(t *testing.T, name string, v any, full []byte, term etf.Term) {
	t.Helper()
	var table []etf.Atom
	shorter := 0
	eachAtom(term, func(a etf.Atom) {
		if shorter += len(a); len(a) > 255 {
			shorter++
		}
		if !slices.Contains(table, a) {
			table = append(table, a)
		}
	})
	if len(table) > 255 {
		return
	}
	var refs etf.AtomRefs
	for _, a := range table {
		refs.Add(a)
	}
	place := func(a etf.Atom) (byte, bool) { return byte(slices.Index(table, a)), true }
	refs.Update(place)
	for range 2 {
		refs.Begin()
		b, ok := refs.Append([]byte("before"), v)
		if !ok || !bytes.HasPrefix(b, []byte("before")) {
			t.Errorf("%s: with references: %v, %q", name, ok, b)
			return
		}
		b = b[len("before"):]
		if got := (etf.Raw{Bytes: b, Atoms: table}).Own().Bytes; !bytes.Equal(got, full) {
			t.Errorf("%s: with references to %v is %x, in full %x, want %x", name, table, b, got, full)
		}
		if len(b) != len(full)-shorter {
			t.Errorf("%s: %d bytes with references to %v, %d without, want %d less", name, len(b), table, len(full), shorter)
		}
	}
	for _, lacking := range table {
		refs.Update(func(a etf.Atom) (byte, bool) { ref, _ := place(a); return ref, a != lacking })
		if refs.Has(lacking) || refs.Len() != len(table)-1 {
			t.Errorf("%s: has %d atoms without %v", name, refs.Len(), lacking)
		}
		refs.Begin()
		if b, ok := refs.Append(nil, v); ok {
			t.Errorf("%s: is %x without a reference to %v", name, b, lacking)
		}
		refs.Add(lacking)
	}
}

// eachAtom calls f for the atoms in a term that references may stand for, as often as they are there.
func eachAtom(t etf.Term, f func(etf.Atom)) {
	each := func(terms []etf.Term) {
		for _, t := range terms {
			eachAtom(t, f)
		}
	}
	switch t := t.(type) {
	case etf.Atom:
		f(t)
	case etf.Tuple:
		each(t)
	case etf.List:
		each(t)
	case etf.Improper:
		each(t.Elems)
		eachAtom(t.Tail, f)
	case etf.Map:
		for _, p := range t {
			each([]etf.Term{p.Key, p.Value})
		}
	case etf.Pid:
		f(t.Node)
	case etf.Port:
		f(t.Node)
	case etf.Ref:
		f(t.Node)
	case etf.Export:
		f(t.Module)
		f(t.Function)
	case *etf.Record:
		f(t.Module)
		f(t.Name)
		for _, field := range t.Fields {
			f(field.Name)
			eachAtom(field.Value, f)
		}
	}
}

// What there are not many of, or what is no value, is not encoded: Append does it, or has the error.
func TestAtomRefsRefuses(t *testing.T) {
	var refs etf.AtomRefs
	long := make([]byte, 64<<10)
	for _, v := range []any{long, string(long), etf.Binary(long), etf.Raw{Bytes: etf.AppendBinary(nil, long)}, struct{ B []byte }{long}, make(chan int), etf.Raw{Bytes: []byte{1}}, etf.Raw{}} {
		refs.Begin()
		if b, ok := refs.Append(nil, v); ok {
			t.Errorf("%T: %d bytes", v, len(b))
		}
	}
	refs.Begin()
	if b, ok := refs.Append(nil, long[1:]); !ok || len(b) != 5+64<<10-1 {
		t.Errorf("just below 64 KiB: %d bytes, %v", len(b), ok)
	}
}

// References and offsets that there are not do no harm.
func TestAtomRefsOutside(t *testing.T) {
	var refs etf.AtomRefs
	refs.Add("a@b")
	refs.Update(func(etf.Atom) (byte, bool) { return 3, true })
	for n := range 256 {
		ref := etf.Ref{Node: "a@b", Creation: 1, Len: uint8(n), Words: [5]uint32{1, 2, 3, 4, 5}}
		got := etf.Raw{Bytes: refs.AppendRef(nil, ref), Atoms: []etf.Atom{"", "", "", "a@b"}}.Own().Bytes
		if want := etf.AppendRef(nil, ref); !bytes.Equal(got, want) {
			t.Errorf("%d words: %x, want %x", n, got, want)
		}
	}
	for _, at := range []int{-1, 3} {
		refs.Begin()
		if _, ok := refs.Replace([]byte{97, 1}, at); ok {
			t.Errorf("a term at offset %d of 2 bytes", at)
		}
	}
}

// A MarshalETF that returns what it has encoded once finds it as it was.
func TestAtomRefsKeptMemory(t *testing.T) {
	v := kept(etf.AppendAtom(nil, "ok"))
	var refs etf.AtomRefs
	refs.Add("ok")
	refs.Update(func(etf.Atom) (byte, bool) { return 7, true })
	for _, dst := range [][]byte{nil, {}, make([]byte, 0, 64)} {
		refs.Begin()
		if b, ok := refs.Append(dst, v); !ok || string(b) != "R\x07" {
			t.Errorf("%q, %v", b, ok)
		}
	}
	for _, dst := range [][]byte{nil, {}, make([]byte, 0, 64)} {
		if b, err := etf.Append(dst, v); err != nil || string(b) != "w\x02ok" {
			t.Errorf("%q, %v", b, err)
		} else {
			clear(b)
		}
	}
	if string(v) != "w\x02ok" {
		t.Errorf("it has become %q", v)
	}
}

// kept is a term that somebody else keeps.
type kept []byte

func (k kept) MarshalETF([]byte) ([]byte, error) { return k, nil }

// Of malformed bytes, which a Raw may not have but what a Marshaler appends is checked for too, and of atoms in Latin-1 nothing is lost.
func TestAtomRefsLatin1(t *testing.T) {
	var refs etf.AtomRefs
	refs.Add("é")
	refs.Add("b")
	refs.Update(func(a etf.Atom) (byte, bool) { return byte(len(a)), true })
	tuple := []byte{104, 3, 100, 0, 1, 0xe9, 119, 1, 'b', 115, 1, 0xe9}
	refs.Begin()
	if b, ok := refs.Append(nil, etf.Raw{Bytes: tuple}); !ok || !bytes.Equal(b, []byte{104, 3, 100, 0, 1, 0xe9, 82, 1, 115, 1, 0xe9}) {
		t.Errorf("%v, %v", b, ok)
	}
}

func TestAtomRefsDrop(t *testing.T) {
	var refs etf.AtomRefs
	for _, a := range []etf.Atom{"a", "b", "c"} {
		refs.Add(a)
	}
	refs.Drop(2)
	if refs.Len() != 1 || refs.Has("a") || !refs.Has("c") {
		t.Errorf("%d atoms left", refs.Len())
	}
	refs.Drop(-1)
	if refs.Len() != 1 {
		t.Errorf("%d atoms left of one when none is dropped", refs.Len())
	}
	refs.Drop(2)
	refs.Begin()
	if _, ok := refs.Append(nil, etf.Atom("c")); ok {
		t.Error("an atom that was dropped has a reference")
	}
	refs.Begin()
	if b, ok := refs.Append(nil, 1); !ok || len(b) != 2 {
		t.Error("what has no atoms needs no references")
	}
}

// Values that differ in the order and the number of their atoms, one after the other.
func TestAtomRefsOrder(t *testing.T) {
	var refs etf.AtomRefs
	var table []etf.Atom
	for i := range 20 {
		table = append(table, etf.Atom(fmt.Sprint("a", i)))
		refs.Add(table[i])
	}
	refs.Update(func(a etf.Atom) (byte, bool) { return byte(slices.Index(table, a)), true })
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		v := []etf.Atom{}
		for range rnd.IntN(100) {
			v = append(v, table[rnd.IntN(len(table))])
		}
		want, err := etf.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		refs.Begin()
		b, ok := refs.Append(nil, v)
		if got := (etf.Raw{Bytes: b, Atoms: table}).Own().Bytes; !ok || !bytes.Equal(got, want) {
			t.Fatalf("%v: %x is %x, want %x", v, b, got, want)
		}
	}
}

func TestAtomRefsDoNotAllocate(t *testing.T) {
	var refs etf.AtomRefs
	v := any(elixirUser{Name: "Ann"})
	for _, a := range []etf.Atom{"__struct__", "Elixir.User", "name", "a@b"} {
		refs.Add(a)
	}
	refs.Update(func(etf.Atom) (byte, bool) { return 1, true })
	raw := any(etf.Raw{Bytes: etf.AppendPid(nil, etf.Pid{Node: "a@b"})})
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { refs.Begin(); refs.Append(buf, v); refs.Append(buf, raw) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzAtomRefs: no bytes make Replace panic or write in front of them, and a term is the same afterwards, and through Append.
func FuzzAtomRefs(f *testing.F) {
	data, _ := seeds(f)
	for _, d := range data {
		f.Add(d)
	}
	var refs etf.AtomRefs
	for _, a := range table {
		refs.Add(a)
	}
	refs.Update(func(a etf.Atom) (byte, bool) { return byte(slices.Index(table, a)), true })
	f.Fuzz(func(t *testing.T, data []byte) {
		refs.Begin()
		out, ok := refs.Replace(append([]byte("before"), data...), len("before"))
		if !bytes.HasPrefix(out, []byte("before")) || len(out) > len("before")+len(data) {
			t.Fatalf("%x is %x", data, out)
		}
		whole, err := etf.Append(nil, etf.Raw{Bytes: data})
		if err != nil {
			return
		}
		same := func(b []byte) {
			got := etf.Raw{Bytes: b, Atoms: table}.Own()
			if bytes.Equal(got.Bytes, whole) {
				return
			}
			is, err := got.Term() // an atom may have been written in a longer form
			want, err2 := etf.Raw{Bytes: whole}.Term()
			if (err == nil) != (err2 == nil) || err == nil && !etf.Equal(is, want) {
				t.Fatalf("%x with references is %x, and then %x", whole, b, got.Bytes)
			}
		}
		if ok {
			same(out[len("before"):])
		}
		refs.Begin()
		if out, ok = refs.Append(nil, etf.Raw{Bytes: data}); ok {
			same(out)
		}
		// With references to all that it has, as far as they can be found.
		term, err := (etf.Raw{Bytes: data}).Term()
		if full, err2 := etf.AppendTerm(nil, term); err == nil && err2 == nil {
			checkRefs(t, "term", term, full, term)
			checkRefs(t, "bytes", etf.Raw{Bytes: full}, full, term)
		}
	})
}

// withRefs returns the term of full with references in the places of its atoms, which are all in the table.
func withRefs(t testing.TB, full []byte, table ...etf.Atom) etf.Raw {
	t.Helper()
	var refs etf.AtomRefs
	for _, a := range table {
		refs.Add(a)
	}
	refs.Update(func(a etf.Atom) (byte, bool) { return byte(slices.Index(table, a)), true })
	refs.Begin()
	out, ok := refs.Replace(bytes.Clone(full), 0)
	if !ok {
		t.Fatalf("an atom is not in the table: %q", full)
	}
	return etf.Raw{Bytes: out, Atoms: table}
}

// TestDecodeRefs decodes maps, with their keys in all orders, too many and too few of them, some twice, and values that do not fit, with references
// and in full: it comes to the same.
func TestDecodeRefs(t *testing.T) {
	type Inner struct {
		Deep int `etf:"deep"`
	}
	type plain struct {
		A    int      `etf:"a"`
		B    string   `etf:"b"`
		C    etf.Atom `etf:"c"`
		Text string   `etf:"text,string"`
		List []string `etf:"list"`
		*Inner
		D *int `etf:"d"`
	}
	type elixir struct {
		_ struct{} `etf:"Elixir.Of,elixir"`
		A int      `etf:"a"`
		B string   `etf:"b"`
		C etf.Atom `etf:"c"`
	}
	usual := []struct {
		key    any
		values []any // the first is what comes most
	}{
		{etf.Atom("__struct__"), []any{etf.Atom("Elixir.Of"), etf.Atom("a"), 1}},
		{etf.Atom("a"), []any{1, 70000, "no integer", etf.Atom("nil")}},
		{etf.Atom("b"), []any{"text", "", 7}},
		{etf.Atom("c"), []any{etf.Atom("b"), "no atom"}},
		{etf.Atom("d"), []any{2, etf.Atom("nil")}},
		{etf.Atom("deep"), []any{3, etf.Atom("a")}},
		{etf.Atom("list"), []any{[]string{"x", "y"}, []string{}, []any{"x", 1}}},
		{etf.Atom("other"), []any{etf.Tuple{etf.Atom("a")}}},
		{"text", []any{"the key is a binary"}},
		{etf.Atom("text"), []any{"the key is an atom"}},
	}
	table := []etf.Atom{"__struct__", "a", "b", "c", "d", "deep", "list", "other", "text", "Elixir.Of", "nil"}
	rnd := rand.New(rand.NewPCG(3, 4))
	order := rnd.Perm(len(usual))
	taken := 0
	for range 20000 {
		if rnd.IntN(10) == 0 {
			order = rnd.Perm(len(usual)) // nearly all come as the last
		}
		n, full := 0, []byte(nil)
		for _, k := range order {
			for range [...]int{1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 2}[rnd.IntN(12)] {
				v := usual[k].values[0]
				if rnd.IntN(20) == 0 {
					v = usual[k].values[rnd.IntN(len(usual[k].values))]
				}
				n++
				full = append(append(full, mustAppend(t, usual[k].key)...), mustAppend(t, v)...)
			}
		}
		raw := etf.Raw{Bytes: append(etf.AppendMapHeader(nil, n), full...)}
		refs := withRefs(t, raw.Bytes, table...)
		for _, into := range []func() any{func() any { return new(plain) }, func() any { return new(elixir) }} {
			want, got := into(), into()
			err, refErr := raw.Decode(want), refs.Decode(got)
			if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", refErr) {
				t.Fatalf("%v: %v, with references %v", refs, err, refErr)
			}
			if err != nil {
				continue
			}
			taken++
			if d := cmp.Diff(want, got, cmp.AllowUnexported(plain{}, elixir{})); d != "" {
				t.Fatalf("%v: %s", refs, d)
			}
			refs.Bytes = refs.Bytes[:rnd.IntN(len(refs.Bytes))]
			if refs.Decode(into()) == nil {
				t.Fatalf("a part of %v was taken", raw)
			}
			refs = withRefs(t, raw.Bytes, table...)
		}
	}
	if taken < 4000 {
		t.Errorf("only %d were taken", taken)
	}
}
