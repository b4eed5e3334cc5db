package etf

// Deterministic makes Marshal and Append write every map in the order of its keys (see CompareExact), so that equal terms have equal
// bytes: those of term_to_binary(T, [deterministic, {minor_version, 2}]) in OTP 24.1 and later. It means nothing to
// decoding. Since maps are sorted when all else is done, it costs time and memory.
func Deterministic() Option {
	return func(o *options) { o.deterministic = true }
}

// AppendDeterministic is AppendTerm with all maps in t in the order of their keys. See Deterministic.
func AppendDeterministic(dst []byte, t Term) ([]byte, error) {
	var c comparer
	return AppendTerm(dst, c.sortAll(t, hardDepth+1))
}

// sortAll returns t with the associations of its maps sorted. Parts without maps are shared with t. What is nested too
// deep to be encoded stays as it is.
func (c *comparer) sortAll(t Term, depth int) Term {
	if depth <= 0 {
		return t
	}
	switch v := t.(type) {
	case Tuple:
		return Tuple(c.sortEach(v, depth))
	case List:
		return List(c.sortEach(v, depth))
	case Improper:
		return Improper{Elems: c.sortEach(v.Elems, depth), Tail: c.sortAll(v.Tail, depth-1)}
	case Map:
		if len(v) == 0 {
			return v
		}
		out := make(Map, len(v))
		for i, p := range c.sort(v, depth) {
			out[i] = Pair{Key: c.sortAll(p.Key, depth-1), Value: c.sortAll(p.Value, depth-1)}
		}
		return out
	case *Fun:
		if v != nil {
			f := *v
			f.Free = c.sortEach(v.Free, depth)
			return &f
		}
	case *Record:
		if v != nil {
			r := *v
			r.Fields = make([]Field, len(v.Fields))
			for i, f := range v.Fields {
				r.Fields[i] = Field{Name: f.Name, Value: c.sortAll(f.Value, depth-1)}
			}
			return &r
		}
	}
	return t
}

func (c *comparer) sortEach(terms []Term, depth int) []Term {
	for i, e := range terms {
		if compound(e) {
			out := make([]Term, len(terms))
			copy(out, terms[:i])
			for j := i; j < len(terms); j++ {
				out[j] = c.sortAll(terms[j], depth-1)
			}
			return out
		}
	}
	return terms
}

// rewrite applies the options of Marshal and Append to the bare term that they have written from b[start] on.
func rewrite(b []byte, start int, opts []Option) ([]byte, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	term := b[start:]
	var err error
	if o.deterministic {
		if term, err = sorted(term); err != nil {
			return nil, err
		}
	}
	if o.release > 0 {
		if term, err = o.rewrite(term); err != nil {
			return nil, err
		}
	}
	return append(b[:start], term...), nil
}

// sorted returns the bare term in b with its maps in order.
func sorted(b []byte) ([]byte, error) {
	r := NewReader(Raw{Bytes: b}, WithLimits(Limits{Depth: -1, Elements: -1}), Alias())
	t, err := r.Term()
	if err != nil {
		return nil, &EncodeError{Msg: "deterministic: " + err.Error(), Err: err}
	}
	return AppendDeterministic(make([]byte, 0, len(b)), t)
}
