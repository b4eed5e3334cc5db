package etf

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// AppendTerm appends the bare encoding of t to dst, with the bytes that a BEAM node chooses when it sends t. It neither
// uses reflection nor allocates, but for dst. It returns an error for what no BEAM node would take: a nil Term, an
// invalid atom, a float that is not finite, a map with a duplicate key, a reference of no or more than five words.
// With an error it returns dst as it was.
func AppendTerm(dst []byte, t Term) ([]byte, error) {
	out, err := appendTerm(dst, t, plainly)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// appendTerm is AppendTerm in a certain way.
func appendTerm(dst []byte, t Term, w way) ([]byte, error) {
	switch t := t.(type) {
	case nil:
		return nil, &EncodeError{Msg: "nil Term"}
	case Atom:
		if err := checkAtom(t); err != nil {
			return nil, err
		}
		if w.refs == nil { // here and below: one call less for what is frequent
			return AppendAtom(dst, t), nil
		}
		return w.refs.append(dst, t), nil
	case Int:
		return AppendInt(dst, int64(t)), nil
	case *Big:
		if err := checkBig(t.int()); err != nil {
			return nil, err
		}
		return appendBig(dst, t.int()), nil
	case Float:
		if err := checkFloat(float64(t)); err != nil {
			return nil, err
		}
		return AppendFloat(dst, float64(t)), nil
	case Binary:
		if err := checkLen(len(t)); err != nil {
			return nil, err
		}
		if len(t) >= long {
			return w.long(dst, t), nil
		}
		return AppendBinary(dst, t), nil
	case BitString:
		return appendBits(dst, t)
	case Pid:
		if err := checkAtom(t.Node); err != nil {
			return nil, err
		}
		if w.refs == nil {
			return AppendPid(dst, t), nil
		}
		return w.pid(dst, t), nil
	case Port:
		if err := checkAtom(t.Node); err != nil {
			return nil, err
		}
		return w.port(dst, t), nil
	case Ref:
		if err := checkRef(t); err != nil {
			return nil, err
		}
		if w.refs == nil {
			return AppendRef(dst, t), nil
		}
		return w.ref(dst, t), nil
	case Export:
		if err := checkAtoms(t.Module, t.Function); err != nil {
			return nil, err
		}
		dst = w.atom(w.atom(append(dst, tagExport), t.Module), t.Function)
		return append(dst, tagSmallInt, t.Arity), nil
	}
	if w.depth <= 0 && !isLeaf(t) {
		return nil, tooDeep()
	}
	switch t := t.(type) {
	case Tuple:
		if len(t) > maxTupleArity {
			return nil, encodeErrorf(t, "tuple of %d elements, the most is %d", len(t), maxTupleArity)
		}
		return appendTerms(AppendTupleHeader(dst, len(t)), t, w)
	case List:
		return appendList(dst, t, w)
	case Improper:
		return appendImproper(dst, t, w)
	case Map:
		return appendMap(dst, t, w)
	case *Fun:
		return appendFun(dst, t, w)
	case *Record:
		return appendRecord(dst, t, w)
	}
	// Term is sealed, but a pointer to one of its types has the methods too, and so has a struct that embeds one.
	return nil, encodeErrorf(t, "not one of the types of package etf")
}

// isLeaf reports whether t is a tuple, list or map in which nothing nests.
func isLeaf(t Term) bool {
	switch t := t.(type) {
	case Tuple:
		return len(t) == 0
	case List:
		return len(t) == 0
	case Map:
		return len(t) == 0
	}
	return false
}

// appendTerms appends the parts of a term.
func appendTerms(dst []byte, terms []Term, w way) ([]byte, error) {
	var err error
	for i, e := range terms {
		switch e := e.(type) { // what there may be many of, without a call
		case Int:
			dst = AppendInt(dst, int64(e))
			continue
		case Float:
			if finite(float64(e)) {
				dst = AppendFloat(dst, float64(e))
				continue
			}
		case Atom:
			if len(e) <= maxAtomChars && isASCII(e) {
				if w.refs != nil {
					dst = w.refs.append(dst, e)
				} else {
					dst = append(append(dst, tagSmallAtomUTF, byte(len(e))), e...)
				}
				continue
			}
		}
		if dst, err = appendTerm(dst, e, w.below(1)); err != nil {
			return nil, addPath(err, indexStep(i))
		}
	}
	return dst, nil
}

func appendBits(dst []byte, b BitString) ([]byte, error) {
	if err := checkLen(len(b.Bytes)); err != nil {
		return nil, err
	}
	switch {
	case b.Bits == 0 || b.Bits == 8:
		return AppendBinary(dst, b.Bytes), nil
	case b.Bits > 8 || len(b.Bytes) == 0:
		return nil, encodeErrorf(b, "bit string of %d bytes with %d bits in the last", len(b.Bytes), b.Bits)
	}
	dst = append(binary.BigEndian.AppendUint32(append(dst, tagBitBinary), uint32(len(b.Bytes))), b.Bits)
	dst = append(dst, b.Bytes...)
	dst[len(dst)-1] &^= 0xff >> b.Bits // ERTS sends zeros there
	return dst, nil
}

func encodeErrorf(v any, format string, args ...any) error {
	return &EncodeError{Type: reflect.TypeOf(v), Msg: fmt.Sprintf(format, args...)}
}
