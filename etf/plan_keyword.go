package etf

import "reflect"

// encKeyword writes a struct as a keyword list: [{name, Value}, …].
func (s *structPlan) encKeyword(dst []byte, a addr, w way) ([]byte, error) {
	if w.depth <= 1 {
		return nil, tooDeep()
	}
	start, n := len(dst), 0
	dst = AppendListHeader(dst, 0)
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		fa := f.find(a)
		if fa.isNil() || f.omitEmpty && isEmpty(fa.value(f.typ)) {
			continue
		}
		dst = w.atom(AppendTupleHeader(dst, 2), Atom(f.name))
		if dst, err = f.plan.enc(dst, fa, w.below(2)); err != nil {
			return nil, addPath(err, f.step())
		}
		n++
	}
	if n == 0 {
		return append(dst[:start], tagNil), nil
	}
	copy(dst[start:], AppendListHeader(make([]byte, 0, 5), n))
	return append(dst, tagNil), nil
}

// decKeyword reads a keyword list. Of several values for one key the first counts, as Keyword.get/2 and
// proplists:get_value/2 have it, and a bare atom is short for {Atom, true}.
func (s *structPlan) decKeyword(r *Reader, a addr) error {
	seen := make([]bool, len(s.fields))
	return r.keywords(s.typ, func(k keyword) error {
		i, ok := s.atoms[string(k.key)]
		switch {
		case !ok && r.strict:
			return &TypeError{Offset: k.at, Found: "unknown key " + k.key.String(), Want: "one of the fields", Type: s.typ}
		case !ok || seen[i]:
			return k.ignore(r)
		}
		seen[i] = true
		f := &s.fields[i]
		fa, err := f.make(a, k.at)
		if err != nil {
			return err
		}
		return addPath(k.decode(r, f.plan, f.typ, fa), f.step())
	})
}

// keyword is an element of a keyword list: {key, Value} with the Reader at the value, or a bare atom.
type keyword struct {
	key  Atom
	at   int // its offset
	bare bool
}

// keywords reads a keyword list, and lets pair read the value of each element.
func (r *Reader) keywords(t reflect.Type, pair func(keyword) error) error {
	if tag, _ := r.Tag(); tag != tagNil && tag != tagList {
		return r.unfit(t, "keyword list")
	}
	if err := r.open(); err != nil {
		return err
	}
	for i := 0; ; {
		n, err := r.List()
		if err != nil {
			return withType(err, t)
		}
		if n == 0 {
			r.leave()
			return nil
		}
		if err := r.claim(n); err != nil {
			return err
		}
		for range n {
			r.owed--
			k, err := r.keyword(t)
			if err == nil {
				err = pair(k)
			}
			if err != nil {
				return addPath(err, indexStep(i))
			}
			if !k.bare {
				r.leave()
			}
			i++
		}
	}
}

// keyword reads an element of a keyword list up to its value. In a tuple it opens a level, which the caller leaves.
func (r *Reader) keyword(t reflect.Type) (keyword, error) {
	k := keyword{at: r.pos, bare: true}
	if tag, _ := r.Tag(); tag == tagSmallTuple || tag == tagLargeTuple {
		arity, err := r.Tuple()
		if err != nil {
			return k, err
		}
		if arity != 2 {
			return k, &TypeError{Offset: k.at, Found: "tuple of " + Int(arity).String() + " elements", Want: "{Key, Value}", Type: t}
		}
		if err := r.open(); err != nil {
			return k, err
		}
		if err := r.claim(2); err != nil {
			return k, err
		}
		r.owed -= 2
		k.bare, k.at = false, r.pos
	}
	var err error
	k.key, err = r.Atom()
	return k, withType(err, t)
}

// ignore moves over the value.
func (k keyword) ignore(r *Reader) error {
	if k.bare {
		return nil
	}
	return r.verify()
}

// decode decodes the value with p into a, of type t.
func (k keyword) decode(r *Reader, p *plan, t reflect.Type, a addr) error {
	if !k.bare {
		return p.dec(r, a)
	}
	one := NewReader(Raw{Bytes: AppendBool(nil, true)})
	one.scratch = r.scratch
	if p.dec(&one, a) == nil {
		return nil
	}
	c := *r // the error is to be at the atom
	c.pos = k.at
	return c.unfit(t, "{"+k.key.String()+", Value}")
}
