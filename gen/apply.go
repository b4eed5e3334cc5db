package gen

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// applyFun applies a function that a peer names: fun Module:Function/Arity for a function that the node offers. What a
// BEAM node would raise is raised: undef for one that is not there, and for a closure, whose module is not here
// (error_handler:undefined_lambda/3), badarity for a wrong number of arguments, badfun for what is no function.
func applyFun(ctx context.Context, p *node.Process, fun etf.Term, args etf.List) (etf.Term, *node.Exception) {
	switch f := fun.(type) {
	case etf.Export:
		if int(f.Arity) != len(args) {
			return nil, badArgument("badarity", etf.Tuple{fun, args})
		}
		return applyMFA(ctx, p, f.Module, f.Function, args)
	case *etf.Fun:
		if int(f.Arity) != len(args) {
			return nil, badArgument("badarity", etf.Tuple{fun, args})
		}
		stack := etf.List{etf.Tuple{fun, args, etf.List{}}}
		return nil, &node.Exception{Class: "error", Reason: etf.Atom("undef"), Stack: stack}
	}
	return nil, badArgument("badfun", fun)
}

func badArgument(what etf.Atom, t etf.Term) *node.Exception {
	return &node.Exception{Class: "error", Reason: etf.Tuple{what, t}, Stack: etf.List{}}
}

// applyMFA is erlang:apply/3 of a function that the node offers.
func applyMFA(ctx context.Context, p *node.Process, module, function etf.Atom, args etf.List) (etf.Term, *node.Exception) {
	raw := make([]etf.Raw, len(args))
	for i, a := range args {
		b, err := etf.AppendTerm(nil, a)
		if err != nil {
			return nil, &node.Exception{Class: "error", Reason: etf.Atom("badarg"), Stack: etf.List{}}
		}
		raw[i] = etf.Raw{Bytes: b}
	}
	v, err := p.Apply(ctx, module, function, raw)
	if err == nil {
		var t etf.Term
		if t, err = asTerm(v); err == nil {
			return t, nil
		}
	}
	if exc, ok := errors.AsType[*node.Exception](err); ok {
		return nil, exc
	}
	return nil, &node.Exception{Class: "error", Reason: etf.Binary(err.Error()), Stack: etf.List{}}
}

// asTerm is a Go value as a term.
func asTerm(v any) (etf.Term, error) {
	if t, ok := v.(etf.Term); ok {
		return t, nil
	}
	b, err := etf.Append(nil, v)
	if err != nil {
		return nil, err
	}
	return etf.Raw{Bytes: b}.Term()
}

// errorTerm is what a Go error says to a peer: the reason of an *node.ExitError, else its text.
func errorTerm(err error) etf.Term {
	if exit := (*node.ExitError)(nil); errors.As(err, &exit) && exit.Reason != nil {
		return exit.Reason
	}
	return etf.Binary(err.Error())
}
