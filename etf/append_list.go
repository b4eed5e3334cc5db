package etf

import "math"

func appendList(dst []byte, l List, w way) ([]byte, error) {
	if len(l) == 0 {
		return append(dst, tagNil), nil
	}
	if err := checkLen(len(l)); err != nil {
		return nil, err
	}
	if bytesOnly(l) {
		dst = append(dst, tagString, byte(len(l)>>8), byte(len(l)))
		for _, e := range l {
			dst = append(dst, byte(e.(Int)))
		}
		return dst, nil
	}
	dst, err := appendTerms(AppendListHeader(dst, len(l)), l, w)
	if err != nil {
		return nil, err
	}
	return append(dst, tagNil), nil
}

// bytesOnly reports whether l goes as STRING_EXT.
func bytesOnly(l List) bool {
	if len(l) > math.MaxUint16 {
		return false
	}
	for _, e := range l {
		if i, ok := e.(Int); !ok || uint64(i) > 255 {
			return false
		}
	}
	return true
}

// appendImproper appends what the value is after following tails that are lists: [1 | [2]] is [1, 2].
func appendImproper(dst []byte, t Improper, w way) ([]byte, error) {
	n, tail := len(t.Elems), t.Tail
	for hops := 0; ; hops++ {
		if imp, ok := tail.(Improper); ok && hops < hardDepth {
			n += len(imp.Elems)
			tail = imp.Tail
			continue
		}
		break
	}
	if l, ok := tail.(List); ok {
		flat := make(List, 0, n+len(l))
		for tail = Term(t); ; {
			imp, ok := tail.(Improper)
			if !ok {
				break
			}
			flat = append(flat, imp.Elems...)
			tail = imp.Tail
		}
		return appendList(dst, append(flat, l...), w)
	}
	switch {
	case n == 0:
		return nil, encodeErrorf(t, "improper list without elements")
	case tail == nil:
		return nil, encodeErrorf(t, "improper list with a nil tail")
	}
	if err := checkLen(n); err != nil {
		return nil, err
	}
	dst = AppendListHeader(dst, n)
	var err error
	for imp, ok := t, true; ok; imp, ok = tail.(Improper) {
		if dst, err = appendTerms(dst, imp.Elems, w); err != nil {
			return nil, err
		}
		tail = imp.Tail
	}
	dst, err = appendTerm(dst, tail, w.below(1))
	return dst, addPath(err, ".tail")
}

func appendMap(dst []byte, m Map, w way) ([]byte, error) {
	if len(m) > maxMapLen {
		return nil, encodeErrorf(m, "map of %d associations, the most is %d", len(m), maxMapLen)
	}
	dst = AppendMapHeader(dst, len(m))
	var err error
	for _, p := range m {
		if dst, err = appendTerm(dst, p.Key, w.below(1)); err != nil {
			return nil, addPath(err, ".key")
		}
		if dst, err = appendTerm(dst, p.Value, w.below(1)); err != nil {
			return nil, addPath(err, keyStep(p.Key))
		}
	}
	if i := duplicateKey(m); i >= 0 {
		return nil, encodeErrorf(m, "duplicate key %s", short(m[i].Key))
	}
	return dst, nil
}
