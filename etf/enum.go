package etf

import (
	"reflect"
	"slices"
)

// Enum is implemented by types of integers or strings whose values are atoms in Erlang, one of a few. The method has the
// type itself as its receiver, not a pointer, and always returns the same.
//
//	type Color int
//
//	const (Red Color = iota; Green)
//
//	func (Color) Atoms() []etf.Atom { return []etf.Atom{"red", "green"} }
//
// An integer stands for the atom at its index, a string for the atom of that text. Encoding a value that is none of them is
// an error, and so is decoding any other atom.
type Enum interface {
	Atoms() []Atom
}

var enumType = reflect.TypeFor[Enum]()

func isEnum(t reflect.Type) bool {
	signed, unsigned := integerKind(t.Kind())
	return (signed || unsigned || t.Kind() == reflect.String) && t.Implements(enumType)
}

func enumPlan(p *plan, t reflect.Type) {
	names := slices.Clone(reflect.Zero(t).Interface().(Enum).Atoms())
	if len(names) == 0 {
		refuse(p, t, "its method Atoms returns none")
		return
	}
	for i, a := range names {
		if err := checkAtom(a); err != nil {
			refuse(p, t, err.Error())
			return
		}
		if slices.Contains(names[:i], a) {
			refuse(p, t, "its method Atoms returns "+a.String()+" twice")
			return
		}
	}
	enc := func(dst []byte, v reflect.Value, w way) ([]byte, error) {
		i := -1
		switch {
		case v.Kind() == reflect.String:
			i = slices.Index(names, Atom(v.String()))
		case v.CanInt() && v.Int() < int64(len(names)):
			i = int(v.Int())
		case v.CanUint() && v.Uint() < uint64(len(names)):
			i = int(v.Uint())
		}
		if i < 0 {
			return nil, &EncodeError{Type: t, Msg: "value is none of its atoms"}
		}
		return w.atom(dst, names[i]), nil
	}
	dec := func(r *Reader, v reflect.Value) error {
		at := r.pos
		a, err := r.Atom()
		if err != nil {
			return withType(err, t)
		}
		i := slices.Index(names, a)
		switch {
		case i < 0:
		case v.Kind() == reflect.String:
			v.SetString(string(a))
			return nil
		case v.CanInt() && !v.OverflowInt(int64(i)):
			v.SetInt(int64(i))
			return nil
		case v.CanUint() && !v.OverflowUint(uint64(i)):
			v.SetUint(uint64(i))
			return nil
		}
		r.pos = at
		return r.unfit(t, "one of its atoms")
	}
	*p = reflected(t, enc, dec)
}
