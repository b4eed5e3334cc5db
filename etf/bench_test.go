package etf_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// The nine terms that make bench-etf compares with OTP. They are here to be profiled.

type benchCase struct {
	name  string
	term  etf.Term
	typed any        // a pointer to the same as a Go value
	fresh func() any // a new value of that type
}

type benchHello struct {
	_     struct{} `etf:"hello,tuple"`
	Where etf.Atom
	Pid   etf.Pid
}

type benchTag struct {
	_   struct{} `etf:",tuple"`
	Pid etf.Pid
	Tag etf.Raw
}

type benchGet struct {
	_   struct{} `etf:"get,tuple"`
	Key string
	N   int
}

type benchCall struct {
	_       struct{} `etf:"$gen_call,tuple"`
	From    benchTag
	Request benchGet
}

type benchMap struct{ A0, A1, A2, A3, A4, A5, A6, A7, A8, A9 int }

type benchUser struct {
	ID      int
	Name    string
	Email   string
	Roles   []etf.Atom
	Score   float64
	Active  bool
	Profile benchProfile
}

type benchProfile struct {
	Born benchDate
	Tags []string
}

type benchDate struct {
	_                struct{} `etf:",tuple"`
	Year, Month, Day int
}

type benchItem struct {
	_      struct{} `etf:",tuple"`
	I      int
	Status etf.Atom
	Value  string
}

// benchOf makes the case of a Go value.
func benchOf[T any](b *testing.B, name string, v *T) benchCase {
	term, err := etf.Raw{Bytes: mustAppend(b, v)}.Term()
	if err != nil {
		b.Fatal(err)
	}
	return benchCase{name, term, v, func() any { return new(T) }}
}

func benchCases(b *testing.B) []benchCase {
	pid := etf.Pid{Node: "bench@localhost", ID: 85, Creation: 1700000000}
	ref := etf.Ref{Node: "bench@localhost", Creation: 1700000000, Len: 3, Words: [5]uint32{103, 2859, 17}}
	tag := etf.Improper{Elems: []etf.Term{etf.Atom("alias")}, Tail: ref}
	user := benchUser{1234567, "Grace Hopper", "grace@example.org", []etf.Atom{"admin", "editor", "author"}, 98.25, true,
		benchProfile{benchDate{Year: 1906, Month: 12, Day: 9}, []string{"navy", "cobol", "compilers"}}}
	ints, floats, items := make([]int, 1000), make([]float64, 1000), make([]benchItem, 1000)
	for i := range 1000 {
		ints[i], floats[i] = (i+1)*1000, float64(i)*1.25
		items[i] = benchItem{I: i, Status: etf.Atom(fmt.Sprintf("status_%d", i%50)), Value: "value"}
	}
	blob := []byte(strings.Repeat("0123456789abcdef", 4096))
	return []benchCase{
		benchOf(b, "hello", &benchHello{Where: "from", Pid: pid}),
		benchOf(b, "gen_call", &benchCall{From: benchTag{Pid: pid, Tag: etf.Raw{Bytes: mustAppend(b, tag)}}, Request: benchGet{Key: "key", N: 42}}),
		benchOf(b, "map10", &benchMap{0, 100, 200, 300, 400, 500, 600, 700, 800, 900}),
		benchOf(b, "user", &user),
		benchOf(b, "ints1000", &ints),
		benchOf(b, "tuples1000", &items),
		benchOf(b, "floats1000", &floats),
		benchOf(b, "binary64K", &blob),
		benchOf(b, "big2048", new(big.Int).Lsh(big.NewInt(3), 2046)),
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range benchCases(b) {
		for name, v := range map[string]any{"term": c.term, "typed": c.typed} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				buf := make([]byte, 0, 1<<17)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := etf.Append(buf, v); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchCases(b) {
		raw := etf.Raw{Bytes: mustAppend(b, c.term)}
		b.Run(c.name+"/term", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := raw.Term(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/typed", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := raw.Decode(c.fresh()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/skip", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := etf.NewReader(raw)
				if err := r.Skip(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type benchPerson struct {
	ID     int      `etf:"id"`
	Name   string   `etf:"name"`
	Email  string   `etf:"email"`
	Active bool     `etf:"active"`
	Score  float64  `etf:"score"`
	Tags   []string `etf:"tags"`
	City   string   `etf:"city"`
	Role   etf.Atom `etf:"role"`
}

var (
	grace = benchPerson{123456, "Grace Brewster Hopper", "grace.hopper@example.org", true, 98.25,
		[]string{"navy", "cobol", "compilers"}, "New York City, NY", "admin"}
	graceAtoms = []etf.Atom{"id", "name", "email", "active", "score", "tags", "city", "role", "true", "admin"}
)

// BenchmarkEncodeRefs encodes a map for another node, with references to its atom cache.
func BenchmarkEncodeRefs(b *testing.B) {
	var refs etf.AtomRefs
	for _, a := range graceAtoms {
		refs.Add(etf.Atom(strings.Clone(string(a)))) // as from a message
	}
	place := byte(0)
	refs.Update(func(etf.Atom) (byte, bool) { place++; return place, true })
	buf := make([]byte, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		refs.Begin()
		if _, ok := refs.Append(buf, &grace); !ok {
			b.Fatal("not encoded")
		}
	}
}

// BenchmarkDecodeRefs decodes a map as another node sends it, with references to the atom cache, into a struct that is used again.
func BenchmarkDecodeRefs(b *testing.B) {
	raw := withRefs(b, mustAppend(b, &grace), graceAtoms...)
	b.SetBytes(int64(len(raw.Bytes)))
	b.ReportAllocs()
	var u benchPerson
	for b.Loop() {
		u = benchPerson{Tags: u.Tags[:0]}
		if err := raw.Decode(&u); err != nil {
			b.Fatal(err)
		}
	}
}
