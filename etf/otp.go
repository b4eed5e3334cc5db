package etf

import "encoding/binary"

// OTP makes Marshal and Append choose the bytes that erlang:term_to_binary/1 of an OTP release chooses, as far as releases differ.
// Without it they write what every release since OTP 23 takes from other nodes: all atoms in UTF-8, ports in 28 bits
// where they fit.
//
//   - Up to 25 atoms in which every character is in Latin-1 are ATOM_EXT (100); since 26 they are UTF-8 (119, 118).
//   - In 24 and 25 a port of up to 28 bits is NEW_PORT_EXT (89), and since 26 every port is V4_PORT_EXT (120). OTP 23 knows
//     no other ports than the former.
//
// The order of a map, in which releases differ too, stays that of the Map or struct, unless Deterministic is given.
// A release of 0 or less is none.
func OTP(release int) Option {
	return func(o *options) { o.release = release }
}

// The releases in which what term_to_binary/1 writes has changed.
const (
	releaseUTF8   = 26
	releaseV4Port = 26
)

// releaseWriter writes terms as a release does.
type releaseWriter struct {
	Reader
	latin1, v4Port bool
}

// rewrite returns the bare term b, which is well-formed, as the release writes it.
func (o *options) rewrite(b []byte) ([]byte, error) {
	w := releaseWriter{Reader: NewReader(Raw{Bytes: b}), latin1: o.release < releaseUTF8, v4Port: o.release >= releaseV4Port}
	return w.term(make([]byte, 0, len(b)+len(b)/8), hardDepth+1)
}

// term moves the next term to dst.
func (w *releaseWriter) term(dst []byte, depth int) ([]byte, error) {
	if depth <= 0 {
		return nil, tooDeep()
	}
	at := w.pos
	next, parts, _, err := w.step(at)
	if err != nil {
		return nil, err
	}
	tag := w.data[at]
	switch tag {
	case tagSmallAtomUTF, tagAtomUTF8:
		return w.atom(dst)
	case tagNewPid, tagNewerRef, tagNewPort, tagV4Port:
		return w.ident(dst, next)
	}
	start := len(dst)
	dst = append(dst, w.data[at:next]...)
	w.pos = next
	for range parts {
		below := depth - 1
		if tag == tagList {
			below = depth // a tail does not nest, and elements are bounded by those who made them
		}
		if dst, err = w.term(dst, below); err != nil {
			return nil, err
		}
	}
	if tag == tagNewFun {
		binary.BigEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-1))
	}
	return dst, nil
}

func (w *releaseWriter) atom(dst []byte) ([]byte, error) {
	a, err := w.Atom()
	if err != nil {
		return nil, err
	}
	if !w.latin1 {
		return AppendAtom(dst, a), nil
	}
	start := len(dst)
	dst = append(dst, tagAtom, 0, 0)
	for _, c := range a {
		if c > 0xff {
			return AppendAtom(dst[:start], a), nil
		}
		dst = append(dst, byte(c))
	}
	binary.BigEndian.PutUint16(dst[start+1:], uint16(len(dst)-start-3))
	return dst, nil
}

// ident moves a pid, port or reference, which ends at next.
func (w *releaseWriter) ident(dst []byte, next int) ([]byte, error) {
	tag := w.data[w.pos]
	wide := tag == tagNewPort && w.v4Port
	if wide {
		tag = tagV4Port
	}
	dst = append(dst, tag)
	w.pos++
	if tag == tagNewerRef {
		dst = append(dst, w.data[w.pos:w.pos+2]...)
		w.pos += 2
	}
	dst, err := w.atom(dst)
	if err != nil {
		return nil, err
	}
	if wide {
		dst = append(dst, 0, 0, 0, 0)
	}
	dst = append(dst, w.data[w.pos:next]...)
	w.pos = next
	return dst, nil
}
