package etf

import (
	"encoding/binary"
	"math"
	"reflect"
)

// Lists of numbers have loops of their own: a call per element costs more than the element.

// numbers replaces the plan of a slice by one for slices of numbers, if that is what it is of.
func (l *listPlan) numbers(p *plan) {
	switch l.typ.Elem().Kind() {
	case reflect.Int:
		*p = intsPlan[int](l)
	case reflect.Int32:
		*p = intsPlan[int32](l)
	case reflect.Int64:
		*p = intsPlan[int64](l)
	case reflect.Float64:
		*p = plan{l.encFloats, l.decFloats}
	}
}

// block is for how many elements at a time room is made in the output.
const block = 64

// maxIntBytes is what the encoding of an int64 takes at most.
const maxIntBytes = 11

func intsPlan[T signed](l *listPlan) plan {
	return plan{
		enc: func(dst []byte, a addr, depth int) ([]byte, error) {
			return encInts(dst, *at[[]T](a), depth)
		},
		dec: func(r *Reader, a addr) error { return decInts[T](l, r, a) },
	}
}

func encInts[T signed](dst []byte, s []T, depth int) ([]byte, error) {
	if len(s) == 0 {
		return append(dst, tagNil), nil
	}
	if depth <= 0 {
		return nil, tooDeep()
	}
	if err := checkLen(len(s)); err != nil {
		return nil, err
	}
	if len(s) <= math.MaxUint16 && onlyBytes(s) {
		dst = append(dst, tagString, byte(len(s)>>8), byte(len(s)))
		for _, x := range s {
			dst = append(dst, byte(x))
		}
		return dst, nil
	}
	dst = AppendListHeader(dst, len(s))
	for len(s) > 0 {
		part := s[:min(len(s), block)]
		s = s[len(part):]
		dst = grow(dst, len(part)*maxIntBytes)
		for _, x := range part {
			n := len(dst)
			switch i := int64(x); {
			case uint64(i) <= 255:
				dst = dst[:n+2]
				dst[n], dst[n+1] = tagSmallInt, byte(i)
			case int64(int32(i)) == i:
				dst = dst[:n+5]
				b := dst[n:]
				b[0] = tagInt
				binary.BigEndian.PutUint32(b[1:5], uint32(i))
			default:
				dst = AppendInt(dst, i)
			}
		}
	}
	return append(dst, tagNil), nil
}

// grow is slices.Grow, which the compiler does not inline.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return append(dst, make([]byte, n)...)[:len(dst)]
}

func onlyBytes[T signed](s []T) bool {
	for _, x := range s {
		if uint64(x) > 255 {
			return false
		}
	}
	return true
}

func decInts[T signed](l *listPlan, r *Reader, a addr) error {
	start, s := r.pos, at[[]T](a)
	*s = (*s)[:0]
	if err := r.open(); err != nil {
		return err
	}
	for {
		p, err := r.nextPart(start)
		if err != nil {
			return withType(err, l.typ)
		}
		if p.n == 0 {
			if len(*s) == 0 || len(p.bytes) > 0 {
				l.room(a, len(*s), len(p.bytes))
			}
			for _, c := range p.bytes {
				*s = append(*s, T(c))
			}
			break
		}
		l.room(a, len(*s), p.n)
		r.owed -= p.n
		if err := decIntsPart(l, r, s, p.n); err != nil {
			return withType(err, l.typ)
		}
	}
	if *s == nil {
		*s = []T{}
	}
	r.leave()
	return nil
}

func decIntsPart[T signed](l *listPlan, r *Reader, s *[]T, n int) error {
	out, d, pos := *s, r.data, r.pos
	for range n {
		var x T
		if pos+5 <= len(d) && d[pos] == tagInt {
			i := int32(binary.BigEndian.Uint32(d[pos+1 : pos+5]))
			if x = T(i); int32(x) == i {
				pos += 5
				out = append(out, x)
				continue
			}
		} else if pos+2 <= len(d) && d[pos] == tagSmallInt {
			if x = T(d[pos+1]); x >= 0 {
				pos += 2
				out = append(out, x)
				continue
			}
		}
		r.pos = pos
		x, err := decNumber[T](l, r)
		if err != nil {
			return addPath(err, indexStep(len(out)))
		}
		pos = r.pos
		out = append(out, x)
	}
	r.pos, *s = pos, out
	return nil
}

const floatBytes = 9

func (l *listPlan) encFloats(dst []byte, a addr, depth int) ([]byte, error) {
	s := *at[[]float64](a)
	if len(s) == 0 {
		return append(dst, tagNil), nil
	}
	if depth <= 0 {
		return nil, tooDeep()
	}
	if err := checkLen(len(s)); err != nil {
		return nil, err
	}
	dst = AppendListHeader(dst, len(s))
	for i := 0; i < len(s); {
		part := s[i:min(len(s), i+block)]
		dst = grow(dst, len(part)*floatBytes)
		n := len(dst)
		dst = dst[:n+len(part)*floatBytes]
		b := dst[n:]
		for j, f := range part {
			if !finite(f) {
				return nil, addPath(checkFloat(f), indexStep(i+j))
			}
			b[0] = tagNewFloat
			binary.BigEndian.PutUint64(b[1:9], math.Float64bits(f))
			b = b[floatBytes:]
		}
		i += len(part)
	}
	return append(dst, tagNil), nil
}

func (l *listPlan) decFloats(r *Reader, a addr) error {
	start, s := r.pos, at[[]float64](a)
	if tag, _ := r.Tag(); tag != tagList {
		return l.decSlice(r, a)
	}
	*s = (*s)[:0]
	if err := r.open(); err != nil {
		return err
	}
	for {
		p, err := r.nextPart(start)
		if err != nil {
			return withType(err, l.typ)
		}
		if p.n == 0 {
			for _, c := range p.bytes {
				*s = append(*s, float64(c))
			}
			break
		}
		l.room(a, len(*s), p.n)
		r.owed -= p.n
		if err := l.decFloatsPart(r, s, p.n); err != nil {
			return withType(err, l.typ)
		}
	}
	if *s == nil {
		*s = []float64{}
	}
	r.leave()
	return nil
}

func (l *listPlan) decFloatsPart(r *Reader, s *[]float64, n int) error {
	out, d, pos := *s, r.data, r.pos
	for range n {
		if pos+floatBytes <= len(d) && d[pos] == tagNewFloat {
			if f := math.Float64frombits(binary.BigEndian.Uint64(d[pos+1 : pos+9])); finite(f) {
				pos += floatBytes
				out = append(out, f)
				continue
			}
		}
		r.pos = pos
		f, err := decNumber[float64](l, r)
		if err != nil {
			return addPath(err, indexStep(len(out)))
		}
		pos = r.pos
		out = append(out, f)
	}
	r.pos, *s = pos, out
	return nil
}

// decNumber decodes what the loops leave: bigs, what does not fit, what is no number.
func decNumber[T any](l *listPlan, r *Reader) (x T, err error) {
	err = l.elem.dec(r, addrTo(&x))
	return x, err
}
