package main

import (
	"errors"
	"maps"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// command carries out a puppet's command. Its result is anything that etf.Marshal takes. An error that is a *raised is the
// exception that Erlang would raise; with any other the puppet exits.
type command func(u *puppet, args []etf.Term) (any, error)

// signature is a command's name and how many arguments it has; atom for a command that is no tuple.
type signature struct {
	name etf.Atom
	args int
}

const atom = -1

var commands = merge(messageCommands, linkCommands, nameCommands, nodeCommands, spawnCommands, globalCommands, pgCommands)

func merge(tables ...map[signature]command) map[signature]command {
	all := make(map[signature]command)
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

func (u *puppet) execute(t etf.Term) (any, error) {
	var s signature
	name, args, ok := split(t)
	if a, isAtom := t.(etf.Atom); isAtom {
		s = signature{a, atom}
	} else if ok {
		s = signature{name, len(args)}
	}
	c := commands[s]
	if c == nil {
		return nil, errFunctionClause
	}
	result, err := c(u, args)
	if exit := u.Err(); exit != nil {
		return nil, exit // it ended itself, or was ended meanwhile
	}
	return result, err
}

// raised is an Erlang exception.
type raised struct {
	class  etf.Atom
	reason etf.Term
}

func (r *raised) Error() string { return string(r.class) + ": " + r.reason.String() }

func raiseError(reason etf.Atom) error { return &raised{"error", reason} }

var (
	errBadarg         = raiseError("badarg")
	errFunctionClause = raiseError("function_clause")
	errUndef          = raiseError("undef")
)

// unexpected makes a Go error that no Erlang exception stands for visible to the test that drives the puppet. Nil stays nil,
// and so do the errors of a destination that cannot be reached, which Erlang does not report.
func unexpected(err error) error {
	if err == nil || errors.Is(err, node.ErrNoConnection) {
		return nil
	}
	return &raised{"error", etf.Tuple{etf.Atom("go_error"), etf.Binary(err.Error())}}
}

// destination converts what Erlang takes as one: pid, name, {Name, Node}.
func destination(t etf.Term) (to any, ok bool) {
	switch t := t.(type) {
	case etf.Pid, etf.Atom:
		return t, true
	case etf.Tuple:
		if len(t) != 2 {
			return nil, false
		}
		name, ok1 := t[0].(etf.Atom)
		host, ok2 := t[1].(etf.Atom)
		return node.Name{Name: name, Node: host}, ok1 && ok2
	}
	return nil, false
}

// boolean converts the atoms true and false.
func boolean(t etf.Term) (b, ok bool) {
	a, _ := t.(etf.Atom)
	return a == "true", a == "true" || a == "false"
}
