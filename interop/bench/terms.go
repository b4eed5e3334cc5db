package main

import (
	"math/big"

	"github.com/erlnode/erlnode/etf"
)

// The nine terms as Go values. Their contents come from bench.erl, as bytes.

type hello struct {
	_     struct{} `etf:"hello,tuple"`
	Where etf.Atom
	Pid   etf.Pid
}

type call struct {
	_       struct{} `etf:"$gen_call,tuple"`
	From    from
	Request get
}

type from struct {
	_   struct{} `etf:",tuple"`
	Pid etf.Pid
	Tag etf.Raw
}

type get struct {
	_   struct{} `etf:"get,tuple"`
	Key string
	N   int
}

type map10 struct {
	K0 int `etf:"key_0"`
	K1 int `etf:"key_1"`
	K2 int `etf:"key_2"`
	K3 int `etf:"key_3"`
	K4 int `etf:"key_4"`
	K5 int `etf:"key_5"`
	K6 int `etf:"key_6"`
	K7 int `etf:"key_7"`
	K8 int `etf:"key_8"`
	K9 int `etf:"key_9"`
}

type user struct {
	ID      int        `etf:"id"`
	Name    string     `etf:"name"`
	Email   string     `etf:"email"`
	Roles   []etf.Atom `etf:"roles"`
	Score   float64    `etf:"score"`
	Active  bool       `etf:"active"`
	Profile profile    `etf:"profile"`
}

type profile struct {
	Born date     `etf:"born"`
	Tags []string `etf:"tags"`
}

type date struct {
	_                struct{} `etf:",tuple"`
	Year, Month, Day int
}

type item struct {
	_      struct{} `etf:",tuple"`
	I      int
	Status etf.Atom
	Value  string
}

// subject is one of the nine terms: its name in bench.erl, and decoding it into a new Go value.
type subject struct {
	name  string
	typed func(data []byte) (any, error)

	// What takes the memory of the result and fills it, and does no more; nil where that is not most of the work.
	bareTyped, bareTerm func()
}

func into[T any](data []byte) (any, error) {
	v := new(T)
	return v, etf.Unmarshal(data, v)
}

var subjects = []subject{
	{name: "hello", typed: into[hello]},
	{name: "gen_call", typed: into[call]},
	{name: "map10", typed: into[map10]},
	{name: "user", typed: into[user]},
	{name: "ints1000", typed: into[[]int], bareTyped: bareSlice[int], bareTerm: bareList[etf.Int]},
	{name: "tuples1000", typed: into[[]item]},
	{name: "floats1000", typed: into[[]float64], bareTyped: bareSlice[float64], bareTerm: bareList[etf.Float]},
	{name: "binary64K", typed: into[[]byte], bareTyped: bareCopy, bareTerm: bareCopy},
	{name: "big2048", typed: into[big.Int]},
}

var (
	sink, sinkOf any
	source                = make([]byte, 65536)
	boxed        etf.Term = etf.Int(1000)
)

func bareSlice[T int | float64]() {
	s := make([]T, 1000)
	for i := range s {
		s[i] = T(i)
	}
	sink = s
}

// bareList fills a list of a thousand numbers, and the memory of these.
func bareList[T etf.Int | etf.Float]() {
	l, values := make(etf.List, 1000), make([]T, 1000)
	for i := range l {
		values[i], l[i] = T(i), boxed
	}
	sink, sinkOf = l, values
}

func bareCopy() { sink = append([]byte(nil), source...) }
