package user

import (
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

const (
	ok     etf.Atom = "ok"
	eof    etf.Atom = "eof"
	latin1 etf.Atom = "latin1"
)

func failed(reason etf.Term) etf.Term { return etf.Tuple{etf.Atom("error"), reason} }

// answer carries out a request and is its reply. Functions that it names are called on the node of the requester, which has
// them.
func (t *terminal) answer(ctx context.Context, p *node.Process, from etf.Pid, request etf.Term) etf.Term {
	name, args := open(request)
	switch {
	case name == "put_chars" && len(args) == 1, name == "put_chars" && len(args) == 2:
		return t.put(encodingOf(args), args[len(args)-1])
	case name == "put_chars" && len(args) == 3, name == "put_chars" && len(args) == 4:
		m, f, list, ok := call(args[len(args)-3:])
		if !ok {
			break
		}
		chars, err := t.format(ctx, p, from, m, f, list)
		if err != nil {
			return failed(etf.Atom("format"))
		}
		return t.put("unicode", chars)
	case name == "get_line" && len(args) == 1, name == "get_line" && len(args) == 2:
		if reply := t.put("unicode", args[len(args)-1]); reply != etf.Term(ok) {
			return reply
		}
		return t.chars(t.in.line(ctx))
	case name == "get_chars" && len(args) == 2, name == "get_chars" && len(args) == 3:
		n, isInt := args[len(args)-1].(etf.Int)
		if !isInt || n < 0 {
			break
		}
		if reply := t.put("unicode", args[len(args)-2]); reply != etf.Term(ok) {
			return reply
		}
		return t.chars(t.in.runes(ctx, int(min(n, 1<<20))))
	case name == "get_until" && len(args) == 5:
		if m, f, list, ok := call(args[2:]); ok {
			return t.until(ctx, p, from, args[1], m, f, list)
		}
	case name == "setopts" && len(args) == 1:
		return t.setopts(args[0])
	case name == "getopts" && len(args) == 0:
		t.mu.Lock()
		defer t.mu.Unlock()
		return etf.List{etf.Tuple{etf.Atom("binary"), boolean(t.binary)}, etf.Tuple{etf.Atom("encoding"), etf.Atom("unicode")}}
	case name == "get_geometry" && len(args) == 1, name == "get_password":
		return failed(etf.Atom("enotsup"))
	case name == "requests" && len(args) == 1:
		list, isList := args[0].(etf.List)
		if !isList {
			break
		}
		var reply etf.Term = ok
		for _, r := range list {
			if reply = t.answer(ctx, p, from, r); isError(reply) {
				break
			}
		}
		return reply
	}
	return failed(etf.Atom("request"))
}

func isError(t etf.Term) bool {
	name, args := open(t)
	return name == "error" && len(args) == 1
}

func boolean(b bool) etf.Atom {
	if b {
		return "true"
	}
	return "false"
}

// encodingOf is that of {put_chars, Encoding, …}; the old form without it is latin1.
func encodingOf(args []etf.Term) etf.Atom {
	if a, ok := args[0].(etf.Atom); ok && len(args)%2 == 0 {
		return a
	}
	return latin1
}

// call reads M, F, Args.
func call(args []etf.Term) (m, f etf.Atom, list etf.List, ok bool) {
	m, ok1 := args[0].(etf.Atom)
	f, ok2 := args[1].(etf.Atom)
	list, ok3 := args[2].(etf.List)
	return m, f, list, ok1 && ok2 && ok3
}

// put prints.
func (t *terminal) put(encoding etf.Atom, chars etf.Term) etf.Term {
	text, valid := appendChars(nil, chars, encoding == latin1)
	if !valid {
		return failed(etf.Tuple{etf.Atom("put_chars"), encoding, chars})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(text) > 0 {
		if _, err := t.out.Write(text); err != nil {
			return failed(etf.Atom("terminated"))
		}
	}
	return ok
}

// chars is what was read, in the form asked for.
func (t *terminal) chars(text string, err error) etf.Term {
	switch {
	case text != "":
	case errors.Is(err, io.EOF):
		return eof
	case err != nil:
		return failed(etf.Atom("terminated"))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.binary {
		return etf.Binary(text)
	}
	return charlist(text)
}

func charlist(text string) etf.List {
	list := make(etf.List, 0, len(text))
	for _, r := range text {
		list = append(list, etf.Int(r))
	}
	return list
}

func (t *terminal) setopts(options etf.Term) etf.Term {
	list, isList := options.(etf.List)
	if !isList {
		return failed(etf.Atom("enotsup"))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range list {
		name, args := open(o)
		switch {
		case name == "binary" && (len(args) == 0 || args[0] == etf.Term(etf.Atom("true"))):
			t.binary = true
		case name == "list", name == "binary":
			t.binary = false
		case name == "encoding", name == "echo", name == "expand_fun", name == "line_history", name == "log":
		default:
			return failed(etf.Atom("enotsup"))
		}
	}
	return ok
}

// until is get_until: a function of the requester says of each line whether it has enough.
func (t *terminal) until(ctx context.Context, p *node.Process, from etf.Pid, prompt etf.Term, m, f etf.Atom, extra etf.List) etf.Term {
	var more etf.Term = etf.List{}
	for {
		if reply := t.put("unicode", prompt); reply != etf.Term(ok) {
			return reply
		}
		text, err := t.in.line(ctx)
		var data etf.Term = charlist(text)
		if text == "" && err != nil {
			data = eof
		}
		args := []any{more, data}
		for _, e := range extra {
			args = append(args, e)
		}
		result, err := rpc.Call[etf.Tuple](ctx, p, from.Node, m, f, args...)
		switch {
		case err != nil:
			return failed(etf.Tuple{m, f})
		case len(result) == 3 && result[0] == etf.Term(etf.Atom("done")):
			if rest, valid := appendChars(nil, result[2], false); valid {
				t.in.unread(string(rest))
			}
			return result[1]
		case len(result) == 2 && result[0] == etf.Term(etf.Atom("more")):
			more = result[1]
		default:
			return failed(etf.Tuple{m, f})
		}
		if data == etf.Term(eof) {
			return eof
		}
	}
}

// format is the text that {put_chars, Encoding, M, F, Args} stands for. Of this node's own processes it can only be that of
// io_lib:format/2.
func (t *terminal) format(ctx context.Context, p *node.Process, from etf.Pid, m, f etf.Atom, args etf.List) (etf.Term, error) {
	if from.Node == p.Node().Name() && m == "io_lib" && f == "format" && len(args) == 2 {
		return formatted(args[0], args[1])
	}
	list := make([]any, len(args))
	for i, a := range args {
		list[i] = a
	}
	return rpc.Call[etf.Term](ctx, p, from.Node, m, f, list...)
}

// appendChars appends chardata: a binary, or a list of characters, binaries and such lists. In latin1 a byte is a character.
func appendChars(dst []byte, t etf.Term, bytes bool) ([]byte, bool) {
	valid := true
	switch t := t.(type) {
	case etf.Binary:
		if !bytes {
			return append(dst, t...), true
		}
		for _, b := range t {
			dst = utf8.AppendRune(dst, rune(b))
		}
		return dst, true
	case etf.Int:
		return utf8.AppendRune(dst, rune(t)), t >= 0 && t <= utf8.MaxRune
	case etf.List:
		for i := 0; valid && i < len(t); i++ {
			dst, valid = appendChars(dst, t[i], bytes)
		}
		return dst, valid
	case etf.Improper:
		if dst, valid = appendChars(dst, etf.List(t.Elems), bytes); valid {
			dst, valid = appendChars(dst, t.Tail, bytes)
		}
		return dst, valid
	case etf.Atom: // a prompt may be one
		return append(dst, t...), true
	}
	return dst, false
}
