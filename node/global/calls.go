package global

import (
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// call is a call of another node's server that is under way.
type call func(reply etf.Term, ok bool)

// reply is what a node has answered. Nodes that do not answer are left out.
type reply struct {
	node  atom
	value etf.Term
}

// multiCall calls global_name_server on all nodes, in the name of a process of this node, and goes on when all have answered
// or are known not to (gen_server:multi_call/3). dial connects to those that are not connected.
func (m *machine) multiCall(from etf.Pid, nodes []atom, request etf.Term, dial bool, then func([]reply)) {
	replies := make([]reply, 0, len(nodes))
	left := len(nodes)
	if left == 0 {
		then(nil)
		return
	}
	got := func(node atom, value etf.Term, ok bool) {
		if ok {
			replies = append(replies, reply{node, value})
		}
		if left--; left == 0 {
			then(replies)
		}
	}
	for _, node := range nodes {
		if node != m.self {
			id := m.newID()
			m.calls[id] = func(value etf.Term, ok bool) { got(node, value, ok) }
			_, known := m.known[node] // and if it is not up, it is being connected to
			m.do(startCall{id, from, node, request, dial || known && !m.up[node]})
		}
	}
	if slices.Contains(nodes, m.self) {
		value, ok := m.serve(request, from)
		got(m.self, value, ok)
	}
}

// answered is an input: a call has been answered, or will not be.
func (m *machine) answered(id uint64, value etf.Term, ok bool) {
	if then := m.calls[id]; then != nil {
		delete(m.calls, id)
		then(value, ok)
	}
}

// setLockOn sets a lock on nodes, on all or on none.
func (m *machine) setLockOn(from etf.Pid, id etf.Term, nodes []atom, dial bool, then func(bool)) {
	if len(nodes) == 0 {
		then(true)
		return
	}
	if len(nodes) > 1 && slices.Contains(nodes, m.self) && !m.canLock(id) {
		then(false)
		return
	}
	m.multiCall(from, nodes, etf.Tuple{atom("set_lock"), id}, dial, func(replies []reply) {
		var set []atom
		refused := false
		for _, r := range replies {
			if r.value == etf.Term(atom("true")) {
				set = append(set, r.node)
			} else {
				refused = true
			}
		}
		if !refused {
			then(true)
			return
		}
		m.delLockOn(from, id, set, func() { then(false) })
	})
}

// delLockOn takes a lock back.
func (m *machine) delLockOn(from etf.Pid, id etf.Term, nodes []atom, then func()) {
	m.multiCall(from, nodes, etf.Tuple{atom("del_lock"), id}, false, func([]reply) { then() })
}

// delGlobalLock frees the boss last: whoever gets him then gets the others.
func (m *machine) delGlobalLock(from etf.Pid, id etf.Term, nodes []atom, then func()) {
	b := boss(nodes)
	m.delLockOn(from, id, without(nodes, b), func() {
		m.delLockOn(from, id, []atom{b}, then)
	})
}

// lockTask is a setLock under way.
type lockTask struct {
	request   uint64
	from      etf.Pid
	id        etf.Term
	nodes     []atom
	retries   int // left; below zero: no end
	times     int
	abandoned bool
	sleep     *timer
}

// setLock is a request: a process of this node wants a lock on nodes. retries below zero means for ever. The answer is true
// or false.
func (m *machine) setLock(request uint64, from etf.Pid, id etf.Term, nodes []atom, retries int) {
	t := &lockTask{request: request, from: from, id: id, nodes: nodes, retries: retries, times: 1}
	m.tasks[request] = t
	m.tryLock(t)
}

func (m *machine) tryLock(t *lockTask) {
	m.setLockOn(t.from, t.id, t.nodes, true, func(set bool) {
		switch {
		case t.abandoned && set:
			m.delLockOn(t.from, t.id, t.nodes, func() {})
		case t.abandoned:
		case set || t.retries == 0:
			delete(m.tasks, t.request)
			m.do(finish{t.request, truth(set)})
		default:
			t.retries--
			t.times++
			t.sleep = m.randomSleep(t.times-1, func() { m.tryLock(t) })
		}
	})
}

// abandon is a request: nobody waits for the setLock any more. The lock is not kept.
func (m *machine) abandon(request uint64) {
	if t := m.tasks[request]; t != nil {
		delete(m.tasks, request)
		t.abandoned = true
		t.sleep.stop()
	}
}

// delLock is a request: a process of this node takes a lock back.
func (m *machine) delLock(request uint64, from etf.Pid, id etf.Term, nodes []atom) {
	m.multiCall(from, nodes, etf.Tuple{atom("del_lock"), id}, true, func([]reply) { m.do(finish{request, atom("true")}) })
}
