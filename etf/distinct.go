package etf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
)

// fewKeys is up to how many keys comparing each with each is cheaper than hashing.
const fewKeys = 12

// maxKeyDepth is how many maps may be nested in one another by their keys. To see whether keys are distinct each is
// hashed, so what is a key of a key of a key is hashed three times; without a bound that would be quadratic.
const maxKeyDepth = 64

// duplicateKey returns the index of a key of m that also stands before it, or -1.
func duplicateKey(m Map) int {
	if len(m) <= 64 {
		if i, done := duplicateAtom(m); done {
			return i
		}
	}
	if ascending(m) {
		return -1
	}
	if len(m) <= fewKeys && scalarKeys(m) {
		for i := 1; i < len(m); i++ {
			for j := range i {
				if equal(m[i].Key, m[j].Key, hardDepth+1) {
					return i
				}
			}
		}
		return -1
	}
	// The seed is new each time, so that nobody can choose keys that collide.
	seed := maphash.MakeSeed()
	type entry struct {
		hash uint64
		i    int
	}
	var inline [64]entry
	entries := inline[:0]
	for i, p := range m {
		entries = append(entries, entry{hashTerm(seed, p.Key, hardDepth), i})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.i, b.i))
	})
	for i := 1; i < len(entries); i++ {
		for j := i - 1; j >= 0 && entries[j].hash == entries[i].hash; j-- {
			if equal(m[entries[i].i].Key, m[entries[j].i].Key, hardDepth+1) {
				return entries[i].i
			}
		}
	}
	return -1
}

// duplicateAtom is duplicateKey for maps with atoms as keys, as most are. It is not done if there is another key.
func duplicateAtom(m Map) (i int, done bool) {
	var seen uint64 // a bit for each hash that has come
	for i, p := range m {
		a, ok := p.Key.(Atom)
		if !ok {
			return 0, false
		}
		h := uint(len(a))
		if len(a) > 0 {
			h = h*7 + uint(a[0])*5 + uint(a[len(a)-1]) + uint(a[len(a)/2])*3
		}
		bit := uint64(1) << (h & 63)
		if seen&bit != 0 {
			for _, q := range m[:i] {
				if q.Key.(Atom) == a {
					return i, true
				}
			}
		}
		seen |= bit
	}
	return -1, true
}

// ascending reports whether the keys of m are integers or binaries in ascending order, and thus distinct.
func ascending(m Map) bool {
	for i := 1; i < len(m); i++ {
		switch k := m[i].Key.(type) {
		case Int:
			if before, ok := m[i-1].Key.(Int); !ok || before >= k {
				return false
			}
		case Binary:
			if before, ok := m[i-1].Key.(Binary); !ok || bytes.Compare(before, k) >= 0 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// scalarKeys reports whether no two keys of m are terms made of terms, which it may take long to compare.
func scalarKeys(m Map) bool {
	compound := 0
	for _, p := range m {
		switch p.Key.(type) {
		case Tuple, List, Improper, Map, *Fun, *Record:
			compound++
		}
	}
	return compound <= 1
}

func duplicateField(fields []Field) (Atom, bool) {
	if len(fields) <= fewKeys {
		for i := range fields {
			for j := range i {
				if fields[i].Name == fields[j].Name {
					return fields[i].Name, true
				}
			}
		}
		return "", false
	}
	seen := make(map[Atom]bool, len(fields))
	for _, f := range fields {
		if seen[f.Name] {
			return f.Name, true
		}
		seen[f.Name] = true
	}
	return "", false
}

// hashTerm hashes a term so that Equal terms have equal hashes.
func hashTerm(seed maphash.Seed, t Term, depth int) uint64 {
	switch t := normal(t).(type) {
	case Atom:
		return maphash.String(seed, string(t))
	case Int:
		return maphash.Comparable(seed, int64(t))
	case Binary:
		return maphash.Bytes(seed, t)
	case Float:
		return maphash.Comparable(seed, math.Float64bits(float64(t)))
	case Pid:
		return maphash.Comparable(seed, t)
	case Ref:
		return maphash.Comparable(seed, t)
	case Port:
		return maphash.Comparable(seed, t)
	case Export:
		return maphash.Comparable(seed, t)
	case *Big:
		if t != nil {
			return maphash.Bytes(seed, t.int().Bytes())
		}
	case BitString:
		if n := len(t.Bytes) - 1; n >= 0 {
			return maphash.Bytes(seed, t.Bytes[:n]) + uint64(t.Bits)
		}
	case Tuple:
		return hashTerms(seed, 't', t, depth)
	case List:
		return hashTerms(seed, 'l', t, depth)
	case Improper:
		return hashTerms(seed, 'i', t.Elems, depth)
	case Map:
		if depth <= 0 {
			return 0
		}
		var sum uint64 // commutative, for the order does not count
		for _, p := range t {
			sum += hashTerms(seed, 'p', []Term{p.Key, p.Value}, depth)
		}
		return sum
	case *Fun:
		if t != nil {
			return maphash.Comparable(seed, t.Uniq) + hashTerms(seed, 'f', t.Free, depth)
		}
	case *Record:
		if t != nil {
			h := maphash.String(seed, string(t.Name))
			for _, f := range t.Fields {
				h = h*31 + hashTerm(seed, f.Value, depth-1)
			}
			return h
		}
	}
	return 0
}

func hashTerms(seed maphash.Seed, kind byte, terms []Term, depth int) uint64 {
	if depth <= 0 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteByte(kind)
	var word [8]byte
	for _, t := range terms {
		binary.LittleEndian.PutUint64(word[:], hashTerm(seed, t, depth-1))
		h.Write(word[:])
	}
	return h.Sum64()
}
