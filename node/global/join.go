package global

import (
	"time"

	"github.com/erlnode/erlnode/etf"
)

// session is an attempt to join the partition of a node. Its tags keep what belongs to it from what belongs to earlier ones.
type session struct {
	open   bool // the node is up, and has been sent init_connect with myTag
	myTag  int64
	hisTag etf.Term // nil until his init_connect has come
	vsn    int      // in which we speak to him

	early *initConnect // came before the node was up

	locked   bool // our locker has the lock of both partitions
	lockID   etf.Term
	hisNames []op // his names, once they have come; nil while they have not
	conflict *conflict

	decided     bool // our part of the names has been compared
	ops         []op // what we change
	hisResolved *resolvedNames
}

// initConnect is the message with which a session begins.
type initConnect struct {
	vsn    int
	tag    etf.Term
	locker etf.Pid
}

// resolvedNames is his part of the outcome.
type resolvedNames struct {
	ops   []op
	known []nodeVersion
	ext   []external
}

func (m *machine) sessionOf(node atom) *session {
	s := m.sessions[node]
	if s == nil {
		s = &session{}
		m.sessions[node] = s
	}
	return s
}

// current returns the session that a message belongs to, by our tag in it.
func (m *machine) current(node atom, tag etf.Term) *session {
	if s := m.sessions[node]; s != nil && s.open && tag == etf.Term(etf.Int(s.myTag)) {
		return s
	}
	return nil
}

// join makes this node known to another one.
func (m *machine) join(node atom) {
	if _, known := m.known[node]; known {
		return // others have told us; it will be in_sync
	}
	s := m.sessionOf(node)
	if s.open {
		return
	}
	early := s.early
	*s = session{open: true, myTag: m.newTag()}
	known := make(etf.Map, 0, len(m.known))
	for _, n := range sortedKeys(m.known) {
		known = append(known, etf.Pair{Key: n, Value: etf.Int(m.known[n])})
	}
	m.cast(node, atom("init_connect"), etf.Tuple{etf.Int(m.version), etf.Int(s.myTag)}, m.self,
		etf.Tuple{atom("locker"), atom("no_longer_a_pid"), known, m.locker})
	if early != nil {
		m.gotInitConnect(node, *early)
	}
}

// gotInitConnect has the locker join the two partitions, once both nodes have said that they are there.
func (m *machine) gotInitConnect(node atom, c initConnect) {
	s := m.sessionOf(node)
	if _, again := m.pending[node]; again {
		if c.vsn < verifyVersion {
			m.do(disconnect{node}) // he cannot be told
			return
		}
		m.info(node, atom("cancel_connect"), m.self, c.tag)
		delete(m.pending, node)
		m.restart(node)
		return
	}
	s.vsn, s.hisTag = min(c.vsn, m.version), c.tag
	if !s.open {
		s.early = &c
		return
	}
	m.lk.add(m, him{node: node, locker: c.locker, vsn: s.vsn, myTag: s.myTag, hisTag: c.tag})
	m.pending[node] = c.vsn
	if s.vsn >= verifyVersion {
		m.info(node, atom("init_connect_ack"), m.self, c.tag, etf.Int(s.myTag))
	}
}

// restart gives an attempt up and makes a new one.
func (m *machine) restart(node atom) {
	s := m.sessions[node]
	again := s != nil && s.open
	m.cancelSession(node)
	delete(m.pending, node)
	if again && m.connectAll {
		m.join(node)
	}
}

// gotAck compares what both think of the session.
func (m *machine) gotAck(node atom, myTag, hisTag etf.Term) {
	s := m.sessions[node]
	if s != nil && s.open {
		if s.hisTag != nil && myTag == etf.Term(etf.Int(s.myTag)) && etf.Equal(hisTag, s.hisTag) {
			return
		}
		// He answers an earlier init_connect, so the last one is still on its way to him, and he starts over himself. To start
		// over here as well, as OTP does, is how two nodes can do so for ever.
		if old, ok := myTag.(etf.Int); ok && int64(old) < s.myTag {
			return
		}
	}
	m.info(node, atom("cancel_connect"), m.self, hisTag)
	delete(m.pending, node)
	m.restart(node)
}

func (m *machine) gotCancel(node atom, myTag etf.Term) {
	if m.current(node, myTag) != nil {
		m.restart(node)
	}
}

// cancel tells the locker that an attempt is over, by its tag, and the peer too if it is under way. then is done while the
// lock is still set.
func (m *machine) cancel(node atom, tag etf.Term, then func()) {
	s := m.current(node, tag)
	if v, ok := m.pending[node]; ok && v >= verifyVersion && m.version >= verifyVersion && s != nil && m.up[node] {
		m.info(node, atom("cancel_connect"), m.self, s.hisTag)
	}
	if s != nil {
		if s.conflict != nil {
			delete(m.conflicts, s.conflict.id)
		}
		s.open = false
	}
	if tag, ok := tag.(etf.Int); ok {
		m.lk.cancel(m, node, int64(tag), then)
	}
}

// lockIsSet comes from the locker: both partitions are locked, so nobody changes names now.
func (m *machine) lockIsSet(node atom, tag int64, lockID etf.Term) {
	s := m.current(node, etf.Int(tag))
	if s == nil {
		m.cancel(node, etf.Int(tag), nil)
		return
	}
	m.cast(node, atom("exchange"), m.self, m.nameList(), etf.List{}, s.hisTag)
	s.locked, s.lockID = true, lockID
	m.compareNames(node, s)
}

func (m *machine) gotExchange(node atom, names []op, tag etf.Term) {
	s := m.current(node, tag)
	if s == nil {
		m.cancel(node, tag, nil)
		return
	}
	s.hisNames = append([]op{}, names...)
	m.compareNames(node, s)
}

// compareNames finds out what his names mean for ours, once the lock is set and they are here.
func (m *machine) compareNames(node atom, s *session) {
	if s.locked && s.hisNames != nil && s.conflict == nil && !s.decided {
		s.conflict = &conflict{id: m.newID(), node: node, tag: s.myTag, names: s.hisNames}
		m.conflicts[s.conflict.id] = s.conflict
		m.compareNext(s.conflict)
	}
}

// namesCompared tells him the outcome.
func (m *machine) namesCompared(c *conflict) {
	delete(m.conflicts, c.id)
	s := m.current(c.node, etf.Int(c.tag))
	if s == nil {
		m.cancel(c.node, etf.Int(c.tag), nil)
		return
	}
	s.conflict, s.decided, s.ops = nil, true, c.ours
	m.cast(c.node, atom("resolved"), m.self, opList(c.theirs), m.knownList(min(m.version, m.versionOf(c.node))),
		atom("unused"), m.externalList(), s.hisTag)
	m.joined(c.node, s)
}

func (m *machine) gotResolved(node atom, r resolvedNames, tag etf.Term) {
	s := m.current(node, tag)
	if s == nil {
		m.cancel(node, tag, nil)
		return
	}
	s.hisResolved = &r
	m.joined(node, s)
}

// joined makes one partition of two, once both have told the outcome.
func (m *machine) joined(node atom, s *session) {
	if !s.decided || s.hisResolved == nil {
		return
	}
	his := s.hisResolved
	ops := append(s.ops, his.ops...)
	var hisNodes []atom
	newNodes := []nodeVersion{{node, m.versionOf(node)}}
	for _, nv := range his.known {
		hisNodes = append(hisNodes, nv.node)
		if nv.version == 0 {
			nv.version = m.versionOf(nv.node)
		}
		newNodes = append(newNodes, nv)
	}
	m.connectTo(hisNodes)
	m.apply(ops, his.ext, s.lockID)
	m.syncersLose(node)
	for _, n := range hisNodes {
		m.endSession(n, nil)
	}
	tell := m.newNodesMessages(ops, his.ext, newNodes, s)
	m.endSession(node, func() {
		for _, a := range tell {
			m.do(a)
		}
	})
	m.addKnown(newNodes)
	m.synced[node] = true
}

// endSession ends an attempt that is not needed any more, without telling the peer, who sees it too.
func (m *machine) endSession(node atom, then func()) {
	delete(m.pending, node)
	if s := m.sessions[node]; s != nil && s.open {
		m.cancel(node, etf.Int(s.myTag), then)
	}
	delete(m.sessions, node)
}

// newNodesMessages is what the nodes of our partition are told. The locker sends it before it takes back the lock, whose id
// is in it: so each of them has the lock still set when it comes.
func (m *machine) newNodesMessages(ops []op, ext []external, added []nodeVersion, s *session) (tell []action) {
	extra := etf.List{etf.Tuple{atom("vsn"), etf.Int(s.vsn)}, etf.Tuple{atom("lock"), s.lockID}}
	list, bare := etf.List{}, etf.List{}
	for _, nv := range added {
		list = append(list, etf.Tuple{nv.node, etf.Int(nv.version)})
		bare = append(bare, nv.node)
	}
	for _, n := range sortedKeys(m.known) {
		nodes := list
		if min(m.version, m.known[n]) < versionsInList {
			nodes = bare
		}
		tell = append(tell, sendServer{n, etf.Tuple{atom("$gen_cast"), etf.Tuple{
			atom("new_nodes"), m.self, opList(ops), extList(ext), nodes, extra}}})
	}
	return tell
}

// gotNewNodes comes from the node of our partition that has been joined with another. From one that we are leaving it is
// worth nothing: his lock is gone already.
func (m *machine) gotNewNodes(from atom, ops []op, ext []external, nodes []nodeVersion, lockID etf.Term) {
	if _, known := m.known[from]; !known {
		return
	}
	added := m.addKnown(nodes)
	m.connectTo(added)
	m.apply(ops, ext, lockID)
}

// gotInSync comes from every node that has been told of us by one of its partition.
func (m *machine) gotInSync(node atom) {
	m.endSession(node, nil)
	m.setSynced(node)
	if _, known := m.known[node]; !known && m.connectAll {
		m.after(patience, func() { m.adopt(node) })
	}
}

// patience is how long new_nodes may come after in_sync.
const patience = time.Minute

// adopt deals with a node that knows us, while he who should have told us of it, and of its names, was lost before he could.
// OTP is then in sync with a node that it does not know, for ever. Here all leave it, as after a loss, so that it can join
// again; if partitions may overlap, it is known from now on.
func (m *machine) adopt(node atom) {
	if _, known := m.known[node]; known || !m.synced[node] || !m.up[node] || m.removing[node] {
		return
	}
	if !m.overlap {
		m.known[node] = 0
		m.connectTo([]atom{node})
		return
	}
	m.do(warn{"requested disconnect from a node that nobody has told us of", node, nil})
	m.info(node, atom("remove_connection"), m.self)
	m.tellLoss(node)
	m.lose(node, removed)
}

func opList(ops []op) etf.List {
	list := make(etf.List, 0, len(ops))
	for _, o := range ops {
		if o.insert {
			list = append(list, etf.Tuple{atom("insert"), etf.Tuple{o.name, o.pid, o.method}})
		} else {
			list = append(list, etf.Tuple{atom("delete"), o.name})
		}
	}
	return list
}

func extList(ext []external) etf.List {
	list := make(etf.List, 0, len(ext))
	for _, e := range ext {
		list = append(list, etf.Tuple{e.name, e.pid, e.node})
	}
	return list
}
