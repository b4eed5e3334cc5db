package etf

import (
	"fmt"
	"math/big"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestBoxes checks what memory.go takes for granted about interfaces: a Term that points into an array is the Term that
// Go makes of the same value, and keeps the array alive.
func TestBoxes(t *testing.T) {
	ints, floats, pids := []Int{-1, 1 << 40}, []Float{1.5, 2.5}, []Pid{{Node: "a@b", ID: 1}, {Node: "c@d", ID: 2}}
	binaries, tuples, lists := []Binary{{1}, {2}}, []Tuple{{Int(1)}, {Int(2)}}, []List{{Int(3)}, {Int(4)}}
	for i := range 2 {
		for _, c := range []struct{ box, want Term }{
			{boxInt(&ints[i]), ints[i]},
			{boxFloat(&floats[i]), floats[i]},
			{boxPid(&pids[i]), pids[i]},
			{boxBinary(&binaries[i]), binaries[i]},
			{boxTuple(&tuples[i]), tuples[i]},
			{boxList(&lists[i]), lists[i]},
		} {
			if reflect.TypeOf(c.box) != reflect.TypeOf(c.want) || !reflect.DeepEqual(c.box, c.want) || !Equal(c.box, c.want) {
				t.Errorf("box holds %T %v, want %T %v", c.box, c.box, c.want, c.want)
			}
		}
	}
}

// TestHolding looks at each way in which an interface may hold a value. The types are as small as a pointer, or smaller,
// where that makes a difference to Go.
func TestHolding(t *testing.T) {
	type one struct{ P *int }
	type tagged struct {
		_ struct{} `etf:",tuple"`
		M map[string]int
	}
	type byPointer struct{ C counted }
	n := 5
	for _, c := range []struct {
		v    any
		want string
	}{
		{one{&n}, "#{'P' => 5}"},
		{&one{&n}, "#{'P' => 5}"},
		{tagged{M: map[string]int{"a": 1}}, "{#{<<\"a\">> => 1}}"},
		{[1]*int{&n}, "[5]"},
		{map[string]*int{"x": &n}, "#{<<\"x\">> => 5}"},
		{struct{}{}, "#{}"},
		{struct{ A uint64 }{7}, "#{'A' => 7}"},
		{[1]int{3}, "[3]"},
		{int8(-3), "-3"},
		{(*one)(nil), "nil"},
		{new(*int), "nil"},
		{byPointer{counted{1}}, "#{'C' => 2}"},
		{&byPointer{counted{1}}, "#{'C' => 2}"},
		{[]any{one{&n}, [1]int{1}, counted{4}}, "[#{'P' => 5},[1],5]"},
	} {
		b, err := Append(nil, c.v)
		if err != nil {
			t.Errorf("%T: %v", c.v, err)
			continue
		}
		if got, err := (Raw{Bytes: b}).Term(); err != nil || !Equal(got, mustTerm(t, c.want)) {
			t.Errorf("%T: %v (%v), want %s", c.v, got, err, c.want)
		}
	}
	// A method on a pointer must not get at what an interface holds.
	var v any = counted{10}
	for range 2 {
		if _, err := Append(nil, v); err != nil || v != any(counted{10}) {
			t.Errorf("after MarshalETF: %v, %v", v, err)
		}
	}
}

// counted changes itself when it is encoded.
type counted struct{ N int }

func (c *counted) MarshalETF(dst []byte) ([]byte, error) {
	c.N++
	return AppendInt(dst, int64(c.N)), nil
}

func mustTerm(t *testing.T, text string) Term {
	t.Helper()
	term, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return term
}

// TestSpecialKinds: types that are not what their kind says keep their own plans, also in lists and fields.
func TestSpecialKinds(t *testing.T) {
	v := struct {
		D []time.Duration
		A []Atom
		C []Charlist
		I []Int
		N []*big.Int
	}{[]time.Duration{time.Second}, []Atom{"a"}, []Charlist{"ж"}, []Int{1 << 40}, []*big.Int{big.NewInt(7)}}
	b, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	again := v
	again.D, again.A, again.C, again.I, again.N = nil, nil, nil, nil, nil
	if err := Unmarshal(b, &again); err != nil || !reflect.DeepEqual(v, again) {
		t.Errorf("%v comes back as %v, %v", v, again, err)
	}
}

// TestSlabs: the values of a term lie in common arrays, but nobody can tell.
func TestSlabs(t *testing.T) {
	var list List
	for i := range 500 {
		list = append(list, Tuple{Int(i * 1000), Float(i) / 2, Binary(fmt.Sprint("value", i)), Atom(fmt.Sprint("atom", i%7)),
			Pid{Node: "a@b", ID: uint32(i)}, List{Int(i), Atom("x")}})
	}
	b, err := AppendTerm(nil, list)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(Raw{Bytes: b})
	got, err := r.Term()
	if err != nil || !Equal(got, list) {
		t.Fatal("the list does not come back", err)
	}
	runtime.GC()
	runtime.GC()
	// Appending to one value and writing to a binary leave the others alone.
	for i, e := range got.(List) {
		tuple := e.(Tuple)
		_ = append(tuple, Atom("more"))
		_ = append(tuple[2].(Binary), "more"...)
		_ = append(tuple[5].(List), Atom("more"))
		if i%2 == 0 {
			clear(tuple[2].(Binary))
		}
	}
	for i, e := range got.(List) {
		if i%2 == 1 && !Equal(e, list[i]) {
			t.Fatalf("element %d has become %v", i, e)
		}
	}
	var strings []string
	texts, err := Marshal(func() (s []string) {
		for i := range 1000 {
			s = append(s, fmt.Sprint("text", i))
		}
		return s
	}())
	if err != nil {
		t.Fatal(err)
	}
	if err := Unmarshal(texts, &strings); err != nil {
		t.Fatal(err)
	}
	clear(texts) // the strings are not in there
	for i, s := range strings {
		if s != fmt.Sprint("text", i) {
			t.Fatalf("string %d is %q", i, s)
		}
	}
}

// TestNames: more atoms than the table of names has places for, in several goroutines at once, by each way that an atom
// may come.
func TestNames(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 3000 {
				want := Atom(fmt.Sprintf("name_%d_%d", g, i%1500))
				if i%10 == 0 {
					want = Atom(fmt.Sprintf("é%d", i%1500))
				}
				raw := Raw{Bytes: append(AppendAtom(append([]byte{tagSmallTuple, 3}, tagCacheRef, 0), want), tagSmallAtom, 1, 0xe9), Atoms: []Atom{want}}
				term, err := raw.Term()
				if err != nil || !Equal(term, Tuple{want, want, Atom("é")}) {
					t.Errorf("%v, %v; want twice %s", term, err, want)
					return
				}
				var typed struct {
					_       struct{} `etf:",tuple"`
					A, B, C Atom
				}
				if err := raw.Decode(&typed); err != nil || typed.A != want || typed.B != want || typed.C != "é" {
					t.Errorf("%v, %v; want twice %s", typed, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestAllocations holds what the package promises about memory.
func TestAllocations(t *testing.T) {
	if raceEnabled() {
		t.Skip("the race detector allocates")
	}
	type item struct {
		_    struct{} `etf:",tuple"`
		I    int
		Kind Atom
	}
	v := &struct {
		Name  string
		Items []item
		Ints  []int
		Pid   Pid
	}{"x", []item{{I: 1, Kind: "a"}, {I: 2, Kind: "b"}}, []int{1, 1000, 1 << 30}, Pid{Node: "a@b"}}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { Append(buf, v) }); n != 0 {
		t.Errorf("encoding into a buffer: %v allocations", n)
	}
	b, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { Unmarshal(b, v) }); n > 1 { // the string
		t.Errorf("decoding into a value that has room: %v allocations, want 1", n)
	}
	term, _, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { AppendTerm(buf, term) }); n != 0 {
		t.Errorf("encoding a Term into a buffer: %v allocations", n)
	}
}

// raceEnabled reports whether sync.Pool drops things at random, as it does under the race detector.
func raceEnabled() bool {
	p := sync.Pool{New: func() any { return new(int) }}
	for range 100 {
		x := new(int)
		p.Put(x)
		if p.Get() != any(x) {
			return true
		}
	}
	return false
}

// Who keeps a small term keeps little else: its short binaries take no array that is made for those of many, as the strings of Go values do.
func TestSmallTermsTakeLittle(t *testing.T) {
	for _, test := range []struct {
		term bool
		want int
	}{{true, len("abc") + 5}, {false, 128}} {
		s := slabs{used: test.term}
		text := s.text([]byte("abc"), 5)
		if n := len(text) + len(s.bytes); string(text) != "abc" || cap(text) != 3 || n != test.want {
			t.Errorf("of a Term %v: %q with room for %d in an array of %d bytes, want %d", test.term, text, cap(text), n, test.want)
		}
	}
}
