package node

import (
	"context"
	"fmt"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// ConnectionID is the number of the connection to a node, which NodeUp and NodeDown tell of, or 0 if there is none.
func (n *Node) ConnectionID(name etf.Atom) uint32 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if s := n.sessions[name]; s != nil {
		return s.id
	}
	return 0
}

// SendOver is SendNoConnect over one particular connection to the destination's node: if that is not up any more it fails
// with ErrNoConnection, even if there is another one to the same node. It is for protocols in which both sides begin from
// the start after a lost connection, for who has not heard of the loss yet.
func (p *Process) SendOver(connection uint32, to, v any) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	return p.sendOver(to, content{value: v}, p.node.over(connection), func(s *session, sigs []*dist.Signal) error {
		return p.node.transmit(p.Context(), s, sigs...)
	})
}

// SendNoSuspend is SendOver, or with connection 0 SendNoConnect, that does not wait while the connection takes nothing either: it fails with
// ErrNoSuspend, and nothing is sent (erlang:send/3 with noconnect and nosuspend). It is for who serves many peers and must not wait for one.
// Of a payload of more than 64 KiB nil may mean that it is still being written.
func (p *Process) SendNoSuspend(connection uint32, to, v any) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	reach := p.node.connected
	if connection != 0 {
		reach = p.node.over(connection)
	}
	return p.sendOver(to, content{value: v}, reach, func(s *session, sigs []*dist.Signal) error { return p.node.transmit(noSuspend, s, sigs...) })
}

// noSuspend is the context of who does not wait.
var noSuspend = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrNoSuspend)
	return ctx
}()

// over finds the connection to a node if it is that one.
func (n *Node) over(connection uint32) func(etf.Atom) (*session, error) {
	return func(to etf.Atom) (*session, error) {
		s, err := n.connected(to)
		if err == nil && (s == nil || s.id != connection) {
			err = fmt.Errorf("node: %s, connection %d: %w", string(to), connection, ErrNoConnection)
		}
		return s, err
	}
}
