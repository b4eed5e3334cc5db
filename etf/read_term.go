package etf

import (
	"bytes"
	"encoding/binary"
	"math/big"
)

// Term reads one term of any kind. Binaries in it are copies, or share memory with the input with the option Alias.
func (r *Reader) Term() (Term, error) {
	pos, depth, keyDepth, owed := r.pos, r.depth, r.keyDepth, r.owed
	var t Term
	var err error
	if r.scratch != nil {
		t, err = r.term()
	} else {
		s := scratches.Get().(*scratch)
		r.scratch = s
		switch tag, _ := r.Tag(); tag {
		case tagSmallTuple, tagMap, tagList:
			s.prepare(r.left())
		}
		t, err = r.term()
		r.scratch = nil
		s.release()
	}
	if err != nil {
		r.pos, r.depth, r.keyDepth, r.owed = pos, depth, keyDepth, owed
		return nil, err
	}
	return t, nil
}

// term reads a term. There is a scratch.
func (r *Reader) term() (Term, error) {
	r.scratch.used = true
	d := r.data[r.pos:]
	if len(d) == 0 {
		return nil, eof(r.pos, "term")
	}
	switch tag := d[0]; tag {
	case tagSmallInt:
		if len(d) < 2 {
			return nil, eof(len(r.data), "integer")
		}
		r.pos += 2
		return Int(d[1]), nil
	case tagInt:
		if len(d) < 5 {
			return nil, eof(len(r.data), "integer")
		}
		r.pos += 5
		return r.boxInt(Int(int32(binary.BigEndian.Uint32(d[1:])))), nil
	case tagSmallBig, tagLargeBig:
		return r.integer()
	case tagSmallAtomUTF, tagAtomUTF8, tagSmallAtom, tagAtom, tagCacheRef:
		n, err := r.scratch.name(r)
		if err != nil {
			return nil, err
		}
		return n.term, nil
	case tagBinary:
		b, err := r.Binary()
		if err != nil {
			return nil, err
		}
		return r.boxBinary(b), nil
	case tagSmallTuple, tagLargeTuple:
		return r.tuple()
	case tagNil, tagList, tagString:
		return r.list()
	case tagMap:
		return r.mapTerm()
	case tagNewFloat, tagFloat:
		f, err := r.Float()
		if err != nil {
			return nil, err
		}
		p := r.scratch.floats.next(r.owed, r.left())
		*p = Float(f)
		return boxFloat(p), nil
	case tagNewPid, tagPid:
		pid, err := r.Pid()
		if err != nil {
			return nil, err
		}
		p := r.scratch.pids.next(r.owed, r.left())
		*p = pid
		return boxPid(p), nil
	case tagNewerRef, tagNewRef, tagOldRef:
		ref, err := r.Ref()
		if err != nil {
			return nil, err
		}
		return ref, nil
	case tagV4Port, tagNewPort, tagPort:
		p, err := r.Port()
		if err != nil {
			return nil, err
		}
		return p, nil
	case tagBitBinary:
		return r.bitString()
	case tagExport:
		return r.export()
	case tagNewFun:
		return r.fun()
	case tagRecord:
		return r.record()
	default:
		return nil, r.badTag(tag)
	}
}

// boxInt makes a Term of an integer. For those of a byte Go has memory already.
func (r *Reader) boxInt(i Int) Term {
	if uint64(i) <= 255 {
		return i
	}
	p := r.scratch.ints.next(r.owed, r.left())
	*p = i
	return boxInt(p)
}

func (r *Reader) boxBinary(b []byte) Term {
	p := r.scratch.binaries.next(r.owed, r.left())
	*p = r.own(b)
	return boxBinary(p)
}

// own returns b as the receiver may keep it. There is a scratch.
func (r *Reader) own(b []byte) []byte {
	if r.alias {
		return b
	}
	return r.scratch.text(b, r.left())
}

// integer reads a big, which may fit an Int.
func (r *Reader) integer() (Term, error) {
	neg, mag, next, err := r.magnitude()
	if err != nil {
		return nil, err
	}
	r.pos = next
	u, ok := smallMagnitude(mag)
	switch {
	case ok && !neg && u < 1<<63:
		return r.boxInt(Int(u)), nil
	case ok && neg && u <= 1<<63:
		return r.boxInt(Int(-u)), nil
	}
	i := newBig(len(mag))
	setBig(i, neg, mag)
	return (*Big)(i), nil
}

func (r *Reader) tuple() (Term, error) {
	n, err := r.Tuple()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return Tuple(nil), nil
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(n); err != nil {
		return nil, err
	}
	p := r.scratch.tuples.next(r.left(), r.left())
	t := Tuple(r.scratch.elements(n, r.left()))
	*p = t
	for i := range t {
		r.owed--
		if t[i], err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	return boxTuple(p), nil
}

func (r *Reader) bitString() (Term, error) {
	b, bits, next, err := r.bits()
	if err != nil {
		return nil, err
	}
	r.pos = next
	if bits == 8 {
		return r.boxBinary(b), nil
	}
	last := b[len(b)-1]
	clean := last &^ (0xff >> bits)
	if clean == last {
		return BitString{Bytes: r.own(b), Bits: bits}, nil
	}
	b = bytes.Clone(b)
	b[len(b)-1] = clean
	return BitString{Bytes: b, Bits: bits}, nil
}

func (b *Big) int() *big.Int { return (*big.Int)(b) }
