package etf

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// PHash2 returns what erlang:phash2(T) returns: a hash from 0 to 2^27-1, the same on every node and in every release.
// What routes by phash2 on BEAM nodes routes alike in Go.
func PHash2(t Term) uint32 { return phash2(t) & (1<<27 - 1) }

// PHash2N returns what erlang:phash2(T, N) returns: a hash from 0 to n-1. n is 1 to 2^32; 0 and what is above count as
// 2^32.
//
// As in ERTS, 0.0 and -0.0 have one hash, and of a pid only the ID counts, of a reference only the first word. A native
// record of several fields is the one term that has no certain hash: OTP 29 hashes the values in the order of the numbers
// that the atoms of their names have in the VM; here they are hashed in the order of the fields. Terms are hashed up to
// 100,000 levels deep.
//
// Source: make_hash2 in ERTS.
func PHash2N(t Term, n uint64) uint32 {
	if n == 0 || n >= 1<<32 {
		return phash2(t)
	}
	return phash2(t) % uint32(n)
}

// golden is the golden ratio times 2^32, and its multiples tell the kinds of terms apart.
const golden uint32 = 0x9e3779b9

func phash2(t Term) uint32 {
	var h hash2
	h.term(t, hardDepth+1)
	return uint32(h)
}

// hash2 is the hash of what has been hashed so far. It is 0 at the beginning of a term that stands for itself.
type hash2 uint32

// mix is Bob Jenkins' mixing of three words, of 1996.
func mix(a, b, c uint32) (uint32, uint32, uint32) {
	for _, shift := range [3][3]int{{13, 8, 13}, {12, 16, 5}, {3, 10, 15}} {
		a = (a - b - c) ^ c>>shift[0]
		b = (b - c - a) ^ a<<shift[1]
		c = (c - a - b) ^ b>>shift[2]
	}
	return a, b, c
}

func (h *hash2) words(x, y, kind uint32) {
	k := kind * golden
	_, _, c := mix(k+x, k+y, uint32(*h))
	*h = hash2(c)
}

func (h *hash2) word(x, kind uint32) { h.words(x, 0, kind) }

func (h *hash2) term(t Term, depth int) {
	if depth <= 0 {
		return
	}
	switch t := normal(t).(type) {
	case Atom:
		if *h == 0 {
			*h = hash2(atomHash(t))
			return
		}
		h.word(atomHash(t), 3)
	case Int:
		h.integer(int64(t))
	case *Big:
		if t != nil {
			h.big(t)
		}
	case Float:
		if t == 0 {
			t = 0 // -0.0 too
		}
		u := math.Float64bits(float64(t))
		h.words(uint32(u>>32), uint32(u), 12)
	case Binary:
		h.bits(t, 0, 0)
	case BitString:
		if n := len(t.Bytes) - 1; n >= 0 && t.Bits < 8 {
			h.bits(t.Bytes[:n], t.Bytes[n], t.Bits)
		}
	case Tuple:
		h.word(uint32(len(t)), 9)
		h.terms(t, depth)
	case List:
		h.list(t, depth)
		h.null()
	case Improper:
		h.list(t.Elems, depth)
		h.term(t.Tail, depth-1)
	case Map:
		h.pairs(t, depth)
	case Pid:
		h.word(t.ID, 5)
	case Port:
		h.words(uint32(t.ID), uint32(t.ID>>32), 6)
	case Ref:
		h.word(t.Words[0], 7)
	case Export:
		h.words(uint32(t.Arity), atomHash(t.Module), 1)
		h.word(atomHash(t.Function), 14)
	case *Fun:
		if t != nil {
			h.words(uint32(len(t.Free)), atomHash(t.Module), 1)
			h.words(t.Index, uint32(t.OldUniq), 1)
			h.terms(t.Free, depth)
		}
	case *Record:
		if t != nil {
			h.record(t, depth)
		}
	}
}

func (h *hash2) terms(terms []Term, depth int) {
	for _, e := range terms {
		h.term(e, depth-1)
	}
}

// record hashes the definition as a tuple of its own, and then the values.
func (h *hash2) record(r *Record, depth int) {
	def := Tuple{r.Module, r.Name, Atom("false")}
	if r.Exported {
		def[2] = Atom("true")
	}
	for _, f := range r.Fields {
		def = append(def, f.Name)
	}
	var d hash2
	d.term(def, 2)
	h.words(uint32(len(r.Fields)), uint32(d), 23)
	for _, f := range r.Fields {
		h.term(f.Value, depth-1)
	}
}

// integer hashes up to 28 bits as one word, a negative one twice, and others as two words.
func (h *hash2) integer(i int64) {
	switch {
	case i>>27 == 0:
		h.word(uint32(i), 1)
	case i>>27 == -1:
		h.word(uint32(-i), 1)
		h.word(uint32(i), 1)
	case i < 0:
		u := -uint64(i)
		h.words(uint32(u), uint32(u>>32), 10)
	default:
		h.words(uint32(i), uint32(i>>32), 11)
	}
}

func (h *hash2) big(t *Big) {
	kind := uint32(11)
	if t.int().Sign() < 0 {
		kind = 10
	}
	var u uint64 // 64 bits of the magnitude, of words of any size
	have := 0
	for _, w := range t.int().Bits() {
		u |= uint64(w) << have
		if have += bits.UintSize; have == 64 {
			h.words(uint32(u), uint32(u>>32), kind)
			u, have = 0, 0
		}
	}
	if have > 0 {
		h.words(uint32(u), 0, kind)
	}
}

// null hashes [].
func (h *hash2) null() {
	if *h == 0 {
		*h = 3468870702
		return
	}
	h.word(2, 2)
}

// list hashes the elements of a list, runs of bytes four at a time.
func (h *hash2) list(elems []Term, depth int) {
	var packed uint32
	n := 0
	for _, e := range elems {
		if i, ok := e.(Int); ok && uint64(i) <= 255 {
			packed = packed<<8 | uint32(i)
			if n++; n == 4 {
				h.word(packed, 4)
				packed, n = 0, 0
			}
			continue
		}
		if n > 0 {
			h.word(packed, 4)
			packed, n = 0, 0
		}
		h.term(e, depth-1)
	}
	if n > 0 {
		h.word(packed, 4)
	}
}

// pairs hashes a map so that the order of its associations does not count.
func (h *hash2) pairs(m Map, depth int) {
	h.word(uint32(len(m)), 16)
	if len(m) == 0 {
		return
	}
	var all hash2
	for _, p := range m {
		var one hash2
		one.term(p.Key, depth-1)
		one.term(p.Value, depth-1)
		all ^= one
	}
	h.word(uint32(all), 19)
}

// bits hashes bytes and up to seven bits in the high positions of last.
func (h *hash2) bits(b []byte, last byte, n uint8) {
	k := golden
	start := 13*k + uint32(*h)
	if len(b) == 0 && n == 0 {
		*h = hash2(start)
		return
	}
	*h = hash2(hashBytes(b, start))
	if n > 0 {
		h.words(uint32(n), uint32(last>>(8-n)), 15)
	}
}

// hashBytes is Jenkins' hash of bytes, twelve at a time; the last round has the length in the lowest byte of c.
func hashBytes(b []byte, seed uint32) uint32 {
	size := uint32(len(b))
	x, y, z := golden, golden, seed
	for ; len(b) >= 12; b = b[12:] {
		x, y, z = mix(x+binary.LittleEndian.Uint32(b), y+binary.LittleEndian.Uint32(b[4:]), z+binary.LittleEndian.Uint32(b[8:]))
	}
	var rest [12]byte
	copy(rest[:], b)
	_, _, z = mix(x+binary.LittleEndian.Uint32(rest[:]), y+binary.LittleEndian.Uint32(rest[4:]),
		z+size+binary.LittleEndian.Uint32(rest[8:])<<8)
	return z
}

// atomHash is P. J. Weinberger's hash of the atom's text. Characters of Latin-1 count as one byte, all others as those of
// their UTF-8.
func atomHash(a Atom) uint32 {
	var h uint32
	for i := 0; i < len(a); i++ {
		c := a[i]
		if (c == 0xc2 || c == 0xc3) && i+1 < len(a) && a[i+1]&0xc0 == 0x80 {
			i++
			c = c<<6 | a[i]&0x3f
		}
		h = h<<4 + uint32(c)
		if top := h & 0xf0000000; top != 0 {
			h ^= top>>24 ^ top
		}
	}
	return h
}
