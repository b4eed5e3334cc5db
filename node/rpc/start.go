package rpc

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// Start makes a node serve rpc: it starts rex, and offers what erpc asks for and the built-in functions that peers expect of
// every node. erlnode.Start calls it.
func Start(n *node.Node) error {
	handleERPC(n)
	handleBuiltins(n)
	handlePure(n)
	_, err := gen.StartSupervisor(n, gen.SupervisorConfig{}, []gen.Child{{
		ID: string(rexName),
		Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(n, &rex{}, node.Linked(sup), node.Register(rexName))
		},
	}})
	return err
}

// destination is what Erlang takes as one, as node.Process.Send takes it: a pid, a name, {Name, Node}, an alias.
func destination(t etf.Term) (to any, ok bool) {
	switch t := t.(type) {
	case etf.Pid, etf.Atom, etf.Ref:
		return t, true
	case etf.Tuple:
		if len(t) != 2 {
			return nil, false
		}
		name, ok1 := t[0].(etf.Atom)
		on, ok2 := t[1].(etf.Atom)
		return node.At(name, on), ok1 && ok2
	}
	return nil, false
}
