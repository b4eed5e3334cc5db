package rpc

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Caller is who calls: a node, or a *node.Process, in whose name and with whose group leader the function then runs.
type Caller interface {
	SpawnWait(ctx context.Context, on, module, function etf.Atom, args []any) (reason etf.Raw, err error)
	SpawnCast(ctx context.Context, on, module, function etf.Atom, args []any) error
	Request(ctx context.Context, to any, encode node.Encode) (etf.Raw, error)
	SendContext(ctx context.Context, to, v any) error
	NewRef() etf.Ref
}

// Call runs Module:Function(Args…) on a node and decodes what it returns into a T (erpc:call/4, and rpc:call/4). The arguments are
// Terms or any Go values that etf.Marshal takes, T is anything that etf.Unmarshal fills: etf.Term takes every result. To call a
// function of Elixir give its module as 'Elixir.Name'; a Go string is a binary, a string of Elixir.
//
// ctx is the only timeout. Every error is a *CallError.
//
//	release, err := rpc.Call[etf.Charlist](ctx, n, "iex@host", "erlang", "system_info", etf.Atom("otp_release"))
func Call[T any](ctx context.Context, c Caller, on, module, function etf.Atom, args ...any) (T, error) {
	var v T
	raw, err := call(ctx, c, on, module, function, args)
	if err == nil {
		err = raw.Decode(&v)
	}
	if err != nil {
		return v, &CallError{on, module, function, len(args), err}
	}
	return v, nil
}

func call(ctx context.Context, c Caller, on, module, function etf.Atom, args []any) (etf.Raw, error) {
	list, err := argList(args)
	if err != nil {
		return etf.Raw{}, err
	}
	id := c.NewRef()
	reason, err := c.SpawnWait(ctx, on, "erpc", "execute_call", []any{id, module, function, list})
	switch {
	case errors.Is(err, node.ErrNotSup):
		return rexCall(ctx, c, "call", on, module, function, list)
	case err != nil:
		return etf.Raw{}, err
	}
	return result(on, id, reason)
}

// argList is the list of arguments in bytes.
func argList(args []any) (etf.Raw, error) {
	dst := etf.AppendNil(nil)
	if len(args) > 0 {
		dst = etf.AppendListHeader(dst[:0], len(args))
		for _, a := range args {
			var err error
			if dst, err = etf.Append(dst, a); err != nil {
				return etf.Raw{}, err
			}
		}
		dst = etf.AppendNil(dst)
	}
	return etf.Raw{Bytes: dst}, nil
}

// result reads the reason with which erpc:execute_call/4 exits: {Ref, return, V}, {Ref, throw, V}, {Ref, exit, R},
// {Ref, error, R, Stack} or {Ref, error, {erpc, R}}. Any other one is a signal's (erpc:result/4).
func result(on etf.Atom, id etf.Ref, reason etf.Raw) (etf.Raw, error) {
	r := etf.NewReader(reason)
	n, err := r.Tuple()
	if err != nil || n < 3 {
		return etf.Raw{}, signalled(on, reason)
	}
	if ref, err := r.Ref(); err != nil || ref != id {
		return etf.Raw{}, signalled(on, reason)
	}
	what, err := r.Atom()
	if err != nil {
		return etf.Raw{}, signalled(on, reason)
	}
	if what == "return" && n == 3 {
		return etf.Raw{Bytes: r.Rest(), Atoms: reason.Atoms}, nil
	}
	e := &Error{Class: what}
	if e.Reason, err = r.Term(); err != nil {
		return etf.Raw{}, err
	}
	if n == 4 {
		if e.Stack, err = r.Term(); err != nil {
			return etf.Raw{}, err
		}
	}
	return etf.Raw{}, e
}

// signalled is the error of a process that an exit signal has ended, or the loss of the connection.
func signalled(on etf.Atom, reason etf.Raw) error {
	t, err := reason.Term()
	if err != nil {
		return err
	}
	if t == etf.Term(etf.Atom("noconnection")) {
		return &node.SpawnError{Node: on, Reason: "noconnection"}
	}
	return &node.ExitError{Reason: t}
}

// Cast runs Module:Function(Args…) on a node and does not wait for it (erpc:cast/4). A nil error says that the request is on its
// way; the others are those of Call before the function runs.
func Cast(ctx context.Context, c Caller, on, module, function etf.Atom, args ...any) error {
	list, err := argList(args)
	if err == nil {
		err = c.SpawnCast(ctx, on, "erpc", "execute_cast", []any{module, function, list})
	}
	if errors.Is(err, node.ErrNotSup) {
		err = rexCast(ctx, c, on, module, function, list)
	}
	if err != nil {
		return &CallError{on, module, function, len(args), err}
	}
	return nil
}
