package etf

import (
	"unicode/utf8"
)

// atom reads an atom, quoted or not. The word fun is left to the caller.
func (p *parser) atom() (Atom, error) {
	p.space()
	if p.peek() == '\'' {
		a, err := p.quotedAtom()
		if err != nil {
			return "", err
		}
		return a.(Atom), nil
	}
	start := p.pos
	if c, _ := p.rune(); !lower(c) {
		return "", p.errorf("%s where a term is expected", p.found())
	}
	for p.pos < len(p.s) {
		c, n := p.rune()
		if !nameChar(c) {
			break
		}
		p.pos += n
	}
	a := Atom(p.s[start:p.pos])
	switch {
	case a == "fun" || a == "maybe" || a == "else": // the latter are plain atoms up to OTP 26
	case reserved[a]:
		return "", p.errorAt(start, "reserved word %s; as an atom it needs quotes", string(a))
	case !ValidAtom(a):
		return "", p.errorAt(start, "atom of more than %d characters", maxAtomChars)
	}
	return a, nil
}

func (p *parser) quotedAtom() (Term, error) {
	start := p.pos
	s, err := p.quoted()
	if err != nil {
		return nil, err
	}
	if a := Atom(s); ValidAtom(a) {
		return a, nil
	}
	return nil, p.errorAt(start, "atom of more than %d characters", maxAtomChars)
}

// quoted reads a text in the quotes that stand at the cursor.
func (p *parser) quoted() (string, error) {
	start, quote := p.pos, rune(p.s[p.pos])
	p.pos++
	var b []byte
	for p.pos < len(p.s) {
		c, n := p.rune()
		switch {
		case c == quote:
			p.pos++
			return string(b), nil
		case c == utf8.RuneError && n <= 1:
			return "", p.errorf("text is not valid UTF-8")
		case c == '\\':
			e, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, e)
		default:
			p.pos += n
			b = utf8.AppendRune(b, c)
		}
	}
	return "", p.errorAt(start, "no closing %q", quote)
}

// char reads $c.
func (p *parser) char() (rune, error) {
	p.pos++
	c, n := p.rune()
	switch {
	case c == '\\':
		return p.escape()
	case c == utf8.RuneError && n <= 1:
		return 0, p.errorf("no character behind $")
	}
	p.pos += n
	return c, nil
}

// escape reads a backslash and what it stands for.
func (p *parser) escape() (rune, error) {
	start := p.pos
	p.pos++
	c, n := p.rune()
	if c == utf8.RuneError && n <= 1 {
		return 0, p.errorAt(start, "no character behind \\")
	}
	p.pos += n
	switch c {
	case 'b':
		return '\b', nil
	case 'd':
		return 0x7f, nil
	case 'e':
		return 0x1b, nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 's':
		return ' ', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case '^':
		if c := p.peek(); c >= '@' && c <= '_' || c >= 'a' && c <= 'z' {
			p.pos++
			return rune(c & 0x1f), nil
		}
		return 0, p.errorAt(start, "no control character behind \\^")
	case 'x':
		return p.hexEscape(start)
	}
	if c < '0' || c > '7' {
		return c, nil
	}
	value := c - '0'
	for range 2 {
		d := p.peek()
		if d < '0' || d > '7' {
			break
		}
		p.pos++
		value = value*8 + rune(d-'0')
	}
	return value, nil
}

// hexEscape reads what follows \x: two digits, or any number in braces.
func (p *parser) hexEscape(start int) (rune, error) {
	most, braces := 2, p.peek() == '{'
	if braces {
		p.pos++
		most = 8
	}
	var value rune
	n := 0
	for ; n < most; n++ {
		d := digitValue(p.peek())
		if d >= 16 {
			break
		}
		if value = value*16 + rune(d); value > utf8.MaxRune {
			return 0, p.errorAt(start, "no such character")
		}
		p.pos++
	}
	switch {
	case braces && p.peek() != '}' || n == 0 || !braces && n != 2:
		return 0, p.errorAt(start, "malformed \\x escape")
	case !utf8.ValidRune(value):
		return 0, p.errorAt(start, "no such character")
	}
	if braces {
		p.pos++
	}
	return value, nil
}

// digitValue is the value of a digit in bases up to 36, or 36.
func digitValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	}
	return 36
}
