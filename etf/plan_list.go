package etf

import (
	"fmt"
	"reflect"
)

// listPlan is how slices and arrays of one type are read and written.
type listPlan struct {
	typ  reflect.Type
	elem field   // without a name
	size uintptr // of an element
	n    int     // of an array
}

func (b *builder) elem(t reflect.Type) field { return field{plan: b.plan(t), usual: usualTypeOf(t)} }

// isByte reports whether slices and arrays of t are binaries.
func isByte(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && !hasMethods(t) }

func (b *builder) slice(p *plan, t reflect.Type) {
	if isByte(t.Elem()) {
		*p = plan{encBytes, decBytes(t)}
		return
	}
	l := &listPlan{typ: t, elem: b.elem(t.Elem()), size: t.Elem().Size()}
	*p = plan{l.encSlice, l.decSlice}
	if t.Elem() == atomType {
		p.dec = decStrings[Atom](l)
	} else if isPlain(t.Elem()) {
		l.numbers(p)
	}
}

func (b *builder) array(p *plan, t reflect.Type) {
	if isByte(t.Elem()) {
		*p = reflected(t, encByteArray, decByteArray)
		return
	}
	l := &listPlan{typ: t, elem: b.elem(t.Elem()), size: t.Elem().Size(), n: t.Len()}
	*p = plan{l.encArray, l.decArray}
}

// integerKind reports whether k is a kind of signed or of unsigned integers.
func integerKind(k reflect.Kind) (signed, unsigned bool) {
	return k >= reflect.Int && k <= reflect.Int64, k >= reflect.Uint && k <= reflect.Uintptr
}

func (l *listPlan) encSlice(dst []byte, a addr, w way) ([]byte, error) {
	h := at[sliceHeader](a)
	return l.encElems(dst, h.elem(0, 0), h.len, w)
}

func (l *listPlan) encArray(dst []byte, a addr, w way) ([]byte, error) {
	return l.encElems(dst, a, l.n, w)
}

// encElems encodes the n elements that begin at a.
func (l *listPlan) encElems(dst []byte, a addr, n int, w way) ([]byte, error) {
	if n == 0 {
		return append(dst, tagNil), nil
	}
	if w.depth <= 0 {
		return nil, tooDeep()
	}
	if err := checkLen(n); err != nil {
		return nil, err
	}
	start := len(dst)
	dst = AppendListHeader(dst, n)
	in := w.below(1)
	var err error
	for i := range n {
		if dst, err = l.elem.enc(dst, a.plus(uintptr(i)*l.size), in); err != nil {
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

// onlySmallInts reports whether terms that take two bytes on average are SMALL_INTEGER_EXT, each and all.
func onlySmallInts(body []byte) bool {
	for i := 0; i < len(body); i += 2 {
		if body[i] != tagSmallInt {
			return false
		}
	}
	return true
}

// part is what a list of any tag has next: n elements in the input, or bytes of a STRING_EXT, or neither at the end.
type part struct {
	n     int
	bytes []byte
}

// nextPart moves to the elements behind the next header of a list that began at offset start, and counts them. For each
// of the n the caller takes one off owed.
func (r *Reader) nextPart(start int) (part, error) {
	switch tag, _ := r.Tag(); tag {
	case tagString:
		b, err := r.Bytes()
		if err != nil {
			return part{}, err
		}
		return part{bytes: b}, r.budget(len(b))
	case tagList, tagNil:
		n, err := r.List()
		if err == nil {
			if n == 0 {
				return part{}, nil
			}
			return part{n: n}, r.claim(n)
		}
		if _, ok := err.(*TypeError); !ok {
			return part{}, err
		}
		// LIST_EXT of no elements: the tail decides what it is.
		if tag, _ := r.listTail(); tag == tagString {
			return r.nextPart(start)
		}
	}
	if r.pos == start {
		return part{}, r.mismatch("list")
	}
	if r.left() == 0 {
		return part{}, eof(r.pos, "list")
	}
	if err := r.mismatch("list"); !isTypeError(err) {
		return part{}, err
	}
	return part{}, &TypeError{Offset: start, Found: "improper list", Want: "proper list"}
}

// tailNil moves over the end of a proper list, if that is what is there.
func (r *Reader) tailNil() bool {
	if r.pos < len(r.data) && r.data[r.pos] == tagNil {
		r.pos++
		return true
	}
	return false
}

// listTail moves over headers of LIST_EXT without elements, and returns the tag behind them.
func (r *Reader) listTail() (byte, error) {
	for r.left() >= 5 && r.data[r.pos] == tagList && r.u32(r.pos+1) == 0 {
		r.pos += 5
	}
	return r.Tag()
}

func isTypeError(err error) bool {
	_, ok := err.(*TypeError)
	return ok
}

// byteReader reads a byte of a STRING_EXT as if it were a term.
type byteReader struct {
	Reader
	token [2]byte
}

// byteDecoder returns a Reader with the settings of r on a token of its own, for eachByte.
func (r *Reader) byteDecoder() *byteReader {
	b := &byteReader{Reader: *r, token: [2]byte{tagSmallInt, 0}}
	b.data = b.token[:]
	b.alias = false // each byte has the same token
	return b
}

// read decodes c, which stands at offset pos of the input, with p.
func (b *byteReader) read(c byte, pos int, p *plan, a addr) error {
	b.token[1], b.pos = c, 0
	err := p.dec(&b.Reader, a)
	switch e := err.(type) {
	case *TypeError:
		e.Offset = pos
	case *SyntaxError:
		e.Offset = pos
	}
	return err
}

// sliceStep is up to how many bytes of elements are allocated on the word of a length field alone. Beyond that there is
// room for as many as have come.
const sliceStep = 64 << 10

// room makes room for n more elements behind the i that are there, or for as many as sliceStep says, at least one.
func (l *listPlan) room(a addr, i, n int) {
	h := at[sliceHeader](a)
	if n = min(n, max(sliceStep/max(int(l.size), 1)+1, i)); i+n > h.cap {
		v := a.value(l.typ)
		v.SetLen(i)
		v.Grow(n)
	}
}

// begin empties the slice at a, leaves zero values in it, and sees to it that it is not nil.
func (l *listPlan) begin(a addr) {
	v := a.value(l.typ)
	if v.IsNil() {
		return
	}
	v.SetLen(v.Cap())
	v.Clear()
	v.SetLen(0)
}

func (l *listPlan) decSlice(r *Reader, a addr) error {
	start := r.pos
	h := at[sliceHeader](a)
	if h.cap > 0 {
		l.begin(a)
	}
	if err := r.open(); err != nil {
		return err
	}
	i := 0
	for {
		p, err := r.nextPart(start)
		if err != nil {
			return withType(err, l.typ)
		}
		switch {
		case p.n > 0:
			l.room(a, i, p.n)
			for range p.n {
				if i >= h.cap {
					l.room(a, i, i+1)
				}
				r.owed--
				h.len = i + 1
				if err := l.elem.dec(r, h.elem(i, l.size)); err != nil {
					return withType(addPath(err, indexStep(i)), l.typ)
				}
				i++
			}
			if !r.tailNil() {
				continue
			}
		case len(p.bytes) > 0:
			l.room(a, i, len(p.bytes))
			one := r.byteDecoder()
			for j, c := range p.bytes {
				if i >= h.cap {
					l.room(a, i, i+1)
				}
				h.len = i + 1
				if err := one.read(c, r.pos-len(p.bytes)+j, l.elem.plan, h.elem(i, l.size)); err != nil {
					return withType(addPath(err, indexStep(i)), l.typ)
				}
				i++
			}
		}
		break
	}
	if i == 0 && h.data == nil {
		a.value(l.typ).Set(reflect.MakeSlice(l.typ, 0, 0))
	}
	r.leave()
	return nil
}

func (l *listPlan) decArray(r *Reader, a addr) error {
	start := r.pos
	if err := r.open(); err != nil {
		return err
	}
	i := 0
	elem := func(dec func(addr) error) error {
		if i >= l.n {
			return &TypeError{Offset: start, Found: "longer list", Type: l.typ}
		}
		if err := dec(a.plus(uintptr(i) * l.size)); err != nil {
			return addPath(err, indexStep(i))
		}
		i++
		return nil
	}
	for {
		p, err := r.nextPart(start)
		if err != nil {
			return withType(err, l.typ)
		}
		for range p.n {
			r.owed--
			if err := elem(func(e addr) error { return l.elem.dec(r, e) }); err != nil {
				return withType(err, l.typ)
			}
		}
		if p.n > 0 {
			continue
		}
		if len(p.bytes) > 0 {
			one := r.byteDecoder()
			for j, c := range p.bytes {
				if err := elem(func(e addr) error { return one.read(c, r.pos-len(p.bytes)+j, l.elem.plan, e) }); err != nil {
					return withType(err, l.typ)
				}
			}
		}
		break
	}
	if i < l.n {
		return &TypeError{Offset: start, Found: fmt.Sprintf("list of %d elements", i), Type: l.typ}
	}
	r.leave()
	return nil
}

func encByteArray(dst []byte, v reflect.Value, _ way) ([]byte, error) {
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
