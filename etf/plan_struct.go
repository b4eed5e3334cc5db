package etf

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// structPlan is how a struct type is written.
type structPlan struct {
	typ    reflect.Type
	fields []field
	prefix []byte // of tuples: header and tag; of Elixir structs: the association of __struct__
	tag    Atom   // of tuples, or the module of Elixir structs
	tuple  bool
	elixir bool
	omits  bool // some field has omitempty
	atoms  map[string]int
	bins   map[string]int
}

func (b *builder) goStruct(p *plan, t reflect.Type) {
	s, err := b.structPlan(t)
	if err != nil {
		refuse(p, t, err.Error())
		return
	}
	if s.tuple {
		p.enc, p.dec = s.encTuple, s.decTuple
	} else {
		p.enc, p.dec = s.encMap, s.decMap
	}
}

func (b *builder) structPlan(t reflect.Type) (*structPlan, error) {
	s := &structPlan{typ: t, atoms: map[string]int{}, bins: map[string]int{}}
	if err := s.shape(); err != nil {
		return nil, err
	}
	fields, err := b.fields(t, s.tuple)
	if err != nil {
		return nil, err
	}
	s.fields = fields
	for i, f := range s.fields {
		if f.binary {
			s.bins[f.name] = i
		} else {
			s.atoms[f.name] = i
		}
		s.omits = s.omits || f.omitEmpty
	}
	switch {
	case s.tuple:
		n := len(fields)
		if s.tag != "" {
			n++
		}
		s.prefix = AppendTupleHeader(nil, n)
		if s.tag != "" {
			s.prefix = AppendAtom(s.prefix, s.tag)
		}
	case s.elixir:
		if _, ok := s.atoms["__struct__"]; ok {
			return nil, fmt.Errorf("field for __struct__ in an Elixir struct")
		}
		s.prefix = AppendAtom(AppendAtom(nil, "__struct__"), s.tag)
	}
	return s, nil
}

// shape reads the tag of the blank field.
func (s *structPlan) shape() error {
	for i := range s.typ.NumField() {
		f := s.typ.Field(i)
		tag, ok := f.Tag.Lookup("etf")
		if f.Name != "_" || !ok {
			continue
		}
		name, opts := splitTag(tag)
		s.tag = Atom(name)
		for _, opt := range opts {
			switch {
			case opt == "tuple" && !s.elixir:
				s.tuple = true
			case opt == "elixir" && !s.tuple && name != "":
				s.elixir = true
			default:
				return fmt.Errorf("tag %q of the blank field: want \"name,tuple\", \",tuple\" or \"Elixir.Name,elixir\"", tag)
			}
		}
		if !s.tuple && !s.elixir {
			return fmt.Errorf("tag %q of the blank field: want option tuple or elixir", tag)
		}
		return checkAtom(s.tag)
	}
	return nil
}

func (s *structPlan) encTuple(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if depth <= 0 {
		return nil, &LimitError{Limit: "Depth", Max: hardDepth}
	}
	dst = append(dst, s.prefix...)
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		fv, ok := f.get(v)
		if !ok {
			dst = append(dst, nilAtom...)
			continue
		}
		if dst, err = f.plan.enc(dst, fv, depth-1); err != nil {
			return nil, addPath(err, f.step())
		}
	}
	return dst, nil
}

func (s *structPlan) encMap(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if depth <= 0 {
		return nil, &LimitError{Limit: "Depth", Max: hardDepth}
	}
	at, n := len(dst)+1, 0
	dst = AppendMapHeader(dst, 0)
	if s.elixir {
		dst = append(dst, s.prefix...)
		n++
	}
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		fv, ok := f.get(v)
		if !ok || f.omitEmpty && isEmpty(fv) {
			continue
		}
		dst = append(dst, f.key...)
		if dst, err = f.plan.enc(dst, fv, depth-1); err != nil {
			return nil, addPath(err, f.step())
		}
		n++
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(n))
	return dst, nil
}

func (s *structPlan) decTuple(r *Reader, v reflect.Value) error {
	at := r.pos
	n, err := r.Tuple()
	if err != nil {
		return withType(err, s.typ)
	}
	want := len(s.fields)
	if s.tag != "" {
		want++
	}
	if n != want {
		return &TypeError{Offset: at, Found: fmt.Sprintf("tuple of %d elements", n), Want: fmt.Sprint(want), Type: s.typ}
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(n); err != nil {
		return err
	}
	if s.tag != "" {
		r.owed--
		text, a, next, err := r.atomText(r.pos)
		if err != nil {
			return withType(err, s.typ)
		}
		if a != s.tag && string(text) != string(s.tag) {
			return r.unfit(s.typ, "the atom "+s.tag.String())
		}
		r.pos = next
	}
	for i := range s.fields {
		f := &s.fields[i]
		fv, err := f.settable(v, r.pos)
		if err != nil {
			return err
		}
		r.owed--
		if err := f.plan.dec(r, fv); err != nil {
			return addPath(err, f.step())
		}
	}
	r.leave()
	return nil
}

func (s *structPlan) decMap(r *Reader, v reflect.Value) error {
	at := r.pos
	n, err := r.Map()
	if err != nil {
		return withType(err, s.typ)
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.claim(2 * n); err != nil {
		return err
	}
	var few uint64 // which fields have come, if there are at most 64
	var many []bool
	if len(s.fields) > 64 {
		many = make([]bool, len(s.fields))
	}
	module := !s.elixir
	next := 0 // fields tend to come in their order
	for range n {
		r.owed -= 2
		keyAt := r.pos
		i, isModule, err := s.key(r, next)
		if err != nil {
			return err
		}
		if isModule {
			if a, err := r.Atom(); err != nil || a != s.tag {
				if err == nil {
					err = &TypeError{Offset: at, Found: "%" + a.String() + "{}", Want: s.tag.String()}
				}
				return addPath(withType(err, s.typ), ".__struct__")
			}
			module = true
			continue
		}
		if i < 0 {
			if err := r.Skip(); err != nil {
				return err
			}
			continue
		}
		f := &s.fields[i]
		next = i + 1
		if many != nil && many[i] || few&(1<<(i&63)) != 0 && many == nil {
			return syntaxf(keyAt, "map with duplicate key %s", f.name)
		}
		if many != nil {
			many[i] = true
		} else {
			few |= 1 << i
		}
		fv, err := f.settable(v, r.pos)
		if err != nil {
			return err
		}
		if err := f.plan.dec(r, fv); err != nil {
			return addPath(err, f.step())
		}
	}
	if !module {
		return &TypeError{Offset: at, Found: "map without __struct__", Want: s.tag.String(), Type: s.typ}
	}
	r.leave()
	return nil
}

// key reads a key and finds its field, which is likely the one at index next; -1 if there is none.
func (s *structPlan) key(r *Reader, next int) (i int, isModule bool, err error) {
	tag, _ := r.Tag()
	switch tag {
	case tagSmallAtomUTF, tagAtomUTF8, tagSmallAtom, tagAtom, tagCacheRef:
		text, a, end, err := r.atomText(r.pos)
		if err != nil {
			return 0, false, err
		}
		r.pos = end
		var ok bool
		if text == nil {
			if next < len(s.fields) && !s.fields[next].binary && s.fields[next].name == string(a) {
				return next, false, nil
			}
			i, ok = s.atoms[string(a)]
			isModule = s.elixir && a == "__struct__"
		} else {
			if next < len(s.fields) && !s.fields[next].binary && s.fields[next].name == string(text) {
				return next, false, nil
			}
			i, ok = s.atoms[string(text)]
			isModule = s.elixir && string(text) == "__struct__"
		}
		if !ok {
			i = -1
		}
		return i, isModule, nil
	case tagBinary:
		b, err := r.Binary()
		if err != nil {
			return 0, false, err
		}
		i, ok := s.bins[string(b)]
		if !ok {
			i = -1
		}
		return i, false, nil
	}
	return -1, false, r.Skip()
}

// isEmpty reports what omitempty leaves out, as in encoding/json.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
