package etf

import (
	"fmt"
	"reflect"
)

// Unmarshaler is implemented by types that decode themselves.
type Unmarshaler interface {
	// UnmarshalETF stores the term r in the receiver. r is a term that Decode would take. It and its memory are valid during
	// the call only; r.Own keeps them.
	UnmarshalETF(r Raw) error
}

// decodeAll decodes all that is left of r, which must be one term, into what v points to.
func decodeAll(r *Reader, v any) error {
	err := decodeInto(r, v)
	if err == nil {
		err = r.end()
	}
	return err
}

// Decode reads one term into what v points to, as Unmarshal does.
func (r *Reader) Decode(v any) error {
	before := *r
	err := decodeInto(r, v)
	if err != nil {
		*r = before
	}
	return err
}

func decodeInto(r *Reader, v any) (err error) {
	switch v := v.(type) {
	case *Term:
		if v != nil {
			var t Term
			if t, err = r.Term(); err == nil {
				*v = t
			}
			return err
		}
	case *Atom:
		if v != nil {
			var a Atom
			if a, err = r.Atom(); err == nil {
				*v = a
			}
			return withType(err, atomType)
		}
	case *Raw:
		if v != nil {
			*v, err = r.keepRaw()
			return err
		}
	}
	h := pointedBy(v)
	if h == nil {
		return fmt.Errorf("etf: cannot decode into %T: want a pointer that is not nil", v)
	}
	s := scratches.Get().(*scratch)
	s.reader = *r
	s.reader.scratch = s
	err = h.plan.dec(&s.reader, dataWord(v))
	*r = s.reader
	r.scratch = nil
	s.release()
	return err
}

// pointedBy is what to do with what v points to by a plan, nil if v is no such pointer.
func pointedBy(v any) *holding {
	switch v.(type) {
	case nil, *Term, *Atom, *Raw:
		return nil
	}
	if h := holdingOf(v); h.access == pointed && !dataWord(v).isNil() {
		return h
	}
	return nil
}

// keepRaw reads a Raw for somebody who keeps it.
func (r *Reader) keepRaw() (Raw, error) {
	raw, err := r.verified()
	if err == nil && !r.alias {
		raw = raw.Own()
	}
	return raw, err
}

// verified is Raw of a term that Term takes.
func (r *Reader) verified() (Raw, error) {
	start := r.pos
	if err := r.verify(); err != nil {
		return Raw{}, err
	}
	return Raw{Bytes: r.data[start:r.pos:r.pos], Atoms: r.atoms}, nil
}

// withType says in err, if it is a *TypeError of a Reader, which Go type was to be filled.
func withType(err error, t reflect.Type) error {
	if e, ok := err.(*TypeError); ok && e.Type == nil && e.Err == nil {
		e.Type = t
	}
	return err
}

// unfit is the error for a next term, well-formed or not, that does not fit type t.
func (r *Reader) unfit(t reflect.Type, want string) error {
	return withType(r.mismatch(want), t)
}

// nilAtom reports whether the next term is one of the atoms nil and undefined, and moves over it if so.
func (r *Reader) nilAtom() bool {
	if r.left() < 2 {
		return false
	}
	switch r.data[r.pos] {
	case tagSmallAtomUTF, tagSmallAtom, tagAtom, tagAtomUTF8, tagCacheRef:
	default:
		return false
	}
	text, a, next, err := r.atomText(r.pos)
	if err != nil {
		return false
	}
	if text != nil && (string(text) == "nil" || string(text) == "undefined") || a == "nil" || a == "undefined" {
		r.pos = next
		return true
	}
	return false
}
