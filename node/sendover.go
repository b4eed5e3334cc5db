package node

import (
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
	return p.sendOver(to, content{value: v}, func(on etf.Atom) (*session, error) {
		s, err := p.node.connected(on)
		if err == nil && (s == nil || s.id != connection) {
			err = fmt.Errorf("node: %s, connection %d: %w", string(on), connection, ErrNoConnection)
		}
		return s, err
	}, func(s *session, sigs []*dist.Signal) error { return p.node.transmit(p.Context(), s, sigs...) })
}
