package etf

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// field is one field of a struct, possibly of a struct embedded in it.
type field struct {
	name      string
	key       []byte // encoded
	binary    bool   // the key is a binary, not an atom
	omitEmpty bool
	tagged    bool // the name is from the tag
	index     []int
	plan      *plan
}

func (f *field) step() string { return "." + f.name }

// get finds the field in v. It is not there if an embedded pointer on the way is nil.
func (f *field) get(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

// settable finds the field in v and makes the embedded structs on the way.
func (f *field) settable(v reflect.Value, at int) (reflect.Value, error) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					err := fmt.Errorf("cannot set embedded pointer to unexported struct %v", v.Type().Elem())
					return reflect.Value{}, &TypeError{Offset: at, Path: f.step(), Type: v.Type(), Err: err}
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, nil
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
		f.plan = b.plan(t.FieldByIndex(f.index).Type)
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
	if _, known := termPlans[t]; known || t.Kind() != reflect.Struct {
		return nil, false
	}
	return t, true
}
