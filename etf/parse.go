package etf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ParseError reports text that is no term.
type ParseError struct {
	Line   int // from 1
	Offset int // in bytes, from 0
	Msg    string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("etf: line %d, offset %d: %s", e.Line, e.Offset, e.Msg)
}

// Parse reads one term in Erlang syntax: what is printed by the String methods of terms, by io:format("~p") or "~w"
// (but for pids, ports, references and funs, which Erlang does not print whole), or written in Erlang source. A full stop
// may follow. White space and comments are skipped, integers may have a base (16#ff) and underscores, and a character
// may be written $c. Binaries may have segments of integers with sizes in bits, strings, and the types utf8 and integer.
//
// Text that is no term is a *ParseError; so is a map with a duplicate key, an atom of more than 255 characters, and nesting
// deeper than 10,000.
func Parse(text string) (Term, error) {
	p := parser{s: text}
	return p.whole()
}

// whole reads a term that is all there is.
func (p *parser) whole() (Term, error) {
	t, err := p.term()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.peek() == '.' {
		p.pos++
		p.space()
	}
	if p.pos < len(p.s) {
		return nil, p.errorf("%s after the term", p.found())
	}
	return t, nil
}

type parser struct {
	s     string
	pos   int
	depth int

	keyDepth int // how many maps it is in by their keys

	home *Home // whose identifiers may be without a node; nil for nobody's
}

func (p *parser) errorf(format string, args ...any) error { return p.errorAt(p.pos, format, args...) }

func (p *parser) errorAt(at int, format string, args ...any) error {
	return &ParseError{Line: 1 + strings.Count(p.s[:at], "\n"), Offset: at, Msg: fmt.Sprintf(format, args...)}
}

// peek returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) rune() (rune, int) { return utf8.DecodeRuneInString(p.s[p.pos:]) }

// found says what stands at the cursor, for error messages.
func (p *parser) found() string {
	if p.pos >= len(p.s) {
		return "end of text"
	}
	c, _ := p.rune()
	return fmt.Sprintf("%q", c)
}

// space skips white space and comments.
func (p *parser) space() {
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c <= ' ':
			p.pos++
		case c == '%':
			n := strings.IndexByte(p.s[p.pos:], '\n')
			if n < 0 {
				n = len(p.s) - p.pos
			}
			p.pos += n
		case strings.HasPrefix(p.s[p.pos:], "\u00a0"):
			p.pos += 2
		default:
			return
		}
	}
}

// accept skips white space and then tok, if it is there.
func (p *parser) accept(tok string) bool {
	p.space()
	if strings.HasPrefix(p.s[p.pos:], tok) {
		p.pos += len(tok)
		return true
	}
	return false
}

func (p *parser) expect(tok string) error {
	if !p.accept(tok) {
		return p.errorf("%s where %q is expected", p.found(), tok)
	}
	return nil
}

func (p *parser) term() (Term, error) {
	if p.depth++; p.depth > defaultDepth {
		return nil, p.errorf("nested deeper than %d", defaultDepth)
	}
	defer func() { p.depth-- }()
	p.space()
	switch c := p.peek(); {
	case c == '{':
		p.pos++
		elems, err := p.seq("}")
		return Tuple(elems), err
	case c == '[':
		p.pos++
		return p.list()
	case c == '"':
		return p.stringList()
	case c == '$':
		c, err := p.char()
		return Int(c), err
	case c == '\'':
		return p.quotedAtom()
	case c >= '0' && c <= '9' || c == '-' || c == '+':
		return p.number()
	case c == '#':
		return p.hash()
	case c == '<':
		if strings.HasPrefix(p.s[p.pos:], "<<") {
			return p.binary()
		}
		p.pos++
		if t, ok, err := p.localID("<"); ok {
			return t, err
		}
		p.pos--
		return nil, p.errorf("a pid as Erlang prints it does not say its node; write #Pid<node@host.ID.Serial/Creation>")
	case c == 0 && p.pos >= len(p.s):
		return nil, p.errorf("end of text where a term is expected")
	case c == '_' || c >= 'A' && c <= 'Z':
		return nil, p.errorf("variable; a term has none, and an atom that starts like this needs quotes")
	}
	at := p.pos
	a, err := p.atom()
	if err != nil {
		return nil, err
	}
	if a == "fun" && p.s[at] != '\'' {
		return p.export()
	}
	return a, nil
}

// seq reads terms up to the closing token.
func (p *parser) seq(closing string) ([]Term, error) {
	var elems []Term
	if p.accept(closing) {
		return nil, nil
	}
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		elems = append(elems, t)
		if p.accept(closing) {
			return elems, nil
		}
		if !p.accept(",") {
			return nil, p.errorf("%s where \",\" or %q is expected", p.found(), closing)
		}
	}
}

func (p *parser) list() (Term, error) {
	if p.accept("]") {
		return List(nil), nil
	}
	var elems List
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		elems = append(elems, t)
		switch {
		case p.accept("]"):
			return elems, nil
		case p.accept("|"):
			tail, err := p.term()
			if err != nil {
				return nil, err
			}
			return consAll(elems, tail), p.expect("]")
		case !p.accept(","):
			return nil, p.errorf("%s where \",\", \"|\" or \"]\" is expected", p.found())
		}
	}
}

// consAll is [E1, E2… | Tail] as it would be decoded.
func consAll(elems List, tail Term) Term {
	switch tail := tail.(type) {
	case List:
		return append(elems, tail...)
	case Improper:
		return Improper{Elems: append(elems, tail.Elems...), Tail: tail.Tail}
	}
	return Improper{Elems: elems, Tail: tail}
}

// stringList reads one string, or several in a row, which are one.
func (p *parser) stringList() (Term, error) {
	var l List
	for p.peek() == '"' {
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		for _, c := range s {
			l = append(l, Int(c))
		}
		p.space()
	}
	return l, nil
}

// mapTerm reads a map behind its #{.
func (p *parser) mapTerm() (Term, error) {
	at := p.pos
	var m Map
	if p.accept("}") {
		return m, nil
	}
	for {
		if p.keyDepth++; p.keyDepth > maxKeyDepth {
			return nil, p.errorf("maps nested by their keys, the most is %d deep", maxKeyDepth)
		}
		k, err := p.term()
		if err != nil {
			return nil, err
		}
		p.keyDepth--
		if err := p.expect("=>"); err != nil {
			return nil, err
		}
		v, err := p.term()
		if err != nil {
			return nil, err
		}
		m = append(m, Pair{k, v})
		if p.accept("}") {
			break
		}
		if !p.accept(",") {
			return nil, p.errorf("%s where \",\" or \"}\" is expected", p.found())
		}
	}
	if i := duplicateKey(m); i >= 0 {
		return nil, p.errorAt(at, "map with duplicate key %s", short(m[i].Key))
	}
	return m, nil
}
