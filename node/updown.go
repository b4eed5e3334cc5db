package node

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// handshakeConfig is what this node says in every handshake.
func (n *Node) handshakeConfig() handshake.Config {
	return handshake.Config{
		Name:     string(n.name),
		Creation: n.creation,
		Flags:    n.flags,
		Require:  n.cfg.Require,
		Cookie:   n.cookies.of,
		Guard:    &n.guard,
	}
}

// up makes a connection of a handshake that is done, the peer's connection by or, if that is nil, ours. Nodeup is told before anything that the peer sends arrives.
func (n *Node) up(a *attempt, by *incoming, nc net.Conn, res handshake.Result) {
	nc.SetDeadline(time.Time{})
	s := &session{
		node:     n,
		peer:     etf.Atom(res.Peer),
		creation: res.Creation,
		hidden:   res.Hidden,
		id:       n.connections.Add(1),
		dynamic:  res.Dynamic,
		gone:     make(chan struct{}),
	}
	cfg := n.cfg.Dist
	cfg.Self, cfg.Peer, cfg.Flags = n.name, s.peer, res.Flags
	cfg.Logger = n.log
	cfg.Handle = func(sig *dist.Signal) { n.receive(sig, s) }
	cfg.Gathered = s.gathered
	cfg.Serve = s.serve
	s.conn = dist.New(nc, cfg)

	n.mu.Lock()
	var refused error
	switch {
	case n.closed:
		refused = ErrClosed
	case n.nameless:
		refused = ErrNameLost
	case a.incoming != by, n.sessions[s.peer] != nil, n.leaving[s.peer] != nil:
		refused = errBusy
	}
	if refused != nil {
		n.mu.Unlock()
		s.conn.Close()
		n.settle(a, by, s.peer, nil, refused)
		return
	}
	n.sessions[s.peer] = s
	delete(n.barred, s.peer)
	delete(n.attempts, s.peer) // from now on a peer that connects again is told that we have a connection
	n.goroutines.Add(1)
	n.mu.Unlock()
	n.log.Info("node up", "peer", res.Peer, "hidden", res.Hidden, "incoming", by != nil)
	n.log.Debug("negotiated", "peer", res.Peer, "flags", res.Flags.String())
	n.events.tell(s.event(nil))
	n.settle(a, by, s.peer, s, nil)
	go func() {
		defer n.goroutines.Done()
		n.down(s, s.conn.Run())
	}()
}

// down ends a connection: everyone hears of it, nodedown last, and before that no new one to the same peer comes up.
func (n *Node) down(s *session, why error) {
	n.mu.Lock()
	delete(n.sessions, s.peer)
	n.leaving[s.peer] = s.gone
	n.remember(s.peer)
	n.bar(s.peer)
	n.nameless = n.nameless || s.peer == n.namer
	n.mu.Unlock()
	n.log.Info("node down", "peer", string(s.peer), "reason", why)
	s.lost()
	n.last.CompareAndSwap(s, nil) // with what it has not sent and not received whole, which may be much
	n.events.tell(s.event(n.downReason(why)))
	n.mu.Lock()
	delete(n.leaving, s.peer)
	if s.dynamic {
		n.takeBack(s.peer, s.creation)
	}
	n.mu.Unlock()
	close(s.gone)
	if s.peer == n.namer {
		n.endSessions()
	}
}

// Disconnect ends the connection to a node, if there is one, and returns when everyone here has heard of it
// (erlang:disconnect_node/1). What had been sent before arrives if the peer reads: it has a tenth of a second to go out, and
// what has not by then is lost. It reports whether there was a connection.
//
// It must not be called from a hook.
func (n *Node) Disconnect(name etf.Atom) bool {
	n.mu.RLock()
	s := n.sessions[name]
	n.mu.RUnlock()
	if s == nil {
		return false
	}
	// The writer goroutine may not have run since. ERTS is not as quick to close what it has just been given.
	ctx, cancel := context.WithTimeout(n.ctx, lastWrites)
	s.conn.Flush(ctx)
	cancel()
	s.conn.Close()
	<-s.gone
	return true
}

// lastWrites is how long Disconnect waits for what has been sent.
const lastWrites = 100 * time.Millisecond

// NodeType selects nodes, as the argument of erlang:nodes/1 does.
type NodeType uint8

// The types of node. They combine: Visible|Hidden is erlang:nodes(connected).
const (
	Visible   NodeType = 1 << iota // nodes of visible connections: neither side is hidden
	Hidden                         // nodes of hidden connections: one side is, as C nodes and remote shells are
	This                           // this node
	Known                          // this node, those connected, and those that were (the last 1000 of these)
	Connected = Visible | Hidden
)

// Nodes returns the nodes of the given types in no particular order; 0 is Visible, as erlang:nodes/0.
func (n *Node) Nodes(types NodeType) []etf.Atom {
	if types == 0 {
		types = Visible
	}
	var all []etf.Atom
	if types&(This|Known) != 0 {
		all = append(all, n.name)
	}
	if types&Known != 0 {
		types |= Connected
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if types&Known != 0 {
		for _, name := range n.former {
			if n.sessions[name] == nil {
				all = append(all, name)
			}
		}
	}
	for name, s := range n.sessions {
		if s.hidden && types&Hidden != 0 || !s.hidden && types&Visible != 0 {
			all = append(all, name)
		}
	}
	return all
}

// maxFormer nodes that are no longer connected are remembered.
const maxFormer = 1000

// remember keeps the name of a node that was connected. It is called with Node.mu held.
func (n *Node) remember(name etf.Atom) {
	if i := slices.Index(n.former, name); i >= 0 {
		n.former = slices.Delete(n.former, i, i+1)
	} else if len(n.former) == maxFormer {
		n.former = slices.Delete(n.former, 0, 1)
	}
	n.former = append(n.former, name)
}
