package etf

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
)

// AppendTerm appends the bare encoding of t to dst, with the bytes that a BEAM node chooses when it sends t. It neither
// uses reflection nor allocates, but for dst. It returns an error for what no BEAM node would take: a nil Term, an
// invalid atom, a float that is not finite, a map with a duplicate key, a reference of no or more than five words.
func AppendTerm(dst []byte, t Term) ([]byte, error) {
	return appendTerm(dst, t, hardDepth)
}

// appendTerm is AppendTerm for a term in which others may nest depth deep.
func appendTerm(dst []byte, t Term, depth int) ([]byte, error) {
	switch t := t.(type) {
	case nil:
		return nil, &EncodeError{Msg: "nil Term"}
	case Atom:
		if err := checkAtom(t); err != nil {
			return nil, err
		}
		return AppendAtom(dst, t), nil
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
		return AppendBinary(dst, t), nil
	case BitString:
		return appendBits(dst, t)
	case Pid:
		if err := checkAtom(t.Node); err != nil {
			return nil, err
		}
		return AppendPid(dst, t), nil
	case Port:
		if err := checkAtom(t.Node); err != nil {
			return nil, err
		}
		return AppendPort(dst, t), nil
	case Ref:
		if err := checkRef(t); err != nil {
			return nil, err
		}
		return AppendRef(dst, t), nil
	case Export:
		if err := checkAtoms(t.Module, t.Function); err != nil {
			return nil, err
		}
		dst = AppendAtom(AppendAtom(append(dst, tagExport), t.Module), t.Function)
		return append(dst, tagSmallInt, t.Arity), nil
	}
	if depth <= 0 && !isLeaf(t) {
		return nil, &LimitError{Limit: "Depth", Max: hardDepth}
	}
	switch t := t.(type) {
	case Tuple:
		if len(t) > maxTupleArity {
			return nil, encodeErrorf(t, "tuple of %d elements, the most is %d", len(t), maxTupleArity)
		}
		return appendTerms(AppendTupleHeader(dst, len(t)), t, depth)
	case List:
		return appendList(dst, t, depth)
	case Improper:
		return appendImproper(dst, t, depth)
	case Map:
		return appendMap(dst, t, depth)
	case *Fun:
		return appendFun(dst, t, depth)
	case *Record:
		return appendRecord(dst, t, depth)
	}
	panic("unreachable: Term is sealed")
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
func appendTerms(dst []byte, terms []Term, depth int) ([]byte, error) {
	var err error
	for i, e := range terms {
		if dst, err = appendTerm(dst, e, depth-1); err != nil {
			return nil, addPath(err, indexStep(i))
		}
	}
	return dst, nil
}

func appendList(dst []byte, l List, depth int) ([]byte, error) {
	if len(l) == 0 {
		return append(dst, tagNil), nil
	}
	if err := checkLen(len(l)); err != nil {
		return nil, err
	}
	if bytesOnly(l) {
		dst = append(dst, tagString, byte(len(l)>>8), byte(len(l)))
		for _, e := range l {
			dst = append(dst, byte(e.(Int)))
		}
		return dst, nil
	}
	dst, err := appendTerms(AppendListHeader(dst, len(l)), l, depth)
	if err != nil {
		return nil, err
	}
	return append(dst, tagNil), nil
}

// bytesOnly reports whether l goes as STRING_EXT.
func bytesOnly(l List) bool {
	if len(l) > math.MaxUint16 {
		return false
	}
	for _, e := range l {
		if i, ok := e.(Int); !ok || uint64(i) > 255 {
			return false
		}
	}
	return true
}

// appendImproper appends what the value is after following tails that are lists: [1 | [2]] is [1, 2].
func appendImproper(dst []byte, t Improper, depth int) ([]byte, error) {
	n, tail := len(t.Elems), t.Tail
	for hops := 0; ; hops++ {
		if imp, ok := tail.(Improper); ok && hops < hardDepth {
			n += len(imp.Elems)
			tail = imp.Tail
			continue
		}
		break
	}
	if l, ok := tail.(List); ok {
		flat := make(List, 0, n+len(l))
		for tail = Term(t); ; {
			imp, ok := tail.(Improper)
			if !ok {
				break
			}
			flat = append(flat, imp.Elems...)
			tail = imp.Tail
		}
		return appendList(dst, append(flat, l...), depth)
	}
	switch {
	case n == 0:
		return nil, encodeErrorf(t, "improper list without elements")
	case tail == nil:
		return nil, encodeErrorf(t, "improper list with a nil tail")
	}
	if err := checkLen(n); err != nil {
		return nil, err
	}
	dst = AppendListHeader(dst, n)
	var err error
	for tail = Term(t); ; {
		imp, ok := tail.(Improper)
		if !ok {
			break
		}
		if dst, err = appendTerms(dst, imp.Elems, depth); err != nil {
			return nil, err
		}
		tail = imp.Tail
	}
	dst, err = appendTerm(dst, tail, depth-1)
	return dst, addPath(err, ".tail")
}

func appendMap(dst []byte, m Map, depth int) ([]byte, error) {
	if len(m) > maxMapLen {
		return nil, encodeErrorf(m, "map of %d associations, the most is %d", len(m), maxMapLen)
	}
	dst = AppendMapHeader(dst, len(m))
	var err error
	for _, p := range m {
		if dst, err = appendTerm(dst, p.Key, depth-1); err != nil {
			return nil, addPath(err, ".key")
		}
		if dst, err = appendTerm(dst, p.Value, depth-1); err != nil {
			return nil, addPath(err, keyStep(p.Key))
		}
	}
	if i := duplicateKey(m); i >= 0 {
		return nil, encodeErrorf(m, "duplicate key %s", short(m[i].Key))
	}
	return dst, nil
}

func appendFun(dst []byte, f *Fun, depth int) ([]byte, error) {
	if f == nil {
		return nil, encodeErrorf(f, "nil pointer")
	}
	if err := checkAtoms(f.Module, f.Pid.Node); err != nil {
		return nil, err
	}
	for _, i := range []Int{f.OldIndex, f.OldUniq} {
		if i != Int(int32(i)) {
			return nil, encodeErrorf(f, "OldIndex or OldUniq %d does not fit 32 bits", i)
		}
	}
	at := len(dst)
	dst = append(dst, tagNewFun, 0, 0, 0, 0, f.Arity)
	dst = append(dst, f.Uniq[:]...)
	dst = binary.BigEndian.AppendUint32(dst, f.Index)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.Free)))
	dst = AppendAtom(dst, f.Module)
	dst = AppendInt(dst, int64(f.OldIndex))
	dst = AppendInt(dst, int64(f.OldUniq))
	dst = AppendPid(dst, f.Pid)
	dst, err := appendTerms(dst, f.Free, depth)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-1))
	return dst, nil
}

func appendRecord(dst []byte, r *Record, depth int) ([]byte, error) {
	if r == nil {
		return nil, encodeErrorf(r, "nil pointer")
	}
	if err := checkAtoms(r.Module, r.Name); err != nil {
		return nil, err
	}
	if name, dup := duplicateField(r.Fields); dup {
		return nil, encodeErrorf(r, "duplicate field %s", name)
	}
	dst = binary.BigEndian.AppendUint32(append(dst, tagRecord), uint32(len(r.Fields)))
	var flags byte
	if r.Exported {
		flags = 1
	}
	dst = AppendAtom(AppendAtom(append(dst, flags), r.Module), r.Name)
	for _, f := range r.Fields {
		if err := checkAtom(f.Name); err != nil {
			return nil, err
		}
		dst = AppendAtom(dst, f.Name)
	}
	var err error
	for _, f := range r.Fields {
		if dst, err = appendTerm(dst, f.Value, depth-1); err != nil {
			return nil, addPath(err, "."+string(f.Name))
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
