package gen

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// The labels of what OTP's gen sends to a behaviour.
const (
	genCall etf.Atom = "$gen_call" // {'$gen_call', From, Request}
	genCast etf.Atom = "$gen_cast" // {'$gen_cast', Request}
	system  etf.Atom = "system"    // {system, From, Request}, of the module sys
)

// envelope is a message of OTP's gen, opened: who sends what kind of request, which stays as it came.
type envelope struct {
	label   etf.Atom
	from    From // not of a cast
	request etf.Raw
}

var errOther = errors.New("gen: another message")

// open reads the outside of a message. What only begins like one of gen's is another message.
func open(m node.Message) (e envelope, err error) {
	if m.IsNotice() {
		return e, errOther
	}
	raw, err := m.Raw()
	if err != nil {
		return e, err
	}
	r := etf.NewReader(raw)
	if tag, _ := r.Tag(); tag != smallTuple {
		return e, errOther
	}
	arity, err := r.Tuple()
	if err != nil {
		return e, err
	}
	if tag, _ := r.Tag(); arity < 2 || arity > 3 || !isAtom(tag) {
		return e, errOther
	}
	if e.label, err = r.Atom(); err != nil {
		return e, err
	}
	switch {
	case e.label == genCast && arity == 2:
	case (e.label == genCall || e.label == system) && arity == 3:
		if e.from, err = readFrom(&r); err != nil {
			return e, err
		}
	default:
		return e, errOther
	}
	// The request is the last element. Nothing is skipped over, so that no limit of the reader applies to it here.
	e.request = etf.Raw{Bytes: r.Rest(), Atoms: raw.Atoms}
	return e, nil
}

// readFrom reads {Pid, Tag}.
func readFrom(r *etf.Reader) (from From, err error) {
	if n, err := r.Tuple(); err != nil || n != 2 {
		return from, errOther
	}
	if from.Pid, err = r.Pid(); err != nil {
		return from, err
	}
	before := *r
	if ref, ok := readAlias(r); ok {
		from.Tag = etf.Improper{Elems: aliasAtom, Tail: ref}
		return from, nil
	}
	*r = before
	from.Tag, err = r.Term()
	return from, err
}

// readAlias reads the tag of most calls, [alias | Ref], which then costs less memory than as any term. Without one it leaves the reader
// anywhere.
func readAlias(r *etf.Reader) (ref etf.Term, ok bool) {
	if tag, err := r.Tag(); err != nil || tag != list {
		return nil, false
	}
	if n, err := r.List(); err != nil || n != 1 {
		return nil, false
	}
	if tag, err := r.Tag(); err != nil || !isAtom(tag) {
		return nil, false
	}
	if a, err := r.Atom(); err != nil || a != "alias" {
		return nil, false
	}
	if tag, err := r.Tag(); err != nil || tag != newerReference {
		return nil, false
	}
	ref2, err := r.Ref()
	return ref2, err == nil
}

var aliasAtom = []etf.Term{etf.Atom("alias")} // nobody changes it

const (
	smallTuple     = 104
	list           = 108
	newerReference = 90
)

func isAtom(tag byte) bool {
	switch tag {
	case 82, 100, 115, 118, 119:
		return true
	}
	return false
}
