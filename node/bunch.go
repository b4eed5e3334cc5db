package node

import (
	"runtime"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// bunches are messages of a peer that have been read together, by receiver. Each receiver is looked up, locked and woken for once. Signals of
// any other kind, and messages that cannot wait, take effect after all of them, so that what comes from one process to another
// stays in the order in which it was sent.
type bunches struct {
	open   []bunch // grows up to mostBunches
	n      int     // how many of them are open
	latest int
}

// bunch is the messages to one process.
type bunch struct {
	to       *Process
	pid      etf.Pid // how it was addressed: by pid, or
	name     etf.Atom
	messages []Message
}

const (
	mostBunches = 8
	// bunchSize is how many messages a process may wait for before it gets the first.
	bunchSize = 128
	// backlog is how many messages wait for a process when the goroutine that reads lets others run before it brings it more: few enough that
	// what is read is in the caches still when it is received.
	backlog = 256
)

// isFor tells whether a message is one more of the bunch.
func (b *bunch) isFor(sig *dist.Signal) bool {
	return sig.ToName == b.name && (b.name != "" || sig.To == b.pid) && b.to.bunches()
}

// bunches tells whether messages for the process can wait for others: not those that may answer a call, or that the reader will serve.
func (p *Process) bunches() bool {
	return p.requests.Load() == 0 && !p.shared() && p.server.Load() == nil
}

// bunched puts a message into a bunch, or reports false, with all bunches delivered.
func (s *session) bunched(sig *dist.Signal) bool {
	b := &s.bunches
	if sig.ToRef.Len != 0 || sig.Priority {
		b.deliver()
		return false
	}
	if b.n > 0 && b.open[b.latest].isFor(sig) {
		b.open[b.latest].add(sig)
		return true
	}
	for i := range b.n {
		if b.open[i].isFor(sig) {
			b.latest = i
			b.open[i].add(sig)
			return true
		}
	}
	n := s.node
	var p *Process
	if sig.ByName() {
		p = n.registered(sig.ToName, s)
	} else {
		p = n.processes.find(n, sig.To)
	}
	switch {
	case p == nil:
		return true // dropped, as in Erlang
	case !p.bunches():
		b.deliver()
		return false
	}
	for i := range b.n {
		if b.open[i].to == p { // addressed in another way
			b.deliver()
			break
		}
	}
	if b.n == mostBunches {
		b.deliver()
	}
	if b.n == 0 {
		s.conn.Gather()
	}
	if b.n == len(b.open) {
		b.open = append(b.open, bunch{})
	}
	to := &b.open[b.n]
	to.to, to.pid, to.name = p, sig.To, sig.ToName
	b.latest = b.n
	b.n++
	to.add(sig)
	return true
}

func (b *bunch) add(sig *dist.Signal) {
	b.messages = append(b.messages, messageOf(sig))
	if len(b.messages) >= bunchSize {
		b.deliver()
	}
}

// deliver puts all messages into their mailboxes.
func (b *bunches) deliver() {
	many := false
	for i := range b.n {
		to := &b.open[i]
		if to.deliver() > backlog {
			many = true
		}
		to.to = nil
	}
	b.n = 0
	if many {
		runtime.Gosched()
	}
}

// deliver puts the messages into the mailbox, and returns how many wait there now.
func (b *bunch) deliver() (waiting int) {
	if len(b.messages) == 0 {
		return 0
	}
	p := b.to
	p.mu.Lock()
	ended := p.pushAllLocked(&b.messages)
	waiting = p.box.incoming()
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
	return waiting
}
