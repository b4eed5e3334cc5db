package etf

import (
	"encoding/binary"
	"math"
	"slices"
)

// verify moves over one term, and refuses what Term refuses: not only what has no end, as Skip does, but also atoms that
// are no text, floats that are not finite, maps with a key that stands there twice. It counts what Term counts. What
// Unmarshal passes over goes through here, so that what it accepts is what decoding to a Term accepts, whatever Go
// type is asked for.
func (r *Reader) verify() error {
	r.owed++
	if r.scratch != nil {
		return r.verifyEach(1)
	}
	err := r.verifyEach(1)
	if s := r.scratch; s != nil {
		r.scratch = nil
		s.release()
	}
	return err
}

// borrow sees to it that there is a scratch, until verify is done.
func (r *Reader) borrow() {
	if r.scratch == nil {
		r.scratch = scratches.Get().(*scratch)
	}
}

// verifyEach verifies n terms, which are owed. What nearly all terms are made of takes no call.
func (r *Reader) verifyEach(n int) error {
	d, owed := r.data, r.owed-n
	for ; n > 0; n-- {
		at := r.pos
		left := len(d) - at
		if left > 0 {
			switch d[at] {
			case tagSmallInt:
				if left >= 2 {
					r.pos += 2
					continue
				}
			case tagInt:
				if left >= 5 {
					r.pos += 5
					continue
				}
			case tagNil:
				r.pos++
				continue
			case tagNewFloat:
				if left >= floatBytes && finite(math.Float64frombits(binary.BigEndian.Uint64(d[at+1:]))) {
					r.pos += floatBytes
					continue
				}
			case tagSmallAtomUTF:
				if next := plainAtom(d, at); next > 0 {
					r.pos = next
					continue
				}
			case tagBinary:
				if left >= 5 {
					if size := 5 + int64(binary.BigEndian.Uint32(d[at+1:])); size <= int64(left) {
						r.pos += int(size)
						continue
					}
				}
			case tagNewPid:
				if next := plainAtom(d, at+1); next > 0 && len(d)-next >= 12 {
					r.pos = next + 12
					continue
				}
			case tagNewerRef:
				if left >= 3 && d[at+1] == 0 && d[at+2] >= 1 && d[at+2] <= maxRefWords {
					tail := 4 + 4*int(d[at+2])
					if next := plainAtom(d, at+3); next > 0 && len(d)-next >= tail {
						r.pos = next + tail
						continue
					}
				}
			}
		}
		r.owed = owed + n - 1
		if err := r.verifyOne(); err != nil {
			return err
		}
	}
	r.owed = owed
	return nil
}

// plainAtom returns where the SMALL_ATOM_UTF8_EXT of ASCII at offset at ends, or 0 if something else is there.
func plainAtom(d []byte, at int) int {
	if len(d)-at < 2 || d[at] != tagSmallAtomUTF {
		return 0
	}
	next := at + 2 + int(d[at+1])
	if next > len(d) || !isASCII(d[at+2:next]) {
		return 0
	}
	return next
}

// verifyOne verifies a term of any kind.
func (r *Reader) verifyOne() (err error) {
	tag, _ := r.Tag()
	switch tag {
	case tagSmallAtomUTF, tagAtomUTF8, tagSmallAtom, tagAtom, tagCacheRef:
		_, _, next, err := r.atomText(r.pos)
		if err == nil {
			r.pos = next
		}
		return err
	case tagSmallBig, tagLargeBig:
		_, _, next, err := r.magnitude()
		if err == nil {
			r.pos = next
		}
		return err
	case tagSmallTuple, tagLargeTuple:
		n, err := r.Tuple()
		if err != nil || n == 0 {
			return err
		}
		return r.verifyParts(n)
	case tagList, tagString:
		return r.verifyList()
	case tagMap:
		return r.verifyMap()
	case tagBitBinary:
		_, _, next, err := r.bits()
		if err == nil {
			r.pos = next
		}
		return err
	}
	// The rest is rare, or an error: Term sees to it.
	r.borrow()
	alias := r.alias
	r.alias = true
	_, err = r.Term()
	r.alias = alias
	return err
}

// verifyParts verifies the n terms inside another one.
func (r *Reader) verifyParts(n int) error {
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(n); err != nil {
		return err
	}
	if err := r.verifyEach(n); err != nil {
		return err
	}
	r.leave()
	return nil
}

// verifyList is list without the elements.
func (r *Reader) verifyList() error {
	opened := false
	for {
		tag, _ := r.Tag()
		switch tag {
		case tagNil:
			r.pos++
		case tagString:
			b, err := r.Bytes()
			if err != nil {
				return err
			}
			if err := r.once(&opened); err != nil {
				return err
			}
			if err := r.budget(len(b)); err != nil {
				return err
			}
		case tagList:
			if r.left() < 5 {
				return eof(len(r.data), "list")
			}
			n := r.u32(r.pos + 1)
			if int64(n) >= int64(r.left()-5) {
				return eof(len(r.data), "list")
			}
			r.pos += 5
			if err := r.once(&opened); err != nil {
				return err
			}
			if err := r.claim(int(n)); err != nil {
				return err
			}
			if err := r.verifyEach(int(n)); err != nil {
				return err
			}
			continue
		default:
			r.owed++
			if err := r.verifyEach(1); err != nil {
				return err
			}
		}
		if opened {
			r.leave()
		}
		return nil
	}
}

func (r *Reader) verifyMap() error {
	at := r.pos
	n, err := r.Map()
	if err != nil || n == 0 {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(2 * n); err != nil {
		return err
	}
	var plain [16]span
	i, err := r.verifyPlain(&plain, n, at)
	if err != nil {
		return err
	}
	if i == n {
		if k := r.duplicateSpan(plain[:n]); k >= 0 {
			return syntaxf(at, "map with duplicate key %s", short1(Raw{Bytes: r.data[plain[k].from:plain[k].to]}))
		}
		r.leave()
		return nil
	}
	r.borrow()
	first := r.scratch.keys.begin(n)
	next := r.pos
	for _, k := range plain[:i] {
		r.pos = int(k.from)
		if err := r.ignoreKey(at); err != nil {
			return err
		}
	}
	r.pos = next
	for ; i < n; i++ {
		r.owed--
		if err := r.ignoreKey(at); err != nil {
			return err
		}
		if err := r.verifyEach(1); err != nil {
			return err
		}
	}
	if err := r.distinct(first, at); err != nil {
		return err
	}
	r.leave()
	return nil
}

// span is where a key stands.
type span struct{ from, to uint32 }

// verifyPlain verifies associations of the map at offset at as long as their keys are plain, and returns how many it has
// done. Plain keys are those of which equal ones have equal bytes, and which nearly all small maps have.
func (r *Reader) verifyPlain(keys *[16]span, n, at int) (done int, err error) {
	if n > len(keys) || uint64(len(r.data)) > math.MaxUint32 {
		return 0, nil
	}
	for i := range n {
		next := r.plainKey()
		if next == 0 {
			return i, nil
		}
		if r.keyDepth >= maxKeyDepth {
			return 0, tooManyKeys(at)
		}
		keys[i] = span{uint32(r.pos), uint32(next)}
		r.pos = next
		r.owed--
		if err := r.verifyEach(1); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// plainKey returns where the key at the cursor ends, or 0 if it is not plain.
func (r *Reader) plainKey() int {
	d, at := r.data, r.pos
	left := len(d) - at
	switch {
	case left < 2:
	case d[at] == tagSmallAtomUTF:
		return plainAtom(d, at)
	case d[at] == tagSmallInt:
		return at + 2
	case d[at] == tagInt && left >= 5 && r.u32(at+1) > 255:
		return at + 5
	case d[at] == tagBinary && left >= 5:
		if n := int64(r.u32(at+1)) + 5; n <= int64(left) {
			return at + int(n)
		}
	}
	return 0
}

// duplicateSpan returns the index of a key that also stands before it, or -1.
func (r *Reader) duplicateSpan(keys []span) int {
	var seen uint64 // a bit for each hash that has come
	for i, k := range keys {
		text := r.data[k.from:k.to]
		h := uint(len(text))*7 + uint(text[len(text)-1])*5 + uint(text[len(text)/2])*3 + uint(text[0])
		if bit := uint64(1) << (h & 63); seen&bit == 0 {
			seen |= bit
			continue
		}
		for _, before := range keys[:i] {
			if string(r.data[before.from:before.to]) == string(text) {
				return i
			}
		}
	}
	return -1
}

// keyStack has the keys of maps that nobody wants to have, each map's behind those of the map that it is in, until it is
// clear that none of them stands in its map twice.
type keyStack struct{ pairs Map }

// begin makes room for n keys of a map, which have been claimed, and returns where they will start.
func (s *keyStack) begin(n int) int {
	s.pairs = slices.Grow(s.pairs, n)
	return len(s.pairs)
}

// maxKeys is for how many keys a keyStack keeps its memory.
const maxKeys = 1024

// end forgets the keys from first on.
func (s *keyStack) end(first int) {
	clear(s.pairs[first:])
	if s.pairs = s.pairs[:first]; first == 0 && cap(s.pairs) > maxKeys {
		s.pairs = nil
	}
}

// ignoreKey moves over a key of the map at offset at, and keeps it for distinct. There is a scratch.
func (r *Reader) ignoreKey(at int) error {
	if r.keyDepth++; r.keyDepth > maxKeyDepth {
		return tooManyKeys(at)
	}
	alias := r.alias
	r.alias = true
	k, err := r.term()
	r.alias = alias
	if err != nil {
		return err
	}
	r.keyDepth--
	r.scratch.keys.pairs = append(r.scratch.keys.pairs, Pair{Key: k})
	return nil
}

// distinct reports an error if two of the keys from first on, which are those of the map at offset at, are the same term.
func (r *Reader) distinct(first, at int) error {
	s := &r.scratch.keys
	keys := s.pairs[first:]
	if i := duplicateKey(keys); i >= 0 {
		return syntaxf(at, "map with duplicate key %s", short(keys[i].Key))
	}
	s.end(first)
	return nil
}

func tooManyKeys(at int) error {
	return syntaxf(at, "maps nested by their keys, the most is %d deep", maxKeyDepth)
}
