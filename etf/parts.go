package etf

import "slices"

// A Part is a binary of 64 KiB or more, or an etf.Raw of that size, that was left where it is when the term around it was encoded: its Bytes belong
// in front of byte At of the encoding.
type Part struct {
	At    int
	Bytes []byte
}

// Parts are those of one encoding, in their order. They are for who writes a long term to a socket, and has no need of a copy of it
// (net.Buffers, and package dist).
type Parts []Part

// Append is the function Append, but what is long is left where it is and noted in p. With an error it returns dst as it was, and so is p. What p
// holds are the bytes of v itself, also those of strings, to which nobody may write.
//
// Left are binaries (of slices of bytes and of strings) and etf.Raw without atoms of a cache, wherever they stand but in keys of maps that are ordered by
// their encoding, in funs, and in what a Marshaler returns. Arrays of bytes and BitStrings are copied.
func (p *Parts) Append(dst []byte, v any) ([]byte, error) {
	before := len(*p)
	out, err := appendAny(dst, v, way{depth: hardDepth, parts: p})
	if err != nil {
		clear((*p)[before:])
		*p = (*p)[:before]
		return dst, err
	}
	return out, nil
}

// Len is how many bytes the parts have.
func (p Parts) Len() int {
	n := 0
	for _, part := range p {
		n += len(part.Bytes)
	}
	return n
}

// Slices appends to dst the slices that are, one after the other, the whole encoding, of which encoded is all but the parts. None of them is
// empty. Parts that are not in order, or outside of encoded, go where that is nearest to what they say.
func (p Parts) Slices(dst [][]byte, encoded []byte) [][]byte {
	from := 0
	add := func(b []byte) {
		if len(b) > 0 {
			dst = append(dst, b)
		}
	}
	for _, part := range p {
		at := min(max(part.At, from), len(encoded))
		add(encoded[from:at])
		add(part.Bytes)
		from = at
	}
	add(encoded[from:])
	return dst
}

// Join returns the whole encoding, of which encoded is all but the parts, in memory of its own.
func (p Parts) Join(encoded []byte) []byte { return slices.Concat(p.Slices(nil, encoded)...) }
