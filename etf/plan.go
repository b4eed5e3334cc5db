package etf

import (
	"math/big"
	"reflect"
	"sync"
	"time"
)

// A plan is how values of one Go type are encoded and decoded. It is made once per type.
type plan struct {
	enc func(dst []byte, v reflect.Value, depth int) ([]byte, error)
	dec func(r *Reader, v reflect.Value) error // v is addressable
}

// plans caches the plans by reflect.Type. What is in it depends on nothing but the types of the program.
var plans sync.Map

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	b := builder{made: map[reflect.Type]*plan{}}
	p := b.plan(t)
	for t, p := range b.made { // only now are all of them complete
		plans.LoadOrStore(t, p)
	}
	return p
}

// builder makes the plan of a type and of all types in it. Types may contain themselves.
type builder struct {
	made map[reflect.Type]*plan
}

func (b *builder) plan(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	if p, ok := b.made[t]; ok {
		return p
	}
	p := new(plan)
	b.made[t] = p
	b.fill(p, t)
	if t.Kind() != reflect.Interface {
		addMethods(p, t)
	}
	return p
}

var (
	atomType        = reflect.TypeFor[Atom]()
	termType        = reflect.TypeFor[Term]()
	rawType         = reflect.TypeFor[Raw]()
	bigIntType      = reflect.TypeFor[big.Int]()
	marshalerType   = reflect.TypeFor[Marshaler]()
	unmarshalerType = reflect.TypeFor[Unmarshaler]()
)

// fill sets how t is encoded and decoded without regard to methods.
func (b *builder) fill(p *plan, t reflect.Type) {
	if known, ok := termPlans[t]; ok {
		*p = known
		return
	}
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration]():
		refuse(p, t, "there is no convention for it yet; convert it first")
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		p.enc, p.dec = encBool, decBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.enc, p.dec = encInt, decInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.enc, p.dec = encUint, decUint
	case reflect.Float32, reflect.Float64:
		p.enc, p.dec = encFloat, decFloat
	case reflect.String:
		p.enc, p.dec = encString, decString
	case reflect.Slice:
		b.slice(p, t)
	case reflect.Array:
		b.array(p, t)
	case reflect.Map:
		b.goMap(p, t)
	case reflect.Pointer:
		b.pointer(p, t)
	case reflect.Interface:
		p.enc, p.dec = encInterface, decInterface
	case reflect.Struct:
		b.goStruct(p, t)
	default:
		refuse(p, t, "this kind of value has no encoding")
	}
}

// refuse makes a plan that only gives errors.
func refuse(p *plan, t reflect.Type, msg string) {
	p.enc = func([]byte, reflect.Value, int) ([]byte, error) {
		return nil, &EncodeError{Type: t, Msg: msg}
	}
	p.dec = func(r *Reader, _ reflect.Value) error {
		return &TypeError{Offset: r.pos, Type: t, Err: &EncodeError{Type: t, Msg: msg}}
	}
}

// addMethods lets Marshaler and Unmarshaler, of t or of a pointer to it, go before what fill has set.
func addMethods(p *plan, t reflect.Type) {
	switch ptr := reflect.PointerTo(t); {
	case t.Kind() == reflect.Pointer: // the plan of what it points to sees to it, and to nil
		return
	case t.Implements(marshalerType):
		p.enc = func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
			return callMarshal(dst, v.Interface().(Marshaler), t)
		}
	case ptr.Implements(marshalerType):
		p.enc = func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
			return callMarshal(dst, pointerTo(v).Interface().(Marshaler), t)
		}
	}
	if reflect.PointerTo(t).Implements(unmarshalerType) {
		p.dec = func(r *Reader, v reflect.Value) error { return callUnmarshal(r, v, t) }
	}
}

// pointerTo returns a pointer to v, or to a copy where v has no address.
func pointerTo(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v.Addr()
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p
}

func callMarshal(dst []byte, m Marshaler, t reflect.Type) ([]byte, error) {
	out, err := m.MarshalETF(dst)
	if err != nil {
		if e, ok := err.(*EncodeError); ok {
			return nil, e
		}
		return nil, &EncodeError{Type: t, Msg: err.Error(), Err: err}
	}
	// What is not exactly one term would spoil everything that is encoded around it.
	if len(out) < len(dst) {
		return nil, &EncodeError{Type: t, Msg: "MarshalETF did not append to its argument"}
	}
	r := NewReader(Raw{Bytes: out[len(dst):]})
	r.maxDepth = hardDepth
	if err = r.Skip(); err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, &EncodeError{Type: t, Msg: "MarshalETF did not append one term: " + err.Error(), Err: err}
	}
	return out, nil
}

func callUnmarshal(r *Reader, v reflect.Value, t reflect.Type) error {
	at := r.pos
	raw, err := r.Raw()
	if err != nil {
		return err
	}
	err = v.Addr().Interface().(Unmarshaler).UnmarshalETF(raw)
	switch e := err.(type) {
	case nil:
		return nil
	case *TypeError: // of a nested Decode: make the offset one in our bytes
		e.Offset += at
		return withType(e, t)
	case *SyntaxError:
		e.Offset += at
		return e
	case *LimitError:
		e.Offset += at
		return e
	}
	return &TypeError{Offset: at, Type: t, Err: err}
}
