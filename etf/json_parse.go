package etf

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSONError reports text that is not JSON, or JSON that is no term.
type JSONError struct {
	Offset int // in bytes, from 0, of what is wrong or behind it
	Msg    string
	Err    error // nil, or the cause
}

func (e *JSONError) Error() string { return fmt.Sprintf("etf: JSON, offset %d: %s", e.Offset, e.Msg) }

func (e *JSONError) Unwrap() error { return e.Err }

// maxJSONDigits bounds integers in JSON, since the time that reading one takes grows faster than its length.
const maxJSONDigits = 1 << 16

// ParseJSON reads one JSON value as the term that AppendJSON makes it of. Strings are binaries, objects are maps with
// binaries as keys, and null is the atom nil; a number with a point or an exponent is a float. An object with one key is
// taken for one of the forms that AppendJSON lists if it has that key; any other key that begins with $ is a key.
//
// The error is a *JSONError. Beside bad JSON these are errors: text that is not UTF-8, a form with something else in it than
// it should have, a key that is there twice, a float out of range, an integer of more than 65,536 digits, nesting deeper
// than 10,000, and anything behind the value. Half a surrogate pair in an escape becomes U+FFFD, as in encoding/json.
func ParseJSON(data []byte) (Term, error) {
	if !utf8.Valid(data) {
		return nil, &JSONError{Msg: "text is not valid UTF-8"}
	}
	p := jsonParser{dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	t, err := p.value(defaultDepth + 4) // AppendJSON does not count the objects around the innermost values
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, p.errorf("more than one value")
	}
	return t, nil
}

type jsonParser struct{ dec *json.Decoder }

func (p *jsonParser) errorf(format string, args ...any) error {
	return &JSONError{Offset: int(p.dec.InputOffset()), Msg: fmt.Sprintf(format, args...)}
}

func (p *jsonParser) token() (json.Token, error) {
	tok, err := p.dec.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, &JSONError{Offset: int(p.dec.InputOffset()), Msg: err.Error(), Err: err}
	}
	return tok, nil
}

func (p *jsonParser) value(depth int) (Term, error) {
	tok, err := p.token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case nil:
		return Atom("nil"), nil
	case bool:
		return Atom(strconv.FormatBool(tok)), nil
	case string:
		return Binary(tok), nil
	case json.Number:
		return p.number(string(tok))
	case json.Delim:
		if depth <= 0 {
			return nil, &JSONError{Offset: int(p.dec.InputOffset()), Msg: fmt.Sprintf("nested deeper than %d", defaultDepth), Err: ErrLimit}
		}
		if tok == '[' {
			return p.array(depth)
		}
		return p.object(depth)
	}
	return nil, p.errorf("unexpected %v", tok)
}

func (p *jsonParser) number(s string) (Term, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, p.errorf("float %.40s is out of range", s)
		}
		return Float(f), nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(i), nil
	}
	if len(s) > maxJSONDigits {
		return nil, &JSONError{Offset: int(p.dec.InputOffset()), Msg: fmt.Sprintf("integer of more than %d digits", maxJSONDigits), Err: ErrLimit}
	}
	i, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, p.errorf("malformed integer %.40s", s)
	}
	return (*Big)(i), nil
}

// array reads the values of an array and its end.
func (p *jsonParser) array(depth int) (List, error) {
	var l List
	for p.dec.More() {
		t, err := p.value(depth - 1)
		if err != nil {
			return nil, err
		}
		l = append(l, t)
	}
	_, err := p.token()
	return l, err
}

func (p *jsonParser) object(depth int) (Term, error) {
	var m Map
	for p.dec.More() {
		key, err := p.token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, p.errorf("unexpected %v", key)
		}
		value, err := p.value(depth - 1)
		if err != nil {
			return nil, err
		}
		m = append(m, Pair{Binary(name), value})
	}
	if _, err := p.token(); err != nil {
		return nil, err
	}
	if len(m) == 1 {
		if name := string(m[0].Key.(Binary)); jsonForm(name) {
			return p.form(name, m[0].Value)
		}
	}
	if i := duplicateKey(m); i >= 0 {
		return nil, p.errorf("duplicate key %s", short(m[i].Key))
	}
	return m, nil
}

// form makes the term that {name: v} stands for.
func (p *jsonParser) form(name string, v Term) (Term, error) {
	var t Term
	switch name {
	case jsonTuple:
		if l, ok := v.(List); ok && len(l) <= maxTupleArity {
			t = Tuple(l)
		}
	case jsonImproper:
		if l, ok := v.(List); ok && len(l) >= 2 {
			t = consAll(l[:len(l)-1:len(l)-1], l[len(l)-1])
		}
	case jsonAtoms:
		t = atomKeyed(v)
	case jsonMap:
		var err error
		if t, err = p.pairs(v); err != nil {
			return nil, err
		}
	case jsonBits:
		if l, ok := v.(List); ok && len(l) == 2 {
			t = bitsOf(l[0], l[1])
		}
	default:
		if b, ok := v.(Binary); ok {
			t = textForm(name, string(b))
		}
	}
	if t == nil {
		return nil, p.errorf("%s with %s", name, short(v))
	}
	return t, nil
}

// textForm makes a term of the forms that hold a string; nil if it is not what it should be.
func textForm(name, s string) Term {
	switch name {
	case jsonAtom:
		if a := Atom(s); ValidAtom(a) {
			return a
		}
	case jsonBinary:
		if b, err := base64.StdEncoding.Strict().DecodeString(s); err == nil {
			return Binary(b)
		}
	case jsonTerm:
		if t, err := Parse(s); err == nil {
			return t
		}
	}
	return nil
}

func atomKeyed(v Term) Term {
	m, ok := v.(Map)
	if !ok {
		return nil
	}
	for i := range m {
		k, ok := m[i].Key.(Binary)
		if !ok || !ValidAtom(Atom(k)) {
			return nil
		}
		m[i].Key = Atom(k)
	}
	return m
}

func (p *jsonParser) pairs(v Term) (Term, error) {
	l, ok := v.(List)
	if !ok {
		return nil, nil
	}
	m := make(Map, 0, len(l))
	for _, e := range l {
		pair, ok := e.(List)
		if !ok || len(pair) != 2 {
			return nil, nil
		}
		m = append(m, Pair{pair[0], pair[1]})
	}
	for _, pair := range m {
		if keyNesting(pair.Key) >= maxKeyDepth {
			return nil, p.errorf("maps nested by their keys, the most is %d deep", maxKeyDepth)
		}
	}
	if i := duplicateKey(m); i >= 0 {
		return nil, p.errorf("duplicate key %s", short(m[i].Key))
	}
	return m, nil
}

func bitsOf(data, bits Term) Term {
	text, ok1 := data.(Binary)
	n, ok2 := bits.(Int)
	if !ok1 || !ok2 || n < 1 || n > 7 {
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(b) == 0 {
		return nil
	}
	b[len(b)-1] &^= 0xff >> n
	return BitString{Bytes: b, Bits: uint8(n)}
}

// keyNesting returns how deep maps are nested in t by their keys.
func keyNesting(t Term) int {
	most := 0
	each := func(terms []Term) {
		for _, e := range terms {
			most = max(most, keyNesting(e))
		}
	}
	switch t := t.(type) {
	case Tuple:
		each(t)
	case List:
		each(t)
	case Improper:
		each(t.Elems)
		most = max(most, keyNesting(t.Tail))
	case Map:
		for _, p := range t {
			most = max(most, 1+keyNesting(p.Key), keyNesting(p.Value))
		}
	case *Fun:
		each(t.Free)
	case *Record:
		for _, f := range t.Fields {
			most = max(most, keyNesting(f.Value))
		}
	}
	return most
}
