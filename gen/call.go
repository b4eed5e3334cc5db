package gen

import (
	"context"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Caller is who calls: a *node.Process, in whose name the call is then made, or a node, for a goroutine that is no process.
type Caller interface {
	Request(ctx context.Context, to any, encode node.Encode) (etf.Raw, error)
	SendContext(ctx context.Context, to, v any) error
}

// Call calls a gen_server and decodes its reply into an R (gen_server:call/3). The server is given as etf.Pid, etf.Atom (a
// name on the caller's node), node.Name or *node.Process; the request is anything that etf.Marshal takes, and R anything
// that etf.Unmarshal fills: etf.Term and etf.Raw take every reply.
//
// ctx is the only timeout. When the server ends before it replies the error is a *node.ExitError with its reason; errors.Is
// finds node.ErrNoProc if there is none, and node.ErrNoConnection if there is no connection or it is lost. A reply that comes
// too late disturbs nobody.
func Call[R any](ctx context.Context, c Caller, to, request any) (R, error) {
	var reply R
	raw, err := c.Request(ctx, to, func(dst []byte, from node.From) ([]byte, error) {
		return from.Message(dst, genCall, request)
	})
	if err != nil {
		return reply, fmt.Errorf("gen: calling %v: %w", to, err)
	}
	if err := raw.Decode(&reply); err != nil {
		return reply, fmt.Errorf("gen: reply of %v: %w", to, err)
	}
	return reply, nil
}

// Cast sends a request that has no reply (gen_server:cast/2). A nil error does not mean that there is such a server.
func Cast(ctx context.Context, c Caller, to, request any) error {
	return c.SendContext(ctx, to, tuple2{etf.Atom("$gen_cast"), request})
}

// From is who called, as the server has it from the call: what Reply needs.
type From struct {
	Pid etf.Pid
	Tag etf.Term // opaque; it goes back as it came
}

// MarshalETF appends {Pid, Tag}.
func (f From) MarshalETF(dst []byte) ([]byte, error) {
	dst = etf.AppendTupleHeader(dst, 2)
	dst = etf.AppendPid(dst, f.Pid)
	return etf.AppendTerm(dst, f.Tag)
}

// Reply answers a call that HandleCall has answered with NoReply. It may be called from any goroutine, once per call; p is
// the process of the server. An error is node.ErrNoConnection or one of encoding the reply; then the caller gets no reply.
func Reply(p *node.Process, from From, reply any) error {
	return p.Reply(from.Pid, from.Tag, reply)
}

// tuple2 is {A, B} of any two Go values.
type tuple2 struct {
	a etf.Term
	b any
}

// MarshalETF appends the tuple.
func (t tuple2) MarshalETF(dst []byte) ([]byte, error) {
	dst, err := etf.AppendTerm(etf.AppendTupleHeader(dst, 2), t.a)
	if err != nil {
		return dst, err
	}
	return etf.Append(dst, t.b)
}
