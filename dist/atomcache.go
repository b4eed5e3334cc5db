package dist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/erlnode/erlnode/etf"
)

const (
	cacheSegments = 8
	segmentSize   = 256
	pageSize      = 64  // slots whose memory is taken together
	maxAtomLength = 255 // characters
)

// atomCache is the peer's atom cache as the packets of one connection have filled it: one direction, empty at the
// start, never reset (Erlang Distribution Protocol, "Distribution Header").
type atomCache struct {
	pages [cacheSegments * segmentSize / pageSize]*page

	// A sender that repeats itself repeats its header: then the table of the last packet serves again.
	lastHeader []byte
	lastAtoms  []etf.Atom
	news       uint64 // how many entries have been made
}

type page struct {
	set   uint64 // which slots hold an atom; it may be the empty one
	atoms [pageSize]etf.Atom
}

// read takes the header after its kind: the number of references, their flags, the references. It returns how long
// that is (or, with an error, where the fault stands) and the atoms, which nobody may change.
func (c *atomCache) read(b []byte) (int, []etf.Atom, error) {
	if len(b) == 0 {
		return 0, nil, errTruncated
	}
	n := int(b[0])
	if n == 0 {
		return 1, nil, nil
	}
	if k := len(c.lastHeader); k > 0 && k <= len(b) && bytes.Equal(c.lastHeader, b[:k]) {
		return k, c.lastAtoms, nil
	}
	flags := b[1:]
	at := 1 + n/2 + 1
	if len(b) < at {
		return len(b), nil, errTruncated
	}
	nibble := func(i int) byte { return flags[i/2] >> (4 * (i & 1)) & 0xf }
	long := nibble(n)&1 != 0
	atoms := make([]etf.Atom, n)
	repeatable := true
	for i := range atoms {
		if at >= len(b) {
			return at, nil, errTruncated
		}
		f, index := nibble(i), b[at]
		segment := f & 7
		at++
		if f&8 == 0 {
			slot := int(segment)<<8 | int(index)
			p := c.pages[slot/pageSize]
			if p == nil || p.set>>(slot%pageSize)&1 == 0 {
				return at - 1, nil, fmt.Errorf("reference to the empty slot %d of the atom cache", slot)
			}
			atoms[i] = p.atoms[slot%pageSize]
			continue
		}
		repeatable = false
		a, k, err := readNewAtom(b[at:], long)
		if err != nil {
			return at + k, nil, err
		}
		at += k
		slot := int(segment)<<8 | int(index)
		p := c.pages[slot/pageSize]
		if p == nil {
			p = new(page)
			c.pages[slot/pageSize] = p
		}
		p.atoms[slot%pageSize] = a
		c.news++
		p.set |= 1 << (slot % pageSize)
		atoms[i] = a
	}
	// A header with a new entry changes the cache, also for what the last header meant.
	if repeatable {
		c.lastHeader, c.lastAtoms = append(c.lastHeader[:0], b[:at]...), atoms
	} else {
		c.lastHeader, c.lastAtoms = c.lastHeader[:0], nil
	}
	return at, atoms, nil
}

// readNewAtom reads length and text of a new entry.
func readNewAtom(b []byte, long bool) (etf.Atom, int, error) {
	at, length := 1, 0
	if long {
		at = 2
	}
	if len(b) < at {
		return "", len(b), errTruncated
	}
	if long {
		length = int(binary.BigEndian.Uint16(b))
	} else {
		length = int(b[0])
	}
	if len(b)-at < length {
		return "", 0, fmt.Errorf("atom of %d bytes, %d left", length, len(b)-at)
	}
	text := b[at : at+length]
	if !utf8.Valid(text) {
		return "", at, errors.New("atom is not UTF-8")
	}
	if k := utf8.RuneCount(text); k > maxAtomLength {
		return "", at, fmt.Errorf("atom of %d characters", k)
	}
	return etf.Atom(text), at + length, nil
}
