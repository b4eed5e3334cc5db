package etf_test

import (
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

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

func benchCases(b *testing.B) []benchCase {
	pid := etf.Pid{Node: "bench@localhost", ID: 85, Creation: 1700000000}
	ref := etf.Ref{Node: "bench@localhost", Creation: 1700000000, Len: 3, Words: [5]uint32{103, 2859, 17}}
	tag := etf.Improper{Elems: []etf.Term{etf.Atom("alias")}, Tail: ref}
	var ten etf.Map
	for i := range 10 {
		ten = append(ten, etf.Pair{Key: etf.Atom(fmt.Sprintf("A%d", i)), Value: etf.Int(i * 100)})
	}
	blob := make([]byte, 64<<10)
	thousand := make([]int, 1000)
	list := make(etf.List, 1000)
	for i := range list {
		thousand[i], list[i] = i*1000, etf.Int(i*1000)
	}
	return []benchCase{
		{"hello", etf.Tuple{etf.Atom("hello"), etf.Atom("from"), pid}, &benchHello{Where: "from", Pid: pid}, func() any { return new(benchHello) }},
		{"gen_call", etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{pid, tag}, etf.Tuple{etf.Atom("get"), etf.Binary("key"), etf.Int(42)}},
			&benchCall{From: benchTag{Pid: pid, Tag: etf.Raw{Bytes: mustAppend(b, tag)}}, Request: benchGet{Key: "key", N: 42}}, func() any { return new(benchCall) }},
		{"map10", ten, &benchMap{0, 100, 200, 300, 400, 500, 600, 700, 800, 900}, func() any { return new(benchMap) }},
		{"binary64K", etf.Binary(blob), &blob, func() any { return new([]byte) }},
		{"ints1000", list, &thousand, func() any { return new([]int) }},
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
			v := c.fresh()
			b.ReportAllocs()
			for b.Loop() {
				if err := raw.Decode(v); err != nil {
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
