package etf

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
			return elems, nil
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
			if elems == nil && len(b) > 0 {
				elems = make(List, 0, len(b))
			}
			for _, c := range b {
				elems = append(elems, Int(c))
			}
			if opened {
				r.leave()
			}
			return elems, nil
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
			if elems == nil && n > 0 {
				elems = make(List, 0, n)
			}
			for range n {
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
			return nil, syntaxf(at, "maps nested by their keys, the most is %d deep", maxKeyDepth)
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
