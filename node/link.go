package node

import (
	"fmt"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// link is one end of a link, in the process that holds it. Towards a peer it is the state machine of "Link Protocol" in the
// Erlang Distribution Protocol: an unlink stays as an inactive record until the other side has acknowledged it, so that
// what the other side sent before it cannot be mistaken for what comes after. A record changes and its signal is put on
// its way under one hold of Process.mu: two signals of one process to another must not overtake each other.
//
// Inside the node both ends change at once, under both locks, and a record is always active.
type link struct {
	origin   // of the message that its exit becomes: from is the process at the other end
	active   bool
	priority bool     // of the message that its exit becomes
	unlink   uint64   // id of the UNLINK_ID under way, when inactive
	session  *session // nil inside the node
}

// Link links the process with another: when either exits, the other gets an exit signal with its reason. Linking twice
// is linking once. If there is no such process, or no connection to its node, the signal comes at once, with the reason
// noproc or noconnection; but if that is known at once, on this node, to a process that does not trap exits, Link fails with
// ErrNoProc instead, as erlang:link/1 does. It also fails when this process has exited and for the zero Pid.
//
// With the option Priority, which the last Link decides, the message of the exit comes before those without priority.
func (p *Process) Link(to etf.Pid, opts ...LinkOption) error {
	var o link
	for _, opt := range opts {
		opt.link(&o)
	}
	switch to {
	case p.pid:
		return p.Err()
	case etf.Pid{}:
		return fmt.Errorf("node: linking to the zero pid: %w", ErrNoProc)
	}
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	if to.Node != p.node.name {
		if !p.linkThere(to, o.priority) {
			p.exitSignal(to, lost, true, o.priority)
		}
		return nil
	}
	if p.linkHere(to, o.priority) {
		return nil
	}
	p.mu.Lock()
	trap := p.trapExit
	p.mu.Unlock()
	if !trap {
		return fmt.Errorf("node: linking to %v: %w", to, ErrNoProc)
	}
	p.exitSignal(to, missing, true, o.priority)
	return nil
}

// linkHere reports false if there is no such process.
func (p *Process) linkHere(to etf.Pid, priority bool) bool {
	q := p.node.processes.find(p.node, to)
	if q == nil {
		return false
	}
	unlock := lockBoth(p, q)
	defer unlock()
	switch {
	case p.exited:
		return true
	case q.exited:
		return false
	case p.links.get(to) == nil:
		p.links.add(link{origin: origin{from: to}, active: true})
		q.links.add(link{origin: origin{from: p.pid}, active: true})
	}
	p.links.get(to).priority = priority
	return true
}

// linkThere reports false if there is no connection.
func (p *Process) linkThere(to etf.Pid, priority bool) bool {
	p.mu.Lock()
	l := p.links.get(to)
	done := l != nil && l.active
	if done {
		l.priority = priority
	}
	p.mu.Unlock()
	if done {
		return true
	}
	s, err := p.node.session(p.Context(), to.Node)
	if err != nil || !s.tie(p) || s.conn.Wait(p.Context()) != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l = p.links.get(to); l != nil && l.active {
		l.priority = priority
		return true
	}
	if s.conn.Post(&dist.Signal{Kind: dist.Link, From: p.pid, To: to}) != nil {
		return false
	}
	made := link{origin: origin{from: to}, active: true, priority: priority, session: s}
	if l != nil {
		*l = made
	} else {
		p.links.add(made)
	}
	return true
}

// Unlink takes the link back. After it no exit signal of that link comes; one that had come before is a message already,
// if the process traps exits.
func (p *Process) Unlink(to etf.Pid) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	if to.Node == p.node.name {
		if q := p.node.processes.find(p.node, to); q != nil && q != p {
			unlock := lockBoth(p, q)
			defer unlock()
			q.links.remove(p.pid)
		} else {
			p.mu.Lock()
			defer p.mu.Unlock()
		}
		p.links.remove(to)
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.links.get(to)
	if l == nil || !l.active {
		return nil
	}
	p.unlinks++
	l.active, l.unlink = false, p.unlinks
	s := l.session
	sig := dist.Signal{Kind: dist.Unlink, From: p.pid, To: to, ID: l.unlink}
	if !s.acksUnlink() || s.stale(&sig) {
		p.links.remove(to) // the old protocol has no acknowledgement, and nobody is left to give one
	}
	s.post(&sig)
	return nil
}

// gotLink makes the other end of a peer's link, and reports false if the process is no more.
func (p *Process) gotLink(from etf.Pid, s *session) bool {
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return false
	}
	if p.links.get(from) == nil {
		p.links.add(link{origin: origin{from: from}, active: true, session: s})
	}
	tied := p.tiedLocked(s)
	p.mu.Unlock()
	if !tied { // else its loss will find the link: it takes the tie first
		s.tie(p)
	}
	return true
}

// gotUnlink removes this end of a peer's link and acknowledges that. While an unlink of our own is under way the record
// stays for its answer.
func (p *Process) gotUnlink(from etf.Pid, id uint64, s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.links.get(from); l != nil && l.active {
		p.links.remove(from)
	}
	s.ackUnlink(p.pid, from, id)
}

// ackUnlink answers an UNLINK_ID; the old UNLINK, which has no id, has no answer.
func (s *session) ackUnlink(from, to etf.Pid, id uint64) {
	if id != 0 {
		s.post(&dist.Signal{Kind: dist.UnlinkAck, From: from, To: to, ID: id})
	}
}

// gotUnlinkAck ends the unlink with that id; one that was overtaken by a new link is not meant.
func (p *Process) gotUnlinkAck(from etf.Pid, id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.links.get(from); l != nil && !l.active && l.unlink == id {
		p.links.remove(from)
	}
}

// lockBoth locks two processes of one node, always in the same order.
func lockBoth(p, q *Process) (unlock func()) {
	if p.pid.Serial > q.pid.Serial || p.pid.Serial == q.pid.Serial && p.pid.ID > q.pid.ID {
		p, q = q, p
	}
	p.mu.Lock()
	q.mu.Lock()
	return func() { q.mu.Unlock(); p.mu.Unlock() }
}
