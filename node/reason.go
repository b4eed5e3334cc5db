package node

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
)

// The reasons that have a meaning of their own.
const (
	normal       etf.Atom = "normal"
	kill         etf.Atom = "kill"
	killed       etf.Atom = "killed"
	noproc       etf.Atom = "noproc"
	noconnection etf.Atom = "noconnection"
	shutdown     etf.Atom = "shutdown"
)

// reason is an exit reason in the form in which it came: a term made here, or bytes from a peer, which stay bytes when
// they are only passed on.
type reason struct {
	t   etf.Term
	raw etf.Raw
}

// These are made before, since encoding takes more of a goroutine's stack than a process that waits: it would be copied to a larger one.
// Nobody changes their bytes.
var normalEnd, lost, missing = atomReason(normal), atomReason(noconnection), atomReason(noproc)

func atomReason(a etf.Atom) reason {
	b, _ := etf.AppendTerm(nil, a) // which fails for none of these
	return reason{t: a, raw: etf.Raw{Bytes: b}}
}

// reasonOf takes a Go value. One that cannot be encoded is reported as what it is, so that a process ends in any case.
func reasonOf(v any) reason {
	switch v := v.(type) {
	case reason:
		return v
	case etf.Term:
		if b, err := etf.AppendTerm(nil, v); err == nil {
			return reason{t: v, raw: etf.Raw{Bytes: b}}
		}
	case error:
		return errorReason(v)
	}
	b, err := etf.Append(nil, v)
	if err != nil {
		return reasonOf(etf.Tuple{etf.Atom("bad_exit_reason"), etf.Binary(err.Error())})
	}
	return reason{raw: etf.Raw{Bytes: b}}
}

// errorReason is how a Go error ends a process: nil is normal, an *ExitError anywhere in the chain is itself, an *Exception
// what a process ends with that does not catch it, any other error is {error, Text}.
func errorReason(err error) reason {
	if err == nil {
		return normalEnd
	}
	if exit := (*ExitError)(nil); errors.As(err, &exit) && exit.Reason != nil {
		return reasonOf(exit.Reason)
	}
	if e, ok := errors.AsType[*Exception](err); ok && e.Reason != nil {
		return reasonOf(e.exitReason())
	}
	return reasonOf(etf.Tuple{etf.Atom("error"), etf.Binary(err.Error())})
}

// term is the reason as a term. Bytes that are none, which a BEAM never sends, stay visible as {undecodable, Bytes}.
func (r reason) term() etf.Term {
	if r.t != nil {
		return r.t
	}
	t, err := r.raw.Term()
	if err != nil {
		return etf.Tuple{etf.Atom("undecodable"), etf.Binary(r.raw.Bytes)}
	}
	return t
}

// bytes is the reason encoded.
func (r reason) bytes() etf.Raw {
	if r.raw.Bytes == nil {
		return reasonOf(r.t).raw
	}
	return r.raw
}

// is tells whether the reason is the atom a.
func (r reason) is(a etf.Atom) bool {
	if r.t != nil {
		return r.t == etf.Term(a)
	}
	rd := etf.NewReader(r.raw)
	got, err := rd.Atom()
	return err == nil && got == a
}
