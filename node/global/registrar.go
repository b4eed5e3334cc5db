package global

import (
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// transaction is a change of names, made on all known nodes under the lock.
type transaction struct {
	request uint64
	// call decides, with the lock set, what all nodes are called with, if anything, and what the answer is.
	call func() (request, answer etf.Term)
}

// transact has the registrar make a change when it is done with those before.
func (m *machine) transact(t transaction) {
	m.queue = append(m.queue, t)
	if len(m.queue) == 1 {
		m.beginTransaction(0)
	}
}

// beginTransaction locks the boss, then all known nodes, and starts over if they have become more.
func (m *machine) beginTransaction(times int) {
	id := etf.Tuple{atom("global"), m.registrar}
	nodes := m.nodes()
	first := []atom{boss(nodes)}
	again := func() { m.randomSleep(times, func() { m.beginTransaction(times + 1) }) }
	m.setLockOn(m.registrar, id, first, false, func(set bool) {
		if !set {
			again()
			return
		}
		m.setLockOn(m.registrar, id, without(nodes, first...), false, func(set bool) {
			if set && m.sameKnown(nodes) {
				m.runTransaction(id, nodes)
				return
			}
			// OTP goes on if a node has been lost meanwhile: with names gone that those who have not lost it still have. And it
			// keeps the lock on the others when it has got them all and only then finds that there are more, until it comes back.
			free := first
			if set {
				free = nodes
			}
			m.delLockOn(m.registrar, id, free, again)
		})
	})
}

// sameKnown tells whether the nodes are still those that are known.
func (m *machine) sameKnown(nodes []atom) bool { return slices.Equal(nodes, m.nodes()) }

// runTransaction makes the change. The nodes are freed right behind it, but for the boss, and those that are still being connected
// to, whose calls need not keep their order: whoever wants the lock begins with the boss, and he is free when all have made
// the change. OTP waits for them before it frees anybody, which is one round trip more.
func (m *machine) runTransaction(id etf.Term, nodes []atom) {
	t := m.queue[0]
	request, answer := t.call()
	free := func(nodes []atom) {
		m.delGlobalLock(m.registrar, id, nodes, func() {
			m.do(finish{t.request, answer})
			m.queue[0] = transaction{}
			m.queue = m.queue[1:]
			if len(m.queue) > 0 {
				m.beginTransaction(0)
			}
		})
	}
	if request == nil {
		free(nodes)
		return
	}
	b := boss(nodes)
	var early, late []atom
	for _, n := range nodes {
		if n != b && (n == m.self || m.up[n]) {
			early = append(early, n)
		} else {
			late = append(late, n)
		}
	}
	left := 2
	done := func() {
		if left--; left == 0 {
			free(late)
		}
	}
	m.multiCall(m.registrar, nodes, request, false, func([]reply) { done() })
	m.delLockOn(m.registrar, id, early, done)
}

// register is a request: a name for a process, if nobody has it and the process has none. The answer is yes, no, or
// duplicate for a process that has a name, where OTP says no.
func (m *machine) register(request uint64, nm etf.Term, pid etf.Pid, method etf.Term, ext bool) {
	m.transact(transaction{request, func() (etf.Term, etf.Term) {
		switch _, taken := m.where(key(nm)); {
		case taken:
			return nil, atom("no")
		case ext:
			return etf.Tuple{atom("register_ext"), nm, pid, method, m.self}, atom("yes")
		case m.namesOf[pid] > 0:
			return nil, atom("duplicate")
		}
		return etf.Tuple{atom("register"), nm, pid, method}, atom("yes")
	}})
}

// reregister is a request: a name for a process, whoever has it now.
func (m *machine) reregister(request uint64, nm etf.Term, pid etf.Pid, method etf.Term) {
	m.transact(transaction{request, func() (etf.Term, etf.Term) {
		return etf.Tuple{atom("register"), nm, pid, method}, atom("yes")
	}})
}

// unregister is a request: nobody is to have the name.
func (m *machine) unregister(request uint64, nm etf.Term) {
	if _, taken := m.where(key(nm)); !taken {
		m.do(finish{request, atom("ok")})
		return
	}
	m.transact(transaction{request, func() (etf.Term, etf.Term) {
		return etf.Tuple{atom("unregister"), nm}, atom("ok")
	}})
}
