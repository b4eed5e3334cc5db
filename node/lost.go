package node

import (
	"github.com/erlnode/erlnode/etf"
)

// exitLost is what every link over a lost connection becomes in a process that traps exits.
var exitLost = &notice{kind: exitNotice, reason: &lost}

// lost makes the loss of the connection felt: every link, monitor and call ends with noconnection, now.
func (s *session) lost() {
	s.found = found{} // nobody reads any more
	s.mu.Lock()
	s.dead = true
	s.over.Store(true)
	ties, spawns := s.ties, s.spawns
	s.ties, s.free, s.spawns = nil, nil, nil
	s.mu.Unlock()
	refs, requests := s.node.aliases.requests(s)
	for i, r := range requests {
		r.fail(refs[i], lost.raw)
	}
	for _, r := range spawns {
		r.lost()
	}
	for _, p := range ties {
		if p != nil {
			p.connectionLost(s)
		}
	}
}

// connectionLost ends what p shared with processes behind s, in one go: there may be very many. Everything is in the mailbox
// before p is woken, once.
func (p *Process) connectionLost(s *session) {
	p.mu.Lock()
	p.untieLocked(s)
	ends := p.watchersLostLocked(s)
	linked := p.links.over(s)
	monitors := p.countMonitorsLocked(s)
	messages := monitors
	if p.trapExit {
		messages += linked.len()
	}
	p.box.grow(messages)
	ended := false
	for l := range linked.all() {
		if l.active {
			ended = p.linkLostLocked(l) || ended
		}
	}
	monitorsEnded, unalias := p.monitorsLostLocked(s, monitors)
	p.mu.Unlock()
	p.box.signal() // here, or who is woken on another processor meets the lock
	for _, ref := range unalias {
		p.node.aliases.remove(ref)
	}
	for _, end := range ends {
		end()
	}
	if ended || monitorsEnded {
		p.bury(true)
	}
}

func (p *Process) untieLocked(s *session) {
	for i := range p.ties {
		if p.ties[i].session == s {
			last := len(p.ties) - 1
			p.ties[i] = p.ties[last]
			p.ties[last] = tie{}
			p.ties = p.ties[:last]
			return
		}
	}
}

// watchersLostLocked takes out the watchers behind s, and returns what is to be done without the lock.
func (p *Process) watchersLostLocked(s *session) (ends []func()) {
	n := 0
	for k, w := range p.watchers {
		if k.session != s {
			continue
		}
		n++
		if w.named && p.renamed || w.abandon != nil {
			renamed := p.renamed
			ends = append(ends, func() { p.unwatched(k, w, renamed) })
		}
	}
	switch n {
	case 0:
	case len(p.watchers):
		p.watchers = nil
	default:
		for k := range p.watchers {
			if k.session == s {
				delete(p.watchers, k)
			}
		}
	}
	return ends
}

// linkLostLocked is the exit signal of a link that has been taken out. It reports whether the process has ended by it.
func (p *Process) linkLostLocked(l *link) (ended bool) {
	l.session = nil // the message, which may be kept for long, knows the link
	switch {
	case p.kernel:
		return false
	case p.trapExit:
		return p.putLocked(Message{origin: &l.origin, notice: exitLost}, l.priority)
	}
	return p.exitLocked(lost)
}

func (p *Process) countMonitorsLocked(s *session) (n int) {
	for _, m := range p.monitors {
		if m.session == s {
			n++
		}
	}
	return n
}

// monitorsLostLocked ends the monitors behind s, of which there are so many. It reports whether the process has ended by it, and returns the
// references of the aliases that end with them.
func (p *Process) monitorsLostLocked(s *session, count int) (ended bool, unalias []etf.Ref) {
	all := p.monitors
	switch count {
	case 0:
		return false, nil
	case len(all):
		p.monitors = nil
	}
	for number, m := range all {
		if m.session != s {
			continue
		}
		delete(p.monitors, number) // of nil nothing
		if p.endAliasLocked(m.ref) {
			unalias = append(unalias, m.ref)
		}
		ended = p.putLocked(m.down(&lost), m.priority) || ended
	}
	return ended, unalias
}
