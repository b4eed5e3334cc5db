package main

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Names on this node.
var nameCommands = map[signature]command{
	{"register", 1}:   (*puppet).doRegister,
	{"unregister", 1}: (*puppet).doUnregister,
	{"whereis", 1}:    (*puppet).doWhereis,
}

// doRegister is erlang:register/2 for the puppet itself.
func (u *puppet) doRegister(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	if !isAtom || u.Register(name) != nil {
		return nil, errBadarg
	}
	return true, nil
}

// doUnregister is erlang:unregister/1.
func (u *puppet) doUnregister(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	if !isAtom {
		return nil, errBadarg
	}
	err := u.Node().Unregister(name)
	if errors.Is(err, node.ErrNoProc) {
		return nil, errBadarg
	}
	return true, unexpected(err)
}

// doWhereis is erlang:whereis/1.
func (u *puppet) doWhereis(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	if !isAtom {
		return nil, errBadarg
	}
	if pid, found := u.Node().Whereis(name); found {
		return pid, nil
	}
	return etf.Atom("undefined"), nil
}
