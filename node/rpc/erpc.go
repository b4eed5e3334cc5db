package rpc

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// handleERPC offers the functions that the module erpc of other nodes spawns here.
func handleERPC(n Offerer) {
	n.Offer("erpc", "execute_call", 4, executeCall)
	n.Offer("erpc", "execute_call", 3, func(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
		v, e := apply(ctx, p, args[0], args[1], args[2])
		if e != nil {
			return nil, e
		}
		return etf.Tuple{etf.Atom("return"), v}, nil
	})
	n.Offer("erpc", "execute_cast", 3, func(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
		_, e := apply(ctx, p, args[0], args[1], args[2])
		switch {
		case e == nil:
			return etf.Atom("ok"), nil
		case e.Class != "error":
			return nil, e
		case argError(e):
			return nil, &Error{Class: "error", Reason: etf.Tuple{etf.Atom("erpc"), e.Reason}, Stack: e.Stack}
		}
		return nil, &Error{Class: "error", Reason: etf.Tuple{etf.Atom("exception"), etf.Tuple{e.Reason, e.Stack}}}
	})
}

// executeCall is erpc:execute_call(Ref, M, F, A): it exits with what has come of M:F(A…), which the caller's monitor tells him.
func executeCall(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
	ref, err := args[0].Term()
	if err != nil {
		return nil, err
	}
	v, e := apply(ctx, p, args[1], args[2], args[3])
	switch {
	case e == nil:
		return nil, &node.ExitError{Reason: etf.Tuple{ref, etf.Atom("return"), v}}
	case e.Class != "error":
		return nil, &node.ExitError{Reason: etf.Tuple{ref, e.Class, e.Reason}}
	case argError(e):
		return nil, &node.ExitError{Reason: etf.Tuple{ref, e.Class, etf.Tuple{etf.Atom("erpc"), e.Reason}}}
	}
	return nil, &node.ExitError{Reason: etf.Tuple{ref, e.Class, e.Reason, e.Stack}}
}

// argError tells the error that erpc finds in its own arguments: too many for a call.
func argError(e *Error) bool { return e.Reason == etf.Term(etf.Atom("system_limit")) }

// apply is apply(M, F, A) for the module erpc: an error has the stack that erpc:trim_stack/4 leaves of it.
func apply(ctx context.Context, p *node.Process, module, function, args etf.Raw) (etf.Term, *Error) {
	v, e := rawApply(ctx, p, module, function, args)
	if e != nil && e.Class == "error" {
		e.Stack = trimStack(e.Stack, module, function, args)
	}
	return v, e
}

// rawApply is erlang:apply/3.
func rawApply(ctx context.Context, p *node.Process, module, function, args etf.Raw) (etf.Term, *Error) {
	var m, f etf.Atom
	if module.Decode(&m) != nil || function.Decode(&f) != nil {
		return nil, node.BadArg("erlang", "apply", node.ArgTerms([]etf.Raw{module, function, args})...)
	}
	list, err := node.ArgList(args)
	if e := (*Error)(nil); err != nil {
		if e = node.ApplyError(err, m, f, args); e == nil {
			e = &Error{Class: "error", Reason: etf.Atom("badarg"), Stack: etf.List{}}
		}
		return nil, e
	}
	v, err := p.Apply(ctx, m, f, list)
	if err == nil {
		var t etf.Term
		if t, err = termOf(v); err == nil {
			return t, nil
		}
		err = &Error{Class: "error", Reason: etf.Tuple{etf.Atom("bad_return_value"), etf.Binary(err.Error())}, Stack: etf.List{}}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Class: "error", Reason: etf.Binary(err.Error()), Stack: etf.List{}}
	}
	copied := *e
	return nil, &copied
}

// trimStack is the stack of an error up to the function that was called. That one is added if it is not the last.
func trimStack(stack etf.Term, module, function, args etf.Raw) etf.Term {
	called := node.ArgTerms([]etf.Raw{module, function, args})
	list, _ := stack.(etf.List)
	if len(list) == 0 {
		return etf.List{etf.Tuple{called[0], called[1], called[2], etf.List{}}}
	}
	n := arity(called[2])
	last, _ := list[len(list)-1].(etf.Tuple)
	if len(last) == 4 && etf.Equal(last[0], called[0]) && etf.Equal(last[1], called[1]) && arity(last[2]) == n {
		return list
	}
	if n < 0 {
		return list
	}
	return append(list[:len(list):len(list)], etf.Tuple{called[0], called[1], etf.Int(n), etf.List{}})
}
