package pg

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

var (
	simCount = flag.Int("sim", 2000, "how many seeded schedules TestSim runs")
	simSeed  = flag.Uint64("sim.seed", 1, "the first seed")
	simTrace = flag.Bool("sim.trace", false, "print what happens")
)

// TestSim lets clusters of scopes, ours and models of OTP's, live through random schedules of joins, leaves, deaths, lost
// connections and restarts. When all is quiet everybody must see the same, and no model may have crashed because of us.
func TestSim(t *testing.T) {
	for i := range *simCount {
		seed := *simSeed + uint64(i)
		if err := simulate(seed, *simTrace); err != nil {
			t.Fatalf("seed %d (again with -sim=1 -sim.seed=%d -sim.trace): %v", seed, seed, err)
		}
	}
}

// simScope is a scope of one kind. Its messages are terms as they go over the wire.
type simScope interface {
	nodeUp(node etf.Atom, connection uint32)
	nodeDown(node etf.Atom, connection uint32)
	down(pid etf.Pid)
	receive(raw etf.Raw) error // an error is a crash
	join(group etf.Atom, pids []etf.Pid)
	leave(group etf.Atom, pids []etf.Pid)
	members(group etf.Atom) []etf.Pid
	effects() []simEffect
}

// simEffect is a message to a pid, or to the scope of a node, or a monitor.
type simEffect struct {
	pid     etf.Pid
	node    etf.Atom
	message []byte // nil for a monitor
	over    uint32 // this connection, 0 for whatever there is
}

// The releases that OTP supports in one scope: one of 25 does not survive one of 29.
var simMixes = [][]string{{"go"}, {"go", "25"}, {"go", "25", "27"}, {"go", "27", "29"}, {"go", "29"}}

var simGroups = []etf.Atom{"a", "b", "c"}

type sim struct {
	rng   *rand.Rand
	trace bool
	nodes []*simNode
	links map[[2]int]*simLink // from, to
	err   error

	connections uint32
}

type simNode struct {
	index    int
	kind     string
	name     etf.Atom
	scope    simScope // nil while there is none
	self     etf.Pid
	pids     uint32
	inbox    []simEvent
	joined   map[etf.Pid][]etf.Atom // the truth: living processes with their memberships
	watching map[etf.Pid][]int      // processes of this node, and the nodes that monitor them
	monitors map[etf.Pid]bool       // whom this node monitors
}

// simLink is one direction of a connection.
type simLink struct {
	id      uint32
	up      bool
	noticed bool // the receiving side knows that it is down
	queue   []simEvent
}

// simEvent is what arrives at a node.
type simEvent struct {
	from    int
	up      uint32  // a connection
	lost    uint32  // likewise
	down    etf.Pid // the end of a monitored process
	monitor etf.Pid // a request to monitor it
	to      etf.Pid // zero: to the name of the scope
	message []byte
}

func (s *sim) logf(format string, args ...any) {
	if s.trace {
		fmt.Printf(format+"\n", args...)
	}
}

func simulate(seed uint64, trace bool) error {
	s := &sim{rng: rand.New(rand.NewPCG(seed, 0)), trace: trace, links: make(map[[2]int]*simLink)}
	kinds := simMixes[s.rng.IntN(len(simMixes))]
	mix := []string{"go"}
	for range 1 + s.rng.IntN(6) {
		mix = append(mix, kinds[s.rng.IntN(len(kinds))])
	}
	for i, kind := range mix {
		n := &simNode{index: i, kind: kind, name: etf.Atom(fmt.Sprintf("n%d@%s", i, kind))}
		s.nodes = append(s.nodes, n)
		for j := range mix {
			s.links[[2]int{i, j}] = &simLink{noticed: true}
		}
		s.start(n)
	}
	for range 20 + s.rng.IntN(50*len(mix)) {
		if s.rng.IntN(3) == 0 {
			s.happen()
		} else {
			s.step()
		}
		if s.err != nil {
			return s.err
		}
	}
	for s.step() {
		if s.err != nil {
			return s.err
		}
	}
	return s.check()
}

func (n *simNode) newPid() etf.Pid {
	n.pids++
	return etf.Pid{Node: n.name, ID: n.pids, Creation: 1}
}

func (s *sim) start(n *simNode) {
	n.self = n.newPid()
	n.joined = make(map[etf.Pid][]etf.Atom)
	n.watching = make(map[etf.Pid][]int)
	n.monitors = make(map[etf.Pid]bool)
	n.inbox = nil
	switch n.kind {
	case "25", "27":
		n.scope = newPlainModel(n.self, n.kind == "27")
	case "29":
		n.scope = newPublisherModel(n.self)
	default:
		n.scope = &goScope{m: newMachine(n.self)}
	}
	s.logf("%s starts as %v", string(n.name), n.self)
	s.learn(n)
}

// stop ends the scope, and all members with it: who monitors it hears.
func (s *sim) stop(n *simNode) {
	s.logf("%s stops", string(n.name))
	n.scope = nil
	s.died(n, n.self)
	n.joined = nil
	n.inbox = nil
}

// replace kills the process of one of our scopes, and another one takes over.
func (s *sim) replace(n *simNode, g *goScope) {
	before := n.self
	n.self = n.newPid()
	s.logf("%s is killed and goes on as %v", string(n.name), n.self)
	s.died(n, before)
	n.inbox = nil
	n.monitors = make(map[etf.Pid]bool)
	for _, by := range s.nodes { // its monitors end with it
		for pid, who := range by.watching {
			by.watching[pid] = slices.DeleteFunc(who, func(i int) bool { return i == n.index })
		}
	}
	g.m.take()
	g.m.restart(n.self)
	s.learn(n)
}

// learn tells a new scope of the connections.
func (s *sim) learn(n *simNode) {
	for j, peer := range s.nodes {
		if l := s.links[[2]int{j, n.index}]; l.id != 0 && !l.noticed {
			n.scope.nodeUp(peer.name, l.id)
		}
	}
	s.carryOut(n)
}

// died tells who monitors a process.
func (s *sim) died(n *simNode, pid etf.Pid) {
	for _, i := range n.watching[pid] {
		s.post(n.index, i, simEvent{from: n.index, down: pid})
	}
	delete(n.watching, pid)
}

// post puts something into a connection, or into the node's own inbox.
func (s *sim) post(from, to int, e simEvent) {
	if from == to {
		s.arrive(s.nodes[to], e)
		return
	}
	if l := s.links[[2]int{from, to}]; l.up && !l.noticed {
		l.queue = append(l.queue, e)
	}
}

// happen is something from outside.
func (s *sim) happen() {
	n := s.nodes[s.rng.IntN(len(s.nodes))]
	group := simGroups[s.rng.IntN(len(simGroups))]
	switch k := s.rng.IntN(20); {
	case k < 7 && n.scope != nil:
		pids := s.some(n, 3)
		s.logf("%s: join %v %v", string(n.name), group, pids)
		n.scope.join(group, pids)
		for _, p := range pids {
			n.joined[p] = append(n.joined[p], group)
		}
		s.carryOut(n)
	case k < 11 && n.scope != nil:
		pids := s.some(n, 0)
		s.logf("%s: leave %v %v", string(n.name), group, pids)
		n.scope.leave(group, pids)
		for _, p := range pids {
			if i := slices.Index(n.joined[p], group); i >= 0 {
				n.joined[p] = slices.Delete(n.joined[p], i, i+1)
			}
		}
		s.carryOut(n)
	case k < 13 && n.scope != nil:
		if pids := s.some(n, 0); len(pids) > 0 {
			s.logf("%s: %v dies", string(n.name), pids[0])
			delete(n.joined, pids[0])
			s.died(n, pids[0])
		}
	case k < 18:
		m := s.nodes[s.rng.IntN(len(s.nodes))]
		if m != n {
			s.toggle(n.index, m.index)
		}
	default:
		if g, ok := n.scope.(*goScope); ok && s.rng.IntN(2) == 0 {
			s.replace(n, g)
			return
		}
		if n.scope != nil {
			s.stop(n)
		}
		if s.rng.IntN(4) > 0 {
			s.start(n)
		}
	}
}

// some takes members of a node, perhaps twice, and up to so many new processes.
func (s *sim) some(n *simNode, fresh int) (pids []etf.Pid) {
	living := make([]etf.Pid, 0, len(n.joined))
	for p := range n.joined {
		living = append(living, p)
	}
	slices.SortFunc(living, func(a, b etf.Pid) int { return int(a.ID) - int(b.ID) })
	for range s.rng.IntN(3) {
		if len(living) > 0 {
			pids = append(pids, living[s.rng.IntN(len(living))])
		}
	}
	for range fresh {
		if s.rng.IntN(2) == 0 {
			pids = append(pids, n.newPid())
		}
	}
	return pids
}

// toggle connects two nodes, or cuts the connection: one side notices at once, the other later.
func (s *sim) toggle(a, b int) {
	there, back := s.links[[2]int{a, b}], s.links[[2]int{b, a}]
	switch {
	case there.up:
		s.logf("%d and %d lose each other, %d notices", a, b, a)
		there.up, back.up = false, false
		there.queue = nil
		if s.rng.IntN(2) == 0 {
			back.queue = nil
		} // else it had been received
		s.lost(b, a)
	case there.noticed && back.noticed:
		s.logf("%d and %d connect", a, b)
		there.up, back.up = true, true
		there.noticed, back.noticed = false, false
		s.connections++
		there.id, back.id = s.connections, s.connections
		for _, p := range [][2]int{{a, b}, {b, a}} {
			if n := s.nodes[p[1]]; n.scope != nil {
				n.inbox = append(n.inbox, simEvent{from: p[0], up: s.connections})
			}
		}
	}
}

// lost is the moment in which a node notices that the connection from a peer is gone.
func (s *sim) lost(from, to int) {
	l := s.links[[2]int{from, to}]
	n := s.nodes[to]
	for _, e := range l.queue {
		s.arrive(n, e)
	}
	l.queue, l.noticed = nil, true
	for pid, by := range n.watching {
		n.watching[pid] = slices.DeleteFunc(by, func(i int) bool { return i == from })
	}
	var gone []etf.Pid
	for pid := range n.monitors {
		if pid.Node == s.nodes[from].name {
			gone = append(gone, pid)
		}
	}
	sortPids(gone)
	for _, pid := range gone {
		s.arrive(n, simEvent{from: from, down: pid})
	}
	s.arrive(n, simEvent{from: from, lost: l.id})
}

// step lets one thing that is under way happen, and reports whether there was any.
func (s *sim) step() bool {
	var can []func()
	for i, n := range s.nodes {
		if len(n.inbox) > 0 {
			can = append(can, func() { s.process(n) })
		}
		for j := range s.nodes {
			l := s.links[[2]int{j, i}]
			if l.up && len(l.queue) > 0 {
				can = append(can, func() {
					e := l.queue[0]
					l.queue = l.queue[1:]
					s.arrive(n, e)
				})
			}
			if !l.up && !l.noticed {
				can = append(can, func() { s.logf("%d notices the loss of %d", i, j); s.lost(j, i) })
			}
		}
	}
	if len(can) == 0 {
		return false
	}
	can[s.rng.IntN(len(can))]()
	return true
}

// arrive is what the node itself does: monitors are answered, the rest goes into the inbox of the scope.
func (s *sim) arrive(n *simNode, e simEvent) {
	switch {
	case e.monitor != etf.Pid{}:
		s.monitored(n, e)
	case n.scope == nil:
	case e.down != etf.Pid{}:
		if n.monitors[e.down] {
			delete(n.monitors, e.down)
			n.inbox = append(n.inbox, e)
		}
	case e.to == etf.Pid{} || e.to == n.self:
		n.inbox = append(n.inbox, e)
	}
}

func (s *sim) monitored(n *simNode, e simEvent) {
	_, lives := n.joined[e.monitor]
	if lives || n.scope != nil && e.monitor == n.self {
		n.watching[e.monitor] = append(n.watching[e.monitor], e.from)
		return
	}
	s.post(n.index, e.from, simEvent{from: n.index, down: e.monitor})
}

// process lets the scope of a node take the first of its inbox.
func (s *sim) process(n *simNode) {
	e := n.inbox[0]
	n.inbox = n.inbox[1:]
	switch {
	case e.up != 0:
		n.scope.nodeUp(s.nodes[e.from].name, e.up)
	case e.lost != 0:
		n.scope.nodeDown(s.nodes[e.from].name, e.lost)
	case e.down != etf.Pid{}:
		s.logf("%s: %v is down", string(n.name), e.down)
		n.scope.down(e.down)
	default:
		raw := etf.Raw{Bytes: e.message}
		s.logf("%s: gets %v", string(n.name), raw)
		if err := n.scope.receive(raw); err != nil {
			from := s.nodes[e.from]
			if _, isOurs := from.scope.(*goScope); isOurs || from.kind == "go" {
				s.err = fmt.Errorf("%s crashes on %v of %s: %w", string(n.name), raw, string(from.name), err)
				return
			}
			s.logf("%s crashes: %v", string(n.name), err) // OTP's own affair
			s.stop(n)
			s.start(n)
			return
		}
	}
	s.carryOut(n)
}

func (s *sim) carryOut(n *simNode) {
	for _, e := range n.scope.effects() {
		to := e.node
		if to == "" {
			to = e.pid.Node
		}
		i := slices.IndexFunc(s.nodes, func(m *simNode) bool { return m.name == to })
		switch {
		case e.message != nil:
			if e.over != 0 && e.over != s.links[[2]int{n.index, i}].id {
				continue
			}
			s.post(n.index, i, simEvent{from: n.index, to: e.pid, message: e.message})
		default:
			n.monitors[e.pid] = true
			if i == n.index || !s.links[[2]int{i, n.index}].noticed {
				s.post(n.index, i, simEvent{from: n.index, monitor: e.pid})
			} else {
				s.arrive(n, simEvent{from: i, down: e.pid})
			}
		}
	}
}

// check compares what everybody sees with the truth.
func (s *sim) check() error {
	for _, n := range s.nodes {
		if n.scope == nil {
			continue
		}
		if g, ok := n.scope.(*goScope); ok {
			if err := g.m.check(); err != nil {
				return fmt.Errorf("%s: %w", string(n.name), err)
			}
		}
		for _, group := range simGroups {
			var want []etf.Pid
			for i, m := range s.nodes {
				if m != n && !s.links[[2]int{i, n.index}].up || m.scope == nil {
					continue
				}
				for p, in := range m.joined {
					for _, g := range in {
						if g == group {
							want = append(want, p)
						}
					}
				}
			}
			got := n.scope.members(group)
			sortPids(want)
			sortPids(got)
			if !slices.Equal(got, want) {
				return fmt.Errorf("%s sees in %v %v, want %v", string(n.name), group, got, want)
			}
		}
	}
	return nil
}

func sortPids(pids []etf.Pid) {
	slices.SortFunc(pids, func(a, b etf.Pid) int { return strings.Compare(a.String(), b.String()) })
}
