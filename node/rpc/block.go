package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// BlockCall is Call in the process rex of the other node, which runs one such call after the other and serves nothing else
// meanwhile (rpc:block_call/4). It knows less about what goes wrong: a thrown value counts as returned, and a returned
// {badrpc, Reason} as raised.
func BlockCall[T any](ctx context.Context, c Caller, on, module, function etf.Atom, args ...any) (T, error) {
	var v T
	list, err := argList(args)
	if err == nil {
		var raw etf.Raw
		if raw, err = rexCall(ctx, c, "block_call", on, module, function, list); err == nil {
			err = raw.Decode(&v)
		}
	}
	if err != nil {
		return v, &CallError{on, module, function, len(args), err}
	}
	return v, nil
}

const rexName etf.Atom = "rex"

// rexCall asks rex, the server of the module rpc, which every release has.
func rexCall(ctx context.Context, c Caller, kind, on, module, function etf.Atom, args etf.Raw) (etf.Raw, error) {
	request := rexRequest{kind, module, function, args, leader(c)}
	raw, err := gen.Call[etf.Raw](ctx, c, node.At(rexName, on), request)
	switch {
	case errors.Is(err, node.ErrNoProc):
		return raw, fmt.Errorf("it has no process rex: %w", node.ErrNotSup)
	case err != nil:
		return raw, err
	}
	r := etf.NewReader(raw)
	if n, err := r.Tuple(); err != nil || n != 2 {
		return raw, nil
	}
	if a, err := r.Atom(); err != nil || a != "badrpc" {
		return raw, nil
	}
	why, err := r.Term()
	if err != nil {
		return raw, err
	}
	return etf.Raw{}, badRPC(on, why)
}

// badRPC is the Reason of {badrpc, Reason}: {'EXIT', {Reason, Stack}} of an error, {'EXIT', Reason} of an exit.
func badRPC(on etf.Atom, why etf.Term) error {
	if why == etf.Term(etf.Atom("nodedown")) {
		return &node.SpawnError{Node: on, Reason: "noconnection"}
	}
	exit, _ := why.(etf.Tuple)
	if len(exit) != 2 || exit[0] != etf.Term(etf.Atom("EXIT")) {
		return &Error{Class: "error", Reason: why}
	}
	if e, ok := exit[1].(etf.Tuple); ok && len(e) == 2 {
		if stack, ok := e[1].(etf.List); ok && len(stack) > 0 {
			return &Error{Class: "error", Reason: e[0], Stack: stack}
		}
	}
	return &Error{Class: "exit", Reason: exit[1]}
}

func rexCast(ctx context.Context, c Caller, on, module, function etf.Atom, args etf.Raw) error {
	return gen.Cast(ctx, c, node.At(rexName, on), rexRequest{"cast", module, function, args, leader(c)})
}

// leader is the group leader that a call runs with: that of the process that calls, or the peer's own process user.
func leader(c Caller) etf.Term {
	if p, ok := c.(*node.Process); ok {
		return p.GroupLeader()
	}
	return etf.Atom("user")
}

// rexRequest is {call | block_call | cast, Module, Function, Args, GroupLeader}.
type rexRequest struct {
	kind, module, function etf.Atom
	args                   etf.Raw
	leader                 etf.Term
}

// MarshalETF appends the tuple.
func (r rexRequest) MarshalETF(dst []byte) ([]byte, error) {
	dst = etf.AppendTupleHeader(dst, 5)
	for _, a := range []etf.Atom{r.kind, r.module, r.function} {
		if !etf.ValidAtom(a) {
			return dst, fmt.Errorf("%q is no atom", string(a))
		}
		dst = etf.AppendAtom(dst, a)
	}
	dst, err := etf.Append(dst, r.args)
	if err != nil {
		return dst, err
	}
	return etf.AppendTerm(dst, r.leader)
}
