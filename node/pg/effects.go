package pg

import (
	"fmt"
	"slices"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// happen lets something happen to the machine, and does what follows from it.
func (s *Scope) happen(f func()) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.carryOut()
}

// carryOut does what follows from what has happened. turn is held.
func (s *Scope) carryOut() {
	for effects := s.m.take(); len(effects) > 0; effects = s.m.take() {
		for _, e := range effects {
			s.do(e)
		}
	}
}

// do does one thing. That a peer cannot be reached is no error: its end is told by its monitor.
func (s *Scope) do(e effect) {
	switch e.kind {
	case monitor:
		s.monitor(e.pids[0])
	case demonitor:
		if ref, ok := s.refs[e.pids[0]]; ok {
			delete(s.refs, e.pids[0])
			delete(s.watched, ref)
			s.proc.Load().Demonitor(ref)
		}
	case announce:
		s.send(s.m.conns[e.node], node.Name{Name: s.name, Node: e.node}, message{kind: discover, from: s.m.self})
	case send:
		for _, pid := range e.pids {
			s.send(s.m.conns[pid.Node], pid, e.message)
		}
	case tell:
		s.tell(e.change)
	}
}

// monitor has the machine told of the end of a process. It does not connect to a node for that.
func (s *Scope) monitor(pid etf.Pid) {
	p := s.proc.Load()
	if pid.Node == s.node.Name() || slices.Contains(s.node.Nodes(node.Connected), pid.Node) {
		if ref, err := p.Monitor(pid); err == nil {
			s.watched[ref], s.refs[pid] = pid, ref
			return
		}
		if p.Err() != nil {
			return // the process to come monitors all that there is
		}
	}
	s.mu.Lock()
	s.m.down(pid)
	s.mu.Unlock()
}

func (s *Scope) send(connection uint32, to any, m message) {
	all, err := m.encode()
	for _, b := range all {
		if err == nil {
			err = s.proc.Load().SendOver(connection, to, etf.Raw{Bytes: b})
		}
	}
	if err != nil {
		s.log.Debug("not sent", "to", fmt.Sprint(to), "error", err)
	}
}
