package etf

import (
	"bytes"
	"hash/maphash"
	"math"
)

// Equal reports whether a and b are the same term, as Erlang's =:= does: 1 and 1.0 differ, and so do 0.0 and -0.0, as
// since OTP 27. How a value is held in Go makes no difference: a small *Big equals an Int, [1 | [2]] equals [1, 2], a
// BitString of whole bytes equals a Binary, and the order in a Map does not count. A nil Term equals only itself.
//
// Terms that nest deeper than 100,000 are equal to nothing.
func Equal(a, b Term) bool { return equal(a, b, hardDepth+1) }

func equal(a, b Term, depth int) bool {
	if depth <= 0 {
		return false
	}
	a, b = normal(a), normal(b)
	switch a := a.(type) {
	case *Big:
		b, ok := b.(*Big)
		return ok && (a == b || a != nil && b != nil && a.int().Cmp(b.int()) == 0)
	case Float:
		b, ok := b.(Float)
		return ok && math.Float64bits(float64(a)) == math.Float64bits(float64(b))
	case Binary:
		b, ok := b.(Binary)
		return ok && bytes.Equal(a, b)
	case BitString:
		b, ok := b.(BitString)
		return ok && equalBits(a, b)
	case Tuple:
		b, ok := b.(Tuple)
		return ok && equalTerms(a, b, depth)
	case List:
		b, ok := b.(List)
		return ok && equalTerms(a, b, depth)
	case Improper:
		b, ok := b.(Improper)
		return ok && equalTerms(a.Elems, b.Elems, depth) && equal(a.Tail, b.Tail, depth-1)
	case Map:
		b, ok := b.(Map)
		return ok && equalMaps(a, b, depth)
	case *Fun:
		b, ok := b.(*Fun)
		return ok && (a == b || a != nil && b != nil && equalFuns(a, b, depth))
	case *Record:
		b, ok := b.(*Record)
		return ok && (a == b || a != nil && b != nil && equalRecords(a, b, depth))
	}
	switch b.(type) { // the rest is comparable, but what stands on the right may not be
	case nil, Atom, Int, Pid, Port, Ref, Export:
		return a == b
	}
	return false
}

// normal returns t in the form in which it would be decoded, as far as that takes no recursion.
func normal(t Term) Term {
	switch v := t.(type) {
	case *Big:
		if v != nil && v.int().IsInt64() {
			return Int(v.int().Int64())
		}
	case BitString:
		if v.Bits == 0 || v.Bits == 8 {
			return Binary(v.Bytes)
		}
	case Improper:
		if elems, tail, changed := v.flatten(); changed {
			if tail == nil {
				return List(elems)
			}
			return Improper{Elems: elems, Tail: tail}
		}
	}
	return t
}

// flatten follows tails that are lists. It returns all elements and the tail, nil if the list is proper after all, and
// whether anything had to be done.
func (t Improper) flatten() (elems []Term, tail Term, changed bool) {
	switch t.Tail.(type) {
	case List, Improper:
	default:
		return t.Elems, t.Tail, false
	}
	elems = append(elems, t.Elems...)
	tail = t.Tail
	for range hardDepth { // a bound, for the sake of tails that contain themselves
		switch next := tail.(type) {
		case List:
			return append(elems, next...), nil, true
		case Improper:
			elems, tail = append(elems, next.Elems...), next.Tail
			continue
		}
		break
	}
	return elems, tail, true
}

func equalTerms(a, b []Term, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i], depth-1) {
			return false
		}
	}
	return true
}

func equalBits(a, b BitString) bool {
	n := len(a.Bytes) - 1
	if a.Bits != b.Bits || len(b.Bytes)-1 != n {
		return false
	}
	if n < 0 || a.Bits > 8 {
		return bytes.Equal(a.Bytes, b.Bytes)
	}
	return bytes.Equal(a.Bytes[:n], b.Bytes[:n]) && (a.Bytes[n]^b.Bytes[n])>>(8-a.Bits) == 0
}

func equalMaps(a, b Map, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	var index map[uint64][]int // of b, by hash of the key; made when order alone does not do
	var seed maphash.Seed
	for i, p := range a {
		if equal(p.Key, b[i].Key, depth-1) {
			if !equal(p.Value, b[i].Value, depth-1) {
				return false
			}
			continue
		}
		if index == nil {
			seed = maphash.MakeSeed()
			index = make(map[uint64][]int, len(b))
			for j, q := range b {
				h := hashTerm(seed, q.Key, depth-1)
				index[h] = append(index[h], j)
			}
		}
		found := false
		for _, j := range index[hashTerm(seed, p.Key, depth-1)] {
			if equal(p.Key, b[j].Key, depth-1) {
				found = equal(p.Value, b[j].Value, depth-1)
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func equalFuns(a, b *Fun, depth int) bool {
	return a.Arity == b.Arity && a.Uniq == b.Uniq && a.Index == b.Index && a.Module == b.Module &&
		a.OldIndex == b.OldIndex && a.OldUniq == b.OldUniq && a.Pid == b.Pid && equalTerms(a.Free, b.Free, depth)
}

func equalRecords(a, b *Record, depth int) bool {
	if a.Exported != b.Exported || a.Module != b.Module || a.Name != b.Name || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if a.Fields[i].Name != b.Fields[i].Name || !equal(a.Fields[i].Value, b.Fields[i].Value, depth-1) {
			return false
		}
	}
	return true
}
