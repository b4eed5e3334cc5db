package etf

import (
	"bytes"
	"math/big"
)

// Term reads one term of any kind. Binaries in it are copies, or share memory with the input with the option Alias.
func (r *Reader) Term() (Term, error) {
	pos, depth, keyDepth, owed := r.pos, r.depth, r.keyDepth, r.owed
	t, err := r.term()
	if err != nil {
		r.pos, r.depth, r.keyDepth, r.owed = pos, depth, keyDepth, owed
		return nil, err
	}
	return t, nil
}

func (r *Reader) term() (Term, error) {
	if r.pos >= len(r.data) {
		return nil, eof(r.pos, "term")
	}
	switch tag := r.data[r.pos]; tag {
	case tagSmallInt, tagInt, tagSmallBig, tagLargeBig:
		return r.integer()
	case tagSmallAtomUTF, tagAtomUTF8, tagSmallAtom, tagAtom, tagCacheRef:
		a, err := r.Atom()
		if err != nil {
			return nil, err
		}
		return a, nil
	case tagBinary:
		b, err := r.Binary()
		if err != nil {
			return nil, err
		}
		return Binary(r.own(b)), nil
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
		return Float(f), nil
	case tagNewPid, tagPid:
		p, err := r.Pid()
		if err != nil {
			return nil, err
		}
		return p, nil
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

// own returns b as the receiver may keep it.
func (r *Reader) own(b []byte) []byte {
	if r.alias {
		return b
	}
	return append(make([]byte, 0, len(b)), b...)
}

func (r *Reader) integer() (Term, error) {
	switch tag := r.data[r.pos]; {
	case tag == tagSmallInt || tag == tagInt:
		i, err := r.Int()
		if err != nil {
			return nil, err
		}
		return Int(i), nil
	default:
		neg, mag, next, err := r.magnitude()
		if err != nil {
			return nil, err
		}
		r.pos = next
		u, ok := smallMagnitude(mag)
		switch {
		case ok && !neg && u < 1<<63:
			return Int(u), nil
		case ok && neg && u <= 1<<63:
			return Int(-u), nil
		}
		i := new(big.Int)
		setBig(i, neg, mag)
		return (*Big)(i), nil
	}
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
	t := make(Tuple, n)
	for i := range t {
		r.owed--
		if t[i], err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	return t, nil
}

func (r *Reader) bitString() (Term, error) {
	b, bits, next, err := r.bits()
	if err != nil {
		return nil, err
	}
	r.pos = next
	if bits == 8 {
		return Binary(r.own(b)), nil
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
