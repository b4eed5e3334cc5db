package etf

import (
	"math/big"
	"reflect"
)

// termPlans are the plans of types that are frequent: of this package, and big.Int.
var termPlans map[reflect.Type]plan

// valuePlans are those of types that are rare, which work by reflection.
var valuePlans map[reflect.Type]valuePlan

type valuePlan struct {
	enc encodeFunc
	dec decodeFunc
}

func init() { // not literals: these plans refer to planOf, which refers to them
	termPlans = map[reflect.Type]plan{
		atomType:                  {encAtom, decAtom},
		termType:                  {encTermInterface, decTermInterface},
		rawType:                   {encRaw, decRaw},
		reflect.TypeFor[Pid]():    {encPid, decPid},
		reflect.TypeFor[Ref]():    {encRef, decRef},
		reflect.TypeFor[Int]():    signedPlan[Int](reflect.TypeFor[Int]()),
		reflect.TypeFor[Binary](): {encBytes, decBytes(reflect.TypeFor[Binary]())},
		bigIntType:                {encBigInt, decBigInt(bigIntType)},
		reflect.TypeFor[Big]():    {encBigInt, decBigInt(reflect.TypeFor[Big]())},
		reflect.TypeFor[Tuple]():  {encTerm[Tuple], decTerm[Tuple]("tuple")},
		reflect.TypeFor[List]():   {encTerm[List], decTerm[List]("list")},
		reflect.TypeFor[Map]():    {encTerm[Map], decTerm[Map]("map")},
		reflect.TypeFor[Float]():  {encTerm[Float], decTerm[Float]("float")},

		reflect.TypeFor[BitString](): {encTerm[BitString], decTerm[BitString]("bit string")},
		reflect.TypeFor[Improper]():  {encTerm[Improper], decTerm[Improper]("improper list")},
		reflect.TypeFor[Port]():      {encTerm[Port], decTerm[Port]("port")},
		reflect.TypeFor[Export]():    {encTerm[Export], decTerm[Export]("external fun")},
		reflect.TypeFor[Fun]():       {encPointed[Fun], decPointed[Fun]("fun")},
		reflect.TypeFor[Record]():    {encPointed[Record], decPointed[Record]("native record")},
	}
	valuePlans = map[reflect.Type]valuePlan{
		reflect.TypeFor[Charlist](): {encCharlist, decCharlist},
	}
}

func encAtom(dst []byte, a addr, w way) ([]byte, error) {
	name := *at[Atom](a)
	if w.refs != nil {
		return w.refs.append(dst, name), nil // one that is not valid is none of them
	}
	if !ValidAtom(name) {
		return nil, checkAtom(name)
	}
	return AppendAtom(dst, name), nil
}

func decAtom(r *Reader, a addr) error {
	name, err := r.Atom()
	if err != nil {
		return withType(err, atomType)
	}
	*at[Atom](a) = name
	return nil
}

func encPid(dst []byte, a addr, w way) ([]byte, error) {
	p := at[Pid](a)
	if !ValidAtom(p.Node) {
		return nil, checkAtom(p.Node)
	}
	return w.pid(dst, *p), nil
}

func decPid(r *Reader, a addr) error {
	p, err := r.Pid()
	if err != nil {
		return withType(err, reflect.TypeFor[Pid]())
	}
	*at[Pid](a) = p
	return nil
}

func encRef(dst []byte, a addr, w way) ([]byte, error) {
	ref := at[Ref](a)
	if ref.Len < 1 || ref.Len > maxRefWords || !ValidAtom(ref.Node) {
		return nil, checkRef(*ref)
	}
	return w.ref(dst, *ref), nil
}

func decRef(r *Reader, a addr) error {
	ref, err := r.Ref()
	if err != nil {
		return withType(err, reflect.TypeFor[Ref]())
	}
	*at[Ref](a) = ref
	return nil
}

func encRaw(dst []byte, a addr, w way) ([]byte, error) {
	return appendRaw(dst, *at[Raw](a), w)
}

func decRaw(r *Reader, a addr) error {
	if len(r.atoms) > 0 || r.alias {
		raw, err := r.keepRaw()
		if err == nil {
			*at[Raw](a) = raw
		}
		return err
	}
	start := r.pos
	if err := r.verify(); err != nil {
		return err
	}
	*at[Raw](a) = Raw{Bytes: r.scratch.text(r.data[start:r.pos], r.left())}
	return nil
}

// encBigInt encodes a big.Int or a Big, which are the same.
func encBigInt(dst []byte, a addr, _ way) ([]byte, error) {
	i := at[big.Int](a)
	if err := checkBig(i); err != nil {
		return nil, err
	}
	return appendBig(dst, i), nil
}

func decBigInt(t reflect.Type) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		return withType(r.bigInt(at[big.Int](a)), t)
	}
}

func encTermInterface(dst []byte, a addr, w way) ([]byte, error) {
	t := *at[Term](a)
	if t == nil {
		return nil, &EncodeError{Type: termType, Msg: "nil Term"}
	}
	return appendTerm(dst, t, w)
}

func decTermInterface(r *Reader, a addr) error {
	t, err := r.Term()
	if err != nil {
		return err
	}
	*at[Term](a) = t
	return nil
}

func encTerm[T Term](dst []byte, a addr, w way) ([]byte, error) {
	return appendTerm(dst, *at[T](a), w)
}

func decTerm[T Term](want string) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		pos := r.pos
		t, err := r.Term()
		if err != nil {
			return err
		}
		x, ok := t.(T)
		if !ok {
			r.pos = pos
			return r.unfit(reflect.TypeFor[T](), want)
		}
		*at[T](a) = x
		return nil
	}
}

// encPointed encodes a T of which the pointer is a Term.
func encPointed[T any](dst []byte, a addr, w way) ([]byte, error) {
	return appendTerm(dst, any(at[T](a)).(Term), w)
}

func decPointed[T any](want string) func(*Reader, addr) error {
	return func(r *Reader, a addr) error {
		pos := r.pos
		t, err := r.Term()
		if err != nil {
			return err
		}
		x, ok := t.(any).(*T)
		if !ok {
			r.pos = pos
			return r.unfit(reflect.TypeFor[T](), want)
		}
		*at[T](a) = *x
		return nil
	}
}
