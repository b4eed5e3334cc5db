package etf

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// String returns the atom as Erlang source has it, in quotes if it needs them.
func (t Atom) String() string { return text(t) }

// String returns the integer in decimal.
func (t Int) String() string { return strconv.FormatInt(int64(t), 10) }

// String returns the integer in decimal.
func (t *Big) String() string { return text(t) }

// String returns the shortest text that reads back as the same float, as OTP 25 and later print it.
func (t Float) String() string { return text(t) }

// String returns <<"…">> if all is printable text, with /utf8 where the text is UTF-8 beyond ASCII, and else <<1,2,3>>.
func (t Binary) String() string { return text(t) }

// String returns the bytes and the last bits with their size, as <<1,2:3>>.
func (t BitString) String() string { return text(t) }

// String returns {A,B,…}.
func (t Tuple) String() string { return text(t) }

// String returns [A,B,…], or "…" if all elements are printable characters.
func (t List) String() string { return text(t) }

// String returns [A,B|Tail].
func (t Improper) String() string { return text(t) }

// String returns #{K => V,…} in the order of the Map.
func (t Map) String() string { return text(t) }

// String returns #Pid<Node.ID.Serial/Creation>. Unlike Erlang's <0.1.2> it says all that the pid is.
func (t Pid) String() string { return text(t) }

// String returns #Port<Node.ID/Creation>.
func (t Port) String() string { return text(t) }

// String returns #Ref<Node/Creation.W0.W1…>, the words in the order of the Ref. (Erlang prints them in reverse.)
func (t Ref) String() string { return text(t) }

// String returns fun M:F/A.
func (t Export) String() string { return text(t) }

// String returns #Fun<Module.OldIndex.OldUniq/Arity,Index,Uniq,Pid,Free>, Uniq in hexadecimal. Up to OldUniq it is what
// Erlang prints.
func (t *Fun) String() string { return text(t) }

// String returns #Module:Name{field=Value,…}, and #Module:Name/exported{…} for an exported record.
func (t *Record) String() string { return text(t) }

func text(t Term) string {
	p := printer{depth: hardDepth + 1}
	p.term(t)
	return string(p.buf)
}

// AppendText appends the text of t in Erlang syntax, as t.String returns it. It is on one line, as io:format("~0tp")
// prints on a node started with +pc unicode; pids, ports, references and funs have forms of our own that Parse can read.
func AppendText(dst []byte, t Term) []byte {
	p := printer{buf: dst, depth: hardDepth + 1}
	p.term(t)
	return p.buf
}

type printer struct {
	buf   []byte
	depth int
	full  bool // nested too deep: print no more
	home  *Home
}

func (p *printer) str(s string) { p.buf = append(p.buf, s...) }

func (p *printer) uint(u uint64) { p.buf = strconv.AppendUint(p.buf, u, 10) }

func (p *printer) term(t Term) {
	if p.full {
		return
	}
	if p.depth--; p.depth < 0 {
		p.full = true
		p.str("...")
		return
	}
	defer func() { p.depth++ }()
	if p.localText(t) {
		return
	}
	switch t := t.(type) {
	case nil:
		p.str("#Nil<>")
	case Atom:
		p.buf = appendAtomText(p.buf, t)
	case Int:
		p.buf = strconv.AppendInt(p.buf, int64(t), 10)
	case *Big:
		if t == nil {
			p.str("#Nil<>")
			return
		}
		p.buf = t.int().Append(p.buf, 10)
	case Float:
		p.buf = appendFloatText(p.buf, float64(t))
	case Binary:
		p.binary(t)
	case BitString:
		p.bits(t)
	case Tuple:
		p.seq('{', t, '}')
	case List:
		p.list(t)
	case Improper:
		p.improper(t)
	case Map:
		p.mapTerm(t)
	case Pid:
		p.str("#Pid<")
		p.node(t.Node)
		p.str(".")
		p.uint(uint64(t.ID))
		p.str(".")
		p.uint(uint64(t.Serial))
		p.str("/")
		p.uint(uint64(t.Creation))
		p.str(">")
	case Port:
		p.str("#Port<")
		p.node(t.Node)
		p.str(".")
		p.uint(t.ID)
		p.str("/")
		p.uint(uint64(t.Creation))
		p.str(">")
	case Ref:
		p.str("#Ref<")
		p.node(t.Node)
		p.str("/")
		p.uint(uint64(t.Creation))
		for _, w := range t.Words[:min(t.Len, maxRefWords)] {
			p.str(".")
			p.uint(uint64(w))
		}
		p.str(">")
	case Export:
		p.str("fun ")
		p.buf = appendAtomText(p.buf, t.Module)
		p.str(":")
		p.buf = appendAtomText(p.buf, t.Function)
		p.str("/")
		p.uint(uint64(t.Arity))
	case *Fun:
		p.fun(t)
	case *Record:
		p.record(t)
	default: // a pointer to a Term or a struct that embeds one, which are none
		p.str("#Nil<>")
	}
}

// seq prints terms with commas between.
func (p *printer) seq(open byte, terms []Term, closing byte) {
	p.buf = append(p.buf, open)
	for i, t := range terms {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.term(t)
	}
	p.buf = append(p.buf, closing)
}

func (p *printer) list(l List) {
	if len(l) == 0 || !printableList(l) {
		p.seq('[', l, ']')
		return
	}
	p.str(`"`)
	for _, e := range l {
		p.buf = appendChar(p.buf, rune(e.(Int)), '"')
	}
	p.str(`"`)
}

func (p *printer) improper(t Improper) {
	elems, tail, _ := t.flatten()
	if tail == nil && t.Tail != nil {
		p.list(elems)
		return
	}
	p.buf = append(p.buf, '[')
	for i, e := range elems {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.term(e)
	}
	p.str("|")
	p.term(tail)
	p.str("]")
}

func (p *printer) mapTerm(m Map) {
	p.str("#{")
	for i, pair := range m {
		if i > 0 {
			p.str(",")
		}
		p.term(pair.Key)
		p.str(" => ")
		p.term(pair.Value)
	}
	p.str("}")
}

func (p *printer) binary(b []byte) {
	p.str("<<")
	switch {
	case len(b) == 0:
	case printableUTF8(b):
		p.str(`"`)
		ascii := true
		for _, c := range string(b) {
			ascii = ascii && c < utf8.RuneSelf
			p.buf = appendChar(p.buf, c, '"')
		}
		p.str(`"`)
		if !ascii {
			p.str("/utf8")
		}
	case printableLatin1(b):
		p.str(`"`)
		for _, c := range b {
			p.buf = appendChar(p.buf, rune(c), '"')
		}
		p.str(`"`)
	default:
		p.bytes(b)
	}
	p.str(">>")
}

func (p *printer) bytes(b []byte) {
	for i, c := range b {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.uint(uint64(c))
	}
}

func (p *printer) bits(b BitString) {
	n := len(b.Bytes) - 1
	if b.Bits == 0 || b.Bits >= 8 || n < 0 {
		p.binary(b.Bytes)
		return
	}
	p.str("<<")
	p.bytes(b.Bytes[:n])
	if n > 0 {
		p.str(",")
	}
	p.uint(uint64(b.Bytes[n] >> (8 - b.Bits)))
	p.str(":")
	p.uint(uint64(b.Bits))
	p.str(">>")
}

func (p *printer) fun(f *Fun) {
	if f == nil {
		p.str("#Nil<>")
		return
	}
	p.str("#Fun<")
	p.buf = appendAtomText(p.buf, f.Module)
	p.str(".")
	p.buf = strconv.AppendInt(p.buf, int64(f.OldIndex), 10)
	p.str(".")
	p.buf = strconv.AppendInt(p.buf, int64(f.OldUniq), 10)
	p.str("/")
	p.uint(uint64(f.Arity))
	p.str(",")
	p.uint(uint64(f.Index))
	p.str(",")
	p.buf = hex.AppendEncode(p.buf, f.Uniq[:])
	p.str(",")
	p.term(f.Pid)
	p.str(",")
	p.seq('[', f.Free, ']')
	p.str(">")
}

func (p *printer) record(r *Record) {
	if r == nil {
		p.str("#Nil<>")
		return
	}
	p.str("#")
	p.buf = appendAtomText(p.buf, r.Module)
	p.str(":")
	p.buf = appendAtomText(p.buf, r.Name)
	if r.Exported {
		p.str("/exported")
	}
	p.str("{")
	for i, f := range r.Fields {
		if i > 0 {
			p.str(",")
		}
		p.buf = appendAtomText(p.buf, f.Name)
		p.str("=")
		p.term(f.Value)
	}
	p.str("}")
}

// node prints the node of an identifier bare if all its characters are usual in names of hosts, else as a quoted atom.
func (p *printer) node(a Atom) {
	if plainNode(a) {
		p.str(string(a))
		return
	}
	p.buf = appendQuoted(p.buf, string(a))
}

func plainNode(a Atom) bool {
	for i := range len(a) {
		if !nodeChar(a[i]) {
			return false
		}
	}
	return a != ""
}

func nodeChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '@' || c == '-' || c == '.'
}
