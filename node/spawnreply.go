package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// SpawnReply is the answer to a SpawnRequest.
type SpawnReply struct {
	Ref etf.Ref
	Pid etf.Pid // of the new process
	Err error   // a *SpawnError, and then there is none
}

// SpawnReply returns the answer to a spawn request, if the message is one.
func (m Message) SpawnReply() (r SpawnReply, ok bool) {
	if m.notice == nil || m.notice.kind != spawnReplied {
		return r, false
	}
	r = SpawnReply{Ref: m.notice.ref, Pid: m.sender()}
	if s := m.notice.spawn; s.why != "" {
		r.Err = &SpawnError{s.on, s.why}
	}
	return r, true
}

// spawnNotice is what a notice of a spawn request's answer has besides its pid and reference.
type spawnNotice struct {
	tag etf.Raw
	on  etf.Atom
	why etf.Atom // empty: there is a process
}

// term is {Tag, Ref, ok, Pid} or {Tag, Ref, error, Reason}.
func (s *spawnNotice) term(ref etf.Ref, pid etf.Pid) etf.Term {
	tag, err := s.tag.Term()
	if err != nil {
		tag = etf.Atom("spawn_reply")
	}
	if s.why != "" {
		return etf.Tuple{tag, ref, etf.Atom("error"), s.why}
	}
	return etf.Tuple{tag, ref, etf.Atom("ok"), pid}
}

// receiveSpawnReply ends a request of this node. An answer counts only if it comes over the connection that the request went.
func (n *Node) receiveSpawnReply(sig *dist.Signal, s *session) {
	if s == nil {
		return
	}
	if r := s.takeSpawn(sig.Ref); r != nil {
		r.replied(sig, s)
	}
}

// spawning is a spawn request that a peer has not answered yet.
type spawning interface {
	replied(sig *dist.Signal, s *session)
	lost() // the connection, and the answer with it
}

func (r *spawnRequest) replied(sig *dist.Signal, s *session) {
	if sig.FromName != "" {
		r.refused(sig.FromName)
	} else {
		r.accepted(sig.From, s, sig.Linked, sig.Monitored)
	}
}

func (r *spawnRequest) lost() { r.refused(noconnection) }

// accepted tells the process of the new one; its end of the link and monitor that are at the other end comes first. If nobody
// wants it any more they are taken back: its requester has exited, or has abandoned it.
func (r *spawnRequest) accepted(pid etf.Pid, s *session, linked, monitored bool) {
	p := r.process
	p.mu.Lock()
	if p.exited || r.abandoned {
		why := reasonOf(etf.Atom("abandoned"))
		if p.exited {
			why = p.reason
		}
		p.mu.Unlock()
		if monitored {
			p.node.emit(s, &dist.Signal{Kind: dist.Demonitor, From: p.pid, To: pid, Ref: r.ref})
		}
		if linked {
			p.node.emit(s, &dist.Signal{Kind: dist.Exit, From: p.pid, To: pid, Payload: why.bytes()})
		}
		return
	}
	delete(p.spawns, r.ref)
	if linked && r.link != nil && p.links.get(pid) == nil {
		r.link.from, r.link.session = pid, s
		p.links.add(*r.link)
	}
	if monitored && r.monitor != nil {
		r.monitor.ref, r.monitor.pid, r.monitor.session = r.ref, pid, s
		p.setMonitorLocked(r.monitor)
		if r.monitor.alias != 0 {
			if p.aliases == nil {
				p.aliases = make(map[etf.Ref]AliasMode)
			}
			p.aliases[r.ref] = r.monitor.alias
			p.node.aliases.add(r.ref, aliased{process: p, mode: r.monitor.alias})
		}
	}
	ended := r.tellLocked(pid, "")
	p.mu.Unlock()
	if s != nil && (linked || monitored) {
		s.tie(p)
	}
	if ended {
		p.bury(true)
	}
}

// refused tells the process that there is none.
func (r *spawnRequest) refused(why etf.Atom) {
	p := r.process
	p.mu.Lock()
	if p.exited || r.abandoned {
		p.mu.Unlock()
		return
	}
	delete(p.spawns, r.ref)
	ended := r.tellLocked(etf.Pid{}, why)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// tellLocked makes the answer a message if the process wants to know. It reports whether the process has ended by it.
func (r *spawnRequest) tellLocked(pid etf.Pid, why etf.Atom) (ended bool) {
	if r.reply == ReplyNo || r.reply == ReplyErrorOnly && why == "" || r.reply == ReplySuccessOnly && why != "" {
		return false
	}
	if m := r.answer(r, pid, why); m.notice != nil {
		return r.process.pushLocked(m, false)
	}
	return false
}

// addSpawn registers a request that the loss of the connection has to answer. It reports false if it is lost already.
func (s *session) addSpawn(ref etf.Ref, r spawning) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return false
	}
	if s.spawns == nil {
		s.spawns = make(map[etf.Ref]spawning)
	}
	s.spawns[ref] = r
	return true
}

// takeSpawn takes a request out of the table; nil if it has been answered.
func (s *session) takeSpawn(ref etf.Ref) spawning {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.spawns[ref]
	delete(s.spawns, ref)
	return r
}
