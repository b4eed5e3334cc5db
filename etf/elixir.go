package etf

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Inspect returns t as Elixir's inspect/2 prints it, on one line and without limits: :ok, Foo.Bar, "text", [a: 1],
// %{"k" => 1}, %User{name: "Joe"}, ~D[2024-02-29]. It is for people to read; Parse does not read it back.
//
// It follows Elixir 1.15 and later, which write lists of printable ASCII as ~c"text"; earlier releases write 'text'. What
// Elixir knows and the term does not say is different: pids, ports and references have the name of their node in the
// place of its number, as in #PID<node@host.120.0>; the fields of structs stand in the order of their names, not of their
// declaration; every struct prints as one, whether a module for it is loaded or not. Keys of maps are sorted. Date, Time,
// NaiveDateTime, DateTime, Range and MapSet have their own forms. Which atoms have quotes is decided as in Elixir 1.20, which goes by
// Unicode 17 and its list of letters in use; 1.18 goes by that of Unicode 16, and has no quotes around more rare letters, most of
// them Han. Earlier releases also have other rules for letters of several scripts.
func Inspect(t Term) string { return string(AppendInspect(nil, t)) }

// AppendInspect appends what Inspect returns to dst. What nests deeper than 100,000 is cut off with "...".
func AppendInspect(dst []byte, t Term) []byte {
	p := inspector{printer{buf: dst, depth: hardDepth + 1}}
	p.inspect(t)
	return p.buf
}

// inspector is a printer of Elixir syntax.
type inspector struct{ printer }

func (p *inspector) inspect(t Term) {
	if p.full {
		return
	}
	if p.depth--; p.depth < 0 {
		p.full = true
		p.str("...")
		return
	}
	defer func() { p.depth++ }()
	switch t := normal(t).(type) {
	case Atom:
		p.atom(t)
	case Float:
		p.float(float64(t))
	case Binary:
		p.text(t)
	case BitString:
		p.bitString(t)
	case Tuple:
		p.each("{", t, "}")
	case List:
		p.listOf(t)
	case Improper:
		p.str("[")
		p.parts(t.Elems)
		p.str(" | ")
		p.inspect(t.Tail)
		p.str("]")
	case Map:
		p.mapOf(t)
	case Pid:
		p.str("#PID<" + string(t.Node) + ".")
		p.uint(uint64(t.ID))
		p.str(".")
		p.uint(uint64(t.Serial))
		p.str(">")
	case Port:
		p.str("#Port<" + string(t.Node) + ".")
		p.uint(t.ID)
		p.str(">")
	case Ref:
		p.str("#Reference<" + string(t.Node))
		for i := int(min(t.Len, maxRefWords)) - 1; i >= 0; i-- {
			p.str(".")
			p.uint(uint64(t.Words[i]))
		}
		p.str(">")
	case Export:
		p.str("&")
		p.atom(t.Module)
		p.str(".")
		p.function(t.Function)
		p.str("/")
		p.uint(uint64(t.Arity))
	case *Fun:
		if t == nil {
			p.term(t)
			return
		}
		p.str("#Function<" + t.OldIndex.String() + "." + t.OldUniq.String() + "/")
		p.uint(uint64(t.Arity))
		p.str(" in ")
		p.atom(t.Module)
		p.str(">")
	default: // integers, native records, and what is no term
		p.term(t)
	}
}

func (p *inspector) parts(terms []Term) {
	for i, t := range terms {
		if i > 0 {
			p.str(", ")
		}
		p.inspect(t)
	}
}

func (p *inspector) each(open string, terms []Term, closing string) {
	p.str(open)
	p.parts(terms)
	p.str(closing)
}

func (p *inspector) atom(a Atom) {
	switch {
	case a == "nil" || a == "true" || a == "false":
		p.str(string(a))
	case isAlias(a):
		if rest, ok := strings.CutPrefix(string(a), "Elixir."); ok && rest != "Elixir" && !strings.HasPrefix(rest, "Elixir.") {
			a = Atom(rest)
		}
		p.str(string(a))
	case plainAtomText(a):
		p.str(":" + string(a))
	default:
		p.str(":")
		p.quoted(string(a))
	}
}

// key prints an atom in front of a value in a keyword list or map.
func (p *inspector) key(a Atom) {
	if !isAlias(a) && plainAtomText(a) {
		p.str(string(a))
	} else {
		p.quoted(string(a))
	}
	p.str(": ")
}

// function prints the name of a function behind its module.
func (p *inspector) function(a Atom) {
	if remoteName(a) {
		p.str(string(a))
		return
	}
	p.quoted(string(a))
}

// isAlias reports whether a is a module as Elixir writes it: Elixir.Foo.Bar.
func isAlias(a Atom) bool {
	rest, ok := strings.CutPrefix(string(a), "Elixir")
	if !ok {
		return false
	}
	for rest != "" {
		if len(rest) < 2 || rest[0] != '.' || rest[1] < 'A' || rest[1] > 'Z' {
			return false
		}
		for rest = rest[2:]; rest != "" && rest[0] != '.'; rest = rest[1:] {
			if c := rest[0]; c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
	}
	return true
}

// quoted prints text between double quotes.
func (p *inspector) quoted(s string) {
	p.str(`"`)
	for i, c := range s {
		p.char(c, strings.HasPrefix(s[i:], "#{"))
	}
	p.str(`"`)
}

// char prints a character between double quotes.
func (p *inspector) char(c rune, interpolation bool) {
	switch {
	case c == '"' || c == '\\' || interpolation:
		p.buf = append(p.buf, '\\', byte(c))
		return
	case c == 0:
		p.str(`\0`)
		return
	case invisible(c) && c <= 0xffff:
		p.hex(`\u`, c, 4)
		return
	}
	if i := strings.IndexRune("\a\b\x7f\x1b\f\n\r\t\v", c); i >= 0 {
		p.buf = append(p.buf, '\\', "abdefnrtv"[i])
		return
	}
	switch {
	case c < ' ':
		p.hex(`\x`, c, 2)
	case c >= 0x80 && c < 0xa0:
		p.hex(`\x`, c, 2)
	case c == 0xfffe || c == 0xffff:
		p.hex(`\x{`, c, 4)
		p.str("}")
	default:
		p.buf = utf8.AppendRune(p.buf, c)
	}
}

func (p *inspector) hex(prefix string, c rune, digits int) {
	s := strings.ToUpper(strconv.FormatInt(int64(c), 16))
	p.str(prefix)
	for range digits - len(s) {
		p.str("0")
	}
	p.str(s)
}

// invisible reports whether c takes no ink or changes the direction of the text.
func invisible(c rune) bool {
	switch {
	case c == 0xa0, c == 0x34f, c == 0x61c, c >= 0x2000 && c <= 0x200f, c >= 0x2028 && c <= 0x202e, c >= 0x205f && c <= 0x2064,
		c >= 0x2066 && c <= 0x2069, c == 0xfeff, c >= 0xfff9 && c <= 0xfffc:
		return true
	}
	return false
}

// elixirPrintable reports whether String.printable?/1 is true for c.
func elixirPrintable(c rune) bool {
	switch {
	case c >= ' ' && c <= '~', c >= 0xa0 && c < 0xd800, c > 0xdfff && c <= 0xfffd, c > 0xffff:
		return true
	}
	return c >= '\a' && c <= '\r' || c == 0x1b || c == 0x7f
}

// text prints a binary.
func (p *inspector) text(b []byte) {
	if utf8.Valid(b) && !strings.ContainsFunc(string(b), func(c rune) bool { return !elixirPrintable(c) }) {
		p.quoted(string(b))
		return
	}
	p.bytesOf(b)
	p.str(">>")
}

func (p *inspector) bytesOf(b []byte) {
	p.str("<<")
	for i, c := range b {
		if i > 0 {
			p.str(", ")
		}
		p.uint(uint64(c))
	}
}

func (p *inspector) bitString(t BitString) {
	n := len(t.Bytes) - 1
	if n < 0 || t.Bits > 8 {
		p.text(t.Bytes)
		return
	}
	p.bytesOf(t.Bytes[:n])
	if n > 0 {
		p.str(", ")
	}
	p.uint(uint64(t.Bytes[n] >> (8 - t.Bits)))
	p.str("::size(")
	p.uint(uint64(t.Bits))
	p.str(")>>")
}

// float prints whole numbers below 10^16 with all digits.
func (p *inspector) float(f float64) {
	if abs := math.Abs(f); abs >= 1 && abs < 1e16 && math.Trunc(f) == f {
		p.buf = strconv.AppendFloat(p.buf, f, 'f', 1, 64)
		return
	}
	p.buf = appendFloatText(p.buf, f)
}

func (p *inspector) listOf(l List) {
	switch {
	case len(l) > 0 && isCharlist(l):
		p.str(`~c"`)
		for i, e := range l {
			next := i+1 < len(l) && l[i+1] == Int('{')
			p.char(rune(e.(Int)), e == Int('#') && next)
		}
		p.str(`"`)
	case len(l) > 0 && isKeyword(l):
		p.str("[")
		for i, e := range l {
			if i > 0 {
				p.str(", ")
			}
			pair := e.(Tuple)
			p.key(pair[0].(Atom))
			p.inspect(pair[1])
		}
		p.str("]")
	default:
		p.each("[", l, "]")
	}
}

// isCharlist reports whether List.ascii_printable?/1 is true.
func isCharlist(l List) bool {
	for _, e := range l {
		i, ok := e.(Int)
		if !ok || !(i >= ' ' && i <= '~' || i >= '\a' && i <= '\r' || i == 0x1b) {
			return false
		}
	}
	return true
}

func isKeyword(l List) bool {
	for _, e := range l {
		pair, ok := e.(Tuple)
		if !ok || len(pair) != 2 || !keywordKey(pair[0]) {
			return false
		}
	}
	return true
}

// keywordKey reports whether t may stand before a colon: an atom that is no module.
func keywordKey(t Term) bool {
	a, ok := t.(Atom)
	return ok && !strings.HasPrefix(string(a), "Elixir.")
}

func (p *inspector) mapOf(m Map) {
	if name, ok := m.Get(Atom("__struct__")); ok {
		if a, ok := name.(Atom); ok && isAlias(a) && structKeys(m) {
			p.structOf(a, m)
			return
		}
	}
	p.str("%{")
	p.pairs(m)
	p.str("}")
}

func structKeys(m Map) bool {
	return !slices.ContainsFunc(m, func(pair Pair) bool { return !keywordKey(pair.Key) })
}

func (p *inspector) structOf(name Atom, m Map) {
	if p.special(name, m) {
		return
	}
	var fields Map
	for _, pair := range m {
		if pair.Key != Atom("__struct__") && pair.Key != Atom("__exception__") {
			fields = append(fields, pair)
		}
	}
	p.str("%")
	p.atom(name)
	p.str("{")
	p.pairs(fields)
	p.str("}")
}

// pairs prints what is between the braces of a map or struct.
func (p *inspector) pairs(m Map) {
	if len(m) == 0 {
		return
	}
	var c comparer
	m = c.sort(m, p.depth+1)
	keyword := structKeys(m)
	for i, pair := range m {
		if i > 0 {
			p.str(", ")
		}
		if keyword {
			p.key(pair.Key.(Atom))
		} else {
			p.inspect(pair.Key)
			p.str(" => ")
		}
		p.inspect(pair.Value)
	}
}
