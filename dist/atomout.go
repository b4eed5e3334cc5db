package dist

import (
	"hash/maphash"
	"math/bits"

	"github.com/erlnode/erlnode/etf"
)

const (
	cacheSlots = cacheSegments * segmentSize
	maxRefs    = 255 // in one header
	noRef      = -1
	quickBits  = 6
)

// sentAtoms is the sending half of the atom cache: what the peer has in its slots, and the references of the message that is
// being encoded. As in ERTS (external.c:insert_acache_map, erts_encode_ext_dist_header_finalize) every atom belongs to one slot,
// by its hash; a new one overwrites the slot's; of two atoms of one message with the same slot the second is written out.
type sentAtoms struct {
	seed  maphash.Seed
	quick [1 << quickBits]uint16 // slots of atoms seen lately, by a cheaper hash
	slot  [cacheSlots]uint16     // 1 + place in held; 0: empty
	held  []heldAtom
	news  uint64 // how many entries have been made

	refs []sentRef
	long bool
}

type heldAtom struct {
	atom etf.Atom
	ref  uint8 // place in refs, true only if the reference there is to the slot of this atom
}

type sentRef struct {
	slot uint16
	new  bool
}

func newSentAtoms() *sentAtoms { return &sentAtoms{seed: maphash.MakeSeed()} }

// reset begins a message.
func (c *sentAtoms) reset() { c.refs, c.long = c.refs[:0], false }

// ref returns the number of the atom in the header of the message, entering it if need be, or noRef if it has to be written out.
func (c *sentAtoms) ref(a etf.Atom) int {
	q := quickHash(string(a))
	slot := int(c.quick[q])
	if h := c.slot[slot]; h != 0 && c.held[h-1].atom == a {
		return c.enter(slot, a)
	}
	slot = int(maphash.String(c.seed, string(a)) % cacheSlots)
	c.quick[q] = uint16(slot)
	return c.enter(slot, a)
}

// refBytes is ref for the text of an atom.
func (c *sentAtoms) refBytes(text []byte) int {
	q := quickHash(text)
	slot := int(c.quick[q])
	if h := c.slot[slot]; h != 0 && string(c.held[h-1].atom) == string(text) {
		return c.enter(slot, c.held[h-1].atom)
	}
	slot = int(maphash.Bytes(c.seed, text) % cacheSlots)
	c.quick[q] = uint16(slot)
	if h := c.slot[slot]; h != 0 && string(c.held[h-1].atom) == string(text) {
		return c.enter(slot, c.held[h-1].atom)
	}
	return c.enter(slot, etf.Atom(text))
}

// quickHash takes in the first and the last eight bytes: names of nodes often differ in one of the two only.
func quickHash[T string | []byte](a T) int {
	var first, last uint64
	if n := len(a); n >= 8 {
		first, last = eight(a[:8]), eight(a[n-8:])
	} else {
		for i := range n {
			first = first<<8 | uint64(a[i])
		}
	}
	h := (first ^ last<<7 ^ last>>57 ^ uint64(len(a))) * 0x9e3779b97f4a7c15
	return int(h >> (64 - quickBits))
}

func eight[T string | []byte](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func (c *sentAtoms) enter(slot int, a etf.Atom) int {
	i := len(c.refs)
	if h := int(c.slot[slot]); h == 0 {
		if i == maxRefs {
			return noRef
		}
		c.news++
		c.held = append(c.held, heldAtom{a, uint8(i)})
		c.slot[slot] = uint16(len(c.held))
		c.refs = append(c.refs, sentRef{slot: uint16(slot), new: true})
	} else {
		held := &c.held[h-1]
		if k := int(held.ref); k < i && int(c.refs[k].slot) == slot {
			if held.atom == a {
				return k
			}
			return noRef
		}
		if i == maxRefs {
			return noRef
		}
		if held.atom != a {
			c.news++
		}
		c.refs = append(c.refs, sentRef{slot: uint16(slot), new: held.atom != a})
		held.atom, held.ref = a, uint8(i)
	}
	if len(a) > 255 {
		c.long = true
	}
	return i
}

// has tells whether the peer has the atom in its slot.
func (c *sentAtoms) has(a string) bool {
	h := c.slot[maphash.String(c.seed, a)%cacheSlots]
	return h != 0 && string(c.held[h-1].atom) == a
}

// append writes the references as a header has them: their number, their flags, the slots and the new atoms.
func (c *sentAtoms) append(b []byte) []byte {
	n := len(c.refs)
	b = append(b, byte(n))
	if n == 0 {
		return b
	}
	flags := len(b)
	for range n/2 + 1 {
		b = append(b, 0)
	}
	for i, r := range c.refs {
		nibble := byte(r.slot >> 8)
		b = append(b, byte(r.slot))
		if r.new {
			nibble |= 8
			a := c.held[c.slot[r.slot]-1].atom
			if c.long {
				b = append(b, byte(len(a)>>8))
			}
			b = append(append(b, byte(len(a))), a...)
		}
		b[flags+i/2] |= nibble << (4 * (i & 1))
	}
	if c.long {
		b[flags+n/2] |= 1 << (4 * (n & 1))
	}
	return b
}

// mark is where an atom stands in an encoded term.
type mark struct{ tag, text, end int }

// markAtoms appends to marks where the atoms of the term at the start of b stand. It stops at what it does not know; atoms inside
// a fun are left alone, because a fun says how long it is.
func markAtoms(marks []mark, b []byte) []mark {
	at := 0
	// atom passes over an atom, and tells whether there was one.
	atom := func() bool {
		if at+2 > len(b) {
			return false
		}
		m := mark{tag: at}
		switch b[at] {
		case 119:
			m.text = at + 2
			m.end = m.text + int(b[at+1])
		case 118:
			if at+3 > len(b) {
				return false
			}
			m.text = at + 3
			m.end = m.text + int(b[at+1])<<8 + int(b[at+2])
		default:
			return false
		}
		if m.end > len(b) {
			return false
		}
		marks = append(marks, m)
		at = m.end
		return true
	}
	u32 := func(i int) int {
		if i+4 > len(b) || bits.UintSize == 32 && b[i] > 127 {
			return len(b)
		}
		return int(uint32(b[i])<<24 | uint32(b[i+1])<<16 | uint32(b[i+2])<<8 | uint32(b[i+3]))
	}
	for left := 1; left > 0; left-- {
		if at+2 > len(b) {
			return marks // nil, or the end
		}
		switch b[at] {
		case 119, 118:
			if !atom() {
				return marks
			}
		case 97: // small integer
			at += 2
		case 98: // integer
			at += 5
		case 70: // float
			at += 9
		case 106: // nil
			at++
		case 104: // small tuple
			left += int(b[at+1])
			at += 2
		case 105: // tuple
			left += u32(at + 1)
			at += 5
		case 108: // list and its tail
			left += u32(at+1) + 1
			at += 5
		case 107: // string
			if at+3 > len(b) {
				return marks
			}
			at += 3 + int(b[at+1])<<8 + int(b[at+2])
		case 109: // binary
			at += 5 + u32(at+1)
		case 77: // bit string
			at += 6 + u32(at+1)
		case 116: // map
			left += 2 * u32(at+1)
			at += 5
		case 88, 89, 120: // pid, port, port of 64 bits
			n := 12
			if b[at] == 89 {
				n = 8
			}
			at++
			if !atom() {
				return marks
			}
			at += n
		case 90: // reference
			if at+3 > len(b) {
				return marks
			}
			n := int(b[at+1])<<8 + int(b[at+2])
			at += 3
			if !atom() {
				return marks
			}
			at += 4 + 4*n
		case 110: // small big
			at += 3 + int(b[at+1])
		case 111: // big
			at += 6 + u32(at+1)
		case 113: // export
			at++
			left += 3
		case 112: // fun
			at += 1 + u32(at+1)
		case 67: // record: module, name, fields' names and values
			left += 2 + 2*u32(at+1)
			at += 6
		default:
			return marks
		}
	}
	return marks
}
