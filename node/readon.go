package node

import "github.com/erlnode/erlnode/dist"

// Who receives the messages of a peer one by one, and receives again at once, reads them himself, as a caller does the answers to his
// calls (dist/loan.go): the goroutine that has read a message for him lends him its turn.

// gathered is for Config.Gathered: it delivers what has been bunched. One message alone, for who waits for it, may come with the turn.
func (s *session) gathered() {
	b := &s.bunches
	if b.n == 0 {
		return
	}
	p := b.open[0].to
	claimed := b.n == 1 && len(b.open[0].messages) == 1 && s.calls.Load() == 0 && p.claimReceiver()
	b.deliver()
	if !claimed {
		return
	}
	if !s.conn.Answer() {
		p.unclaim(true)
		return
	}
	s.ready.mu.Lock()
	s.ready.receiver = p
	s.ready.mu.Unlock()
}

// claimReceiver sees to it that what comes in wakes nobody yet, if one receiver waits, and for the first message.
func (p *Process) claimReceiver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.box.waiting.Load() != 1 || len(p.box.in)+len(p.box.first) > 0 || p.box.claimed.Load() || p.server.Load() != nil {
		return false
	}
	p.box.claimed.Store(true)
	return true
}

// wakeReceiver wakes the receiver that has got a message, with the turn if it can be lent. It needs claims.mu.
func (s *session) wakeReceiver(t *dist.Turn) (lent bool) {
	c := &s.ready
	p := c.receiver
	c.receiver = nil
	if len(c.queue)+len(c.answers) == 0 && s.calls.Load() == 0 {
		lent = t.Lend()
	}
	if lent {
		p.box.lender.Store(s)
	}
	p.unclaim(true)
	if lent && s.calls.Load() > 0 {
		s.conn.Reclaim()
	}
	return lent
}

// readOn takes the next message, and reads the connection for it if that is lent.
//
//go:noinline
func (p *Process) readOn(m *Message) (ok bool, err error) {
	if ok, err = p.takeNow(m, false); ok || err != nil {
		return ok, err
	}
	if s := p.box.lender.Load(); s != nil && !s.conn.Await((*receiver)(p), true) {
		p.box.lender.CompareAndSwap(s, nil) // who waits otherwise holds no connection
	}
	return false, nil
}

// receiver is a process that reads on, for dist.Conn.Await.
type receiver Process

// Answered tells whether it has something to do.
func (r *receiver) Answered() bool {
	p := (*Process)(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited || len(p.box.in)+len(p.box.first) > 0
}

// Alone tells whether it has to do with one message, and nobody waits for the answer to a call.
func (r *receiver) Alone() bool {
	p := (*Process)(r)
	s := p.box.lender.Load()
	if s == nil || s.calls.Load() > 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.box.incoming() == 1 && len(p.box.first) == 0
}
