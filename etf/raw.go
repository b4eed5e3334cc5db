package etf

import (
	"fmt"
	"math"
	"slices"
)

// Raw is one bare term still in bytes. It lets a term be passed on, kept or decoded later without decoding it now.
//
// Raw is a Go value to Append and Marshal, which write its bytes as they are if Atoms is empty, and else the same term
// with the atoms in the places of the references. It is one to Unmarshal and Decode, as a target or part of one: Bytes
// are then copied, and Atoms resolved, unless the option Alias is given. Both ways they are checked as if they were decoded.
type Raw struct {
	Bytes []byte

	// Atoms is the table that atom cache references (tag 82) in Bytes index: that of the distribution header which the
	// term came with. It is empty where there are no references.
	Atoms []Atom
}

// Decode stores the term in the value v points to, as Unmarshal does. All of Bytes must be one term.
func (r Raw) Decode(v any, opts ...Option) error {
	if len(opts) == 0 {
		if h := pointedBy(v); h != nil {
			s := scratches.Get().(*scratch)
			s.reader = Reader{data: r.Bytes, atoms: r.Atoms, maxDepth: defaultDepth, elements: defaultElements, scratch: s}
			err := h.plan.dec(&s.reader, dataWord(v))
			if err == nil {
				err = s.reader.end()
			}
			s.release()
			return err
		}
	}
	rd := NewReader(r, opts...)
	if err := rd.table.admit(r.Bytes, 0); err != nil {
		return err
	}
	return decodeAll(&rd, v)
}

// Term decodes the term. Binaries in the result share memory with r.Bytes.
func (r Raw) Term() (Term, error) {
	rd := NewReader(r)
	rd.alias = true
	t, err := rd.Term()
	if err == nil {
		err = rd.end()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// String returns the term in Erlang syntax, for logs. What cannot be decoded prints as #Raw<…> with the error.
func (r Raw) String() string {
	t, err := r.Term()
	if err != nil {
		return fmt.Sprintf("#Raw<%d bytes, %v>", len(r.Bytes), err)
	}
	return t.String()
}

// Own returns the same term in memory of its own and without references to an atom cache, so that it may be kept.
func (r Raw) Own() Raw {
	if len(r.Atoms) > 0 {
		rd := NewReader(r)
		if end, b, err := rd.walk(make([]byte, 0, len(r.Bytes)+16), true); err == nil && end == len(r.Bytes) {
			return Raw{Bytes: b}
		}
	}
	// Malformed bytes stay what they are: whoever decodes them gets the error.
	return Raw{Bytes: slices.Clone(r.Bytes), Atoms: slices.Clone(r.Atoms)}
}

// end checks that nothing follows the term.
func (r *Reader) end() error {
	if n := r.left(); n > 0 {
		return syntaxf(r.pos, "%d bytes after the term", n)
	}
	return nil
}

// appendRaw appends the term of r, if that is what its bytes are: others would take the whole message, and with it the
// connection, down at the peer.
func appendRaw(dst []byte, r Raw, w way) ([]byte, error) {
	err := r.check()
	switch {
	case err != nil:
	case len(r.Bytes) >= long && (len(r.Atoms) == 0 || w.refs != nil):
		return w.left(dst, r.Bytes), nil
	case len(r.Atoms) == 0:
		return w.encoded(append(dst, r.Bytes...), len(dst)), nil
	default:
		rd := NewReader(r)
		rd.maxDepth = hardDepth
		var out []byte
		if _, out, err = rd.walk(dst, true); err == nil {
			return w.encoded(out, len(dst)), nil
		}
	}
	return nil, &EncodeError{Type: rawType, Msg: "malformed term: " + err.Error(), Err: err}
}

// check reports whether the bytes are one term, of any size.
func (r Raw) check() error {
	rd := NewReader(r)
	rd.maxDepth, rd.elements = hardDepth, math.MaxInt
	err := rd.verify()
	if err == nil {
		err = rd.end()
	}
	return err
}
