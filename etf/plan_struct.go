package etf

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"sync/atomic"
)

// structPlan is how a struct type is written.
type structPlan struct {
	typ     reflect.Type
	fields  []field
	prefix  []byte // the header, and: of tuples the tag, of Elixir structs the association of __struct__
	header  int    // how much of prefix is the header
	tag     Atom   // of tuples, or the module of Elixir structs
	tuple   bool
	elixir  bool
	keyword bool
	atoms   map[string]int
	bins    map[string]int

	// after[i] is 1 + the field whose key came after that of field i the last time, and after[len(fields)] that of the
	// first key; 0 is not known. OTP sends the keys of maps of one shape in one order, but which it is nobody knows.
	after []atomic.Int32
}

func (b *builder) goStruct(p *plan, t reflect.Type) {
	s, err := b.structPlan(t)
	if err != nil {
		refuse(p, t, err.Error())
		return
	}
	if s.tuple {
		*p = plan{s.encTuple, s.decTuple}
	} else if s.keyword {
		*p = plan{s.encKeyword, s.decKeyword}
	} else {
		*p = plan{s.encMap, s.decMap}
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
		if f.binary && s.keyword {
			return nil, fmt.Errorf("field %s: string means nothing in a keyword list", f.name)
		}
		if f.binary {
			s.bins[f.name] = i
		} else {
			s.atoms[f.name] = i
		}
	}
	s.after = make([]atomic.Int32, len(fields)+1)
	switch {
	case s.tuple:
		n := len(fields)
		if s.tag != "" {
			n++
		}
		s.prefix = AppendTupleHeader(nil, n)
		s.header = len(s.prefix)
		if s.tag != "" {
			s.prefix = AppendAtom(s.prefix, s.tag)
		}
	case s.elixir:
		if _, ok := s.atoms["__struct__"]; ok {
			return nil, fmt.Errorf("field for __struct__ in an Elixir struct")
		}
		s.prefix = AppendMapHeader(nil, len(fields)+1)
		s.header = len(s.prefix)
		s.prefix = AppendAtom(AppendAtom(s.prefix, "__struct__"), s.tag)
	default:
		s.prefix = AppendMapHeader(nil, len(fields))
		s.header = len(s.prefix)
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
			case opt == "tuple" && len(opts) == 1:
				s.tuple = true
			case opt == "elixir" && len(opts) == 1 && name != "":
				s.elixir = true
			case opt == "keyword" && len(opts) == 1 && name == "":
				s.keyword = true
			default:
				return fmt.Errorf("tag %q of the blank field: want \"name,tuple\", \",tuple\", \",keyword\" or \"Elixir.Name,elixir\"", tag)
			}
		}
		if !s.tuple && !s.elixir && !s.keyword {
			return fmt.Errorf("tag %q of the blank field: want option tuple, keyword or elixir", tag)
		}
		return checkAtom(s.tag)
	}
	return nil
}

// begin appends what comes before the fields, with references.
func (s *structPlan) begin(dst []byte, w way) []byte {
	dst = append(dst, s.prefix[:s.header]...)
	if s.elixir {
		dst = w.refs.appendKey(dst, "__struct__")
	}
	if s.tag != "" {
		dst = w.refs.appendKey(dst, s.tag)
	}
	return dst
}

func (s *structPlan) encTuple(dst []byte, a addr, w way) ([]byte, error) {
	if w.depth <= 0 {
		return nil, tooDeep()
	}
	if w.refs == nil {
		dst = append(dst, s.prefix...)
	} else {
		dst = s.begin(dst, w)
	}
	in := w.below(1)
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		fa := f.find(a)
		if fa.isNil() {
			dst = w.none(dst)
			continue
		}
		if dst, err = f.enc(dst, fa, in); err != nil {
			return nil, addPath(err, f.step())
		}
	}
	return dst, nil
}

func (s *structPlan) encMap(dst []byte, a addr, w way) ([]byte, error) {
	if w.depth <= 0 {
		return nil, tooDeep()
	}
	start, n := len(dst), len(s.fields)
	if w.refs == nil {
		dst = append(dst, s.prefix...)
	} else {
		dst = s.begin(dst, w)
	}
	in := w.below(1)
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		fa := f.find(a)
		if fa.isNil() || f.omitEmpty && isEmpty(fa.value(f.typ)) {
			n--
			continue
		}
		if w.refs != nil && !f.binary {
			dst = w.refs.appendKey(dst, Atom(f.name))
		} else if n := len(dst); cap(dst)-n >= len(f.short) && len(f.key) <= len(f.short) { // in one move
			*(*[16]byte)(dst[n : n+16]) = f.short
			dst = dst[:n+len(f.key)]
		} else {
			dst = append(dst, f.key...)
		}
		if dst, err = f.enc(dst, fa, in); err != nil {
			return nil, addPath(err, f.step())
		}
	}
	if n < len(s.fields) {
		if s.elixir {
			n++
		}
		binary.BigEndian.PutUint32(dst[start+1:], uint32(n))
	}
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
