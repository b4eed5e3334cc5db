package etf

import "math"

// scanner finds where a bare term ends in bytes that may not all be there yet. It neither recurses nor allocates, and
// checks only what it needs: malformed bytes are for the decoder to report.
type scanner struct {
	pos  int   // of the next token
	left int64 // terms still to come

	// atom, if not nil, is called for each atom that stands in the bytes, with its offset.
	atom func(at int, text []byte, latin1 bool) error
}

// run goes on as far as it can. need is 0 when the term is complete or malformed at pos, and else how long data has to be
// at least for the next step.
func (s *scanner) run(data []byte) (need int, err error) {
	for s.left > 0 {
		size, more, err := s.token(data)
		switch {
		case err != nil:
			return 0, err
		case size == 0:
			return 0, nil
		case size > len(data)-s.pos:
			return s.pos + min(size, math.MaxInt-s.pos), nil
		}
		s.pos += size
		s.left += more - 1
	}
	return 0, nil
}

// token returns how many bytes the token at pos takes, or a lower bound of that if it is not all there, and how many terms
// follow that belong to it. The size of what is no token is 0.
func (s *scanner) token(data []byte) (size int, more int64, err error) {
	if s.pos >= len(data) {
		return 1, 0, nil
	}
	b := data[s.pos:]
	// The length field behind the tag, if there is one. As long as it is not all there nothing else is asked for, so that
	// the same comes out however the bytes arrive.
	field := 0
	switch b[0] {
	case tagSmallBig, tagSmallTuple:
		field = 1
	case tagString, tagNewerRef, tagNewRef:
		field = 2
	case tagLargeBig, tagBinary, tagBitBinary, tagLargeTuple, tagList, tagMap, tagRecord:
		field = 4
	}
	if len(b) < 1+field {
		return 1 + field, 0, nil
	}
	count := int64(0)
	for _, c := range b[1 : 1+field] {
		count = count<<8 | int64(c)
	}
	length := int(min(count, math.MaxInt-64)) // where an int has 32 bits: more never arrives
	switch b[0] {
	case tagSmallInt:
		return 2, 0, nil
	case tagInt:
		return 5, 0, nil
	case tagNewFloat:
		return 9, 0, nil
	case tagFloat:
		return 32, 0, nil
	case tagNil:
		return 1, 0, nil
	case tagSmallBig:
		return 3 + length, 0, nil
	case tagLargeBig:
		return 6 + length, 0, nil
	case tagString:
		return 3 + length, 0, nil
	case tagBinary:
		return 5 + length, 0, nil
	case tagBitBinary:
		return 6 + length, 0, nil
	case tagSmallTuple:
		return 2, count, nil
	case tagLargeTuple:
		return 5, count, nil
	case tagList:
		return 5, count + 1, nil
	case tagMap:
		return 5, 2 * count, nil
	case tagExport:
		return 1, 3, nil
	case tagRecord:
		return 6, 2 + 2*count, nil
	case tagNewFun: // module, two integers, pid, environment
		const header = 30
		if len(b) < header {
			return header, 0, nil
		}
		free := int64(b[26])<<24 | int64(b[27])<<16 | int64(b[28])<<8 | int64(b[29])
		return header, 4 + free, nil
	case tagNewPid:
		return s.ident(data, 1, 12)
	case tagPid:
		return s.ident(data, 1, 9)
	case tagV4Port:
		return s.ident(data, 1, 12)
	case tagNewPort:
		return s.ident(data, 1, 8)
	case tagPort, tagOldRef:
		return s.ident(data, 1, 5)
	case tagNewerRef:
		return s.ident(data, 3, 4+4*length)
	case tagNewRef:
		return s.ident(data, 3, 1+4*length)
	}
	size, err = s.atomSize(data, s.pos)
	return size, 0, err
}

// ident sizes an identifier that has its node behind head bytes and tail bytes behind that.
func (s *scanner) ident(data []byte, head, tail int) (int, int64, error) {
	if s.pos+head >= len(data) { // first see whether it is an atom at all
		return head + 1, 0, nil
	}
	n, err := s.atomSize(data, s.pos+head)
	if n == 0 || err != nil {
		return 0, 0, err
	}
	return head + n + tail, 0, nil
}

// atomSize sizes the atom at offset at, and reports it if it is all there. Since a token is sized again when more bytes
// have come, an atom may be reported twice.
func (s *scanner) atomSize(data []byte, at int) (int, error) {
	if at >= len(data) {
		return 1, nil
	}
	b := data[at:]
	var head, n int
	switch b[0] {
	case tagCacheRef:
		return 2, nil
	case tagSmallAtomUTF, tagSmallAtom:
		if head = 2; len(b) >= head {
			n = int(b[1])
		}
	case tagAtomUTF8, tagAtom:
		if head = 3; len(b) >= head {
			n = int(b[1])<<8 | int(b[2])
		}
	default:
		return 0, nil
	}
	if s.atom != nil && head+n <= len(b) {
		if err := s.atom(at, b[head:head+n], b[0] == tagSmallAtom || b[0] == tagAtom); err != nil {
			return 0, err
		}
	}
	return head + n, nil
}

// malformed is the error for what stands where run has stopped.
func (s *scanner) malformed(data []byte) error {
	r := Reader{data: data, pos: s.pos}
	tag := data[s.pos]
	if name := tagName(tag); name == "pid" || name == "port" || name == "reference" {
		return syntaxf(s.pos, "%s without an atom for its node", name)
	}
	return r.badTag(tag)
}
