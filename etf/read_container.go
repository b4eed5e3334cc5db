package etf

// Tuple reads the header of a tuple. The caller then reads arity terms.
func (r *Reader) Tuple() (arity int, err error) {
	if r.left() >= 2 && r.data[r.pos] == tagSmallTuple {
		n := int(r.data[r.pos+1])
		if n > r.left()-2 {
			return 0, eof(len(r.data), "tuple")
		}
		r.pos += 2
		return n, nil
	}
	if r.left() < 1 {
		return 0, eof(r.pos, "tuple")
	}
	switch r.data[r.pos] {
	case tagSmallTuple:
		return 0, eof(len(r.data), "tuple")
	case tagLargeTuple:
		if r.left() < 5 {
			return 0, eof(len(r.data), "tuple")
		}
		n := r.u32(r.pos + 1)
		if n > maxTupleArity {
			return 0, syntaxf(r.pos, "tuple of %d elements, the most is %d", n, maxTupleArity)
		}
		if int(n) > r.left()-5 {
			return 0, eof(len(r.data), "tuple")
		}
		r.pos += 5
		return int(n), nil
	}
	return 0, r.mismatch("tuple")
}

// List reads the header of a list. If n is zero the list was [] and nothing of it is left. Else the caller reads n
// elements and then a tail term: [] (see Nil) unless the list is improper, or another list with the elements that follow.
//
// A list of bytes that came as STRING_EXT is a *TypeError: see Bytes.
func (r *Reader) List() (n int, err error) {
	for at := r.pos; ; {
		if at >= len(r.data) {
			return 0, eof(at, "list")
		}
		switch r.data[at] {
		case tagNil:
			r.pos = at + 1
			return 0, nil
		case tagList:
			if len(r.data)-at < 5 {
				return 0, eof(len(r.data), "list")
			}
			u := r.u32(at + 1)
			// Each element and the tail take a byte or more.
			if int64(u) >= int64(len(r.data)-at-5) {
				return 0, eof(len(r.data), "list")
			}
			at += 5
			if u > 0 {
				r.pos = at
				return int(u), nil
			}
			// LIST_EXT of length zero is only its tail.
		default:
			c := *r
			c.pos = at
			return 0, c.mismatch("list")
		}
	}
}

// Nil reads []: the tail of a proper list.
func (r *Reader) Nil() error {
	if r.left() < 1 {
		return eof(r.pos, "list")
	}
	if r.data[r.pos] != tagNil {
		return r.mismatch("[]")
	}
	r.pos++
	return nil
}

// Bytes reads a list of bytes that came as STRING_EXT, which is how short lists of the integers 0 to 255 come. The
// result shares memory with the input.
func (r *Reader) Bytes() ([]byte, error) {
	if r.left() < 1 || r.data[r.pos] != tagString {
		return nil, r.mismatch("list of bytes")
	}
	if r.left() < 3 {
		return nil, eof(len(r.data), "list")
	}
	n := r.u16(r.pos + 1)
	if n > r.left()-3 {
		return nil, eof(len(r.data), "list")
	}
	start := r.pos + 3
	r.pos = start + n
	return r.data[start:r.pos:r.pos], nil
}

// Map reads the header of a map. The caller then reads n times a key and a value. Whether keys are distinct is his
// to see; a BEAM node sends no others.
func (r *Reader) Map() (n int, err error) {
	if r.left() < 1 || r.data[r.pos] != tagMap {
		return 0, r.mismatch("map")
	}
	if r.left() < 5 {
		return 0, eof(len(r.data), "map")
	}
	u := r.u32(r.pos + 1)
	if 2*int64(u) > int64(r.left()-5) {
		return 0, eof(len(r.data), "map")
	}
	r.pos += 5
	return int(u), nil
}

// Binary reads a binary. The result shares memory with the input.
func (r *Reader) Binary() ([]byte, error) {
	if r.left() < 1 {
		return nil, eof(r.pos, "binary")
	}
	switch r.data[r.pos] {
	case tagBinary:
		if r.left() < 5 {
			return nil, eof(len(r.data), "binary")
		}
		n := r.u32(r.pos + 1)
		if int64(n) > int64(r.left()-5) {
			return nil, eof(len(r.data), "binary")
		}
		start := r.pos + 5
		r.pos = start + int(n)
		return r.data[start:r.pos:r.pos], nil
	case tagBitBinary:
		b, bits, next, err := r.bits()
		if err != nil {
			return nil, err
		}
		if bits == 8 {
			r.pos = next
			return b, nil
		}
	}
	return nil, r.mismatch("binary")
}

// bits reads BIT_BINARY_EXT; bits is 8 if all of the last byte counts.
func (r *Reader) bits() (b []byte, bits uint8, next int, err error) {
	if r.left() < 6 {
		return nil, 0, 0, eof(len(r.data), "bit string")
	}
	n, bits := r.u32(r.pos+1), r.data[r.pos+5]
	if n == 0 && bits == 0 { // ERTS takes this for <<>>
		return []byte{}, 8, r.pos + 6, nil
	}
	if n == 0 || bits < 1 || bits > 8 {
		return nil, 0, 0, syntaxf(r.pos, "bit string of %d bytes with %d bits in the last", n, bits)
	}
	if int64(n) > int64(r.left()-6) {
		return nil, 0, 0, eof(len(r.data), "bit string")
	}
	start := r.pos + 6
	next = start + int(n)
	return r.data[start:next:next], bits, next, nil
}
