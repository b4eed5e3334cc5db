package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// link is one end of a link, in the process that holds it. It is the state machine of "Link Protocol" in the Erlang
// Distribution Protocol, which links inside the node follow as well: an unlink stays as an inactive record until the other
// side has acknowledged it, so that what the other side sent before it cannot be mistaken for what comes after.
type link struct {
	active  bool
	unlink  uint64   // id of the UNLINK_ID under way, when inactive
	session *session // nil inside the node
}

// Link links the process with another: when either exits, the other gets an exit signal with its reason. Linking twice
// is linking once. If there is no such process, or no connection to its node, the signal comes at once, with the reason
// noproc or noconnection. It fails only when this process has exited.
func (p *Process) Link(to etf.Pid) error {
	if to == p.pid {
		return p.Err()
	}
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	p.mu.Lock()
	l := p.links[to]
	if l != nil && l.active {
		p.mu.Unlock()
		return nil
	}
	if l == nil {
		l = &link{}
		if p.links == nil {
			p.links = make(map[etf.Pid]*link)
		}
		p.links[to] = l
	}
	l.active, l.unlink = true, 0
	p.mu.Unlock()

	s, err := p.node.reach(p.Context(), to.Node)
	if err == nil && s != nil {
		p.mu.Lock()
		l.session = s
		p.mu.Unlock()
		if !s.tie(p) {
			err = ErrNoConnection
		}
	}
	if err == nil {
		err = p.node.transmit(p.Context(), s, &dist.Signal{Kind: dist.Link, From: p.pid, To: to})
	}
	if err != nil {
		// The record is still there unless the loss of the connection has been handled already.
		p.gotExit(&dist.Signal{From: to, Payload: reasonOf(noconnection).raw}, true)
	}
	return nil
}

// Unlink takes the link back. After it no exit signal of that link comes; one that had come before is a message already,
// if the process traps exits.
func (p *Process) Unlink(to etf.Pid) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	p.mu.Lock()
	l := p.links[to]
	if l == nil || !l.active {
		p.mu.Unlock()
		return nil
	}
	p.unlinks++
	id := p.unlinks
	l.active, l.unlink = false, id
	s := l.session
	if s != nil && !s.acksUnlink() {
		delete(p.links, to) // the old protocol has no acknowledgement
	}
	p.mu.Unlock()
	p.node.emit(s, &dist.Signal{Kind: dist.Unlink, From: p.pid, To: to, ID: id})
	return nil
}

// gotLink makes the other end of a link, and reports false if the process is no more.
func (p *Process) gotLink(from etf.Pid, s *session) bool {
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return false
	}
	if p.links[from] == nil {
		if p.links == nil {
			p.links = make(map[etf.Pid]*link)
		}
		p.links[from] = &link{active: true, session: s}
	}
	p.mu.Unlock()
	if s != nil {
		s.tie(p)
	}
	return true
}

// gotUnlink removes this end of the link. While an unlink of our own is under way the record stays for its answer.
func (p *Process) gotUnlink(from etf.Pid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.links[from]; l != nil && l.active {
		delete(p.links, from)
	}
}

// gotUnlinkAck ends the unlink with that id; one that was overtaken by a new link is not meant.
func (p *Process) gotUnlinkAck(from etf.Pid, id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.links[from]; l != nil && !l.active && l.unlink == id {
		delete(p.links, from)
	}
}
