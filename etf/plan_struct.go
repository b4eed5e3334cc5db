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
		return nil, tooDeep()
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
		return nil, tooDeep()
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
