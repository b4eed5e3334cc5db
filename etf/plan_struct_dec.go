package etf

import (
	"fmt"
)

func (s *structPlan) decTuple(r *Reader, a addr) error {
	if err := s.tupleHeader(r); err != nil {
		return err
	}
	for i := range s.fields {
		f := &s.fields[i]
		fa, err := f.make(a, r.pos)
		if err != nil {
			return err
		}
		r.owed--
		if err := f.dec(r, fa); err != nil {
			return addPath(err, f.step())
		}
	}
	r.leave()
	return nil
}

// tupleHeader reads the header and the tag, and enters the tuple.
func (s *structPlan) tupleHeader(r *Reader) error {
	want := len(s.fields)
	if d := r.data[r.pos:]; len(d) >= len(s.prefix) && string(d[:len(s.prefix)]) == string(s.prefix) { // nearly always
		if err := r.open(); err != nil {
			return err
		}
		r.pos += len(s.prefix)
		if s.tag != "" {
			if err := r.budget(1); err != nil {
				return err
			}
		}
		return r.claim(want)
	}
	at := r.pos
	n, err := r.Tuple()
	if err != nil {
		return withType(err, s.typ)
	}
	if s.tag != "" {
		want++
	}
	if n != want {
		return &TypeError{Offset: at, Found: fmt.Sprintf("tuple of %d elements", n), Want: fmt.Sprint(want), Type: s.typ}
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(n); err != nil {
		return err
	}
	if s.tag != "" {
		r.owed--
		text, a, next, err := r.atomText(r.pos)
		if err != nil {
			return withType(err, s.typ)
		}
		if a != s.tag && string(text) != string(s.tag) {
			return r.unfit(s.typ, "the atom "+s.tag.String())
		}
		r.pos = next
	}
	return nil
}

func (s *structPlan) decMap(r *Reader, a addr) error {
	at := r.pos
	n, err := r.Map()
	if err != nil {
		return withType(err, s.typ)
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(2 * n); err != nil {
		return err
	}
	var few uint64 // which fields have come, if there are at most 64
	var many []bool
	if len(s.fields) > 64 {
		many = make([]bool, len(s.fields))
	}
	module := !s.elixir
	ignored := -1         // where their keys are, if there are any
	last := len(s.fields) // the field before
	for left := n; ; left-- {
		if many == nil {
			if left, last, few, err = s.decExpected(r, a, left, last, few); err != nil {
				return err
			}
		}
		if left == 0 {
			break
		}
		r.owed -= 2
		keyAt := r.pos
		i, isModule, err := s.key(r, last)
		if err != nil {
			return err
		}
		if isModule {
			if module {
				return syntaxf(at, "map with duplicate key '__struct__'")
			}
			if a, err := r.Atom(); err != nil || a != s.tag {
				if err == nil {
					err = &TypeError{Offset: at, Found: "%" + a.String() + "{}", Want: s.tag.String()}
				}
				return addPath(withType(err, s.typ), ".__struct__")
			}
			module = true
			continue
		}
		if i < 0 {
			if ignored < 0 {
				ignored = r.scratch.keys.begin(n)
			}
			if err := s.ignore(r, at); err != nil {
				return err
			}
			continue
		}
		f := &s.fields[i]
		last = i
		if many != nil && many[i] || few&(1<<(i&63)) != 0 && many == nil {
			return syntaxf(keyAt, "map with duplicate key %s", f.name)
		}
		if many != nil {
			many[i] = true
		} else {
			few |= 1 << i
		}
		fa, err := f.make(a, r.pos)
		if err != nil {
			return err
		}
		if err := f.dec(r, fa); err != nil {
			return addPath(err, f.step())
		}
	}
	if ignored >= 0 {
		if err := r.distinct(ignored, at); err != nil {
			return err
		}
	}
	if !module {
		return &TypeError{Offset: at, Found: "map without __struct__", Want: s.tag.String(), Type: s.typ}
	}
	r.leave()
	return nil
}

// decExpected decodes what decMap would, as long as each key is a reference to the atom that came after the one before the last time: nearly
// all of what another node sends. It returns how many associations are left, the last field, and which have come.
func (s *structPlan) decExpected(r *Reader, a addr, left, last int, few uint64) (int, int, uint64, error) {
	for ; left > 0; left-- {
		i := int(s.after[last].Load()) - 1
		d := r.data[r.pos:]
		if i < 0 || len(d) < 2 || d[0] != tagCacheRef || int(d[1]) >= len(r.atoms) {
			break
		}
		f := &s.fields[i]
		if string(r.atoms[d[1]]) != f.name || f.binary || f.hops != nil || few&(1<<i) != 0 {
			break
		}
		few |= 1 << i
		r.owed -= 2
		r.pos += 2
		if err := f.dec(r, a.plus(f.offset)); err != nil {
			return 0, 0, 0, addPath(err, f.step())
		}
		last = i
	}
	return left, last, few, nil
}

// ignore moves over an association without a field, of the map at offset at.
func (s *structPlan) ignore(r *Reader, at int) error {
	keyAt := r.pos
	if err := r.ignoreKey(at); err != nil {
		return err
	}
	if r.strict {
		key := Raw{Bytes: r.data[keyAt:r.pos], Atoms: r.atoms}
		return &TypeError{Offset: keyAt, Found: "unknown key " + short1(key), Want: "one of the fields", Type: s.typ}
	}
	return r.verify()
}

// key reads a key and finds its field; -1 if there is none, and then it does not move. last is the field before, or how many fields there are.
func (s *structPlan) key(r *Reader, last int) (i int, isModule bool, err error) {
	if i = int(s.after[last].Load()) - 1; i >= 0 {
		f := &s.fields[i]
		d := r.data[r.pos:]
		if len(d) >= 2 && d[0] == tagCacheRef {
			if k := int(d[1]); k < len(r.atoms) && string(r.atoms[k]) == f.name && !f.binary {
				r.pos += 2
				return i, false, nil
			}
		} else if len(d) >= len(f.key) && string(d[:len(f.key)]) == string(f.key) {
			r.pos += len(f.key)
			return i, false, nil
		}
	}
	i, isModule, err = s.findKey(r)
	if err == nil && i >= 0 && !isModule {
		s.after[last].Store(int32(i + 1))
	}
	return i, isModule, err
}

func (s *structPlan) findKey(r *Reader) (i int, isModule bool, err error) {
	at := r.pos
	var ok bool
	switch tag, _ := r.Tag(); tag {
	case tagSmallAtomUTF, tagAtomUTF8, tagSmallAtom, tagAtom, tagCacheRef:
		text, a, end, err := r.atomText(at)
		if err != nil {
			return 0, false, err
		}
		r.pos = end
		if text == nil {
			i, ok = s.atoms[string(a)]
			isModule = s.elixir && a == "__struct__"
		} else {
			i, ok = s.atoms[string(text)]
			isModule = s.elixir && string(text) == "__struct__"
		}
	case tagBinary, tagBitBinary:
		if b, err := r.Binary(); err == nil { // else Term sees whether it is a bit string
			i, ok = s.bins[string(b)]
		}
	}
	if !ok {
		i = -1
		if !isModule {
			r.pos = at
		}
	}
	return i, isModule, nil
}
