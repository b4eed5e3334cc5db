package node

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// session is one connection to one incarnation of a peer, and who has to hear when it is lost.
type session struct {
	node     *Node
	peer     etf.Atom
	creation uint32
	hidden   bool   // either side is
	id       uint32 // tells connections to the same peer apart
	dynamic  bool   // we gave it its name
	conn     *dist.Conn
	gone     chan struct{} // closed when everybody has heard of the loss

	bunches bunches // of who reads
	found   found   // of who reads
	ready   claims
	calls   atomic.Int32 // that wait for an answer
	over    atomic.Bool  // as dead
	mu      sync.Mutex
	dead    bool
	ties    []*Process           // processes with a link or monitor over this connection, in either direction, or once; nil where one has exited
	free    []int                // where that is
	spawns  map[etf.Ref]spawning // that the peer has not answered
}

// tie is what a process knows of a connection that has to tell it of its loss.
type tie struct {
	session *session
	at      int // its place in session.ties
}

// tiedLocked needs Process.mu.
func (p *Process) tiedLocked(s *session) bool {
	for i := range p.ties {
		if p.ties[i].session == s {
			return true
		}
	}
	return false
}

// tie sees to it that p hears when the connection is lost. It reports false if it is lost already: then p has to do itself
// what would follow.
func (s *session) tie(p *Process) bool {
	p.mu.Lock()
	tied := p.tiedLocked(s)
	p.mu.Unlock()
	if tied {
		return !s.isDead()
	}
	if s.enter(p) {
		return true
	}
	p.connectionLost(s)
	return false
}

// enter ties p, unless everybody has been told that it has exited. It reports false if the connection is lost already.
func (s *session) enter(p *Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished || p.tiedLocked(s) {
		return true
	}
	at := len(s.ties)
	if free := len(s.free) - 1; free >= 0 {
		at, s.free = s.free[free], s.free[:free]
		s.ties[at] = p
	} else {
		s.ties = append(s.ties, p)
	}
	p.ties = append(p.ties, tie{s, at})
	return true
}

func (s *session) isDead() bool { return s.over.Load() }

// untie takes out a process that has exited, from its place.
func (s *session) untie(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return
	}
	s.ties[at] = nil
	s.free = append(s.free, at)
}

// acksUnlink tells whether the peer speaks UNLINK_ID (OTP 23.3 and later).
func (s *session) acksUnlink() bool { return s.conn.Flags().Has(handshake.UnlinkID) }

// stale tells whether a signal must not go out because the process it is for lived in another incarnation of the peer:
// ERTS closes the connection for these kinds, and nobody is left to hear them. Of a peer that has not told its creation (0)
// nothing is known.
func (s *session) stale(sig *dist.Signal) bool {
	if s.creation == 0 {
		return false
	}
	switch sig.Kind {
	case dist.Exit, dist.Unlink, dist.UnlinkAck:
		return sig.To.Creation != s.creation
	}
	return false
}

// post emits without waiting. A connection that has been lost needs no signals: its loss says it all.
func (s *session) post(sig *dist.Signal) {
	if !s.stale(sig) {
		s.posted(s.conn.Post(sig))
	}
}

// postLater is post for a signal that may wait for the next one.
func (s *session) postLater(sig *dist.Signal) {
	if !s.stale(sig) {
		s.posted(s.conn.PostLater(sig))
	}
}

func (s *session) posted(err error) {
	if err != nil && !s.isOver() {
		s.node.log.Warn("signal not sent", "peer", string(s.peer), "error", err)
	}
}

func (s *session) isOver() bool {
	select {
	case <-s.conn.Done():
		return true
	default:
		return false
	}
}

// send emits and waits for room in the connection's buffer.
func (s *session) send(ctx context.Context, sigs ...*dist.Signal) error {
	err := s.conn.Send(ctx, sigs...)
	if err != nil && s.isOver() {
		return &ConnectError{Node: string(s.peer), Err: err}
	}
	return err
}

// answered gives a Down to the call whose monitor it ends, if it is one's.
func (s *session) answered(sig *dist.Signal) bool {
	a, _ := s.node.aliases.get(sig.Ref)
	if a.request == nil || a.session != s {
		return false
	}
	s.give(outcome{a.request, sig.Ref, sig.Payload, true})
	return true
}

// transmit emits signals and waits for room: to the peer of s, or on this node.
func (n *Node) transmit(ctx context.Context, s *session, sigs ...*dist.Signal) error {
	if s == nil {
		for _, sig := range sigs {
			n.receive(sig, nil)
		}
		return nil
	}
	for _, sig := range sigs {
		if s.stale(sig) {
			return fmt.Errorf("node: %v: %w", sig.To, ErrNoProc)
		}
	}
	return s.send(ctx, sigs...)
}
