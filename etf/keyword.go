package etf

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Keyword is a keyword list with values of one type, in its order and with every value of a key: [{a, 1}, {b, 2}]. To
// Marshal and Unmarshal it is a slice like any other. Structs and maps can be keyword lists too: see Marshal.
type Keyword[V any] []KeywordPair[V]

// KeywordPair is {Key, Value}. Decoding takes a bare atom for {Atom, true}, as proplists do, if V takes true.
type KeywordPair[V any] struct {
	_     struct{} `etf:",tuple"`
	Key   Atom
	Value V
}

// KeywordOf returns the associations of m in the order of their keys.
func KeywordOf[K ~string, V any](m map[K]V) Keyword[V] {
	k := make(Keyword[V], 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		k = append(k, KeywordPair[V]{Key: Atom(key), Value: m[key]})
	}
	return k
}

// Get returns the first value of key, and whether there is one.
func (k Keyword[V]) Get(key Atom) (V, bool) {
	for _, p := range k {
		if p.Key == key {
			return p.Value, true
		}
	}
	var zero V
	return zero, false
}

// Map returns the first value of each key.
func (k Keyword[V]) Map() map[Atom]V {
	m := make(map[Atom]V, len(k))
	for _, p := range slices.Backward(k) {
		m[p.Key] = p.Value
	}
	return m
}

// decodeETF implements partReader.
func (p *KeywordPair[V]) decodeETF(r *Reader) error {
	*p = KeywordPair[V]{}
	t := reflect.TypeFor[KeywordPair[V]]()
	k, err := r.keyword(t)
	if err != nil {
		return err
	}
	p.Key = k.key
	v := reflect.TypeFor[V]()
	if err := k.decode(r, planOf(v), v, addrTo(&p.Value)); err != nil {
		return addPath(err, ".Value")
	}
	if !k.bare {
		r.leave()
	}
	return nil
}

// keywordMap returns the plan of a field of type t that is a map and goes as a keyword list.
func (b *builder) keywordMap(t reflect.Type) (*plan, error) {
	if t.Kind() != reflect.Map || t.Key().Kind() != reflect.String || t.Key() != atomType && !isPlain(t.Key()) {
		return nil, fmt.Errorf("keyword means something for structs, and for maps with strings or atoms as keys")
	}
	elem := b.plan(t.Elem())
	p := reflected(t, func(dst []byte, v reflect.Value, w way) ([]byte, error) {
		return encKeywordMap(dst, v, w, elem)
	}, func(r *Reader, v reflect.Value) error { return decKeywordMap(r, v, elem) })
	return &p, nil
}

func encKeywordMap(dst []byte, v reflect.Value, w way, elem *plan) ([]byte, error) {
	if v.Len() == 0 {
		return append(dst, tagNil), nil
	}
	if w.depth <= 1 {
		return nil, tooDeep()
	}
	if err := checkLen(v.Len()); err != nil {
		return nil, err
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	dst = AppendListHeader(dst, len(keys))
	e := reflect.New(v.Type().Elem()).Elem()
	for _, k := range keys {
		name := Atom(k.String())
		if err := checkAtom(name); err != nil {
			return nil, addPath(err, ".key")
		}
		dst = w.atom(AppendTupleHeader(dst, 2), name)
		e.Set(v.MapIndex(k))
		var err error
		if dst, err = elem.enc(dst, addrOf(e), w.below(2)); err != nil {
			return nil, addPath(err, keyStep(name))
		}
	}
	return append(dst, tagNil), nil
}

// decKeywordMap adds the first value of each key to the map v.
func decKeywordMap(r *Reader, v reflect.Value, elem *plan) error {
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMap(t))
	}
	seen := map[Atom]bool{}
	return r.keywords(t, func(k keyword) error {
		if seen[k.key] {
			return k.ignore(r)
		}
		seen[k.key] = true
		e := reflect.New(t.Elem()).Elem()
		if err := k.decode(r, elem, t.Elem(), addrOf(e)); err != nil {
			return addPath(err, keyStep(k.key))
		}
		v.SetMapIndex(reflect.ValueOf(string(k.key)).Convert(t.Key()), e)
		return nil
	})
}
