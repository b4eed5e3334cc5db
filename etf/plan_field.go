package etf

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// field is one field of a struct, possibly of a struct embedded in it.
type field struct {
	// What decoding needs of most fields comes first, so that it is together in the processor's cache.
	name   string
	plan   *plan
	offset uintptr // in the struct, or in the last of the embedded structs that pointers lead to
	hops   []hop
	usual  usualType
	binary bool // the key is a binary, not an atom

	omitEmpty bool
	keyword   bool     // it is a map that goes as a keyword list
	tagged    bool     // the name is from the tag
	short     [16]byte // the start of key
	key       []byte   // encoded
	index     []int
	exported  []bool // each step of index
	typ       reflect.Type
}

func (f *field) step() string { return "." + f.name }

// enc encodes the field at a. What is in most structs takes no call of a plan.
func (f *field) enc(dst []byte, a addr, w way) ([]byte, error) {
	switch f.usual {
	case usualInt:
		return AppendInt(dst, *at[int64](a)), nil
	case usualString:
		if s := *at[string](a); len(s) < long {
			return AppendString(dst, s), nil
		}
	case usualAtom:
		if s := *at[Atom](a); w.refs != nil {
			return w.refs.append(dst, s), nil // one that is not valid is none of them
		} else if len(s) <= maxAtomChars && isASCII(s) {
			return append(append(dst, tagSmallAtomUTF, byte(len(s))), s...), nil
		}
	}
	return f.plan.enc(dst, a, w)
}

// dec decodes the field into a.
func (f *field) dec(r *Reader, a addr) error {
	switch f.usual {
	case usualInt:
		if d := r.data[r.pos:]; len(d) >= 5 && d[0] == tagInt {
			*at[int64](a) = int64(int32(binary.BigEndian.Uint32(d[1:])))
			r.pos += 5
			return nil
		} else if len(d) >= 2 && d[0] == tagSmallInt {
			*at[int64](a) = int64(d[1])
			r.pos += 2
			return nil
		}
	case usualString:
		if d := r.data[r.pos:]; len(d) >= 5 && d[0] == tagBinary {
			if n := int(binary.BigEndian.Uint32(d[1:])); n <= len(d)-5 {
				r.pos += 5 + n
				*at[string](a) = textOf(r.scratch.text(d[5:5+n], len(d)-5-n))
				return nil
			}
		}
	case usualAtom:
		if d := r.data[r.pos:]; len(d) >= 2 && d[0] == tagCacheRef && int(d[1]) < len(r.atoms) {
			*at[Atom](a) = r.atoms[d[1]]
			r.pos += 2
			return nil
		} else if name, ok := r.atomAt(); ok {
			*at[Atom](a) = name
			return nil
		}
	}
	return f.plan.dec(r, a)
}

// usualType is one of the types that Go compares faster than it calls a plan; 0 is any other.
type usualType uint8

const (
	usualInt usualType = 1 + iota // an int64, or an int of 64 bits
	usualString
	usualAtom
)

func usualTypeOf(t reflect.Type) usualType {
	switch {
	case t == atomType:
		return usualAtom
	case !isPlain(t):
	case t.Kind() == reflect.Int64, t.Kind() == reflect.Int && t.Size() == 8:
		return usualInt
	case t.Kind() == reflect.String:
		return usualString
	}
	return 0
}

// hop is a step from a struct to a struct embedded in it by pointer.
type hop struct {
	offset   uintptr      // of the pointer
	typ      reflect.Type // of what it points to
	settable bool         // it may be made if it is nil
}

// find returns the address of the field in the struct at a, or nil if an embedded pointer on the way is nil.
func (f *field) find(a addr) addr {
	if f.hops == nil {
		return a.plus(f.offset)
	}
	return f.follow(a)
}

func (f *field) follow(a addr) addr {
	for _, h := range f.hops {
		if a = a.plus(h.offset).deref(); a.isNil() {
			return a
		}
	}
	return a.plus(f.offset)
}

// make returns the address of the field in the struct at a, and makes the embedded structs on the way.
func (f *field) make(a addr, at int) (addr, error) {
	if f.hops == nil {
		return a.plus(f.offset), nil
	}
	return f.makeHops(a, at)
}

func (f *field) makeHops(a addr, at int) (addr, error) {
	for _, h := range f.hops {
		a = a.plus(h.offset)
		if to := a.deref(); to.isNil() {
			if !h.settable {
				err := fmt.Errorf("cannot set embedded pointer to unexported struct %v", h.typ)
				return addr{}, &TypeError{Offset: at, Path: f.step(), Type: reflect.PointerTo(h.typ), Err: err}
			}
			a.value(reflect.PointerTo(h.typ)).Set(reflect.New(h.typ))
		}
		a = a.deref()
	}
	return a.plus(f.offset), nil
}

// locate sets where the field is in t.
func (f *field) locate(t reflect.Type) {
	for i, x := range f.index {
		if i > 0 && t.Kind() == reflect.Pointer {
			t = t.Elem()
			f.hops = append(f.hops, hop{offset: f.offset, typ: t, settable: f.exported[i-1]})
			f.offset = 0
		}
		sf := t.Field(x)
		f.offset += sf.Offset
		f.exported = append(f.exported, sf.IsExported())
		t = sf.Type
	}
	f.typ = t
}

func splitTag(tag string) (name string, opts []string) {
	name, rest, more := strings.Cut(tag, ",")
	if more {
		opts = strings.Split(rest, ",")
	}
	return name, opts
}

// fields returns the fields of t in the order of the source, those of embedded structs in their place.
func (b *builder) fields(t reflect.Type, tuple bool) ([]field, error) {
	all, err := collect(t, nil, map[reflect.Type]bool{})
	if err != nil {
		return nil, err
	}
	var out []field
	for _, f := range all {
		win, err := dominant(f, all, tuple)
		if err != nil {
			return nil, err
		}
		if !win {
			continue
		}
		if tuple && (f.omitEmpty || f.binary) {
			return nil, fmt.Errorf("field %s: omitempty and string mean nothing in a tuple", f.name)
		}
		if f.binary {
			f.key = AppendString(nil, f.name)
		} else {
			if err := checkAtom(Atom(f.name)); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.name, err)
			}
			f.key = AppendAtom(nil, Atom(f.name))
		}
		copy(f.short[:], f.key)
		f.locate(t)
		if f.keyword {
			if f.plan, err = b.keywordMap(f.typ); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.name, err)
			}
		} else {
			f.plan = b.plan(f.typ)
		}
		f.usual = usualTypeOf(f.typ)
		out = append(out, f)
	}
	return out, nil
}

// dominant reports whether f is the field for its name: of several the one embedded least deep, and among those the one
// with a tag, as in encoding/json. Two that clash in the struct itself are an error.
func dominant(f field, all []field, tuple bool) (bool, error) {
	if tuple {
		return true, nil // names do not matter
	}
	for _, g := range all {
		if g.name != f.name || g.binary != f.binary || slices.Equal(g.index, f.index) {
			continue
		}
		switch {
		case len(g.index) < len(f.index):
			return false, nil
		case len(g.index) > len(f.index):
		case len(f.index) == 1:
			return false, fmt.Errorf("two fields for key %s", f.name)
		case g.tagged || !f.tagged:
			return false, nil
		}
	}
	return true, nil
}

// collect lists the fields of t and of what is embedded in it. The map holds the types that t is embedded in.
func collect(t reflect.Type, index []int, outer map[reflect.Type]bool) ([]field, error) {
	if outer[t] {
		return nil, nil
	}
	outer[t] = true
	defer delete(outer, t)
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("etf")
		if sf.Name == "_" || tag == "-" {
			continue
		}
		f := field{index: append(slices.Clone(index), i)}
		name, opts := splitTag(tag)
		if inner, ok := flattened(sf, name); ok {
			fs, err := collect(inner, f.index, outer)
			if err != nil {
				return nil, err
			}
			out = append(out, fs...)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f.name, f.tagged = name, name != ""
		if !f.tagged {
			f.name = sf.Name
		}
		for _, opt := range opts {
			switch opt {
			case "omitempty":
				f.omitEmpty = true
			case "string":
				f.binary = true
			case "keyword":
				f.keyword = true
			default:
				return nil, fmt.Errorf("field %s: unknown option %q in tag", sf.Name, opt)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// flattened returns the struct type embedded by sf, if its fields are to count as those of the outer struct.
func flattened(sf reflect.StructField, tagName string) (reflect.Type, bool) {
	if !sf.Anonymous || tagName != "" {
		return nil, false
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, known := termPlans[t]; known || isTime(t) || t.Kind() != reflect.Struct {
		return nil, false
	}
	return t, true
}
