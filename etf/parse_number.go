package etf

import (
	"math/big"
	"strconv"
	"strings"
)

// maxDigits is more digits than any integer with an encoding has.
const maxDigits = 8 * maxBigBytes

// number reads an integer or a float, with its signs.
func (p *parser) number() (Term, error) {
	start, neg := p.pos, false
	for c := p.peek(); c == '-' || c == '+'; c = p.peek() {
		neg = neg != (c == '-')
		p.pos++
		p.space()
	}
	if p.peek() == '$' {
		c, err := p.char()
		if err != nil {
			return nil, err
		}
		if neg {
			c = -c
		}
		return Int(c), nil
	}
	text, err := p.digits(10)
	if err != nil {
		return nil, err
	}
	next := byte(0)
	if p.pos+1 < len(p.s) {
		next = p.s[p.pos+1]
	}
	switch {
	case p.peek() == '#' && digitValue(next) < 36:
		base, err := strconv.Atoi(text)
		if err != nil || base < 2 || base > 36 {
			return nil, p.errorAt(start, "base %s, want 2 to 36", text)
		}
		p.pos++
		if text, err = p.digits(base); err != nil {
			return nil, err
		}
		return p.integer(start, text, base, neg)
	case p.peek() == '.' && next >= '0' && next <= '9':
		return p.float(start, text, neg)
	}
	return p.integer(start, text, 10, neg)
}

// digits reads digits, with single underscores between them, and returns them without.
func (p *parser) digits(base int) (string, error) {
	start, underscores := p.pos, false
	for digitValue(p.peek()) < base || p.peek() == '_' && p.pos > start && p.s[p.pos-1] != '_' {
		underscores = underscores || p.peek() == '_'
		p.pos++
	}
	switch {
	case p.pos == start:
		return "", p.errorf("%s where a digit is expected", p.found())
	case p.s[p.pos-1] == '_':
		return "", p.errorf("%s where a digit is expected", p.found())
	}
	text := p.s[start:p.pos]
	if underscores {
		text = strings.ReplaceAll(text, "_", "")
	}
	return text, nil
}

func (p *parser) integer(start int, text string, base int, neg bool) (Term, error) {
	if i, err := strconv.ParseInt(text, base, 64); err == nil {
		if neg {
			i = -i
		}
		return Int(i), nil
	}
	if len(text) > maxDigits {
		return nil, p.errorAt(start, "integer of %d digits", len(text))
	}
	i, ok := new(big.Int).SetString(text, base)
	if !ok {
		return nil, p.errorAt(start, "malformed integer")
	}
	if neg {
		i.Neg(i)
	}
	if i.BitLen() > 8*maxBigBytes {
		return nil, p.errorAt(start, "integer of %d bits, the most is %d", i.BitLen(), 8*maxBigBytes)
	}
	return normal((*Big)(i)), nil
}

func (p *parser) float(start int, whole string, neg bool) (Term, error) {
	p.pos++
	frac, err := p.digits(10)
	if err != nil {
		return nil, err
	}
	text := whole + "." + frac
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		text += "e"
		if c := p.peek(); c == '-' || c == '+' {
			p.pos++
			text += string(c)
		}
		exp, err := p.digits(10)
		if err != nil {
			return nil, err
		}
		text += exp
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, p.errorAt(start, "float out of range")
	}
	if neg {
		f = -f
	}
	return Float(f), nil
}
