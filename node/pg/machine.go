package pg

import (
	"maps"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// machine is what a scope knows and how it comes to know it, without IO: what happens goes in by its methods, and what is
// to be done comes out as effects, in this order. It is not safe for concurrent use.
type machine struct {
	self   etf.Pid
	groups map[string]*group
	local  map[etf.Pid][]string // the groups that each member of this node is in, the latest joined last
	peers  map[etf.Pid]*peer
	conns  map[etf.Atom]uint32 // the connections that are up, as far as we have heard: what is sent goes over these or not at all
	out    []effect
}

// peer is the scope of another node.
type peer struct {
	version int64 // of the protocol that it understands
	told    bool  // it has got all our members, and gets changes from then on
	groups  map[string]*group
}

// effect is one thing to be done.
type effect struct {
	kind    effectKind
	pids    []etf.Pid // monitor, demonitor: one; send: whom to, all of the same version
	node    etf.Atom  // announce
	message message   // send
	change  change    // tell
}

type effectKind uint8

const (
	monitor   effectKind = iota // a peer or a member of this node
	demonitor                   // the same
	announce                    // discover, to the scope of a node, if there is one
	send
	tell // local watchers, of a change of one group
)

func newMachine(self etf.Pid) *machine {
	return &machine{
		self:   self,
		groups: make(map[string]*group),
		local:  make(map[etf.Pid][]string),
		peers:  make(map[etf.Pid]*peer),
		conns:  make(map[etf.Atom]uint32),
	}
}

// restart is a new process of the scope in place of one that is dead: for its peers it is another scope, and it knows no
// peers. The members of this node stay.
func (m *machine) restart(self etf.Pid) {
	m.self = self
	for pid, p := range m.peers {
		m.replace(p, nil)
		delete(m.peers, pid)
	}
	clear(m.conns)
	for pid := range m.local {
		m.emit(effect{kind: monitor, pids: []etf.Pid{pid}})
	}
}

// take returns the effects since the last time.
func (m *machine) take() []effect {
	out := m.out
	m.out = nil
	return out
}

func (m *machine) emit(e effect) { m.out = append(m.out, e) }

// nodeUp is a connection to a node. If it is one on which to look for a scope, that is done.
func (m *machine) nodeUp(node etf.Atom, connection uint32, look bool) {
	m.conns[node] = connection
	if look {
		m.look(node)
	}
}

// look asks for a scope of our name on a node.
func (m *machine) look(node etf.Atom) {
	m.emit(effect{kind: announce, node: node})
}

// nodeDown is the loss of a connection. A peer that is still there has been found by a message that was read later: it
// does not know us any more, and both sides begin again when the next connection comes up.
func (m *machine) nodeDown(node etf.Atom, connection uint32) {
	if m.conns[node] != connection {
		return
	}
	delete(m.conns, node)
	var gone []etf.Pid
	for pid := range m.peers {
		if pid.Node == node {
			gone = append(gone, pid)
		}
	}
	for _, pid := range gone {
		m.emit(effect{kind: demonitor, pids: []etf.Pid{pid}})
		m.down(pid)
	}
}

// receive is a message from the scope of another node.
func (m *machine) receive(msg message) {
	if msg.from.Node == m.self.Node {
		return // nobody else here is this scope
	}
	p := m.peers[msg.from]
	switch msg.kind {
	case discover:
		m.discovered(p, msg)
	case data:
		if p == nil {
			// The answer to our discover; its own is under way.
			p = m.addPeer(msg.from)
		}
		p.version = max(p.version, msg.version)
		m.replace(p, msg.changes)
	case update:
		// One from an unknown scope was sent before the last connection was lost, or the sender has lost his head.
		if p == nil {
			return
		}
		p.version = max(p.version, msg.version)
		for _, c := range msg.changes {
			m.apply(p, c)
		}
	}
}

// discovered answers a scope that looks for its kind: with all that we have, and if it is new also with our own discover,
// which brings what it has.
func (m *machine) discovered(p *peer, msg message) {
	known := p != nil
	if !known {
		p = m.addPeer(msg.from)
	}
	p.version = max(p.version, min(msg.version, ours))
	p.told = true
	to := []etf.Pid{msg.from}
	m.emit(effect{kind: send, pids: to, message: message{kind: data, from: m.self, version: p.version, changes: m.own()}})
	if !known {
		m.emit(effect{kind: send, pids: to, message: message{kind: discover, from: m.self, version: p.version}})
	}
}

func (m *machine) addPeer(pid etf.Pid) *peer {
	p := &peer{groups: make(map[string]*group)}
	m.peers[pid] = p
	m.emit(effect{kind: monitor, pids: []etf.Pid{pid}})
	return p
}

// own is all members of this node, the groups in the order of their keys.
func (m *machine) own() []change {
	var all []change
	for _, k := range slices.Sorted(maps.Keys(m.groups)) {
		if g := m.groups[k]; len(g.local) > 0 {
			all = append(all, change{key: k, name: g.name, add: newest(g.local)})
		}
	}
	return all
}

// down is the end of a process that was to be monitored: a peer, or a member of this node.
func (m *machine) down(pid etf.Pid) {
	if pid.Node == m.self.Node {
		m.died(pid)
		return
	}
	if p := m.peers[pid]; p != nil {
		m.replace(p, nil)
		delete(m.peers, pid)
	}
}

// died takes a member of this node out of its groups.
func (m *machine) died(pid etf.Pid) {
	var changes []change
	for _, k := range slices.Backward(m.local[pid]) {
		g := m.groups[k]
		c := change{key: k, name: g.name, remove: []etf.Pid{pid}}
		changes = append(changes, c)
		g.local, _ = leave(g.local, c.remove)
		m.change(c)
	}
	delete(m.local, pid)
	m.publish(changes)
}

// join makes processes of this node members of a group, each as often as it stands there.
func (m *machine) join(k string, name etf.Term, pids []etf.Pid) {
	c := change{key: k, name: name, add: pids}
	for _, p := range pids {
		if m.local[p] == nil {
			m.emit(effect{kind: monitor, pids: []etf.Pid{p}})
		}
		m.local[p] = append(m.local[p], k)
	}
	m.change(c)
	g := m.groups[k]
	g.local = join(g.local, pids)
	m.publish([]change{c})
}

// leave ends a membership of each of the processes, which are of this node, and reports whether there was one at all.
func (m *machine) leave(k string, pids []etf.Pid) bool {
	g := m.groups[k]
	if g == nil {
		return false
	}
	var left []etf.Pid
	if g.local, left = leave(g.local, pids); len(left) == 0 {
		return false
	}
	for _, p := range left {
		in := m.local[p]
		for i := len(in) - 1; i >= 0; i-- {
			if in[i] == k {
				in = slices.Delete(in, i, i+1)
				break
			}
		}
		if m.local[p] = in; len(in) == 0 {
			delete(m.local, p)
			m.emit(effect{kind: demonitor, pids: []etf.Pid{p}})
		}
	}
	c := change{key: k, name: g.name, remove: left}
	m.change(c)
	m.publish([]change{c})
	return true
}

// publish tells peers of changes here, those only that know all that was before.
func (m *machine) publish(changes []change) {
	if len(changes) == 0 {
		return
	}
	var to [ours + 1][]etf.Pid
	for pid, p := range m.peers {
		if p.told {
			to[p.version] = append(to[p.version], pid)
		}
	}
	for version, pids := range to {
		if len(pids) > 0 {
			m.emit(effect{kind: send, pids: pids, message: message{kind: update, from: m.self, version: int64(version), changes: changes}})
		}
	}
}

// apply is a change that a peer tells of. Leaves of who is not there are nothing.
func (m *machine) apply(p *peer, c change) {
	g := p.groups[c.key]
	if g == nil {
		if len(c.add) == 0 {
			return
		}
		g = &group{name: c.name}
		p.groups[c.key] = g
	}
	g.all = join(g.all, c.add)
	g.all, c.remove = leave(g.all, c.remove)
	if len(g.all) == 0 {
		delete(p.groups, c.key)
	}
	m.change(c)
}

// replace is all that a peer has, none if that is nothing. What it had before and has no more goes.
func (m *machine) replace(p *peer, all []change) {
	before := p.groups
	p.groups = make(map[string]*group, len(all))
	for _, c := range all {
		g := p.groups[c.key]
		if g == nil {
			g = &group{name: c.name}
			p.groups[c.key] = g
		}
		g.all = join(g.all, c.add)
	}
	for _, k := range slices.Sorted(maps.Keys(p.groups)) {
		g, old := p.groups[k], before[k]
		c := change{key: k, name: g.name, add: newest(g.all)}
		if old != nil {
			delete(before, k)
			if slices.Equal(g.all, old.all) {
				continue
			}
			c.add, _ = leave(c.add, old.all)
			c.remove, _ = leave(newest(old.all), g.all)
		}
		m.change(c)
	}
	for _, k := range slices.Sorted(maps.Keys(before)) {
		m.change(change{key: k, name: before[k].name, remove: newest(before[k].all)})
	}
}

// change changes the list of all members of a group and has watchers told.
func (m *machine) change(c change) {
	if len(c.add) == 0 && len(c.remove) == 0 {
		return
	}
	g := m.groups[c.key]
	if g == nil {
		g = &group{name: c.name}
		m.groups[c.key] = g
	}
	g.all = join(g.all, c.add)
	g.all, _ = leave(g.all, c.remove)
	if len(g.all) == 0 {
		delete(m.groups, c.key)
	}
	m.emit(effect{kind: tell, change: c})
}
