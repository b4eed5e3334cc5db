package etf

import "encoding/binary"

func appendFun(dst []byte, f *Fun, w way) ([]byte, error) {
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
	w = w.inFull() // it says how many bytes it has
	at := len(dst)
	dst = append(dst, tagNewFun, 0, 0, 0, 0, f.Arity)
	dst = append(dst, f.Uniq[:]...)
	dst = binary.BigEndian.AppendUint32(dst, f.Index)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.Free)))
	dst = AppendAtom(dst, f.Module)
	dst = AppendInt(dst, int64(f.OldIndex))
	dst = AppendInt(dst, int64(f.OldUniq))
	dst = AppendPid(dst, f.Pid)
	dst, err := appendTerms(dst, f.Free, w)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-1))
	return dst, nil
}

func appendRecord(dst []byte, r *Record, w way) ([]byte, error) {
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
	dst = w.atom(w.atom(append(dst, flags), r.Module), r.Name)
	for _, f := range r.Fields {
		if err := checkAtom(f.Name); err != nil {
			return nil, err
		}
		dst = w.atom(dst, f.Name)
	}
	var err error
	for _, f := range r.Fields {
		if dst, err = appendTerm(dst, f.Value, w.below(1)); err != nil {
			return nil, addPath(err, "."+string(f.Name))
		}
	}
	return dst, nil
}
