package etf

import (
	"math/big"
	"unicode/utf8"
)

// maxSegmentBits bounds the size that a segment of a binary may claim, since a few digits can claim anything.
const maxSegmentBits = 1 << 16

// binary reads <<…>>.
func (p *parser) binary() (Term, error) {
	p.pos += 2
	var out bitWriter
	if p.accept(">>") {
		return Binary{}, nil
	}
	for {
		if err := p.segment(&out); err != nil {
			return nil, err
		}
		if p.accept(">>") {
			return out.term(), nil
		}
		if !p.accept(",") {
			return nil, p.errorf("%s where \",\" or \">>\" is expected", p.found())
		}
	}
}

// segment reads Value, Value:Size, "text", "text"/utf8.
func (p *parser) segment(out *bitWriter) error {
	p.space()
	start := p.pos
	var text string
	var value Term
	var err error
	switch c := p.peek(); {
	case c == '"':
		text, err = p.quoted()
	case c == '$':
		var r rune
		r, err = p.char()
		value = Int(r)
	case c >= '0' && c <= '9' || c == '-' || c == '+':
		value, err = p.number()
	default:
		return p.errorf("%s where an integer or a string is expected", p.found())
	}
	if err != nil {
		return err
	}
	if _, isFloat := value.(Float); isFloat {
		return p.errorAt(start, "float in a binary")
	}
	size, sized := 8, false
	if p.accept(":") {
		at := p.pos
		p.space()
		t, err := p.number()
		if err != nil {
			return err
		}
		n, ok := t.(Int)
		if !ok || n < 0 || n > maxSegmentBits {
			return p.errorAt(at, "size %s, want 0 to %d bits", short(t), maxSegmentBits)
		}
		size, sized = int(n), true
	}
	asUTF8, err := p.segmentType(sized)
	if err != nil {
		return err
	}
	if value == nil {
		return p.textSegment(out, start, text, asUTF8, sized)
	}
	if asUTF8 {
		i, ok := value.(Int)
		if !ok || i < 0 || i > utf8.MaxRune || !utf8.ValidRune(rune(i)) {
			return p.errorAt(start, "%s is no character", short(value))
		}
		out.bytes(utf8.AppendRune(nil, rune(i)))
		return nil
	}
	out.integer(value, size)
	return nil
}

func (p *parser) segmentType(sized bool) (asUTF8 bool, err error) {
	if !p.accept("/") {
		return false, nil
	}
	at := p.pos
	a, err := p.atom()
	switch {
	case err != nil:
		return false, err
	case a == "integer":
		return false, nil
	case a == "utf8" && sized:
		return false, p.errorAt(at, "utf8 with a size")
	case a == "utf8":
		return true, nil
	}
	return false, p.errorAt(at, "type %s in a binary, want utf8 or integer", a)
}

func (p *parser) textSegment(out *bitWriter, start int, text string, asUTF8, sized bool) error {
	if sized {
		return p.errorAt(start, "string with a size")
	}
	if asUTF8 {
		out.bytes([]byte(text))
		return nil
	}
	for _, c := range text {
		if c > 255 {
			return p.errorAt(start, "%q does not fit a byte; the string may want /utf8", c)
		}
		out.bits(uint64(c), 8)
	}
	return nil
}

// bitWriter puts together a bit string.
type bitWriter struct {
	b    []byte
	free int // unused low bits of the last byte
}

// bits appends the low n bits of v, n at most 8.
func (w *bitWriter) bits(v uint64, n int) {
	for n > 0 {
		if w.free == 0 {
			w.b = append(w.b, 0)
			w.free = 8
		}
		take := min(n, w.free)
		part := byte(v>>(n-take)) & (1<<take - 1)
		w.b[len(w.b)-1] |= part << (w.free - take)
		w.free -= take
		n -= take
	}
}

func (w *bitWriter) bytes(b []byte) {
	for _, c := range b {
		w.bits(uint64(c), 8)
	}
}

// integer appends the low size bits of an integer in two's complement.
func (w *bitWriter) integer(t Term, size int) {
	if i, ok := t.(Int); ok && size <= 8 {
		w.bits(uint64(i), size)
		return
	}
	var i *big.Int
	switch t := t.(type) {
	case Int:
		i = big.NewInt(int64(t))
	case *Big:
		i = t.int()
	}
	mod := new(big.Int).Lsh(big.NewInt(1), uint(size))
	i = new(big.Int).Mod(i, mod) // Euclidean, so that -1 is all ones
	b := i.FillBytes(make([]byte, (size+7)/8))
	if first := size % 8; first != 0 {
		w.bits(uint64(b[0]), first)
		b = b[1:]
	}
	w.bytes(b)
}

func (w *bitWriter) term() Term {
	if w.free == 0 {
		return Binary(w.b)
	}
	return BitString{Bytes: w.b, Bits: uint8(8 - w.free)}
}
