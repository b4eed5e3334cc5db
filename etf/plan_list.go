package etf

import (
	"fmt"
	"reflect"
)

// isByte reports whether slices and arrays of t are binaries.
func isByte(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Kind() == reflect.Uint8 && !p.Implements(marshalerType) && !p.Implements(unmarshalerType)
}

func (b *builder) slice(p *plan, t reflect.Type) {
	if isByte(t.Elem()) {
		p.enc, p.dec = encBytes, decBytes
		return
	}
	elem := b.plan(t.Elem())
	p.enc = encElems(elem)
	p.dec = func(r *Reader, v reflect.Value) error { return decSlice(r, v, elem) }
}

func (b *builder) array(p *plan, t reflect.Type) {
	if isByte(t.Elem()) {
		p.enc, p.dec = encByteArray, decByteArray
		return
	}
	elem := b.plan(t.Elem())
	p.enc = encElems(elem)
	p.dec = func(r *Reader, v reflect.Value) error { return decArray(r, v, elem) }
}

// integerKind reports whether k is a kind of signed or of unsigned integers.
func integerKind(k reflect.Kind) (signed, unsigned bool) {
	return k >= reflect.Int && k <= reflect.Int64, k >= reflect.Uint && k <= reflect.Uintptr
}

// encElems encodes slices and arrays.
func encElems(elem *plan) func([]byte, reflect.Value, int) ([]byte, error) {
	return func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
		n := v.Len()
		if n == 0 {
			return append(dst, tagNil), nil
		}
		if depth <= 0 {
			return nil, tooDeep()
		}
		if err := checkLen(n); err != nil {
			return nil, err
		}
		start := len(dst)
		dst = AppendListHeader(dst, n)
		var err error
		for i := range n {
			if dst, err = elem.enc(dst, v.Index(i), depth-1); err != nil {
				return nil, addPath(err, indexStep(i))
			}
		}
		// When every element has become a byte, OTP's form is STRING_EXT: tag and byte alternate then.
		if body := dst[start+5:]; n <= 0xffff && len(body) == 2*n && onlySmallInts(body) {
			dst[start], dst[start+1], dst[start+2] = tagString, byte(n>>8), byte(n)
			for i := range n {
				dst[start+3+i] = body[2*i+1]
			}
			return dst[:start+3+n], nil
		}
		return append(dst, tagNil), nil
	}
}

// onlySmallInts reports whether terms that take two bytes on average are SMALL_INTEGER_EXT, each and all.
func onlySmallInts(body []byte) bool {
	for i := 0; i < len(body); i += 2 {
		if body[i] != tagSmallInt {
			return false
		}
	}
	return true
}

// elementsOf reads a list of any tag and calls f for each element. f reads the element from the Reader it is given, which
// is another one if the list came as bytes. start is called before elements come, with how many are known of.
func (r *Reader) elementsOf(start func(n int), f func(r *Reader, i int) error) error {
	at := r.pos
	if tag, _ := r.Tag(); tag != tagNil && tag != tagString && tag != tagList {
		return r.mismatch("list")
	}
	i := 0
	if err := r.open(); err != nil {
		return err
	}
	for {
		if tag, _ := r.Tag(); tag == tagString {
			b, err := r.Bytes()
			if err != nil {
				return err
			}
			if err := r.budget(len(b)); err != nil {
				return err
			}
			start(len(b))
			if err := r.eachByte(b, i, f); err != nil {
				return err
			}
			break
		}
		n, err := r.List()
		if err != nil {
			if _, ok := err.(*TypeError); ok {
				return &TypeError{Offset: at, Found: "improper list", Want: "proper list"}
			}
			return err
		}
		if n == 0 {
			break
		}
		if err := r.claim(n); err != nil {
			return err
		}
		start(n)
		for range n {
			r.owed--
			if err := f(r, i); err != nil {
				return err
			}
			i++
		}
	}
	r.leave()
	return nil
}

// eachByte calls f for each byte of a STRING_EXT as if it were a term.
func (r *Reader) eachByte(b []byte, i int, f func(*Reader, int) error) error {
	one := readers.Get().(*Reader)
	defer func() {
		*one = Reader{}
		readers.Put(one)
	}()
	token := []byte{tagSmallInt, 0}
	for j, c := range b {
		token[1] = c
		*one = *r
		one.data, one.pos = token, 0
		if err := f(one, i+j); err != nil {
			switch e := err.(type) {
			case *TypeError:
				e.Offset = r.pos - len(b) + j
			case *SyntaxError:
				e.Offset = r.pos - len(b) + j
			}
			return err
		}
	}
	return nil
}

// sliceStep is up to how many bytes of elements are allocated on the word of a length field alone.
const sliceStep = 64 << 10

func decSlice(r *Reader, v reflect.Value, elem *plan) error {
	t := v.Type()
	size := max(int(t.Elem().Size()), 1)
	if v.IsNil() {
		v.Set(reflect.MakeSlice(t, 0, 0))
	}
	v.SetLen(0)
	err := r.elementsOf(func(n int) {
		if n = min(n, sliceStep/size+1); v.Len()+n > v.Cap() {
			v.Grow(n)
		}
	}, func(r *Reader, i int) error {
		if i >= v.Cap() {
			v.Grow(1)
		}
		v.SetLen(i + 1)
		e := v.Index(i)
		e.SetZero()
		if err := elem.dec(r, e); err != nil {
			return addPath(err, indexStep(i))
		}
		return nil
	})
	return withType(err, t)
}

func decArray(r *Reader, v reflect.Value, elem *plan) error {
	at, t := r.pos, v.Type()
	got := 0
	err := r.elementsOf(func(int) {}, func(r *Reader, i int) error {
		got = i + 1
		if i >= t.Len() {
			return &TypeError{Offset: at, Found: "longer list", Type: t}
		}
		if err := elem.dec(r, v.Index(i)); err != nil {
			return addPath(err, indexStep(i))
		}
		return nil
	})
	if err == nil && got < t.Len() {
		err = &TypeError{Offset: at, Found: fmt.Sprintf("list of %d elements", got), Type: t}
	}
	return withType(err, t)
}

func encByteArray(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	if !v.CanAddr() {
		v = pointerTo(v).Elem()
	}
	return AppendBinary(dst, v.Bytes()), nil
}

func decByteArray(r *Reader, v reflect.Value) error {
	at := r.pos
	b, err := r.Binary()
	if err != nil {
		return withType(err, v.Type())
	}
	if len(b) != v.Len() {
		r.pos = at
		return &TypeError{Offset: at, Found: fmt.Sprintf("binary of %d bytes", len(b)), Type: v.Type()}
	}
	copy(v.Bytes(), b)
	return nil
}
