package etf

import (
	"math/big"
	"reflect"
	"sync"
	"sync/atomic"
)

// A plan is how values of one Go type are encoded and decoded. It is made once per type. What it is given is the address
// of a value of that type: see memory.go.
type plan struct {
	enc func(dst []byte, a addr, w way) ([]byte, error)
	dec func(r *Reader, a addr) error
}

// encodeFunc and decodeFunc are plans by reflection, for what is rare. The Value is addressable.
type (
	encodeFunc = func(dst []byte, v reflect.Value, w way) ([]byte, error)
	decodeFunc = func(r *Reader, v reflect.Value) error
)

// reflected makes a plan for t of functions that work by reflection.
func reflected(t reflect.Type, enc encodeFunc, dec decodeFunc) plan {
	return plan{
		enc: func(dst []byte, a addr, w way) ([]byte, error) { return enc(dst, a.value(t), w) },
		dec: func(r *Reader, a addr) error { return dec(r, a.value(t)) },
	}
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

// holding is what to do with an interface that holds a value of one type.
type holding struct {
	word   uintptr // typeWord
	typ    reflect.Type
	plan   *plan // of typ, or of what it points to
	access access
}

type access uint8

const (
	pointed access = iota // it is a pointer, and plan is that of what it points to
	boxed                 // dataWord points to it
	copied                // it is in dataWord itself, or must not be touched: plan gets a copy
)

// recent is a cache in front of plans that takes a few instructions: a slot for each hash of a type.
var recent [512]atomic.Pointer[holding]

func holdingOf(v any) *holding {
	word := typeWord(v)
	slot := &recent[(word>>5^word>>14)%uintptr(len(recent))]
	if h := slot.Load(); h != nil && h.word == word {
		return h
	}
	t := reflect.TypeOf(v)
	h := &holding{word: word, typ: t, access: boxed}
	switch {
	case t.Kind() == reflect.Pointer:
		h.access, t = pointed, t.Elem()
	case mayBeDirect(t) || marshalsByPointer(t):
		h.access = copied
	}
	h.plan = planOf(t)
	slot.Store(h)
	return h
}

// mayBeDirect reports whether an interface may hold a t in its data word: pointers, maps, and structs and arrays of which one of these is
// all there is.
func mayBeDirect(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if mayBeDirect(t.Field(i).Type) {
				return t.Size() == reflect.TypeFor[uintptr]().Size()
			}
		}
		return false
	case reflect.Array:
		return t.Size() == reflect.TypeFor[uintptr]().Size() && mayBeDirect(t.Elem())
	case reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Pointer:
		return true
	}
	return false
}

// marshalsByPointer reports whether encoding a t would call a method with a pointer into it. The method might write
// there, and nobody may write to what an interface holds.
func marshalsByPointer(t reflect.Type) bool {
	if !t.Implements(marshalerType) && reflect.PointerTo(t).Implements(marshalerType) {
		return true
	}
	switch t.Kind() {
	case reflect.Array:
		return marshalsByPointer(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if marshalsByPointer(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// append encodes v, of which h is the holding.
func (h *holding) append(dst []byte, v any, w way) ([]byte, error) {
	switch h.access {
	case pointed:
		p := dataWord(v)
		if p.isNil() {
			return w.none(dst), nil
		}
		if w.depth <= 0 {
			return nil, tooDeep()
		}
		return h.plan.enc(dst, p, w.below(1))
	case boxed:
		return h.plan.enc(dst, dataWord(v), w)
	}
	return h.plan.enc(dst, copyOf(reflect.ValueOf(v)), w)
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
	if known, ok := valuePlans[t]; ok {
		*p = reflected(t, known.enc, known.dec)
		return
	}
	if b.convention(p, t) {
		return
	}
	if fillScalar(p, t) {
		return
	}
	switch t.Kind() {
	case reflect.Slice:
		b.slice(p, t)
	case reflect.Array:
		b.array(p, t)
	case reflect.Map:
		b.goMap(p, t)
	case reflect.Pointer:
		b.pointer(p, t)
	case reflect.Interface:
		*p = reflected(t, encInterface, decInterface)
		if t.NumMethod() == 0 {
			p.enc, p.dec = encAny, decAny
		}
	case reflect.Struct:
		b.goStruct(p, t)
	default:
		refuse(p, t, "this kind of value has no encoding")
	}
}

// refuse makes a plan that only gives errors.
func refuse(p *plan, t reflect.Type, msg string) {
	p.enc = func([]byte, addr, way) ([]byte, error) {
		return nil, &EncodeError{Type: t, Msg: msg}
	}
	p.dec = func(r *Reader, _ addr) error {
		return &TypeError{Offset: r.pos, Type: t, Err: &EncodeError{Type: t, Msg: msg}}
	}
}

// addMethods lets Marshaler and Unmarshaler, of t or of a pointer to it, go before what fill has set.
func addMethods(p *plan, t reflect.Type) {
	if t.Kind() == reflect.Pointer { // the plan of what it points to sees to it, and to nil
		return
	}
	ptr := reflect.PointerTo(t)
	switch {
	case t.Implements(marshalerType):
		p.enc = func(dst []byte, a addr, w way) ([]byte, error) {
			return callMarshal(dst, a.value(t).Interface().(Marshaler), t, w)
		}
	case ptr.Implements(marshalerType):
		p.enc = func(dst []byte, a addr, w way) ([]byte, error) {
			return callMarshal(dst, a.value(t).Addr().Interface().(Marshaler), t, w)
		}
	}
	if ptr.Implements(partReaderType) && t.PkgPath() == atomType.PkgPath() { // not if it is embedded in another
		p.dec = func(r *Reader, a addr) error { return a.value(t).Addr().Interface().(partReader).decodeETF(r) }
		return
	}
	if ptr.Implements(unmarshalerType) {
		p.dec = func(r *Reader, a addr) error { return callUnmarshal(r, a.value(t), t) }
	}
}

// isPlain reports whether a t is what its kind says, to us.
func isPlain(t reflect.Type) bool {
	_, isTerm := termPlans[t]
	_, isValue := valuePlans[t]
	return !isTerm && !isValue && !isTime(t) && t != durationType && !hasMethods(t)
}

// hasMethods reports whether t encodes or decodes itself, or has names for its values.
func hasMethods(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(marshalerType) || p.Implements(unmarshalerType) || isEnum(t)
}

func callMarshal(dst []byte, m Marshaler, t reflect.Type, w way) ([]byte, error) {
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
	if err := (Raw{Bytes: out[len(dst):]}).check(); err != nil {
		return nil, &EncodeError{Type: t, Msg: "MarshalETF did not append one term: " + err.Error(), Err: err}
	}
	if cap(dst) == 0 || &out[0] != &dst[:1][0] {
		out = append(dst, out[len(dst):]...) // it is perhaps somebody else's memory, which is read only
	}
	return w.encoded(out, len(dst)), nil
}

func callUnmarshal(r *Reader, v reflect.Value, t reflect.Type) error {
	at := r.pos
	raw, err := r.verified()
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
