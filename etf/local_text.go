package etf

import (
	"slices"
	"strconv"
	"strings"
)

// Home is a node, as the texts of its own identifiers leave it out: on it Erlang prints a pid as <0.120.7>, a port as
// #Port<0.5> and a reference as #Ref<0.3.2.1>.
type Home struct {
	Node     Atom
	Creation uint32
}

// Parse reads text as the function Parse does, and also takes identifiers as Erlang prints them on the node h, of which
// they then are. Their first number is 0; with another one they are of another node, nobody can tell which, and so they
// are an error.
func (h Home) Parse(text string) (Term, error) {
	p := parser{s: text, home: &h}
	return p.whole()
}

// Text returns t as t.String does, but identifiers of the node h as Erlang prints them there.
func (h Home) Text(t Term) string {
	p := printer{depth: hardDepth + 1, home: &h}
	p.term(t)
	return string(p.buf)
}

// local reads what stands between the < and > of an identifier if it is numbers alone; ok is false if it is not.
func (p *parser) local(least, most int) (numbers []uint64, ok bool, err error) {
	end := strings.IndexByte(p.s[p.pos:], '>')
	if p.home == nil || end < 0 || end > 256 || strings.Trim(p.s[p.pos:p.pos+end], "0123456789.") != "" {
		return nil, false, nil
	}
	parts := strings.Split(p.s[p.pos:p.pos+end], ".")
	if len(parts) < least || len(parts) > most {
		return nil, true, p.errorf("identifier of %d numbers", len(parts))
	}
	for _, s := range parts {
		u, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, true, p.errorf("malformed number %q in an identifier", s)
		}
		numbers = append(numbers, u)
	}
	if numbers[0] != 0 {
		return nil, true, p.errorf("identifier of a node that only the node that printed it knows as %d", numbers[0])
	}
	p.pos += end + 1
	return numbers, true, nil
}

// localID reads one of Erlang's own forms of identifiers behind its prefix; ok is false if it is not one.
func (p *parser) localID(prefix string) (t Term, ok bool, err error) {
	start := p.pos
	var n []uint64
	switch prefix {
	case "<", "#Pid<":
		n, ok, err = p.local(3, 3)
	case "#Port<":
		n, ok, err = p.local(2, 2)
	case "#Ref<":
		n, ok, err = p.local(2, 1+maxRefWords)
	}
	if !ok || err != nil {
		return nil, ok, err
	}
	if prefix != "#Port<" && slices.Max(n) > maxLen {
		return nil, true, p.errorAt(start, "number of more than 32 bits in an identifier")
	}
	switch prefix {
	case "#Port<":
		return Port{Node: p.home.Node, ID: n[1], Creation: p.home.Creation}, true, nil
	case "#Ref<":
		ref := Ref{Node: p.home.Node, Creation: p.home.Creation, Len: uint8(len(n) - 1)}
		for i := range ref.Len { // the last word comes first
			ref.Words[i] = uint32(n[len(n)-1-int(i)])
		}
		return ref, true, nil
	}
	return Pid{Node: p.home.Node, ID: uint32(n[1]), Serial: uint32(n[2]), Creation: p.home.Creation}, true, nil
}

// localText prints an identifier of the home node.
func (p *printer) localText(t Term) bool {
	if p.home == nil {
		return false
	}
	switch t := t.(type) {
	case Pid:
		if t.Node != p.home.Node || t.Creation != p.home.Creation {
			return false
		}
		p.str("<0.")
		p.uint(uint64(t.ID))
		p.str(".")
		p.uint(uint64(t.Serial))
	case Port:
		if t.Node != p.home.Node || t.Creation != p.home.Creation {
			return false
		}
		p.str("#Port<0.")
		p.uint(t.ID)
	case Ref:
		if t.Node != p.home.Node || t.Creation != p.home.Creation || t.Len < 1 || t.Len > maxRefWords {
			return false
		}
		p.str("#Ref<0")
		for i := int(t.Len) - 1; i >= 0; i-- {
			p.str(".")
			p.uint(uint64(t.Words[i]))
		}
	default:
		return false
	}
	p.str(">")
	return true
}
