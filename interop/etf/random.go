package main

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"

	"github.com/erlnode/erlnode/etf"
)

// source makes random terms.
type source struct {
	*rand.Rand
	atoms []etf.Atom
	nodes []etf.Atom

	maxPid  uint32   // IDs of pids are below
	records bool     // native ones
	creator *etf.Pid // of all funs, if not nil
}

// newSource returns a source of terms that a release can hold and keeps as they are.
func newSource(seed uint64, release string) *source {
	s := &source{Rand: rand.New(rand.NewPCG(seed, 1)), maxPid: 1 << 28}
	switch {
	case release < "24":
		s.maxPid = 1 << 15
	case release > "25":
		s.creator = &etf.Pid{Node: "nonode@nohost"}
		s.records = release > "28"
	}
	// Few enough not to fill the table of atoms of a BEAM node.
	for i := range 2000 {
		a := fmt.Sprintf("go_%d", i)
		switch i % 8 {
		case 0:
			a = strings.Repeat(string(rune('a'+i%26)), i%256)
		case 1:
			a = strings.Repeat("é", i%256)
		case 2:
			a = string(rune(0x430+i%30)) + "b"
		case 3:
			a = strings.Repeat("\U0001f600", i%256)
		}
		s.atoms = append(s.atoms, etf.Atom(a))
	}
	for i := range 20 {
		s.nodes = append(s.nodes, etf.Atom(fmt.Sprintf("node_%d@host", i)))
	}
	s.nodes = append(s.nodes, "nœud@hôte", "плохой@узел")
	return s
}

func (s *source) atom() etf.Atom { return s.atoms[s.IntN(len(s.atoms))] }
func (s *source) node() etf.Atom { return s.nodes[s.IntN(len(s.nodes))] }

func (s *source) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.Uint32())
	}
	return b
}

// size is mostly small.
func (s *source) size() int {
	switch n := s.IntN(100); {
	case n < 90:
		return n % 5
	case n < 99 || s.IntN(30) > 0:
		return n % 12
	}
	return 40 + s.IntN(260) // more than 32 keys make another kind of map
}

func (s *source) term(depth int) etf.Term {
	if depth == 0 {
		return s.leaf()
	}
	switch s.IntN(11) {
	case 0:
		return etf.Tuple(s.terms(depth, s.size()))
	case 1:
		return etf.List(s.terms(depth, s.size()))
	case 2:
		return etf.Improper{Elems: s.terms(depth, s.size()+1), Tail: s.noList()}
	case 3:
		return s.mapOf(depth, func() etf.Term { return s.term(max(0, depth-2)) })
	case 4:
		return s.mapOf(depth, func() etf.Term { return s.atom() })
	case 5:
		return etf.Tuple{s.atom(), s.term(depth - 1), s.term(depth - 1)}
	case 6:
		if s.IntN(4) == 0 {
			return s.fun(depth)
		}
	case 7:
		if s.records && s.IntN(3) == 0 {
			return s.record(depth)
		}
	}
	return s.leaf()
}

func (s *source) terms(depth, n int) []etf.Term {
	t := make([]etf.Term, n)
	for i := range t {
		t[i] = s.term(depth - 1)
	}
	return t
}

func (s *source) noList() etf.Term {
	for {
		t := s.leaf()
		if _, isList := t.(etf.List); !isList {
			return t
		}
	}
}

func (s *source) mapOf(depth int, key func() etf.Term) etf.Term {
	var m etf.Map
	seen := map[string]bool{}
	for range s.size() {
		k := key()
		b, err := etf.AppendTerm(nil, k)
		if err != nil || seen[string(b)] || hasMap(b) {
			continue
		}
		seen[string(b)] = true
		m = append(m, etf.Pair{Key: k, Value: s.term(depth - 1)})
	}
	return m
}

// hasMap is roughly whether there is a map in the bytes. As keys maps are left to the other two modes: two orders of one
// map are one key.
func hasMap(b []byte) bool { return strings.Contains(string(b), "\x74\x00\x00") }

func (s *source) fun(depth int) etf.Term {
	creator := s.pid()
	if s.creator != nil {
		creator = *s.creator
	}
	return &etf.Fun{Arity: uint8(s.IntN(10)), Uniq: [16]byte(s.bytes(16)), Index: s.Uint32N(1000), Module: s.atom(), OldIndex: etf.Int(s.Uint32N(1 << 20)),
		OldUniq: etf.Int(s.Uint32N(1 << 27)), Pid: creator, Free: s.terms(depth, s.IntN(4))}
}

func (s *source) record(depth int) etf.Term {
	r := &etf.Record{Exported: s.IntN(2) == 0, Module: s.atom(), Name: s.atom()}
	seen := map[etf.Atom]bool{}
	for range s.IntN(5) {
		if name := s.atom(); !seen[name] {
			seen[name] = true
			r.Fields = append(r.Fields, etf.Field{Name: name, Value: s.term(depth - 1)})
		}
	}
	return r
}

func (s *source) pid() etf.Pid {
	return etf.Pid{Node: s.node(), ID: s.Uint32N(s.maxPid), Serial: s.Uint32N(1 << 13), Creation: s.Uint32()}
}

func (s *source) float() float64 {
	f := math.Float64frombits(s.Uint64())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0.5
	}
	return f
}

func (s *source) big(bytes int) etf.Term {
	i := new(big.Int).SetBytes(s.bytes(bytes))
	if s.IntN(2) == 0 {
		i.Neg(i)
	}
	if i.IsInt64() {
		return etf.Int(i.Int64())
	}
	return (*etf.Big)(i)
}

func (s *source) leaf() etf.Term {
	switch s.IntN(22) {
	case 0:
		return etf.Int(s.IntN(256))
	case 1:
		return etf.Int(int32(s.Uint32()))
	case 2:
		return etf.Int(s.Uint64())
	case 3:
		return s.big(1 + s.IntN(40))
	case 4:
		if s.IntN(100) == 0 {
			return s.big(250 + s.IntN(3000))
		}
		return etf.Int(1<<s.IntN(63) + s.IntN(5) - 2)
	case 5:
		return etf.Int(-(1 << s.IntN(63)) + s.IntN(5) - 2)
	case 6:
		return etf.Float(s.float())
	case 7:
		return etf.Float(float64(s.IntN(1e6)) / 8)
	case 8:
		return etf.Binary(s.bytes(s.IntN(40)))
	case 9:
		b := s.bytes(1 + s.IntN(5))
		bits := uint8(1 + s.IntN(7))
		b[len(b)-1] &^= 0xff >> bits
		return etf.BitString{Bytes: b, Bits: bits}
	case 10:
		n := 20
		if s.IntN(10) == 0 {
			n = 300
		}
		l := make(etf.List, s.IntN(n))
		for i := range l {
			l[i] = etf.Int(s.IntN(256))
		}
		return l
	case 11:
		return s.pid()
	case 12:
		r := etf.Ref{Node: s.node(), Creation: s.Uint32(), Len: 3}
		r.Words = [5]uint32{s.Uint32N(1 << 18), s.Uint32(), s.Uint32()}
		return r
	case 13:
		return etf.Port{Node: s.node(), ID: uint64(s.Uint32N(1 << 28)), Creation: s.Uint32()}
	case 14:
		return etf.Export{Module: s.atom(), Function: s.atom(), Arity: uint8(s.IntN(256))}
	case 15:
		return etf.List(nil)
	}
	return s.atom()
}
