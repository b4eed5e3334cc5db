package etf

import "unicode/utf8"

// ValidAtom reports whether a is an atom that a BEAM node accepts: valid UTF-8, at most 255 characters.
func ValidAtom(a Atom) bool {
	if len(a) <= maxAtomChars && isASCII(a) {
		return true
	}
	return utf8.ValidString(string(a)) && (len(a) <= maxAtomChars || utf8.RuneCountInString(string(a)) <= maxAtomChars)
}

// isASCII is what nearly all atoms are, in fewer instructions than utf8.Valid takes for a few bytes.
func isASCII[S ~string | ~[]byte](s S) bool {
	const high = 0x8080808080808080
	if len(s) < 8 {
		var or byte
		for i := range len(s) {
			or |= s[i]
		}
		return or < utf8.RuneSelf
	}
	var or uint64
	last := s[len(s)-8:]
	for len(s) > 8 {
		or |= eight(s)
		s = s[8:]
	}
	return (or|eight(last))&high == 0
}

// eight returns eight bytes of s; the compiler makes one instruction of it.
func eight[S ~string | ~[]byte](s S) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// Atom reads an atom of any tag, a reference to the atom cache among them.
func (r *Reader) Atom() (Atom, error) {
	if r.scratch != nil {
		n, err := r.scratch.name(r)
		if err != nil {
			return "", err
		}
		return n.atom, nil
	}
	text, a, next, err := r.atomText(r.pos)
	if err != nil {
		return "", err
	}
	r.pos = next
	if text != nil {
		a = usual(text)
	}
	return a, nil
}

// usual makes an atom of its text, without memory if it is one of those that are in every other message.
func usual(text []byte) Atom {
	switch string(text) {
	case "ok":
		return "ok"
	case "error":
		return "error"
	case "true":
		return "true"
	case "false":
		return "false"
	case "nil":
		return "nil"
	case "undefined":
		return "undefined"
	case "alias":
		return "alias"
	case "$gen_call":
		return "$gen_call"
	case "$gen_cast":
		return "$gen_cast"
	case "normal":
		return "normal"
	case "shutdown":
		return "shutdown"
	case "EXIT":
		return "EXIT"
	case "DOWN":
		return "DOWN"
	case "process":
		return "process"
	case "noproc":
		return "noproc"
	case "noconnection":
		return "noconnection"
	case "__struct__":
		return "__struct__"
	}
	return Atom(text)
}

// atomText finds the atom at offset at and the offset behind it. The text is in a, or else the text is UTF-8 that
// aliases the input and is not nil, so that a caller who only compares it need not make a string.
func (r *Reader) atomText(at int) (text []byte, a Atom, next int, err error) {
	if at >= len(r.data) {
		return nil, "", 0, eof(at, "atom")
	}
	var n, start int
	tag := r.data[at]
	switch tag {
	case tagSmallAtomUTF, tagSmallAtom:
		if at+2 > len(r.data) {
			return nil, "", 0, eof(len(r.data), "atom")
		}
		n, start = int(r.data[at+1]), at+2
	case tagAtomUTF8, tagAtom:
		if at+3 > len(r.data) {
			return nil, "", 0, eof(len(r.data), "atom")
		}
		n, start = r.u16(at+1), at+3
	case tagCacheRef:
		if at+2 > len(r.data) {
			return nil, "", 0, eof(len(r.data), "atom cache reference")
		}
		i := int(r.data[at+1])
		if i >= len(r.atoms) {
			return nil, "", 0, syntaxf(at, "atom cache reference %d outside a table of %d", i, len(r.atoms))
		}
		return nil, r.atoms[i], at + 2, nil
	default:
		c := *r
		c.pos = at
		return nil, "", 0, c.mismatch("atom")
	}
	if n > len(r.data)-start {
		return nil, "", 0, eof(len(r.data), "atom")
	}
	next = start + n
	text = r.data[start:next:next]
	if tag == tagSmallAtom || tag == tagAtom {
		if n > maxAtomChars {
			return nil, "", 0, syntaxf(at, "atom of %d characters, the most is 255", n)
		}
		for _, c := range text {
			if c >= utf8.RuneSelf {
				return nil, latin1(text), next, nil
			}
		}
		return text, "", next, nil
	}
	if !isASCII(text) && !utf8.Valid(text) {
		return nil, "", 0, syntaxf(at, "atom is not valid UTF-8")
	}
	if n > maxAtomChars && utf8.RuneCount(text) > maxAtomChars {
		return nil, "", 0, syntaxf(at, "atom of %d characters, the most is 255", utf8.RuneCount(text))
	}
	return text, "", next, nil
}

func latin1(text []byte) Atom {
	b := make([]byte, 0, 2*len(text))
	for _, c := range text {
		b = utf8.AppendRune(b, rune(c))
	}
	return Atom(b)
}
