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
	ready   claims
	calls   atomic.Int32 // that wait for an answer
	over    atomic.Bool  // as dead
	mu      sync.Mutex
	dead    bool
	ties    map[*Process]struct{} // processes with a link or monitor over this connection, in either direction, or once
	spawns  map[etf.Ref]spawning  // that the peer has not answered
}

// tie sees to it that p hears when the connection is lost. It reports false if it is lost already: then p has to do itself
// what would follow.
func (s *session) tie(p *Process) bool {
	p.mu.Lock()
	for _, t := range p.ties {
		if t == s {
			p.mu.Unlock()
			return !s.isDead()
		}
	}
	if p.finished {
		p.mu.Unlock()
		return true
	}
	p.ties = append(p.ties, s)
	p.mu.Unlock()

	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		p.connectionLost(s) // also for who relies on the entry in p.ties
		return false
	}
	if s.ties == nil {
		s.ties = make(map[*Process]struct{})
	}
	s.ties[p] = struct{}{}
	s.mu.Unlock()

	p.mu.Lock()
	over := p.finished // in between: it may have missed the entry
	p.mu.Unlock()
	if over {
		s.untie(p)
	}
	return true
}

func (s *session) isDead() bool { return s.over.Load() }

func (s *session) untie(p *Process) {
	s.mu.Lock()
	delete(s.ties, p)
	s.mu.Unlock()
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
func (s *session) post(sig *dist.Signal) { s.postBy((*dist.Conn).Post, sig) }

// postLater is post for a signal that may wait for the next one.
func (s *session) postLater(sig *dist.Signal) { s.postBy((*dist.Conn).PostLater, sig) }

func (s *session) postBy(post func(*dist.Conn, ...*dist.Signal) error, sig *dist.Signal) {
	if s.stale(sig) {
		return
	}
	if err := post(s.conn, sig); err != nil && !s.isOver() {
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

// lost makes the loss of the connection felt: every link, monitor and call ends with noconnection, now.
func (s *session) lost() {
	s.mu.Lock()
	s.dead = true
	s.over.Store(true)
	ties, spawns := s.ties, s.spawns
	s.ties, s.spawns = nil, nil
	s.mu.Unlock()
	refs, requests := s.node.aliases.requests(s)
	for i, r := range requests {
		r.fail(refs[i], lost.raw)
	}
	for _, r := range spawns {
		r.lost()
	}
	for p := range ties {
		p.connectionLost(s)
	}
}

// connectionLost ends what p shared with processes behind s, in one go: there may be very many.
func (p *Process) connectionLost(s *session) {
	var ends []func() // what is to be done without the lock
	var unalias []etf.Ref
	var monitors int
	ended := false
	p.mu.Lock()
	for i, t := range p.ties {
		if t == s {
			p.ties = append(p.ties[:i], p.ties[i+1:]...)
			break
		}
	}
	for k, w := range p.watchers {
		if k.session != s {
			continue
		}
		delete(p.watchers, k)
		if w.named || w.abandon != nil {
			ends = append(ends, func() { p.unwatched(k, w) })
		}
	}
	for to, l := range p.links {
		if l.session == s {
			delete(p.links, to)
			ended = l.active && p.signalLocked(to, lost, true, l.priority) || ended
		}
	}
	for _, m := range p.monitors {
		if m.session == s {
			monitors++
		}
	}
	notices := make([]notice, 0, monitors)
	p.box.grow(monitors)
	all := p.monitors
	if monitors == len(all) {
		p.monitors = nil
	}
	for ref, m := range all {
		if m.session != s {
			continue
		}
		delete(p.monitors, ref)
		if p.endAliasLocked(ref) {
			unalias = append(unalias, ref)
		}
		notices = append(notices, m.down(ref, &lost))
		ended = p.pushLocked(Message{notice: &notices[len(notices)-1]}, m.priority) || ended
	}
	p.mu.Unlock()
	for _, ref := range unalias {
		p.node.aliases.remove(ref)
	}
	for _, end := range ends {
		end()
	}
	if ended {
		p.bury(true)
	}
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
