package etf

import (
	"math"
	"reflect"
)

func encBool(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return AppendBool(dst, v.Bool()), nil
}

func decBool(r *Reader, v reflect.Value) error {
	b, err := r.Bool()
	if err != nil {
		return withType(err, v.Type())
	}
	v.SetBool(b)
	return nil
}

// Bool reads one of the atoms true and false.
func (r *Reader) Bool() (bool, error) {
	text, a, next, err := r.atomText(r.pos)
	if err != nil {
		if _, ok := err.(*TypeError); ok {
			return false, r.mismatch("true or false")
		}
		return false, err
	}
	switch {
	case string(text) == "true" || a == "true":
		r.pos = next
		return true, nil
	case string(text) == "false" || a == "false":
		r.pos = next
		return false, nil
	}
	return false, r.mismatch("true or false")
}

func encInt(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return AppendInt(dst, v.Int()), nil
}

func decInt(r *Reader, v reflect.Value) error {
	at := r.pos
	i, err := r.Int()
	if err != nil {
		return withType(err, v.Type())
	}
	if v.OverflowInt(i) {
		r.pos = at
		return &TypeError{Offset: at, Found: r.describe(), Type: v.Type()}
	}
	v.SetInt(i)
	return nil
}

func encUint(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	return AppendUint(dst, v.Uint()), nil
}

func decUint(r *Reader, v reflect.Value) error {
	at := r.pos
	u, err := r.Uint()
	if err != nil {
		return withType(err, v.Type())
	}
	if v.OverflowUint(u) {
		r.pos = at
		return &TypeError{Offset: at, Found: r.describe(), Type: v.Type()}
	}
	v.SetUint(u)
	return nil
}

func encFloat(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, checkFloat(f)
	}
	return AppendFloat(dst, f), nil
}

// maxExactInt is up to where every integer is a float64.
const maxExactInt = 1 << 53

func decFloat(r *Reader, v reflect.Value) error {
	at := r.pos
	var f float64
	switch tag, _ := r.Tag(); tag {
	case tagSmallInt, tagInt, tagSmallBig:
		i, err := r.Int()
		if err != nil {
			return withType(err, v.Type())
		}
		if i < -maxExactInt || i > maxExactInt {
			r.pos = at
			return r.unfit(v.Type(), "integer of at most 53 bits")
		}
		f = float64(i)
	default:
		var err error
		if f, err = r.Float(); err != nil {
			return withType(err, v.Type())
		}
	}
	if v.OverflowFloat(f) {
		r.pos = at
		return &TypeError{Offset: at, Found: r.describe(), Type: v.Type()}
	}
	v.SetFloat(f)
	return nil
}

func encString(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	if err := checkLen(v.Len()); err != nil {
		return nil, err
	}
	return AppendString(dst, v.String()), nil
}

func decString(r *Reader, v reflect.Value) error {
	b, err := r.Binary()
	if err != nil {
		return withType(err, v.Type())
	}
	v.SetString(string(b))
	return nil
}

func encBytes(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	if err := checkLen(v.Len()); err != nil {
		return nil, err
	}
	return AppendBinary(dst, v.Bytes()), nil
}

func decBytes(r *Reader, v reflect.Value) error {
	b, err := r.Binary()
	if err != nil {
		return withType(err, v.Type())
	}
	v.SetBytes(r.own(b))
	return nil
}
