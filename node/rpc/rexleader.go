package rpc

import (
	"context"
	"unicode/utf8"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

const sendStdout etf.Atom = "send_stdout_to_caller"

func (c *rexCallMessage) stdoutToCaller() bool {
	if t, ok := c.Leader.(etf.Tuple); ok {
		return len(t) == 2 && t[0] == etf.Term(sendStdout)
	}
	return c.Leader == etf.Term(sendStdout)
}

// setLeader gives p the group leader that the call asks for: a pid, the process user of this node, or one that sends what is
// printed to the caller (rpc:set_group_leader/1).
func (c *rexCallMessage) setLeader(p *node.Process, caller etf.Pid) *Error {
	leader, ok := c.Leader.(etf.Pid)
	switch {
	case ok:
	case c.Leader == etf.Term(etf.Atom("user")):
		if leader, ok = p.Node().Whereis("user"); !ok {
			return nil // it keeps that of rex
		}
	case c.stdoutToCaller():
		if t, ok := c.Leader.(etf.Tuple); ok {
			if pid, ok := t[1].(etf.Pid); ok {
				caller = pid
			}
		}
		q, err := p.Node().Spawn(stdout{caller, p.Self()}.run)
		if err != nil {
			return nil
		}
		leader = q.Self()
	default:
		return &Error{Class: "error", Reason: etf.Atom("function_clause"),
			Stack: etf.List{etf.Tuple{etf.Atom("rpc"), etf.Atom("set_group_leader"), etf.List{c.Leader}, etf.List{}}}}
	}
	p.SetGroupLeader(leader, p.Self())
	return nil
}

// stdout is a group leader that sends what is printed to the caller, {rex_stdout, Binary}, as long as the process lives that
// prints. The reply of the call follows what it has printed, because printing waits for this one.
type stdout struct {
	caller, prints etf.Pid
}

func (s stdout) run(p *node.Process) error {
	if _, err := p.Monitor(s.prints); err != nil {
		return err
	}
	for {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if _, ok := m.Down(); ok {
			return nil
		}
		var r struct {
			_       struct{} `etf:"io_request,tuple"`
			From    etf.Pid
			ReplyAs etf.Raw
			Request etf.Term
		}
		if m.IsNotice() || m.Decode(&r) != nil {
			continue
		}
		var reply etf.Term = etf.Tuple{etf.Atom("error"), etf.Atom("request")}
		if text, ok := printed(r.Request); ok {
			p.SendNoConnect(s.caller, etf.Tuple{etf.Atom("rex_stdout"), etf.Binary(text)})
			reply = etf.Atom("ok")
		}
		p.SendNoConnect(r.From, ioReply{ReplyAs: r.ReplyAs, Reply: reply})
	}
}

type ioReply struct {
	_       struct{} `etf:"io_reply,tuple"`
	ReplyAs etf.Raw
	Reply   etf.Term
}

// printed is the text of {put_chars, Encoding, Chars}.
func printed(request etf.Term) (text []byte, ok bool) {
	t, _ := request.(etf.Tuple)
	if len(t) != 3 || t[0] != etf.Term(etf.Atom("put_chars")) {
		return nil, false
	}
	return appendChars(nil, t[2])
}

// appendChars appends chardata: a binary, or a list of characters, binaries and such lists.
func appendChars(dst []byte, t etf.Term) ([]byte, bool) {
	ok := true
	switch t := t.(type) {
	case etf.Binary:
		return append(dst, t...), true
	case etf.Int:
		return utf8.AppendRune(dst, rune(t)), t >= 0 && t <= utf8.MaxRune
	case etf.List:
		for i := 0; ok && i < len(t); i++ {
			dst, ok = appendChars(dst, t[i])
		}
		return dst, ok
	case etf.Improper:
		if dst, ok = appendChars(dst, etf.List(t.Elems)); ok {
			dst, ok = appendChars(dst, t.Tail)
		}
		return dst, ok
	}
	return dst, false
}
