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
		return (*Big)(makeBig(neg, mag)), nil
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

// list reads a list of any tag, through tails that are lists themselves, without recursion for those.
func (r *Reader) list() (Term, error) {
	var elems List
	opened := false
	for {
		if r.pos >= len(r.data) {
			return nil, eof(r.pos, "list")
		}
		switch r.data[r.pos] {
		case tagNil:
			r.pos++
			if opened {
				r.leave()
			}
			return elems, nil
		case tagString:
			b, err := r.Bytes()
			if err != nil {
				return nil, err
			}
			if err := r.once(&opened); err != nil {
				return nil, err
			}
			if err := r.budget(len(b)); err != nil {
				return nil, err
			}
			if elems == nil && len(b) > 0 {
				elems = make(List, 0, len(b))
			}
			for _, c := range b {
				elems = append(elems, Int(c))
			}
			if opened {
				r.leave()
			}
			return elems, nil
		case tagList:
			if r.left() < 5 {
				return nil, eof(len(r.data), "list")
			}
			u := r.u32(r.pos + 1)
			if int64(u) >= int64(r.left()-5) {
				return nil, eof(len(r.data), "list")
			}
			n := int(u)
			r.pos += 5
			if err := r.once(&opened); err != nil {
				return nil, err
			}
			if err := r.claim(n); err != nil {
				return nil, err
			}
			if elems == nil && n > 0 {
				elems = make(List, 0, n)
			}
			for range n {
				r.owed--
				e, err := r.term()
				if err != nil {
					return nil, err
				}
				elems = append(elems, e)
			}
		default:
			tail, err := r.term()
			if err != nil {
				return nil, err
			}
			if opened {
				r.leave()
			}
			if len(elems) == 0 {
				return tail, nil
			}
			return Improper{Elems: elems, Tail: tail}, nil
		}
	}
}

// once opens the level of a list when the first of its headers comes.
func (r *Reader) once(opened *bool) error {
	if *opened {
		return nil
	}
	*opened = true
	return r.open()
}

func (r *Reader) mapTerm() (Term, error) {
	at := r.pos
	n, err := r.Map()
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return Map(nil), nil
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(2 * n); err != nil {
		return nil, err
	}
	m := make(Map, n)
	for i := range m {
		if r.keyDepth++; r.keyDepth > maxKeyDepth {
			return nil, syntaxf(at, "maps nested by their keys, the most is %d deep", maxKeyDepth)
		}
		r.owed--
		if m[i].Key, err = r.term(); err != nil {
			return nil, err
		}
		r.keyDepth--
		r.owed--
		if m[i].Value, err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	if i := duplicateKey(m); i >= 0 {
		return nil, syntaxf(at, "map with duplicate key %s", short(m[i].Key))
	}
	return m, nil
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

// Export reads fun M:F/A.
func (r *Reader) Export() (Export, error) {
	if r.left() < 1 || r.data[r.pos] != tagExport {
		return Export{}, r.mismatch("external fun")
	}
	c := *r
	c.pos++
	var e Export
	var err error
	if e.Module, err = c.Atom(); err != nil {
		return Export{}, nodeError(err, "external fun")
	}
	if e.Function, err = c.Atom(); err != nil {
		return Export{}, nodeError(err, "external fun")
	}
	at := c.pos
	arity, err := c.Int()
	if err != nil {
		return Export{}, nodeError(err, "external fun")
	}
	if arity < 0 || arity > 255 {
		return Export{}, syntaxf(at, "external fun of arity %d, want 0 to 255", arity)
	}
	e.Arity = uint8(arity)
	r.pos = c.pos
	return e, nil
}

func (r *Reader) export() (Term, error) {
	e, err := r.Export()
	if err != nil {
		return nil, err
	}
	return e, nil
}

// fun reads NEW_FUN_EXT. Its size field is for those who skip; like ERTS we go by what follows.
func (r *Reader) fun() (Term, error) {
	const header = 1 + 4 + 1 + 16 + 4 + 4
	if r.left() < header {
		return nil, eof(len(r.data), "fun")
	}
	f := &Fun{Arity: r.data[r.pos+5], Uniq: [16]byte(r.data[r.pos+6 : r.pos+22]), Index: r.u32(r.pos + 22)}
	free := r.u32(r.pos + 26)
	r.pos += header
	var err error
	if f.Module, err = r.Atom(); err != nil {
		return nil, nodeError(err, "fun")
	}
	for _, i := range []*Int{&f.OldIndex, &f.OldUniq} {
		at := r.pos
		n, err := r.Int()
		if err != nil {
			return nil, nodeError(err, "fun")
		}
		if n != int64(int32(n)) {
			return nil, syntaxf(at, "fun with integer %d where one of 32 bits is expected", n)
		}
		*i = Int(n)
	}
	if f.Pid, err = r.Pid(); err != nil {
		return nil, nodeError(err, "fun")
	}
	if int64(free) > int64(r.left()) {
		return nil, eof(len(r.data), "fun")
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(int(free)); err != nil {
		return nil, err
	}
	if free > 0 {
		f.Free = make([]Term, free)
	}
	for i := range f.Free {
		r.owed--
		if f.Free[i], err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	return f, nil
}

// record reads RECORD_EXT: how many fields, flags, module, name, then all names, then all values.
func (r *Reader) record() (Term, error) {
	if r.left() < 6 {
		return nil, eof(len(r.data), "native record")
	}
	n, flags := r.u32(r.pos+1), r.data[r.pos+5]
	if flags > 1 {
		return nil, syntaxf(r.pos, "native record with flags %#x, want 0 or 1", flags)
	}
	if 2*int64(n) > int64(r.left()-6) {
		return nil, eof(len(r.data), "native record")
	}
	at := r.pos
	r.pos += 6
	rec := &Record{Exported: flags == 1}
	var err error
	if rec.Module, err = r.Atom(); err != nil {
		return nil, nodeError(err, "native record")
	}
	if rec.Name, err = r.Atom(); err != nil {
		return nil, nodeError(err, "native record")
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(2 * int(n)); err != nil {
		return nil, err
	}
	if n > 0 {
		rec.Fields = make([]Field, n)
	}
	for i := range rec.Fields {
		r.owed--
		if rec.Fields[i].Name, err = r.Atom(); err != nil {
			return nil, nodeError(err, "native record")
		}
	}
	if name, dup := duplicateField(rec.Fields); dup {
		return nil, syntaxf(at, "native record with duplicate field %s", name)
	}
	for i := range rec.Fields {
		r.owed--
		if rec.Fields[i].Value, err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	return rec, nil
}

func (b *Big) int() *big.Int { return (*big.Int)(b) }
