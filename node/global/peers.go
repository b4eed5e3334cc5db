package global

import (
	"cmp"

	"github.com/erlnode/erlnode/etf"
)

// nodeUp is an input: a visible node is connected. It comes before anything from that node.
func (m *machine) nodeUp(node atom) {
	if node == m.self {
		return
	}
	m.up[node] = true
	if m.unwanted[node] {
		m.leaveNow(node)
		return
	}
	if m.connectAll {
		m.join(node)
	}
}

// nodeDown is an input: the connection is lost. It comes after everything from that node, and before it is up again.
func (m *machine) nodeDown(node atom) {
	if !m.up[node] {
		return
	}
	delete(m.up, node)
	delete(m.outside, node)
	m.syncersLose(node)
	m.lose(node, lost)
}

// How a node is lost.
type lossKind uint8

const (
	lost     lossKind = iota // the connection is gone
	removed                  // we are taking it down, the connection is still there
	excluded                 // the connection stays, but global has nothing to do with the node any more
)

// lose forgets a node with all it has, and tells the others of a connection that was lost. One that is left keeps its names
// in OTP until it is down, so that somebody who joins in between still gets them.
func (m *machine) lose(node atom, how lossKind) {
	m.dropNode(node)
	m.cancelSession(node)
	switch how {
	case removed:
		if m.up[node] {
			m.removing[node] = true
		} else {
			m.unwanted[node] = true
		}
	case excluded:
		delete(m.removing, node)
	case lost:
		if !m.removing[node] {
			m.tellLoss(node)
		}
		delete(m.removing, node)
	}
	delete(m.pending, node)
	delete(m.known, node)
	delete(m.synced, node)
}

// cancelSession ends an attempt to join, and forgets it.
func (m *machine) cancelSession(node atom) {
	if s := m.sessions[node]; s != nil && s.open {
		m.cancel(node, etf.Int(s.myTag), nil)
	}
	delete(m.sessions, node)
}

// addKnown adds nodes to those known, and returns the new ones.
func (m *machine) addKnown(list []nodeVersion) (added []atom) {
	for _, nv := range list {
		if nv.node == m.self {
			continue
		}
		version, ok := m.known[nv.node]
		if !ok {
			added = append(added, nv.node)
		}
		m.known[nv.node] = cmp.Or(version, nv.version)
	}
	return added
}

// nodeVersion is an element of a list of known nodes: Node or {Node, Version}.
type nodeVersion struct {
	node    atom
	version int // 0 if it was not told
}

// knownList is the list of known nodes for a node of a version.
func (m *machine) knownList(version int) etf.List {
	list := etf.List{}
	for _, n := range sortedKeys(m.known) {
		if version < versionsInList {
			list = append(list, n)
		} else {
			list = append(list, etf.Tuple{n, etf.Int(m.known[n])})
		}
	}
	return list
}

// connectTo connects to nodes that others know (connect_all), and tells them that this node knows them.
func (m *machine) connectTo(nodes []atom) {
	for _, n := range nodes {
		if n != m.self {
			m.do(connect{n, true})
		}
	}
}

// connected is an input: how a connect went.
func (m *machine) connected(node atom, member, ok bool) {
	if !member {
		if !ok {
			m.syncersLose(node)
		}
		return
	}
	if m.unwanted[node] {
		delete(m.unwanted, node)
		if ok {
			m.unwanted[node] = !m.up[node]
		}
		return
	}
	if _, known := m.known[node]; !known {
		return // it has been left meanwhile
	}
	if ok || m.up[node] {
		m.cast(node, atom("in_sync"), m.self, atom("true"))
		return
	}
	m.do(warn{"a node that others know cannot be reached", node, nil})
	m.syncersLose(node)
	m.lose(node, lost)
}

// leaveNow ends a connection that was being set up when it was decided to leave the node. OTP lets it be, and has a partition
// that overlaps.
func (m *machine) leaveNow(node atom) {
	delete(m.unwanted, node)
	m.info(node, atom("remove_connection"), m.self)
	m.do(disconnect{node})
	m.removing[node] = true
}

// leave is a request: every connection goes, and nobody is told of a loss (global:disconnect/0). The answer is the nodes.
func (m *machine) leave(request uint64) {
	m.do(finish{request, m.disconnectAll()})
}

func (m *machine) disconnectAll() etf.List {
	list := etf.List{}
	for _, n := range sortedKeys(m.up) {
		m.do(disconnect{n})
		m.lose(n, removed)
		list = append(list, n)
	}
	return list
}

// prepareShutdown is an input: from now on losses mean that this node goes, and concern nobody else.
func (m *machine) prepareShutdown() { m.connectAll, m.overlap = false, false }

// syncer is a request to wait until nodes are in step with this one.
type syncer struct {
	nodes  map[atom]bool
	finish func()
}

// sync is a request: it is answered once this node has the same names as each of the nodes, or has lost it.
func (m *machine) sync(nodes []atom, answer func()) {
	s := &syncer{map[atom]bool{}, answer}
	for _, n := range nodes {
		if n != m.self && !m.synced[n] && !m.outside[n] {
			s.nodes[n] = true
		}
	}
	if len(s.nodes) == 0 {
		answer()
		return
	}
	m.syncers = append(m.syncers, s)
	for _, n := range sortedKeys(s.nodes) {
		if !m.up[n] {
			m.do(connect{n, false})
		}
	}
}

// syncersLose tells the syncers that there is nothing more to wait for.
func (m *machine) syncersLose(node atom) {
	kept := m.syncers[:0:0]
	var done []*syncer
	for _, s := range m.syncers {
		delete(s.nodes, node)
		if len(s.nodes) == 0 {
			done = append(done, s)
		} else {
			kept = append(kept, s)
		}
	}
	m.syncers = kept
	for _, s := range done {
		s.finish()
	}
}

func (m *machine) setSynced(node atom) {
	m.synced[node] = true
	m.syncersLose(node)
}
