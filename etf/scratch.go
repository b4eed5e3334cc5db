package etf

import (
	"encoding/binary"
	"sync"
)

// scratch is what a decoding works with and does not keep. Scratches go through a pool, and with them the names of
// atoms: of those that come often there is one string and one Term, and no memory is taken for them.
type scratch struct {
	reader Reader // that plans read from: called through pointers to functions, it cannot be on the stack
	names  [1 << nameBits]name
	keys   keyStack
	slabs
}

// slabs are where the values of terms come from that are made by the hundred. A slab outlives the decoding only by the
// values in it.
type slabs struct {
	bytes    []byte // what is left of an array for short texts
	chunk    int    // how many bytes that array had
	ints     slab[Int]
	floats   slab[Float]
	pids     slab[Pid]
	binaries slab[Binary]
	tuples   slab[Tuple]
	lists    slab[List]
	terms    []Term // what is left of an array for the elements of tuples and short lists
	used     bool   // a Term was made, so that more than bytes was taken from
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// release puts s back. Nothing that was decoded is kept by it, but for names, and an array that is not full of short texts.
func (s *scratch) release() {
	s.reader.data, s.reader.atoms, s.reader.table = nil, nil, nil
	if s.used {
		s.slabs = slabs{}
	}
	if len(s.keys.pairs) > 0 { // after an error
		s.keys.end(0)
	}
	scratches.Put(s)
}

// name is an atom as a string and as a Term. The zero value is none.
type name struct {
	atom Atom
	term Term
}

// find returns the atom with this text if it has been seen, and else nil and where it is to be noted. An atom is in one
// of four neighbouring slots.
func (s *scratch) find(text []byte) (found, vacant *name) {
	var h uint64
	switch n := len(text); {
	case n >= 8:
		h = binary.LittleEndian.Uint64(text) + 31*binary.LittleEndian.Uint64(text[n-8:])
	case n >= 4:
		h = uint64(binary.LittleEndian.Uint32(text)) | uint64(binary.LittleEndian.Uint32(text[n-4:]))<<32
	case n > 0:
		h = uint64(text[0]) | uint64(text[n/2])<<8 | uint64(text[n-1])<<16
	}
	h += uint64(len(text))
	i := (h ^ h>>29) * 0x9e3779b97f4a7c15 >> (64 - nameBits)
	vacant = &s.names[i]
	for way := range uint64(4) {
		n := &s.names[i^way]
		if string(n.atom) == string(text) && n.term != nil {
			return n, nil
		}
		if n.term == nil {
			return nil, n
		}
	}
	return nil, vacant
}

const nameBits = 9

// atomAt returns the atom at the cursor if it has been seen, and moves over it.
func (r *Reader) atomAt() (a Atom, ok bool) {
	if d := r.data[r.pos:]; len(d) >= 2 && d[0] == tagSmallAtomUTF && int(d[1]) <= len(d)-2 {
		if n, _ := r.scratch.find(d[2 : 2+int(d[1])]); n != nil {
			r.pos += 2 + int(d[1])
			return n.atom, true
		}
	}
	return "", false
}

// name reads an atom of any tag.
func (s *scratch) name(r *Reader) (*name, error) {
	if d := r.data[r.pos:]; len(d) >= 2 && d[0] == tagSmallAtomUTF && int(d[1]) <= len(d)-2 { // nearly all
		text := d[2 : 2+int(d[1])]
		if n, _ := s.find(text); n != nil {
			r.pos += 2 + len(text)
			return n, nil
		}
	}
	text, a, next, err := r.atomText(r.pos)
	if err != nil {
		return nil, err
	}
	r.pos = next
	if text == nil {
		text = []byte(a)
	} else {
		a = ""
	}
	n, vacant := s.find(text)
	if n != nil {
		return n, nil
	}
	if a == "" {
		a = usual(text)
	}
	*vacant = name{a, a}
	return vacant, nil
}

// slab hands out values of one type, from arrays that get longer the more there are.
type slab[T any] struct {
	free []T
	last int // how many the last array had
}

// slabMost is how many values an array has at most: whoever keeps one of them keeps the memory of all.
const slabMost = 64

// next returns a zero value. No more than most others will be asked for, in what is left of the input.
func (s *slab[T]) next(most, left int) *T {
	if len(s.free) == 0 {
		s.refill(most, left)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	return p
}

// refill makes another array. The first is for what a message of this size may have.
func (s *slab[T]) refill(most, left int) {
	s.last = min(max(2*s.last, 1+left/64), slabMost, most+1)
	s.free = make([]T, s.last)
}

// kit is the first array of each kind, for a message of some hundred bytes, in one piece of memory.
type kit struct {
	terms    [16]Term
	tuples   [3]Tuple
	lists    [2]List
	binaries [4]Binary
	pids     [1]Pid
	floats   [1]Float
	ints     [2]Int
	bytes    [48]byte
}

// smallKit is the same for about a hundred.
type smallKit struct {
	terms    [10]Term
	tuples   [3]Tuple
	binaries [1]Binary
	pids     [1]Pid
	ints     [1]Int
	bytes    [24]byte
}

// prepare is called before a tuple, list or map in so many bytes. Of less a kit would take too much, of more it is no gain.
func (s *slabs) prepare(left int) {
	switch {
	case left < 80 || left > 2000:
	case left < 200:
		k := new(smallKit)
		s.terms, s.tuples.free, s.binaries.free, s.pids.free = k.terms[:], k.tuples[:], k.binaries[:], k.pids[:]
		s.ints.free, s.bytes = k.ints[:], k.bytes[:]
	default:
		k := new(kit)
		s.terms, s.tuples.free, s.lists.free, s.binaries.free, s.pids.free = k.terms[:], k.tuples[:], k.lists[:], k.binaries[:], k.pids[:]
		s.floats.free, s.ints.free, s.bytes = k.floats[:], k.ints[:], k.bytes[:]
	}
}

// text returns a copy of b, which nobody will write to. Short texts share arrays, those of Go values also with what is decoded next;
// those of a Term take no more than its left bytes may need.
func (s *slabs) text(b []byte, left int) []byte {
	if len(b) == 0 {
		return []byte{}
	}
	if len(b) > textMost/8 {
		return append([]byte(nil), b...) // no make: what is allocated here need not be cleared
	}
	if len(b) > len(s.bytes) {
		s.chunk = min(max(2*s.chunk, 128), textMost)
		n := s.chunk
		if s.used {
			n = min(n, len(b)+left)
		}
		s.bytes = make([]byte, n)
	}
	t := s.bytes[:len(b):len(b)]
	s.bytes = s.bytes[len(b):]
	copy(t, b)
	return t
}

// textMost is how many bytes an array for texts has at most.
const textMost = 512

// elements returns room for n terms, the bytes of which and of all that follows are left.
func (s *slabs) elements(n, left int) []Term {
	if len(s.terms) < n {
		// A term takes some 16 bytes, so that small messages have their terms in one array.
		s.terms = make([]Term, max(n, min(n+left/32, 4*slabMost)))
	}
	t := s.terms[:n:n]
	s.terms = s.terms[n:]
	return t
}
