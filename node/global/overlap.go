package global

import (
	"time"

	"github.com/erlnode/erlnode/etf"
)

// loss is the last connection that one node has lost to another, as far as it was told here.
type loss struct {
	life   string // the key of the life of the node that lost it
	number etf.Term
	timer  *timer
}

// lossTime is how long a loss is remembered.
const lossTime = time.Hour

// tellLoss tells all nodes that the connection to a node is lost, so that they leave it too (prevent_overlapping_partitions).
func (m *machine) tellLoss(node atom) {
	if !m.connectAll || !m.overlap || m.version < overlapVersion {
		return
	}
	m.lastLoss++
	m.multicast(node, etf.Tuple{atom("lost_connection"), m.self, m.lifeID, etf.Int(m.lastLoss), node})
}

// multicast sends to all nodes that are known or being joined, but one, if they know the message.
func (m *machine) multicast(but atom, msg etf.Term) {
	for _, n := range sortedKeys(m.known) {
		if v := m.known[n]; n != but && (v == 0 || v >= overlapVersion) {
			m.do(sendServer{n, msg})
		}
	}
	for _, n := range sortedKeys(m.pending) {
		if n != but && m.pending[n] >= overlapVersion {
			m.do(sendServer{n, msg})
		}
	}
}

// gotLoss is told that node a has lost its connection to b. Everybody passes it on, once, as a may not reach all; and leaves b.
func (m *machine) gotLoss(a atom, life, number etf.Term, b atom, msg etf.Term) {
	if !m.connectAll || !m.overlap || m.version < overlapVersion {
		return
	}
	at := [2]atom{a, b}
	last := m.losses[at]
	if last != nil && last.life == key(life) && etf.Compare(number, last.number) <= 0 {
		return
	}
	m.multicast(a, msg)
	if last != nil {
		last.timer.stop()
	}
	now := &loss{life: key(life), number: own(number)}
	now.timer = m.after(lossTime, func() {
		if m.losses[at] == now {
			delete(m.losses, at)
		}
	})
	m.losses[at] = now

	leave := b
	if b == m.self {
		leave = a // the others leave us, so only this connection is left to go
	}
	if !m.maybeKnown(leave) {
		return
	}
	if m.versionOf(leave) < overlapVersion {
		m.do(disconnect{leave})
		m.do(warn{"disconnected old node to prevent overlapping partitions", leave, nil})
	} else {
		m.info(leave, atom("remove_connection"), m.self)
		m.do(warn{"requested disconnect to prevent overlapping partitions", leave, nil})
	}
	m.lose(leave, removed)
}

// gotRemove is told by a node to leave it.
func (m *machine) gotRemove(node atom) {
	if m.removing[node] {
		m.do(disconnect{node}) // each waits for the other to do it; in OTP both wait for ever
		return
	}
	if m.version < overlapVersion || !m.up[node] {
		return
	}
	m.do(disconnect{node})
	m.do(warn{"disconnected to prevent overlapping partitions", node, nil})
	m.lose(node, removed)
}

func (m *machine) maybeKnown(node atom) bool {
	_, known := m.known[node]
	_, pending := m.pending[node]
	return known || pending
}
