package etf

import (
	"encoding/binary"
	"math"
	"reflect"
)

type signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

type unsigned interface {
	~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// fillScalar makes the plans of booleans, numbers and strings, and reports whether t is one.
func fillScalar(p *plan, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool:
		*p = plan{encBool, decBool(t)}
	case reflect.Int:
		*p = signedPlan[int](t)
	case reflect.Int8:
		*p = signedPlan[int8](t)
	case reflect.Int16:
		*p = signedPlan[int16](t)
	case reflect.Int32:
		*p = signedPlan[int32](t)
	case reflect.Int64:
		*p = signedPlan[int64](t)
	case reflect.Uint:
		*p = unsignedPlan[uint](t)
	case reflect.Uint8:
		*p = unsignedPlan[uint8](t)
	case reflect.Uint16:
		*p = unsignedPlan[uint16](t)
	case reflect.Uint32:
		*p = unsignedPlan[uint32](t)
	case reflect.Uint64:
		*p = unsignedPlan[uint64](t)
	case reflect.Uintptr:
		*p = unsignedPlan[uintptr](t)
	case reflect.Float32:
		*p = floatPlan[float32](t)
	case reflect.Float64:
		*p = floatPlan[float64](t)
	case reflect.String:
		*p = plan{encString, decString(t)}
	default:
		return false
	}
	return true
}

func encBool(dst []byte, a addr, w way) ([]byte, error) {
	return w.bool(dst, *at[bool](a)), nil
}

func decBool(t reflect.Type) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		b, err := r.Bool()
		if err != nil {
			return withType(err, t)
		}
		*at[bool](a) = b
		return nil
	}
}

// Bool reads one of the atoms true and false.
func (r *Reader) Bool() (bool, error) {
	switch d := r.data[r.pos:]; {
	case len(d) >= 2 && d[0] == tagCacheRef && int(d[1]) < len(r.atoms):
		if a := r.atoms[d[1]]; a == "true" || a == "false" {
			r.pos += 2
			return a == "true", nil
		}
	case len(d) >= 6 && string(d[:6]) == "\x77\x04true":
		r.pos += 6
		return true, nil
	case len(d) >= 7 && string(d[:7]) == "\x77\x05false":
		r.pos += 7
		return false, nil
	}
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

// overflow is the error for the number at offset at, which does not fit t.
func (r *Reader) overflow(at int, t reflect.Type) error {
	r.pos = at
	return &TypeError{Offset: at, Found: r.describe(), Type: t}
}

func signedPlan[T signed](t reflect.Type) plan {
	return plan{
		enc: func(dst []byte, a addr, _ way) ([]byte, error) {
			return AppendInt(dst, int64(*at[T](a))), nil
		},
		dec: func(r *Reader, a addr) error {
			if d := r.data[r.pos:]; len(d) >= 5 && d[0] == tagInt {
				if i := int32(binary.BigEndian.Uint32(d[1:])); int32(T(i)) == i {
					*at[T](a) = T(i)
					r.pos += 5
					return nil
				}
			}
			pos := r.pos
			i, err := r.Int()
			if err != nil {
				return withType(err, t)
			}
			if int64(T(i)) != i {
				return r.overflow(pos, t)
			}
			*at[T](a) = T(i)
			return nil
		},
	}
}

func unsignedPlan[T unsigned](t reflect.Type) plan {
	return plan{
		enc: func(dst []byte, a addr, _ way) ([]byte, error) {
			return AppendUint(dst, uint64(*at[T](a))), nil
		},
		dec: func(r *Reader, a addr) error {
			pos := r.pos
			u, err := r.Uint()
			if err != nil {
				return withType(err, t)
			}
			if uint64(T(u)) != u {
				return r.overflow(pos, t)
			}
			*at[T](a) = T(u)
			return nil
		},
	}
}

func floatPlan[T float32 | float64](t reflect.Type) plan {
	return plan{
		enc: func(dst []byte, a addr, _ way) ([]byte, error) {
			f := float64(*at[T](a))
			if !finite(f) {
				return nil, checkFloat(f)
			}
			return AppendFloat(dst, f), nil
		},
		dec: func(r *Reader, a addr) error {
			f, err := r.floatFor(t)
			if err != nil {
				return err
			}
			*at[T](a) = T(f)
			return nil
		},
	}
}

func finite(f float64) bool { return math.Float64bits(f)>>52&0x7ff != 0x7ff }

// maxExactInt is up to where every integer is a float64.
const maxExactInt = 1 << 53

// floatFor reads a float, or an integer that is one without loss, for a Go float of type t.
func (r *Reader) floatFor(t reflect.Type) (float64, error) {
	pos := r.pos
	var f float64
	switch tag, _ := r.Tag(); tag {
	case tagSmallInt, tagInt, tagSmallBig:
		i, err := r.Int()
		if err != nil {
			return 0, withType(err, t)
		}
		if i < -maxExactInt || i > maxExactInt {
			r.pos = pos
			return 0, r.unfit(t, "integer of at most 53 bits")
		}
		f = float64(i)
	default:
		var err error
		if f, err = r.Float(); err != nil {
			return 0, withType(err, t)
		}
	}
	if t.Kind() == reflect.Float32 && math.Abs(f) > math.MaxFloat32 && reflect.Zero(t).OverflowFloat(f) {
		return 0, r.overflow(pos, t)
	}
	return f, nil
}

func encString(dst []byte, a addr, w way) ([]byte, error) {
	s := *at[string](a)
	if err := checkLen(len(s)); err != nil {
		return nil, err
	}
	if len(s) >= long {
		return w.long(dst, bytesOf(s)), nil
	}
	return AppendString(dst, s), nil
}

func decString(t reflect.Type) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		b, err := r.Binary()
		if err != nil {
			return withType(err, t)
		}
		*at[string](a) = textOf(r.scratch.text(b, r.left()))
		return nil
	}
}

func encBytes(dst []byte, a addr, w way) ([]byte, error) {
	b := *at[[]byte](a)
	if err := checkLen(len(b)); err != nil {
		return nil, err
	}
	if len(b) >= long {
		return w.long(dst, b), nil
	}
	return AppendBinary(dst, b), nil
}

func decBytes(t reflect.Type) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		b, err := r.Binary()
		if err != nil {
			return withType(err, t)
		}
		*at[[]byte](a) = r.own(b)
		return nil
	}
}
