package etf

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
)

// Lists of numbers and of text have loops of their own: a call per element costs more than the element.

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
	case reflect.String:
		p.dec = decStrings[string](l)
	}
}

// block is for how many elements at a time room is made in the output.
const block = 64

// maxIntBytes is what the encoding of an int64 takes at most.
const maxIntBytes = 11

func intsPlan[T signed](l *listPlan) plan {
	return plan{
		enc: func(dst []byte, a addr, w way) ([]byte, error) {
			return encInts(dst, *at[[]T](a), w)
		},
		dec: func(r *Reader, a addr) error { return decInts[T](l, r, a) },
	}
}

func encInts[T signed](dst []byte, s []T, w way) ([]byte, error) {
	if len(s) == 0 {
		return append(dst, tagNil), nil
	}
	if w.depth <= 0 {
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

// roomFor is slices.Grow, with as much as is asked for where there is nothing yet.
func roomFor[T any](s []T, n int) []T {
	if cap(s) == 0 {
		return make([]T, 0, n)
	}
	return slices.Grow(s, n)
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
		*s = roomFor(*s, min(p.n, sliceStep/8))
		r.owed -= p.n
		if err := decIntsPart(l, r, s, p.n); err != nil {
			return withType(err, l.typ)
		}
		if r.tailNil() {
			break
		}
	}
	if *s == nil {
		*s = []T{}
	}
	r.leave()
	return nil
}

func decIntsPart[T signed](l *listPlan, r *Reader, s *[]T, n int) error {
	have := len(*s)
	if cap(*s)-have < n { // sliceStep did not allow more
		n1 := cap(*s) - have
		if err := decIntsPart(l, r, s, n1); err != nil {
			return err
		}
		l.room(addrTo(s), len(*s), max(n-n1, len(*s)))
		return decIntsPart(l, r, s, n-n1)
	}
	out, d, pos := (*s)[have:have+n], r.data, r.pos
	for i := range out {
		if pos+5 <= len(d) && d[pos] == tagInt {
			x := int32(binary.BigEndian.Uint32(d[pos+1 : pos+5]))
			if out[i] = T(x); int32(out[i]) == x {
				pos += 5
				continue
			}
		} else if pos+2 <= len(d) && d[pos] == tagSmallInt {
			out[i] = T(d[pos+1])
			pos += 2
			continue
		}
		r.pos = pos
		if err := l.elem.dec(r, addrTo(&out[i])); err != nil {
			*s = (*s)[:have+i]
			return addPath(err, indexStep(have+i))
		}
		pos = r.pos
	}
	r.pos, *s = pos, (*s)[:have+n]
	return nil
}

const floatBytes = 9

func (l *listPlan) encFloats(dst []byte, a addr, w way) ([]byte, error) {
	s := *at[[]float64](a)
	if len(s) == 0 {
		return append(dst, tagNil), nil
	}
	if w.depth <= 0 {
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
		*s = roomFor(*s, min(p.n, sliceStep/8))
		r.owed -= p.n
		if err := l.decFloatsPart(r, s, p.n); err != nil {
			return withType(err, l.typ)
		}
		if r.tailNil() {
			break
		}
	}
	if *s == nil {
		*s = []float64{}
	}
	r.leave()
	return nil
}

func (l *listPlan) decFloatsPart(r *Reader, s *[]float64, n int) error {
	have := len(*s)
	if cap(*s)-have < n {
		n1 := cap(*s) - have
		if err := l.decFloatsPart(r, s, n1); err != nil {
			return err
		}
		l.room(addrTo(s), len(*s), max(n-n1, len(*s)))
		return l.decFloatsPart(r, s, n-n1)
	}
	out, d, pos := (*s)[have:have+n], r.data, r.pos
	for i := range out {
		if pos+floatBytes <= len(d) && d[pos] == tagNewFloat {
			if out[i] = math.Float64frombits(binary.BigEndian.Uint64(d[pos+1 : pos+9])); finite(out[i]) {
				pos += floatBytes
				continue
			}
		}
		r.pos = pos
		if err := l.elem.dec(r, addrTo(&out[i])); err != nil {
			*s = (*s)[:have+i]
			return addPath(err, indexStep(have+i))
		}
		pos = r.pos
	}
	r.pos, *s = pos, (*s)[:have+n]
	return nil
}

// decStrings decodes slices of strings and of atoms.
func decStrings[T ~string](l *listPlan) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		start, s := r.pos, at[[]T](a)
		if tag, _ := r.Tag(); tag != tagList {
			return l.decSlice(r, a)
		}
		list := (*s)[:0]
		*s = list
		if err := r.open(); err != nil {
			return err
		}
		for {
			p, err := r.nextPart(start)
			if err != nil {
				return withType(err, l.typ)
			}
			if p.n == 0 {
				if len(p.bytes) > 0 { // no text: let it say so
					r.pos -= len(p.bytes)
					return r.unfit(l.typ.Elem(), "binary")
				}
				break
			}
			list = roomFor(list, min(p.n, sliceStep/16))
			for range p.n {
				r.owed--
				i := len(list)
				list = append(list, "")
				if err := l.elem.dec(r, addrTo(&list[i])); err != nil {
					*s = list
					return withType(addPath(err, indexStep(i)), l.typ)
				}
			}
			*s = list
			if r.tailNil() {
				break
			}
		}
		if list == nil {
			*s = []T{}
		}
		r.leave()
		return nil
	}
}
