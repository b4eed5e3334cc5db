package global

import (
	"slices"
	"strings"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// locker locks two partitions while they are joined. It does one thing at a time, and holds at most one lock. In every state
// it takes the messages that concern it, and leaves the others in its box.
type locker struct {
	state      lockerState
	box        []lockerMessage
	near, far  []him // nodes to be joined, those on this host first
	justSynced bool  // the last attempt has ended well: no need to let others go first
	wait       *timer

	// The attempt under way:
	him    him
	lockID etf.Term
	nodes  []atom // that have the lock
}

type lockerState uint8

const (
	lockerIdle    lockerState = iota // waits, then tries one of the nodes to be joined
	lockerBusy                       // calls others
	lockerOffered                    // has the lock, and waits for his locker to have it
	lockerHolding                    // both have it; holds it until names are exchanged
)

// him is a node to be joined.
type him struct {
	node   atom
	locker etf.Pid
	vsn    int
	myTag  int64
	hisTag etf.Term
}

// lockerMessage is lock_set from his locker, or else from the server: the attempt is cancelled.
type lockerMessage struct {
	lockSet bool
	set     bool
	from    etf.Pid // his locker
	tagged  bool    // the tag of a lock_set is given
	node    atom
	tag     int64
	then    func() // done before the lock is freed
}

func (l *locker) add(m *machine, h him) {
	list := &l.far
	if hostOf(h.node) == hostOf(m.self) {
		list = &l.near
	}
	*list = slices.Insert(*list, 0, h)
	l.stir()
}

func (l *locker) cancel(m *machine, node atom, tag int64, then func()) {
	l.box = append(l.box, lockerMessage{node: node, tag: tag, then: then})
}

func (l *locker) lockSet(from etf.Pid, set, tagged bool, tag int64) {
	l.box = append(l.box, lockerMessage{lockSet: true, set: set, from: from, node: from.Node, tagged: tagged, tag: tag})
}

func hostOf(node atom) string {
	_, host, _ := strings.Cut(string(node), "@")
	return host
}

// run takes what it can from the box.
func (l *locker) run(m *machine) {
	for {
		switch l.state {
		case lockerBusy:
			return
		case lockerIdle:
			if len(l.box) == 0 {
				l.arm(m)
				return
			}
			msg := l.box[0]
			l.box = slices.Delete(l.box, 0, 1)
			l.stir()
			l.idle(m, msg)
		default:
			i := slices.IndexFunc(l.box, l.concerns)
			if i < 0 {
				return
			}
			msg := l.box[i]
			l.box = slices.Delete(l.box, i, i+1)
			l.attempt(m, msg)
		}
	}
}

// stir has the waiting time begin anew.
func (l *locker) stir() {
	l.wait.stop()
	l.wait = nil
}

// arm waits before the next attempt, so that others of the partition get a turn.
func (l *locker) arm(m *machine) {
	if l.wait != nil || len(l.near)+len(l.far) == 0 {
		return
	}
	d := min(1000+100*len(m.known), 3000)
	switch {
	case l.justSynced:
		d = 0
	case len(m.known) == 0:
		d = 200
	}
	l.justSynced = false
	l.wait = m.after(time.Duration(d)*time.Millisecond, func() {
		l.wait = nil
		if m.locks[globalResource] == nil {
			l.choose(m)
		}
	})
}

// choose tries to join one of the nodes.
func (l *locker) choose(m *machine) {
	list := &l.near
	if len(*list) == 0 {
		list = &l.far
	}
	*list = slices.DeleteFunc(*list, func(h him) bool {
		_, known := m.known[h.node]
		return known
	})
	if len(*list) == 0 {
		return
	}
	h := (*list)[m.rand.IntN(len(*list))]
	id := m.joinLock(h.locker)
	l.state = lockerBusy
	m.lockSafely(id, []atom{h.node}, func(ok bool, nodes []atom) {
		if !ok {
			l.state = lockerIdle
			return
		}
		l.him, l.lockID, l.nodes = h, id, nodes
		l.state = lockerOffered
		m.offer(h, true)
	})
}

// joinLock is the id of the lock for a join. Both sides use the same, so that nodes common to both can be locked by both.
func (m *machine) joinLock(his etf.Pid) etf.Term {
	lockers := etf.List{m.locker, his}
	slices.SortFunc(lockers, etf.Compare)
	return etf.Tuple{atom("global"), lockers}
}

// lockSafely locks the boss of our partition, then this node and those given, then all others that are known: all or none.
// To lock the boss first keeps two nodes of one partition from getting in each other's way; to lock the peer with us
// keeps his partition from being locked by anybody else, which prevents deadlock.
// then gets the nodes that have the lock; also those that are no longer known, which may be back already.
func (m *machine) lockSafely(id etf.Term, extra []atom, then func(ok bool, nodes []atom)) {
	first := boss(m.nodes())
	if first != m.self && !m.canLock(id) {
		then(false, nil)
		return
	}
	m.setLockOn(m.locker, id, []atom{first}, false, func(set bool) {
		if !set {
			then(false, nil)
			return
		}
		known := sortedKeys(m.known)
		second := without(append([]atom{m.self}, extra...), first)
		m.setLockOn(m.locker, id, second, false, func(set bool) {
			if !set {
				m.delLockOn(m.locker, id, []atom{first}, func() { then(false, nil) })
				return
			}
			m.setLockOn(m.locker, id, without(known, first), false, func(set bool) {
				if !set {
					m.delLockOn(m.locker, id, append([]atom{first}, second...), func() { then(false, nil) })
					return
				}
				all := append(append([]atom{first}, second...), known...)
				slices.Sort(all)
				then(true, slices.Compact(all))
			})
		})
	})
}

// offer tells his locker whether we have the lock. If the session has ended meanwhile, that is in the box.
func (m *machine) offer(h him, set bool) {
	if m.current(h.node, etf.Int(h.myTag)) != nil {
		m.sendLockSet(h, set)
	}
}

func (m *machine) sendLockSet(h him, set bool) {
	known := etf.List{}
	for _, n := range sortedKeys(m.known) {
		known = append(known, n)
	}
	msg := etf.Tuple{atom("lock_set"), m.locker, truth(set), known}
	if h.vsn >= verifyVersion {
		msg = append(msg, h.hisTag)
	}
	if h.vsn < proxyVersion {
		m.do(sendTo{h.locker, msg})
		return
	}
	m.cast(h.node, msg...)
}

// idle takes a message while no attempt is under way.
func (l *locker) idle(m *machine, msg lockerMessage) {
	if !msg.lockSet {
		l.remove(msg.node, msg.tag)
		return
	}
	if !msg.set {
		return // of an attempt that is over
	}
	h, ok := l.find(msg.node)
	if !ok || msg.tagged && msg.tag != h.myTag {
		m.sendLockSet(him{locker: msg.from, vsn: oldestVersion}, false)
		return
	}
	// He has locked his partition, and us with it. Now we lock ours.
	id := m.joinLock(msg.from)
	l.state = lockerBusy
	m.lockSafely(id, nil, func(set bool, nodes []atom) {
		h.locker = msg.from
		m.offer(h, set)
		if !set {
			l.state, l.justSynced = lockerIdle, false
			return
		}
		l.hold(m, h, id, nodes)
	})
}

// hold keeps the lock that both have.
func (l *locker) hold(m *machine, h him, id etf.Term, nodes []atom) {
	l.him, l.lockID, l.nodes, l.state = h, id, nodes, lockerHolding
	m.lockIsSet(h.node, h.myTag, id)
}

// concerns tells whether a message is for the attempt under way.
func (l *locker) concerns(msg lockerMessage) bool {
	if msg.node != l.him.node {
		return false
	}
	if msg.lockSet {
		return l.state == lockerOffered
	}
	return msg.tag == l.him.myTag
}

// attempt takes a message that concerns the attempt under way.
func (l *locker) attempt(m *machine, msg lockerMessage) {
	h := l.him
	switch {
	case msg.lockSet && msg.tagged && msg.tag != h.myTag: // of an earlier session
	case msg.lockSet && msg.set:
		l.hold(m, h, l.lockID, l.nodes)
	case msg.lockSet: // he could not
		l.free(m, func() {})
	default:
		held := l.state == lockerHolding
		if msg.then != nil {
			msg.then()
		}
		l.free(m, func() {
			l.remove(h.node, h.myTag)
			l.justSynced = held
		})
	}
}

// free takes the lock back from all nodes.
func (l *locker) free(m *machine, then func()) {
	l.state = lockerBusy
	m.delGlobalLock(m.locker, l.lockID, l.nodes, func() {
		l.state, l.him, l.lockID, l.nodes = lockerIdle, him{}, nil, nil
		then()
	})
}

func (l *locker) find(node atom) (him, bool) {
	for _, list := range [][]him{l.near, l.far} {
		for _, h := range list {
			if h.node == node {
				return h, true
			}
		}
	}
	return him{}, false
}

func (l *locker) remove(node atom, tag int64) {
	for _, list := range []*[]him{&l.near, &l.far} {
		*list = slices.DeleteFunc(*list, func(h him) bool { return h.node == node && h.myTag == tag })
	}
}
