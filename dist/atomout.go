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

// sentAtoms is the sending half of the atom cache: what the peer has in its slots, and the references of the message that is being encoded.
//
// Which slot an atom gets is the sender's to choose. In ERTS (external.c:insert_acache_map) that is its hash, and two atoms of a hash that are in use
// take the slot from each other for ever; of those in one message the second is written out. Here slots are taken in their order, which keeps
// what the peer has of them together, and atoms are found by a table of sets: in a full one that gives way which has been
// used the longest time ago. Of what goes through lanes that is not noted; if such an atom gives way it comes back with the next message, which no lane takes then.
type sentAtoms struct {
	seed  maphash.Seed
	quick [1 << quickBits]uint16 // slots of atoms seen lately, by a cheaper hash
	table [cacheSlots]uint16     // 1 + slot of the atoms of a hash; 0: none yet
	held  []heldAtom             // by slot
	news  uint64                 // how many entries have been made
	clock uint32                 // messages

	refs []sentRef
	long bool
}

// setSize is how many atoms of a hash there may be.
const setSize = 4

type heldAtom struct {
	atom etf.Atom
	used uint32 // in which message
	ref  uint8  // place in refs, true only if the reference there is to this slot
}

type sentRef struct {
	slot uint16
	new  bool
}

func newSentAtoms() *sentAtoms { return &sentAtoms{seed: maphash.MakeSeed()} }

// reset begins a message.
func (c *sentAtoms) reset() {
	c.refs, c.long = c.refs[:0], false
	c.clock++
}

// ref returns the number of the atom in the header of the message, entering it if need be, or noRef if it has to be written out.
func (c *sentAtoms) ref(a etf.Atom) int {
	q := &c.quick[quickHash(string(a))]
	if slot := int(*q); slot < len(c.held) && c.held[slot].atom == a {
		return c.refer(slot, false)
	}
	set := c.set(c.hash(string(a)))
	slot := c.find(set, string(a))
	if slot >= 0 {
		*q = uint16(slot)
		return c.refer(slot, false)
	}
	return c.enter(set, a, q)
}

// refBytes is ref for the text of an atom.
func (c *sentAtoms) refBytes(text []byte) int {
	q := &c.quick[quickHash(text)]
	if slot := int(*q); slot < len(c.held) && string(c.held[slot].atom) == string(text) {
		return c.refer(slot, false)
	}
	set := c.set(maphash.Bytes(c.seed, text))
	for _, k := range set {
		if k > 0 && string(c.held[k-1].atom) == string(text) {
			*q = k - 1
			return c.refer(int(k-1), false)
		}
	}
	return c.enter(set, etf.Atom(text), q)
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

func (c *sentAtoms) hash(a string) uint64 { return maphash.String(c.seed, a) }

// set is where atoms of a hash stand.
func (c *sentAtoms) set(hash uint64) []uint16 {
	i := hash % (cacheSlots / setSize) * setSize
	return c.table[i : i+setSize]
}

// find returns the slot of an atom, or -1.
func (c *sentAtoms) find(set []uint16, a string) int {
	for _, k := range set {
		if k > 0 && string(c.held[k-1].atom) == a {
			return int(k - 1)
		}
	}
	return -1
}

// has tells whether the peer has the atom.
func (c *sentAtoms) has(a string) bool { return c.find(c.set(c.hash(a)), a) >= 0 }

// referred tells whether the message refers to a slot.
func (c *sentAtoms) referred(slot int) bool {
	ref := int(c.held[slot].ref)
	return ref < len(c.refs) && int(c.refs[ref].slot) == slot
}

// refer returns the reference of the message to a slot.
func (c *sentAtoms) refer(slot int, isNew bool) int {
	held, n := &c.held[slot], len(c.refs)
	if c.referred(slot) {
		return int(held.ref)
	}
	if n == maxRefs {
		return noRef
	}
	held.ref, held.used = uint8(n), c.clock
	if len(held.atom) > 255 {
		c.long = true
	}
	c.refs = append(c.refs, sentRef{slot: uint16(slot), new: isNew})
	return n
}

// enter gives an atom a slot and refers to it, unless the message needs all that there are for its hash.
func (c *sentAtoms) enter(set []uint16, a etf.Atom, q *uint16) int {
	if len(c.refs) == maxRefs {
		return noRef
	}
	slot := -1
	for i, k := range set {
		if k == 0 {
			slot = len(c.held)
			c.held = append(c.held, heldAtom{})
			set[i] = uint16(len(c.held))
			break
		}
		if !c.referred(int(k-1)) && (slot < 0 || c.clock-c.held[k-1].used > c.clock-c.held[slot].used) {
			slot = int(k - 1)
		}
	}
	if slot < 0 {
		return noRef
	}
	c.held[slot].atom = a
	c.news++
	*q = uint16(slot)
	return c.refer(slot, true)
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
			a := c.held[r.slot].atom
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
