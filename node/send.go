package node

import (
	"context"
	"fmt"
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// Send sends a message: v is a Term, an etf.Raw or any Go value that etf.Marshal takes, and to an etf.Pid, an etf.Atom (a
// name on this node), a Name or an etf.Ref (an alias). It connects to the node if need be, and waits while the connection
// takes nothing.
//
// As in Erlang, a message for a process that does not exist is dropped without an error, but for a name on this node that
// nobody has: ErrNoProc. Without a connection Send fails with ErrNoConnection. A nil error says that the message is on its
// way, behind everything that this goroutine has sent to that process before.
func (p *Process) Send(to, v any) error { return p.SendContext(p.Context(), to, v) }

// SendPriority is Send with priority: if it goes to an alias with AliasPriority the message comes before those without
// (erlang:send(Alias, Message, [priority]) of OTP 28). To any other destination, and to peers before OTP 28, it is Send.
func (p *Process) SendPriority(to, v any) error { return p.sendContext(p.Context(), to, v, true) }

// SendContext is Send that gives up connecting and waiting when ctx is done, with its cause.
func (p *Process) SendContext(ctx context.Context, to, v any) error {
	return p.sendContext(ctx, to, v, false)
}

func (p *Process) sendContext(ctx context.Context, to, v any, priority bool) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	return p.node.send(p.pid, to, v, func(t target) (*session, error) { return p.reach(ctx, t.node) },
		func(s *session, sig *dist.Signal) error {
			sig.Priority = priority
			return p.transmit(ctx, s, sig)
		})
}

// SendNoConnect is Send that sets up no connection: it fails with ErrNoConnection if there is none now (erlang:send/3 with
// noconnect). It is for replies to whoever has just asked.
func (p *Process) SendNoConnect(to, v any) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	ctx := p.Context()
	return p.node.send(p.pid, to, v, p.node.connected, func(s *session, sig *dist.Signal) error { return p.node.transmit(ctx, s, sig) })
}

// post is SendNoConnect for a process that cannot wait for one peer, because it serves all of them.
func (p *Process) post(to, v any) error {
	return p.node.send(p.pid, to, v, p.node.connected, func(s *session, sig *dist.Signal) error {
		p.node.emit(s, sig)
		return nil
	})
}

// connected returns the connection to a target's node, nil for this node, if there is one.
func (n *Node) connected(t target) (*session, error) {
	if t.node == n.name {
		return nil, nil
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if s := n.sessions[t.node]; s != nil && !s.isOver() {
		return s, nil
	}
	return nil, fmt.Errorf("node: %s: %w", t.node, ErrNoConnection)
}

// SendContext is Process.SendContext for a goroutine that is no process. The receiver sees a pid that takes no messages.
func (n *Node) SendContext(ctx context.Context, to, v any) error {
	return n.caller.SendContext(ctx, to, v)
}

func (n *Node) send(from etf.Pid, to, v any, reach func(target) (*session, error), emit func(*session, *dist.Signal) error) error {
	t, err := n.target(to)
	if err != nil {
		return err
	}
	if _, byName := to.(etf.Atom); byName && n.names.get(t.name) == nil {
		return fmt.Errorf("node: %v: %w", t.name, ErrNoProc)
	}
	s, err := reach(t)
	if err != nil {
		return err
	}
	sig := dist.Signal{Kind: dist.Send, From: from, To: t.pid, ToName: t.name, ToRef: t.alias}
	if s == nil {
		b, err := etf.Append(nil, v)
		if err != nil {
			return err
		}
		sig.Payload.Bytes = b
		return emit(nil, &sig)
	}
	buf := takeBuffer()
	if buf.b, err = etf.Append(buf.b, v); err != nil {
		buf.release()
		return err
	}
	sig.Payload.Bytes = buf.b
	defer buf.releaseAfter(&sig)
	return emit(s, &sig)
}

// buffer holds a payload on its way to a connection, which takes a copy or, of a large one, the bytes themselves (Signal.Kept).
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 512)} }}

const keptBuffer = 1 << 20

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) release() {
	if cap(b.b) <= keptBuffer {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// releaseAfter is release for the payload of a signal that has been sent, unless the connection has kept it.
func (b *buffer) releaseAfter(s *dist.Signal) {
	if !s.Kept {
		b.release()
	}
}
