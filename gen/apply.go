package gen

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// raised is an Erlang exception.
type raised struct {
	class  etf.Atom // error, exit or throw
	reason etf.Term
}

func (r *raised) Error() string { return string(r.class) + ": " + r.reason.String() }

// applyFun applies a function that a peer names: fun Module:Function/Arity for a function that the node offers. What a
// BEAM node would raise is raised: undef for one that is not there, badarity for a wrong number of arguments, badfun for a
// closure, whose code is not here, and for what is no function.
func applyFun(p *node.Process, fun etf.Term, args etf.List) (etf.Term, *raised) {
	f, ok := fun.(etf.Export)
	if !ok {
		return nil, &raised{"error", etf.Tuple{etf.Atom("badfun"), fun}}
	}
	if int(f.Arity) != len(args) {
		return nil, &raised{"error", etf.Tuple{etf.Atom("badarity"), etf.Tuple{fun, args}}}
	}
	return applyMFA(p, f.Module, f.Function, args)
}

// applyMFA is erlang:apply/3 of a function that the node offers.
func applyMFA(p *node.Process, module, function etf.Atom, args etf.List) (etf.Term, *raised) {
	return nil, &raised{"error", etf.Atom("undef")}
}

// errorTerm is what a Go error says to a peer: the reason of an *node.ExitError, else its text.
func errorTerm(err error) etf.Term {
	if exit := (*node.ExitError)(nil); errors.As(err, &exit) && exit.Reason != nil {
		return exit.Reason
	}
	return etf.Binary(err.Error())
}
