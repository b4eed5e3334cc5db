package global

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// sim is a cluster of machines: messages between two of them keep their order and take their time, connections come and go,
// nodes crash and return, all by the choice of a seeded source. Nothing runs at the same time; everything can be repeated.
type sim struct {
	rand  *rand.Rand
	now   time.Time
	names []atom
	nodes map[atom]*simNode
	links map[[2]atom]*simLink // by the names in order
	cut   map[[2]atom]bool     // no connection can be made

	hadCuts bool
	steps   int
	trace   func(format string, args ...any) // nil: silent
	bad     []string

	version    func() int
	connectAll func() bool
	overlap    bool
	exclusive  bool           // locks must exclude each other
	holders    map[string]int // who has them
}

// simNode is one life of a node.
type simNode struct {
	m        *machine
	creation uint32
	local    []func() // events that come in any order
	alive    map[etf.Pid]bool
	nextPid  uint32
	watching map[uint64]simWatch   // monitors of this node's server
	watched  map[etf.Pid][]watcher // of its processes, by others
	calls    map[uint64]simCall    // under way
	waiting  map[uint64]func(etf.Term)
	tags     map[atom]etf.Term // of the init_connect last received from each
	lanes    map[atom][]func() // what waits for a connection to be set up
	next     uint64
}

// simWatch is a monitor that ends with the connection over which it was set up.
type simWatch struct {
	pid        etf.Pid
	connection int
}

// simCall is a call that ends with the connection over which it was made.
type simCall struct {
	peer       atom
	connection int
}

type watcher struct {
	node       atom
	id         uint64
	connection int
}

// simLink is a pair of nodes. Each direction is a queue, in which the end of a connection comes before the next one's begin.
type simLink struct {
	up     bool
	number int                // of the connection
	queues map[atom][]arrival // by the receiver
}

// arrival is something that comes over a connection, or what the node itself says of the connection.
type arrival struct {
	do     func()
	notice bool
}

func newSim(seed uint64, n int) *sim {
	s := &sim{
		rand:       rand.New(rand.NewPCG(seed, 1)),
		now:        time.Unix(0, 0),
		nodes:      make(map[atom]*simNode),
		links:      make(map[[2]atom]*simLink),
		cut:        make(map[[2]atom]bool),
		version:    func() int { return newestVersion },
		connectAll: func() bool { return true },
		overlap:    true,
		holders:    make(map[string]int),
	}
	for i := range n {
		s.names = append(s.names, atom(fmt.Sprintf("n%d@h%d", i, i%2)))
	}
	return s
}

func (s *sim) logf(format string, args ...any) {
	if s.trace != nil {
		s.trace("%8.3f "+format, append([]any{s.now.Sub(time.Unix(0, 0)).Seconds()}, args...)...)
	}
}

func (s *sim) fail(format string, args ...any) {
	s.bad = append(s.bad, fmt.Sprintf(format, args...))
	s.logf("VIOLATED: "+format, args...)
}

// boot starts a life of a node.
func (s *sim) boot(name atom, creation uint32) *simNode {
	n := &simNode{
		creation: creation,
		alive:    make(map[etf.Pid]bool),
		watching: make(map[uint64]simWatch),
		watched:  make(map[etf.Pid][]watcher),
		calls:    make(map[uint64]simCall),
		waiting:  make(map[uint64]func(etf.Term)),
		tags:     make(map[atom]etf.Term),
		lanes:    make(map[atom][]func()),
	}
	set := setting{
		self: name, creation: creation, version: s.version(), connectAll: s.connectAll(), overlap: s.overlap,
		server: n.newPid(name), locker: n.newPid(name), registrar: n.newPid(name),
		rand:  rand.New(rand.NewPCG(s.rand.Uint64(), s.rand.Uint64())),
		alive: func(p etf.Pid) bool { return n.alive[p] },
	}
	n.m = newMachine(set)
	s.nodes[name] = n
	return n
}

func (n *simNode) newPid(name atom) etf.Pid {
	n.nextPid++
	p := etf.Pid{Node: name, ID: n.nextPid, Creation: n.creation}
	n.alive[p] = true
	return p
}

func pair(a, b atom) [2]atom {
	if b < a {
		a, b = b, a
	}
	return [2]atom{a, b}
}

func (s *sim) link(a, b atom) *simLink {
	l := s.links[pair(a, b)]
	if l == nil {
		l = &simLink{queues: make(map[atom][]arrival)}
		s.links[pair(a, b)] = l
	}
	return l
}

// run gives a machine an input and carries out what comes of it.
func (s *sim) run(name atom, input func(m *machine)) {
	n := s.nodes[name]
	if n == nil {
		return
	}
	n.m.now = s.now
	input(n.m)
	for _, a := range n.m.take() {
		s.carryOut(name, n, a)
	}
}

// at queues something for a node that comes in any order with the rest, unless that life of it is over.
func (s *sim) at(name atom, n *simNode, do func()) {
	n.local = append(n.local, func() {
		if s.nodes[name] == n {
			do()
		}
	})
}

// post queues something on the connection from a node to another.
func (s *sim) post(from, to atom, do func()) bool {
	l := s.link(from, to)
	if !l.up {
		return false
	}
	l.queues[to] = append(l.queues[to], arrival{do: do})
	return true
}

func (s *sim) carryOut(name atom, n *simNode, a action) {
	if s.trace != nil {
		s.logf("%s: %T %s", name, a, strings.TrimPrefix(fmt.Sprintf("%+v", a), "global."))
	}
	switch a := a.(type) {
	case sendServer:
		s.checkTag(name, n, a)
		send := func() { s.post(name, a.node, func() { s.deliver(name, a.node, a.msg) }) }
		if wait, connecting := n.lanes[a.node]; connecting {
			n.lanes[a.node] = append(wait, send)
		} else {
			send()
		}
	case sendTo:
		s.sendTo(name, n, a)
	case startCall:
		s.call(name, n, a)
	case startMonitor:
		s.monitor(name, n, a)
	case stopMonitor:
		if w, ok := n.watching[a.id]; ok {
			delete(n.watching, a.id)
			stop := func() {
				if o := s.nodes[w.pid.Node]; o != nil {
					o.watched[w.pid] = slices.DeleteFunc(o.watched[w.pid], func(x watcher) bool { return x.node == name && x.id == a.id })
				}
			}
			if w.pid.Node == name {
				stop()
			} else {
				s.post(name, w.pid.Node, stop)
			}
		}
	case connect:
		n.lanes[a.node] = append(n.lanes[a.node], nil)
		s.at(name, n, func() {
			ok := s.connect(name, a.node)
			waiting := n.lanes[a.node]
			delete(n.lanes, a.node)
			for _, do := range waiting {
				if do != nil {
					do()
				}
			}
			s.run(name, func(m *machine) { m.connected(a.node, a.member, ok) })
		})
	case disconnect:
		s.at(name, n, func() { s.lose(name, a.node) })
	case resolve:
		s.resolve(name, n, a)
	case finish:
		if done := n.waiting[a.request]; done != nil {
			delete(n.waiting, a.request)
			done(a.value)
		} else {
			s.fail("%s: an answer to no request: %v", name, a.value)
		}
	case setLink, warn:
	default:
		s.fail("unknown action %T", a)
	}
}

// deliver is a message that arrives at the server of a node.
func (s *sim) deliver(from, to atom, msg etf.Term) {
	if s.trace != nil {
		s.logf("%s <- %s: %v", to, from, msg)
	}
	if n := s.nodes[to]; n != nil {
		if c, ok := msg.(etf.Tuple)[1].(etf.Tuple); ok && (fields{c}).tagged("init_connect", 4) {
			n.tags[from] = c[1].(etf.Tuple)[1]
		}
		s.run(to, func(m *machine) { m.message(msg) })
	}
}

// checkTag holds a message of a session to the peer's last word on what his session is.
func (s *sim) checkTag(name atom, n *simNode, a sendServer) {
	tuple := a.msg.(etf.Tuple)
	if tuple[0] == etf.Term(atom("$gen_cast")) {
		tuple = tuple[1].(etf.Tuple)
	}
	i := 0
	switch f := (fields{tuple}); {
	case f.tagged("exchange", 5), f.tagged("lock_set", 5):
		i = 4
	case f.tagged("resolved", 7):
		i = 6
	case f.tagged("init_connect_ack", 4), f.tagged("cancel_connect", 3):
		i = 2
	default:
		return
	}
	if !n.m.up[a.node] {
		s.fail("%s: sends %v to %s, which is down", name, tuple, a.node)
	} else if n.tags[a.node] == nil || !etf.Equal(n.tags[a.node], tuple[i]) {
		s.fail("%s: sends %v to a stale session of %s (%v)", name, tuple, a.node, n.tags[a.node])
	}
}

func (s *sim) sendTo(name atom, n *simNode, a sendTo) {
	to := a.to.(etf.Pid)
	arrive := func() {
		o := s.nodes[to.Node]
		if o == nil || to.Creation != o.creation {
			return
		}
		tuple := a.msg.(etf.Tuple)
		if id, ok := tuple[0].(etf.Int); ok {
			delete(o.calls, uint64(id))
			s.run(to.Node, func(m *machine) { m.answered(uint64(id), tuple[1], true) })
		} else if to == o.m.locker {
			s.run(to.Node, func(m *machine) { m.lockerMessage(a.msg) })
		}
	}
	if to.Node == name {
		s.at(name, n, arrive)
	} else {
		s.post(name, to.Node, arrive)
	}
}

func (s *sim) call(name atom, n *simNode, a startCall) {
	msg := etf.Tuple{atom("$gen_call"), etf.Tuple{a.from, etf.Int(a.id)}, a.request}
	n.calls[a.id] = simCall{a.node, s.link(name, a.node).number}
	if a.dial && !s.link(name, a.node).up {
		s.at(name, n, func() {
			if !s.connect(name, a.node) || !s.post(name, a.node, func() { s.deliver(name, a.node, msg) }) {
				s.callFails(name, n, a.id)
				return
			}
			n.calls[a.id] = simCall{a.node, s.link(name, a.node).number}
		})
		return
	}
	if !s.post(name, a.node, func() { s.deliver(name, a.node, msg) }) {
		s.at(name, n, func() { s.callFails(name, n, a.id) })
	}
}

func (s *sim) callFails(name atom, n *simNode, id uint64) {
	delete(n.calls, id)
	s.run(name, func(m *machine) { m.answered(id, nil, false) })
}

func (s *sim) monitor(name atom, n *simNode, a startMonitor) {
	over := func() { n.watching[a.id] = simWatch{a.pid, s.link(name, a.pid.Node).number} }
	over()
	arrive := func() {
		w := watcher{name, a.id, s.link(name, a.pid.Node).number}
		o := s.nodes[a.pid.Node]
		switch {
		case o == nil: // its loss is told
		case o.alive[a.pid]:
			o.watched[a.pid] = append(o.watched[a.pid], w)
		default:
			s.tellDown(a.pid.Node, w)
		}
	}
	switch {
	case a.pid.Node == name:
		arrive()
	case !s.post(name, a.pid.Node, arrive):
		s.at(name, n, func() {
			if _, still := n.watching[a.id]; !still {
				return
			}
			if !s.connect(name, a.pid.Node) || !s.post(name, a.pid.Node, arrive) {
				s.down(name, a.id)
				return
			}
			over()
		})
	}
}

// tellDown tells a watcher of the end of a process on a node.
func (s *sim) tellDown(on atom, w watcher) {
	if n := s.nodes[w.node]; w.node == on && n != nil {
		s.at(on, n, func() { s.down(on, w.id) })
	} else {
		s.post(on, w.node, func() { s.down(w.node, w.id) })
	}
}

func (s *sim) down(name atom, id uint64) {
	n := s.nodes[name]
	if n == nil {
		return
	}
	if _, ok := n.watching[id]; ok {
		delete(n.watching, id)
		s.run(name, func(m *machine) { m.down(id) })
	}
}

// kill ends a process.
func (s *sim) kill(p etf.Pid) {
	n := s.nodes[p.Node]
	if n == nil || !n.alive[p] {
		return
	}
	s.logf("kill %v", p)
	delete(n.alive, p)
	for _, w := range n.watched[p] {
		s.tellDown(p.Node, w)
	}
	delete(n.watched, p)
}

// resolve settles a conflict as the method says, on the node where our process is.
func (s *sim) resolve(name atom, n *simNode, a resolve) {
	settle := func() etf.Term {
		keep, lose := a.theirs, a.ours
		if keep.Node > lose.Node {
			keep, lose = lose, keep
		}
		switch a.method {
		case etf.Term(RandomExitName):
			s.at(name, n, func() {
				if !s.post(name, lose.Node, func() { s.kill(lose) }) {
					s.kill(lose) // on this node, or it is as good as gone
				}
			})
			return keep
		case etf.Term(RandomNotifyName):
			return keep
		}
		return atom("none")
	}
	back := func(t etf.Term, ok bool) { s.run(name, func(m *machine) { m.resolvedBy(a.id, t, ok) }) }
	if a.node == name {
		s.at(name, n, func() { back(settle(), true) })
		return
	}
	// As an rpc: lost with the connection.
	id := n.m.newID()
	n.calls[id] = simCall{a.node, s.link(name, a.node).number}
	n.m.calls[id] = func(t etf.Term, ok bool) { n.m.resolvedBy(a.id, t, ok) }
	if !s.post(name, a.node, func() {
		t := settle()
		s.post(a.node, name, func() {
			if s.nodes[name] == n {
				delete(n.calls, id)
				s.run(name, func(m *machine) { m.answered(id, t, true) })
			}
		})
	}) {
		s.at(name, n, func() { s.callFails(name, n, id) })
	}
}

// connect sets up a connection, if that can be.
func (s *sim) connect(a, b atom) bool {
	if a == b || s.nodes[a] == nil || s.nodes[b] == nil || s.cut[pair(a, b)] {
		return a == b
	}
	l := s.link(a, b)
	if l.up {
		return true
	}
	l.up = true
	l.number++
	s.logf("connect %s %s", a, b)
	for _, d := range [][2]atom{{a, b}, {b, a}} {
		me, peer := d[0], d[1]
		l.queues[me] = append(l.queues[me], arrival{notice: true, do: func() {
			s.run(me, func(m *machine) { m.nodeUp(peer) })
		}})
	}
	return true
}

// lose ends a connection: some of what is under way still arrives, then both hear of it.
func (s *sim) lose(a, b atom) {
	l := s.link(a, b)
	if !l.up {
		return
	}
	l.up = false
	number := l.number
	s.logf("lose %s %s", a, b)
	for _, d := range [][2]atom{{a, b}, {b, a}} {
		me, peer := d[0], d[1]
		q := l.queues[me]
		arrives := len(q)
		for arrives > 0 && !q[arrives-1].notice && s.rand.IntN(4) > 0 {
			arrives--
		}
		l.queues[me] = append(q[:arrives], arrival{notice: true, do: func() { s.lost(me, peer, number) }})
	}
}

// lost is the end of a connection as a node sees it: monitors and calls end, then the node is down.
func (s *sim) lost(me, peer atom, number int) {
	n := s.nodes[me]
	if n == nil {
		return
	}
	for _, id := range sortedIDs(n.watching) {
		if w, ok := n.watching[id]; ok && w.pid.Node == peer && w.connection <= number {
			s.down(me, id)
		}
	}
	before := s.rand.IntN(2) == 0
	fail := func() {
		for _, id := range sortedIDs(n.calls) {
			if c := n.calls[id]; c.peer == peer && c.connection <= number {
				s.callFails(me, n, id)
			}
		}
	}
	if before {
		fail()
	}
	delete(n.tags, peer)
	s.run(me, func(m *machine) { m.nodeDown(peer) })
	if !before {
		fail()
	}
	for p, ws := range n.watched {
		n.watched[p] = slices.DeleteFunc(ws, func(w watcher) bool { return w.node == peer && w.connection <= number })
	}
}

func sortedIDs[V any](m map[uint64]V) []uint64 {
	ids := make([]uint64, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// crash ends a node.
func (s *sim) crash(name atom) {
	if s.nodes[name] == nil {
		return
	}
	s.logf("crash %s", name)
	for _, other := range s.names {
		if other != name {
			s.lose(name, other)
			s.link(name, other).queues[name] = nil
		}
	}
	delete(s.nodes, name)
}

// step does one thing that can be done now, and reports false if there is none.
func (s *sim) step() bool {
	var choices []func()
	for _, name := range s.names {
		n := s.nodes[name]
		if n == nil {
			continue
		}
		if len(n.local) > 0 {
			choices = append(choices, func() {
				i := s.rand.IntN(len(n.local))
				do := n.local[i]
				n.local = slices.Delete(n.local, i, i+1)
				do()
			})
		}
		if at, ok := n.m.next(); ok && !at.After(s.now) {
			choices = append(choices, func() { s.run(name, (*machine).tick) })
		}
		for _, from := range s.names {
			if l := s.links[pair(name, from)]; l != nil && from != name && len(l.queues[name]) > 0 {
				choices = append(choices, func() {
					next := l.queues[name][0]
					l.queues[name] = l.queues[name][1:]
					next.do()
				})
			}
		}
	}
	if len(choices) == 0 {
		return false
	}
	s.steps++
	choices[s.rand.IntN(len(choices))]()
	return true
}

// until is the time of the next timer, but for those that only forget losses.
func (s *sim) nextTimer() (at time.Time, ok bool) {
	for _, n := range s.nodes {
		if t, any := n.m.next(); any && t.Sub(s.now) < lossTime/2 && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	return at, ok
}

// pass runs everything that happens within a time.
func (s *sim) pass(d time.Duration) {
	end := s.now.Add(d)
	for s.steps < maxSteps && len(s.bad) == 0 {
		if s.step() {
			continue
		}
		at, ok := s.nextTimer()
		if !ok || at.After(end) {
			break
		}
		s.now = at
	}
	if s.now.Before(end) {
		s.now = end
	}
}

// few takes some steps.
func (s *sim) few() {
	for range s.rand.IntN(20) {
		if !s.step() {
			return
		}
	}
}

const maxSteps = 500_000

// quiet runs until nothing happens any more.
func (s *sim) quiet() {
	limit := s.now.Add(20 * time.Minute)
	for len(s.bad) == 0 {
		if s.steps >= maxSteps || s.now.After(limit) {
			s.fail("it never becomes quiet: %d steps, %v", s.steps, s.now)
			return
		}
		if s.step() {
			continue
		}
		at, ok := s.nextTimer()
		if !ok {
			return
		}
		s.now = at
	}
}
