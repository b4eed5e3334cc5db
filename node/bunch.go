package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// bunch is messages that a peer has sent to one process, one right after the other, and that have been read together. They are looked up,
// locked and woken for once. Whatever else comes from the peer takes effect after them, so that the order is as it was sent.
type bunch struct {
	to       *Process
	pid      etf.Pid // how it was addressed: by pid, or
	name     etf.Atom
	messages []Message
}

// bunchSize is how many messages a process may wait for before it gets the first.
const bunchSize = 32

// takes tells whether a signal is one more message of the bunch.
func (b *bunch) takes(sig *dist.Signal) bool {
	return sig.Kind == dist.Send && len(b.messages) < bunchSize && sig.ToRef.Len == 0 && !sig.Priority &&
		sig.ToName == b.name && (b.name != "" || sig.To == b.pid) && b.to.bunches()
}

// bunches tells whether messages for the process can wait for others: not those that may answer a call, or that the reader will serve.
func (p *Process) bunches() bool {
	return p.requests.Load() == 0 && p != p.node.caller && p.server.Load() == nil
}

// bunched puts a message into the bunch, if it is one of those.
func (s *session) bunched(sig *dist.Signal) bool {
	b := &s.bunch
	if len(b.messages) == 0 {
		if sig.ToRef.Len != 0 || sig.Priority {
			return false
		}
		n := s.node
		var p *Process
		if sig.ByName() {
			p = n.names.get(sig.ToName)
		} else {
			p = n.processes.find(n, sig.To)
		}
		switch {
		case p == nil:
			return true // dropped, as in Erlang
		case !p.bunches():
			return false
		}
		b.to, b.pid, b.name = p, sig.To, sig.ToName
		s.conn.Gather()
	}
	b.messages = append(b.messages, Message{raw: sig.Payload, from: sig.From})
	return true
}

// deliver puts the messages into the mailbox.
func (b *bunch) deliver() {
	p := b.to
	if p == nil {
		return
	}
	ended := false
	p.mu.Lock()
	for i := range b.messages {
		ended = p.pushLocked(b.messages[i], false) || ended
	}
	p.mu.Unlock()
	clear(b.messages)
	b.to, b.messages = nil, b.messages[:0]
	if ended {
		p.bury(true)
	}
}
