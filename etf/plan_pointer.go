package etf

import "reflect"

func (b *builder) pointer(p *plan, t reflect.Type) {
	elem := b.plan(t.Elem())
	p.enc = func(dst []byte, a addr, w way) ([]byte, error) {
		to := a.deref()
		if to.isNil() {
			return w.none(dst), nil
		}
		if w.depth <= 0 {
			return nil, tooDeep()
		}
		return elem.enc(dst, to, w.below(1))
	}
	p.dec = func(r *Reader, a addr) error {
		if r.nilAtom() {
			a.value(t).SetZero()
			return nil
		}
		to := a.deref()
		if to.isNil() {
			v := reflect.New(t.Elem())
			a.value(t).Set(v.Convert(t)) // t may have a name
			to = addr{v.UnsafePointer()}
		}
		return elem.dec(r, to)
	}
}

func encAny(dst []byte, a addr, w way) ([]byte, error) {
	v := *at[any](a)
	if v == nil {
		return w.none(dst), nil
	}
	if w.depth <= 0 {
		return nil, tooDeep()
	}
	return appendAny(dst, v, w.below(1))
}

func decAny(r *Reader, a addr) error {
	v := at[any](a)
	if *v == nil {
		t, err := r.Term()
		if err != nil {
			return err
		}
		*v = t
		return nil
	}
	return decInterface(r, reflect.ValueOf(v).Elem())
}

func encInterface(dst []byte, v reflect.Value, w way) ([]byte, error) {
	if v.IsNil() {
		return w.none(dst), nil
	}
	if w.depth <= 0 {
		return nil, tooDeep()
	}
	return appendAny(dst, v.Interface(), w.below(1))
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
		if err := planOf(held.Type().Elem()).dec(r, addr{held.UnsafePointer()}); err != nil {
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
