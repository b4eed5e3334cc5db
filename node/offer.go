package node

import (
	"context"
	"fmt"
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// A Func is a function that a node offers under an Erlang module, name and arity (Offer), for whoever spawns it or, with
// package rpc, calls it: spawn, spawn_request, Node.spawn, erpc, rpc.
//
// It runs in a goroutine of its own, as p. args are as many as its arity, each undecoded: args[0].Decode(&v) fills a Go
// value. They belong to the function. ctx is done when p has exited, and when who asked for the function does not wait for
// it any more: he has died or is disconnected, his call has timed out, or he has abandoned the request. A function that is
// told so should return; the node's Close waits for it.
//
// The result is anything that etf.Marshal takes, etf.Raw and etf.Term too; nil is the atom nil. An error is an exception: an
// *Exception is itself, an *ExitError is exit(Reason), an *etf.ReasonError is error(Reason), and any other is
// error({error, Text}). A panic is error({panic, Text}) with the stack of the Go functions; it is logged.
type Func func(ctx context.Context, p *Process, args []etf.Raw) (any, error)

// Offer makes a function one that others may run on this node, in place of what was offered under that module, name and
// arity before; nil takes it away. Nothing else of a Go program can be run from outside: to a peer every other function is
// undef. Calls that are under way go on. An Elixir module is called 'Elixir.Name':
//
//	n.Offer("Elixir.IO", "puts", 1, func(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
//		…
//		return etf.Atom("ok"), nil
//	})
//
// For functions on Go values see rpc.Handle, which stands on Offer.
func (n *Node) Offer(module, function etf.Atom, arity int, f Func) {
	n.functions.set(mfa{module, function, arity}, f)
}

// Offers tells whether a function is offered (erlang:function_exported/3).
func (n *Node) Offers(module, function etf.Atom, arity int) bool {
	return n.functions.get(mfa{module, function, arity}) != nil
}

// Apply runs a function that this node offers in the goroutine of the caller and in the name of p (erlang:apply/3). A
// failure is an *Exception: undef, as Erlang reports it, for one that is not offered.
func (p *Process) Apply(ctx context.Context, module, function etf.Atom, args []etf.Raw) (any, error) {
	id := mfa{module, function, len(args)}
	f := p.node.functions.get(id)
	if f == nil {
		return nil, Undef(module, function, args)
	}
	v, err := p.protect(ctx, f, args)
	if err != nil {
		return nil, exceptionOf(err, id)
	}
	return v, nil
}

// protect turns a panic of f into an exception.
func (p *Process) protect(ctx context.Context, f Func, args []etf.Raw) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.panicked(r)
			v, err = nil, &Exception{Class: "error", Reason: etf.Tuple{etf.Atom("panic"), etf.Binary(fmt.Sprint(r))}, Stack: goStack()}
		}
	}()
	return f(ctx, p, args)
}

// mfa is a module, a function and an arity.
type mfa struct {
	module, function etf.Atom
	arity            int
}

// functionTable holds what a node offers.
type functionTable struct {
	mu sync.RWMutex
	m  map[mfa]Func
}

func (t *functionTable) get(id mfa) Func {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[id]
}

func (t *functionTable) set(id mfa, f Func) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case f == nil:
		delete(t.m, id)
	case t.m == nil:
		t.m = map[mfa]Func{id: f}
	default:
		t.m[id] = f
	}
}
