package main

import (
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// crasher is the gen_server that does what servers should not.
type crasher struct{}

func (crasher) HandleCall(p *node.Process, from gen.From, request etf.Raw) (any, error) {
	t, err := request.Term()
	if err != nil {
		return nil, err
	}
	if t == etf.Term(etf.Atom("hang")) {
		return gen.NoReply, nil
	}
	name, args, _ := split(t)
	switch {
	case name == "exit" && len(args) == 1:
		return gen.NoReply, node.Exit(args[0])
	case name == "stop" && len(args) == 1:
		return etf.Atom("ok"), node.Exit(args[0])
	case name == "later" && len(args) == 2:
		ms, ok := args[0].(etf.Int)
		if !ok || ms < 0 {
			return nil, node.Exit(etf.Tuple{etf.Atom("badarg"), etf.List{}})
		}
		// A timer that finds this process gone does nothing: Reply fails then.
		time.AfterFunc(time.Duration(ms)*time.Millisecond, func() { gen.Reply(p, from, args[1]) })
		return gen.NoReply, nil
	}
	return nil, functionClause()
}

// split takes {Name, Args…} apart; ok is false for what is no tuple that begins with an atom.
func split(t etf.Term) (name etf.Atom, args []etf.Term, ok bool) {
	if tuple, isTuple := t.(etf.Tuple); isTuple && len(tuple) > 0 {
		name, ok = tuple[0].(etf.Atom)
		return name, tuple[1:], ok
	}
	return "", nil, false
}

// State is what the Erlang target has: the kind of server.
func (crasher) State() any { return etf.Atom("crasher") }
