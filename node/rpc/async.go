package rpc

import (
	"context"
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// Pending is a call under way.
type Pending[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// Go starts a Call and does not wait for it (erpc:send_request/4, rpc:async_call/4). ctx is that of the call, and has to live
// until it is over.
//
//	a := rpc.Go[int](ctx, n, "a@host", "m", "f")
//	b := rpc.Go[int](ctx, n, "b@host", "m", "f")
//	x, err := a.Wait(ctx)
//	y, err := b.Wait(ctx)
func Go[T any](ctx context.Context, c Caller, on, module, function etf.Atom, args ...any) *Pending[T] {
	p := &Pending[T]{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.value, p.err = Call[T](ctx, c, on, module, function, args...)
	}()
	return p
}

// Wait waits for the result, and returns it to everyone who asks. When ctx is done first its cause is the error, and the call
// goes on.
func (p *Pending[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-p.done:
		return p.value, p.err
	default:
	}
	select {
	case <-p.done:
		return p.value, p.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

// Done is closed when the call is over: Wait then returns at once.
func (p *Pending[T]) Done() <-chan struct{} { return p.done }

// Result is what a call on one node came to.
type Result[T any] struct {
	Node  etf.Atom
	Value T
	Err   error // as of Call
}

// Multicall is Call on several nodes at the same time. The results are in the order of the nodes (erpc:multicall/4).
func Multicall[T any](ctx context.Context, c Caller, nodes []etf.Atom, module, function etf.Atom, args ...any) []Result[T] {
	results := make([]Result[T], len(nodes))
	var calls sync.WaitGroup
	for i, on := range nodes {
		calls.Go(func() {
			v, err := Call[T](ctx, c, on, module, function, args...)
			results[i] = Result[T]{on, v, err}
		})
	}
	calls.Wait()
	return results
}
