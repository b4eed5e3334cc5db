package etf

import (
	"encoding/binary"
	"math"
	"slices"
)

// fewElems is up to how many elements a list shares an array with tuples and other lists.
const fewElems = 16

func (r *Reader) boxList(l List) Term {
	if l == nil {
		return l
	}
	p := r.scratch.lists.next(r.left(), r.left())
	*p = l
	return boxList(p)
}

// list reads a list of any tag, through tails that are lists themselves, without recursion for those.
func (r *Reader) list() (Term, error) {
	var elems List
	opened := false
	for {
		if r.pos >= len(r.data) {
			return nil, eof(r.pos, "list")
		}
		switch r.data[r.pos] {
		case tagNil:
			r.pos++
			if opened {
				r.leave()
			}
			return r.boxList(elems), nil
		case tagString:
			b, err := r.Bytes()
			if err != nil {
				return nil, err
			}
			if err := r.once(&opened); err != nil {
				return nil, err
			}
			if err := r.budget(len(b)); err != nil {
				return nil, err
			}
			i := len(elems)
			elems = slices.Grow(elems, len(b))[:i+len(b)]
			for j, c := range b {
				elems[i+j] = Int(c)
			}
			if opened {
				r.leave()
			}
			return r.boxList(elems), nil
		case tagList:
			if r.left() < 5 {
				return nil, eof(len(r.data), "list")
			}
			u := r.u32(r.pos + 1)
			if int64(u) >= int64(r.left()-5) {
				return nil, eof(len(r.data), "list")
			}
			n := int(u)
			r.pos += 5
			if err := r.once(&opened); err != nil {
				return nil, err
			}
			if err := r.claim(n); err != nil {
				return nil, err
			}
			if elems == nil && n <= fewElems {
				elems = r.scratch.elements(n, r.left())[:0]
			} else {
				elems = slices.Grow(elems, n)
			}
			for i := 0; i < n; i++ {
				if k := r.run(elems[len(elems) : len(elems)+n-i]); k > 0 {
					elems = elems[:len(elems)+k]
					r.owed -= k
					if i += k; i == n {
						break
					}
				}
				r.owed--
				e, err := r.term()
				if err != nil {
					return nil, err
				}
				elems = append(elems, e)
			}
		default:
			tail, err := r.term()
			if err != nil {
				return nil, err
			}
			if opened {
				r.leave()
			}
			if len(elems) == 0 {
				return tail, nil
			}
			return Improper{Elems: elems, Tail: tail}, nil
		}
	}
}

// run reads as many integers or as many floats as stand one behind the other, in loops of their own.
func (r *Reader) run(elems []Term) int {
	switch tag, _ := r.Tag(); tag {
	case tagInt:
		return r.runInts(elems)
	case tagNewFloat:
		return r.runFloats(elems)
	}
	return 0
}

func (r *Reader) runInts(elems []Term) int {
	s := &r.scratch.ints
	d, pos, free := r.data, r.pos, s.free
	n := 0
	for ; n < len(elems) && pos+5 <= len(d) && d[pos] == tagInt; n++ {
		if len(free) == 0 {
			s.refill(len(elems)-n-1, len(d)-pos)
			free = s.free
		}
		free[0] = Int(int32(binary.BigEndian.Uint32(d[pos+1 : pos+5])))
		elems[n] = boxInt(&free[0])
		free = free[1:]
		pos += 5
	}
	r.pos, s.free = pos, free
	return n
}

func (r *Reader) runFloats(elems []Term) int {
	s := &r.scratch.floats
	d, pos, free := r.data, r.pos, s.free
	n := 0
	for ; n < len(elems) && pos+floatBytes <= len(d) && d[pos] == tagNewFloat; n++ {
		f := math.Float64frombits(binary.BigEndian.Uint64(d[pos+1 : pos+9]))
		if !finite(f) {
			break
		}
		if len(free) == 0 {
			s.refill(len(elems)-n-1, len(d)-pos)
			free = s.free
		}
		free[0] = Float(f)
		elems[n] = boxFloat(&free[0])
		free = free[1:]
		pos += floatBytes
	}
	r.pos, s.free = pos, free
	return n
}

// once opens the level of a list when the first of its headers comes.
func (r *Reader) once(opened *bool) error {
	if *opened {
		return nil
	}
	*opened = true
	return r.open()
}

// mapTerm reads a map, of which the keys must be distinct.
func (r *Reader) mapTerm() (Term, error) {
	at := r.pos
	n, err := r.Map()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return Map(nil), nil
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(2 * n); err != nil {
		return nil, err
	}
	m := make(Map, n)
	for i := range m {
		if r.keyDepth++; r.keyDepth > maxKeyDepth {
			return nil, tooManyKeys(at)
		}
		r.owed--
		if m[i].Key, err = r.term(); err != nil {
			return nil, err
		}
		r.keyDepth--
		r.owed--
		if m[i].Value, err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	if i := duplicateKey(m); i >= 0 {
		return nil, syntaxf(at, "map with duplicate key %s", short(m[i].Key))
	}
	return m, nil
}
