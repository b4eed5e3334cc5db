package etf

import "reflect"

func (b *builder) pointer(p *plan, t reflect.Type) {
	elem := b.plan(t.Elem())
	p.enc = func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
		if v.IsNil() {
			return append(dst, nilAtom...), nil
		}
		if depth <= 0 {
			return nil, tooDeep()
		}
		return elem.enc(dst, v.Elem(), depth-1)
	}
	p.dec = func(r *Reader, v reflect.Value) error {
		if r.nilAtom() {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		return elem.dec(r, v.Elem())
	}
}

func encInterface(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, nilAtom...), nil
	}
	if depth <= 0 {
		return nil, tooDeep()
	}
	return appendAny(dst, v.Interface(), depth-1)
}

func decInterface(r *Reader, v reflect.Value) error {
	if held := v.Elem(); held.IsValid() && held.Kind() == reflect.Pointer && !held.IsNil() {
		if r.nilAtom() {
			v.SetZero()
			return nil
		}
		if err := r.open(); err != nil { // an any may hold a pointer to itself
			return err
		}
		if err := planOf(held.Type().Elem()).dec(r, held.Elem()); err != nil {
			return err
		}
		r.leave()
		return nil
	}
	at := r.pos
	t, err := r.Term()
	if err != nil {
		return err
	}
	tv := reflect.ValueOf(t)
	if !tv.Type().AssignableTo(v.Type()) {
		r.pos = at
		return &TypeError{Offset: at, Found: r.describe(), Type: v.Type()}
	}
	v.Set(tv)
	return nil
}
