package etf

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// hash reads what starts with #: maps, identifiers, funs, native records.
func (p *parser) hash() (Term, error) {
	rest := p.s[p.pos:]
	for _, form := range []struct {
		prefix string
		read   func() (Term, error)
	}{
		{"#{", p.mapTerm},
		{"#Pid<", func() (Term, error) { return p.pid() }},
		{"#Port<", p.port},
		{"#Ref<", p.ref},
		{"#Fun<", p.fun},
	} {
		if strings.HasPrefix(rest, form.prefix) {
			p.pos += len(form.prefix)
			if t, ok, err := p.localID(form.prefix); ok {
				return t, err
			}
			return form.read()
		}
	}
	p.pos++
	return p.record()
}

// node reads the node of an identifier: a quoted atom, or everything up to the numbers. numbers is how many numbers with
// dots in front follow it before end.
func (p *parser) node(numbers int, end byte) (Atom, error) {
	if p.peek() == '\'' {
		return p.atom()
	}
	start := p.pos
	n := strings.IndexByte(p.s[start:], end)
	if n < 0 {
		return "", p.errorf("identifier without %q; as Erlang prints it, it does not say its node", end)
	}
	name := p.s[start : start+n]
	for range numbers {
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
	a := Atom(name)
	if !plainNode(a) {
		return "", p.errorf("malformed node name %.40q in an identifier", name)
	}
	if !ValidAtom(a) {
		return "", p.errorf("node name of more than %d characters", maxAtomChars)
	}
	p.pos += len(name)
	return a, nil
}

// field reads a byte and a number of at most so many bits.
func (p *parser) field(before byte, bits int) (uint64, error) {
	if p.peek() != before {
		return 0, p.errorf("%s where %q is expected", p.found(), before)
	}
	p.pos++
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	u, err := strconv.ParseUint(p.s[start:p.pos], 10, bits)
	if err != nil {
		return 0, p.errorAt(start, "want a number of at most %d bits", bits)
	}
	return u, nil
}

func (p *parser) field32(before byte) (uint32, error) {
	u, err := p.field(before, 32)
	return uint32(u), err
}

// close expects the > of an identifier.
func (p *parser) close() error {
	if p.peek() != '>' {
		return p.errorf("%s where \">\" is expected", p.found())
	}
	p.pos++
	return nil
}

func (p *parser) pid() (t Pid, err error) {
	if t.Node, err = p.node(2, '/'); err != nil {
		return Pid{}, err
	}
	if t.ID, err = p.field32('.'); err != nil {
		return Pid{}, err
	}
	if t.Serial, err = p.field32('.'); err != nil {
		return Pid{}, err
	}
	if t.Creation, err = p.field32('/'); err != nil {
		return Pid{}, err
	}
	return t, p.close()
}

func (p *parser) port() (Term, error) {
	var t Port
	var err error
	if t.Node, err = p.node(1, '/'); err != nil {
		return nil, err
	}
	if t.ID, err = p.field('.', 64); err != nil {
		return nil, err
	}
	if t.Creation, err = p.field32('/'); err != nil {
		return nil, err
	}
	return t, p.close()
}

func (p *parser) ref() (Term, error) {
	var t Ref
	var err error
	if t.Node, err = p.node(0, '/'); err != nil {
		return nil, err
	}
	if t.Creation, err = p.field32('/'); err != nil {
		return nil, err
	}
	for p.peek() != '>' || t.Len == 0 {
		if t.Len == maxRefWords {
			return nil, p.errorf("reference of more than %d words", maxRefWords)
		}
		if t.Words[t.Len], err = p.field32('.'); err != nil {
			return nil, err
		}
		t.Len++
	}
	return t, p.close()
}

// export reads fun M:F/A behind the word fun.
func (p *parser) export() (Term, error) {
	var e Export
	var err error
	if e.Module, err = p.atom(); err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	if e.Function, err = p.atom(); err != nil {
		return nil, err
	}
	if err := p.expect("/"); err != nil {
		return nil, err
	}
	p.space()
	at := p.pos
	t, err := p.number()
	if err != nil {
		return nil, err
	}
	n, ok := t.(Int)
	if !ok || n < 0 || n > 255 {
		return nil, p.errorAt(at, "arity %s, want 0 to 255", short(t))
	}
	e.Arity = uint8(n)
	return e, nil
}

// fun reads the form that Fun.String prints.
func (p *parser) fun() (Term, error) {
	f := new(Fun)
	var err error
	if f.Module, err = p.atom(); err != nil {
		return nil, err
	}
	for _, i := range []*Int{&f.OldIndex, &f.OldUniq} {
		if err := p.expect("."); err != nil {
			return nil, err
		}
		at := p.pos
		neg := p.accept("-")
		text, err := p.digits(10)
		if err != nil {
			return nil, err
		}
		t, err := p.integer(at, text, 10, neg)
		if err != nil {
			return nil, err
		}
		n, ok := t.(Int)
		if !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return nil, p.errorAt(at, "%s does not fit 32 bits", short(t))
		}
		*i = n
	}
	arity, err := p.field('/', 8)
	if err != nil {
		return nil, err
	}
	f.Arity = uint8(arity)
	if f.Index, err = p.field32(','); err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	digits := p.s[p.pos:]
	digits = digits[:min(2*len(f.Uniq), len(digits))]
	if n, err := hex.Decode(f.Uniq[:], []byte(digits)); err != nil || n < len(f.Uniq) {
		return nil, p.errorf("malformed uniq of a fun, want 32 hexadecimal digits")
	}
	p.pos += len(digits)
	if err := p.expect(",#Pid<"); err != nil {
		return nil, err
	}
	if f.Pid, err = p.pid(); err != nil {
		return nil, err
	}
	if err := p.expect(",["); err != nil {
		return nil, err
	}
	if f.Free, err = p.seq("]"); err != nil {
		return nil, err
	}
	return f, p.close()
}

// record reads a native record behind its #.
func (p *parser) record() (Term, error) {
	r := new(Record)
	var err error
	if r.Module, err = p.atom(); err != nil {
		return nil, err
	}
	if p.peek() == '{' {
		return nil, p.errorf("record without a module; only native records, #module:name{…}, are terms of their own")
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	if r.Name, err = p.atom(); err != nil {
		return nil, err
	}
	r.Exported = p.accept("/exported")
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	at := p.pos
	for !p.accept("}") {
		if len(r.Fields) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		var f Field
		if f.Name, err = p.atom(); err != nil {
			return nil, err
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		if f.Value, err = p.term(); err != nil {
			return nil, err
		}
		r.Fields = append(r.Fields, f)
	}
	if name, dup := duplicateField(r.Fields); dup {
		return nil, p.errorAt(at, "native record with duplicate field %s", name)
	}
	return r, nil
}
