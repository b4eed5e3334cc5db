package etf

import (
	"math/big"
	"reflect"
)

// termPlans are the plans of the types of this package, and of big.Int.
var termPlans map[reflect.Type]plan

func init() { // not a literal: these plans refer to planOf, which refers to this
	termPlans = map[reflect.Type]plan{
		atomType: {encAtom, decAtom},
		termType: {encTermInterface, decTermInterface},
		rawType:  {encRaw, decRaw},

		reflect.TypeFor[Charlist](): {encCharlist, decCharlist},
		reflect.TypeFor[Pid]():      {encPid, decPid},
		reflect.TypeFor[Ref]():      {encRef, decRef},

		bigIntType: {encBigInt, decBigInt},

		reflect.TypeFor[Big]():       {encBigInt, decBigInt},
		reflect.TypeFor[Int]():       {encInt, decInt},
		reflect.TypeFor[Float]():     {encFloat, decTerm[Float]("float")},
		reflect.TypeFor[Binary]():    {encBytes, decBytes},
		reflect.TypeFor[BitString](): {encTerm[BitString], decTerm[BitString]("bit string")},
		reflect.TypeFor[Tuple]():     {encTerm[Tuple], decTerm[Tuple]("tuple")},
		reflect.TypeFor[List]():      {encTerm[List], decTerm[List]("list")},
		reflect.TypeFor[Improper]():  {encTerm[Improper], decTerm[Improper]("improper list")},
		reflect.TypeFor[Map]():       {encTerm[Map], decTerm[Map]("map")},
		reflect.TypeFor[Port]():      {encTerm[Port], decTerm[Port]("port")},
		reflect.TypeFor[Export]():    {encTerm[Export], decTerm[Export]("external fun")},
		reflect.TypeFor[Fun]():       {encPointed[Fun], decPointed[Fun]("fun")},
		reflect.TypeFor[Record]():    {encPointed[Record], decPointed[Record]("native record")},
	}
}

func encAtom(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	a := Atom(v.String())
	if !ValidAtom(a) {
		return nil, checkAtom(a)
	}
	return AppendAtom(dst, a), nil
}

func decAtom(r *Reader, v reflect.Value) error {
	a, err := r.Atom()
	if err != nil {
		return withType(err, v.Type())
	}
	v.SetString(string(a))
	return nil
}

func encPid(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	p, _ := reflect.TypeAssert[Pid](v)
	if !ValidAtom(p.Node) {
		return nil, checkAtom(p.Node)
	}
	return AppendPid(dst, p), nil
}

func decPid(r *Reader, v reflect.Value) error {
	p, err := r.Pid()
	if err != nil {
		return withType(err, v.Type())
	}
	*v.Addr().Interface().(*Pid) = p
	return nil
}

func encRef(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	ref, _ := reflect.TypeAssert[Ref](v)
	if ref.Len < 1 || ref.Len > maxRefWords || !ValidAtom(ref.Node) {
		return nil, checkRef(ref)
	}
	return AppendRef(dst, ref), nil
}

func decRef(r *Reader, v reflect.Value) error {
	ref, err := r.Ref()
	if err != nil {
		return withType(err, v.Type())
	}
	*v.Addr().Interface().(*Ref) = ref
	return nil
}

func encRaw(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	raw, _ := reflect.TypeAssert[Raw](v)
	return appendRaw(dst, raw)
}

func decRaw(r *Reader, v reflect.Value) error {
	raw, err := r.keepRaw()
	if err != nil {
		return err
	}
	*v.Addr().Interface().(*Raw) = raw
	return nil
}

func encBigInt(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	i, ok := pointerTo(v).Interface().(*big.Int)
	if !ok {
		i = pointerTo(v).Interface().(*Big).int()
	}
	if err := checkBig(i); err != nil {
		return nil, err
	}
	return appendBig(dst, i), nil
}

func decBigInt(r *Reader, v reflect.Value) error {
	i, err := r.BigInt()
	if err != nil {
		return withType(err, v.Type())
	}
	if b, ok := v.Addr().Interface().(*big.Int); ok {
		b.Set(i)
		return nil
	}
	v.Addr().Interface().(*Big).int().Set(i)
	return nil
}

func encTermInterface(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return nil, &EncodeError{Type: termType, Msg: "nil Term"}
	}
	t, _ := reflect.TypeAssert[Term](v)
	return appendTerm(dst, t, depth)
}

func decTermInterface(r *Reader, v reflect.Value) error {
	t, err := r.Term()
	if err != nil {
		return err
	}
	*v.Addr().Interface().(*Term) = t
	return nil
}

func encTerm[T Term](dst []byte, v reflect.Value, depth int) ([]byte, error) {
	t, _ := reflect.TypeAssert[T](v)
	return appendTerm(dst, t, depth)
}

func decTerm[T Term](want string) func(*Reader, reflect.Value) error {
	return func(r *Reader, v reflect.Value) error {
		at := r.pos
		t, err := r.Term()
		if err != nil {
			return err
		}
		x, ok := t.(T)
		if !ok {
			r.pos = at
			return r.unfit(v.Type(), want)
		}
		*v.Addr().Interface().(*T) = x
		return nil
	}
}

// encPointed encodes a T of which the pointer is a Term.
func encPointed[T any](dst []byte, v reflect.Value, depth int) ([]byte, error) {
	return appendTerm(dst, pointerTo(v).Interface().(Term), depth)
}

func decPointed[T any](want string) func(*Reader, reflect.Value) error {
	return func(r *Reader, v reflect.Value) error {
		at := r.pos
		t, err := r.Term()
		if err != nil {
			return err
		}
		x, ok := t.(any).(*T)
		if !ok {
			r.pos = at
			return r.unfit(v.Type(), want)
		}
		*v.Addr().Interface().(*T) = *x
		return nil
	}
}
