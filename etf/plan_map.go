package etf

import (
	"bytes"
	"cmp"
	"math"
	"reflect"
	"slices"
)

func (b *builder) goMap(p *plan, t reflect.Type) {
	key, elem := b.plan(t.Key()), b.plan(t.Elem())
	order := keyOrder(t.Key())
	simple := simpleKey(t.Key())
	*p = reflected(t, func(dst []byte, v reflect.Value, w way) ([]byte, error) {
		return encMap(dst, v, w, key, elem, order)
	}, func(r *Reader, v reflect.Value) error { return decMap(r, v, key, elem, simple) })
}

// keyOrder returns how keys of type t are compared, or nil if only their encodings can be.
func keyOrder(t reflect.Type) func(a, b reflect.Value) int {
	if reflect.PointerTo(t).Implements(marshalerType) {
		return nil
	}
	signed, unsigned := integerKind(t.Kind())
	switch {
	case signed:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Int(), b.Int()) }
	case unsigned:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) }
	case t.Kind() == reflect.String:
		return func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Float(), b.Float()) }
	}
	return nil
}

func encMap(dst []byte, v reflect.Value, w way, key, elem *plan, order func(a, b reflect.Value) int) ([]byte, error) {
	if w.depth <= 0 {
		return nil, tooDeep()
	}
	if order == nil {
		return encMapByBytes(dst, v, w, key, elem)
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, order)
	dst = AppendMapHeader(dst, len(keys))
	t := v.Type()
	k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	ka, ea := addrOf(k), addrOf(e)
	var err error
	for _, x := range keys {
		k.Set(x)
		if dst, err = key.enc(dst, ka, w.below(1)); err != nil {
			return nil, addPath(err, ".key")
		}
		e.Set(v.MapIndex(x))
		if dst, err = elem.enc(dst, ea, w.below(1)); err != nil {
			return nil, addPath(err, goKeyStep(key, x))
		}
	}
	return dst, nil
}

// encMapByBytes orders the associations by the encodings of their keys. Keys that differ in Go may be the same term, as
// int(1) and int64(1) in a map[any]V are; that is an error.
func encMapByBytes(dst []byte, v reflect.Value, w way, key, elem *plan) ([]byte, error) {
	type pair struct {
		key  []byte
		k, v reflect.Value
	}
	var pairs []pair
	for it := v.MapRange(); it.Next(); {
		b, err := key.enc(nil, copyOf(it.Key()), w.inFull().below(1))
		if err != nil {
			return nil, addPath(err, ".key")
		}
		pairs = append(pairs, pair{b, it.Key(), it.Value()})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	dst = AppendMapHeader(dst, len(pairs))
	for i, p := range pairs {
		if i > 0 && bytes.Equal(p.key, pairs[i-1].key) {
			return nil, &EncodeError{Type: v.Type(), Msg: "two keys are the same term " + Raw{Bytes: p.key}.String()}
		}
		var err error
		dst = w.encoded(append(dst, p.key...), len(dst))
		if dst, err = elem.enc(dst, copyOf(p.v), w.below(1)); err != nil {
			return nil, addPath(err, goKeyStep(key, p.k))
		}
	}
	return dst, nil
}

// goKeyStep is the path step of the association with key k.
func goKeyStep(p *plan, k reflect.Value) string {
	b, err := p.enc(nil, copyOf(k), plainly)
	if err != nil {
		return "[?]"
	}
	return rawKeyStep(Raw{Bytes: b})
}

func rawKeyStep(raw Raw) string {
	t, err := raw.Term()
	if err != nil {
		return "[?]"
	}
	return keyStep(t)
}

func decMap(r *Reader, v reflect.Value, key, elem *plan, simple bool) error {
	at, t := r.pos, v.Type()
	n, err := r.Map()
	if err != nil {
		return withType(err, t)
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(2 * n); err != nil {
		return err
	}
	first := r.pos
	if v.IsNil() {
		size := int(t.Key().Size() + t.Elem().Size())
		v.Set(reflect.MakeMapWithSize(t, min(n, sliceStep/max(size, 1)+1)))
	}
	before := v.Len()
	k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	ka, ea := addrOf(k), addrOf(e)
	for range n {
		k.SetZero()
		e.SetZero()
		keyAt := r.pos
		if r.keyDepth++; r.keyDepth > maxKeyDepth {
			return tooManyKeys(at)
		}
		r.owed--
		if err := key.dec(r, ka); err != nil {
			return addPath(err, ".key")
		}
		r.keyDepth--
		if !k.Comparable() {
			return &TypeError{Offset: keyAt, Found: tagName(r.data[keyAt]), Want: "key that Go can compare", Type: t}
		}
		keyEnd := r.pos
		r.owed--
		if err := elem.dec(r, ea); err != nil {
			return addPath(err, rawKeyStep(Raw{Bytes: r.data[keyAt:keyEnd], Atoms: r.atoms}))
		}
		v.SetMapIndex(k, e)
	}
	if added := v.Len() - before; added < n || !simple {
		if err := distinctKeys(*r, at, first, n); err != nil {
			return err
		}
		if added < n && distinctValues(*r, first, n, t, key) < n {
			return &TypeError{Offset: at, Found: "map with keys that are the same Go value", Want: "keys that differ", Type: t}
		}
	}
	r.leave()
	return nil
}

// distinctKeys sees to it that the n keys of the map at offset at, which start at offset first and have been decoded, are
// different terms, where the Go values do not say so.
func distinctKeys(r Reader, at, first, n int) error {
	r.pos, r.owed, r.elements = first, 0, math.MaxInt
	base := r.scratch.keys.begin(n)
	for range n {
		if err := r.ignoreKey(at); err != nil {
			return err
		}
		if err := r.Skip(); err != nil {
			return err
		}
	}
	return r.distinct(base, at)
}

// distinctValues counts the Go values that these keys are in a map of type t.
func distinctValues(r Reader, first, n int, t reflect.Type, key *plan) int {
	r.pos, r.owed, r.elements = first, 0, math.MaxInt
	seen := reflect.MakeMap(t)
	zero := reflect.Zero(t.Elem())
	k := reflect.New(t.Key()).Elem()
	for range n {
		k.SetZero()
		if key.dec(&r, addrOf(k)) != nil || r.Skip() != nil {
			break
		}
		seen.SetMapIndex(k, zero)
	}
	return seen.Len()
}

// simpleKey reports whether equal terms are always equal Go values of type t.
func simpleKey(t reflect.Type) bool {
	signed, unsigned := integerKind(t.Kind())
	switch {
	case reflect.PointerTo(t).Implements(unmarshalerType):
		return false
	case signed, unsigned, t.Kind() == reflect.String, t.Kind() == reflect.Bool, t.Kind() == reflect.Float32, t.Kind() == reflect.Float64:
		return true
	}
	return t == reflect.TypeFor[Pid]() || t == reflect.TypeFor[Ref]()
}

func short1(raw Raw) string {
	if t, err := raw.Term(); err == nil {
		return short(t)
	}
	return raw.String()
}
