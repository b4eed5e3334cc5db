package etf

// encKeyword writes a struct as a keyword list: [{name, Value}, …].
func (s *structPlan) encKeyword(dst []byte, a addr, depth int) ([]byte, error) {
	if depth <= 1 {
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
		dst = append(AppendTupleHeader(dst, 2), f.key...)
		if dst, err = f.plan.enc(dst, fa, depth-2); err != nil {
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
	if tag, _ := r.Tag(); tag != tagNil && tag != tagList {
		return r.unfit(s.typ, "keyword list")
	}
	if err := r.open(); err != nil {
		return err
	}
	for i := 0; ; {
		n, err := r.List()
		if err != nil {
			return withType(err, s.typ)
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
			if err := s.keywordPair(r, a, seen); err != nil {
				return addPath(err, indexStep(i))
			}
			i++
		}
	}
}

func (s *structPlan) keywordPair(r *Reader, a addr, seen []bool) error {
	at := r.pos
	arity := 0
	if tag, _ := r.Tag(); tag == tagSmallTuple || tag == tagLargeTuple {
		var err error
		if arity, err = r.Tuple(); err != nil {
			return err
		}
		if arity != 2 {
			return &TypeError{Offset: at, Found: "tuple of " + Int(arity).String() + " elements", Want: "{Key, Value}", Type: s.typ}
		}
		if err := r.open(); err != nil {
			return err
		}
		if err := r.claim(2); err != nil {
			return err
		}
		r.owed -= 2
	}
	keyAt := r.pos
	key, err := r.Atom()
	if err != nil {
		return withType(err, s.typ)
	}
	i, ok := s.atoms[string(key)]
	switch {
	case !ok && r.strict:
		return &TypeError{Offset: keyAt, Found: "unknown key " + key.String(), Want: "one of the fields", Type: s.typ}
	case !ok || seen[i]:
		if arity > 0 {
			err = r.verify()
		}
	default:
		seen[i] = true
		f := &s.fields[i]
		var fa addr
		if fa, err = f.make(a, keyAt); err != nil {
			return err
		}
		if arity > 0 {
			err = f.plan.dec(r, fa)
		} else { // where the value of a bare atom is not true, the error is to be at the atom
			end := r.pos
			one := NewReader(Raw{Bytes: AppendBool(nil, true)})
			one.scratch = r.scratch
			if err = f.plan.dec(&one, fa); err != nil {
				r.pos = keyAt
				err = r.unfit(f.typ, "{"+key.String()+", Value}")
			} else {
				r.pos = end
			}
		}
		err = addPath(err, f.step())
	}
	if err == nil && arity > 0 {
		r.leave()
	}
	return err
}
