package global

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

var (
	simCount = flag.Int("sim", 100, "how many schedules of each kind to simulate")
	simSeed  = flag.Uint64("simseed", 1, "the first seed")
	simTrace = flag.Bool("simtrace", false, "print what happens")
)

// TestSimulation runs seeded schedules of joins, losses, crashes, registrations and locks, and looks at what is left when all
// is quiet: go test ./node/global -run Simulation -sim 100000 (make sim).
func TestSimulation(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			steps := 0
			for seed := *simSeed; seed < *simSeed+uint64(*simCount); seed++ {
				s := newSim(seed, 2+int(seed%6))
				if *simTrace {
					s.trace = func(f string, args ...any) { fmt.Printf(f+"\n", args...) }
				}
				kind.run(s)
				steps += s.steps
				if len(s.bad) > 0 {
					t.Fatalf("seed %d, %d nodes: %v\ngo test ./node/global -run Simulation/%s -sim 1 -simseed %d -simtrace",
						seed, len(s.names), s.bad, kind.name, seed)
				}
			}
			t.Logf("%d schedules, %d steps", *simCount, steps)
		})
	}
}

// kinds are the kinds of schedule.
var kinds = []struct {
	name string
	run  func(s *sim)
}{
	{"join", scheduleJoin},
	{"loss", scheduleLoss},
	{"partition", schedulePartition},
	{"chaos", scheduleChaos},
	{"overlap", scheduleOverlap},
	{"old", scheduleOld},
	{"locks", scheduleLocks},
}

// scheduleJoin joins all nodes in some order while names are registered. Nothing is lost.
func scheduleJoin(s *sim) {
	s.bootAll()
	for i := 1; i < len(s.names); i++ {
		s.connect(s.names[i], s.names[s.rand.IntN(i)])
		for range s.rand.IntN(3) {
			s.perturb(changes)
		}
		s.someTime()
	}
	s.quiet()
	s.check(true)
	s.whole()
}

// scheduleLoss joins, then loses connections and nodes, and joins again.
func scheduleLoss(s *sim) {
	s.bootAll()
	s.joinAll()
	s.quiet()
	s.check(true)
	s.whole()
	for range 1 + s.rand.IntN(4) {
		s.perturb(losses)
		s.perturb(additions)
		s.someTime()
	}
	s.quiet()
	s.check(len(s.cut) == 0)
	s.heal()
}

// schedulePartition cuts some connections of a whole cluster, all at once or one after the other.
func schedulePartition(s *sim) {
	s.bootAll()
	s.joinAll()
	for range s.rand.IntN(4) {
		s.perturb(additions)
	}
	s.quiet()
	s.whole()
	for range 1 + s.rand.IntN(4) {
		s.doCut()
		if s.rand.IntN(2) == 0 {
			s.few()
		}
	}
	s.quiet()
	s.check(true)
	s.doHeal()
	s.joinAll()
	s.quiet()
	s.check(true)
	s.whole()
}

// scheduleChaos does everything at any time.
func scheduleChaos(s *sim) {
	s.bootAll()
	for range 10 + s.rand.IntN(30) {
		s.perturb([][]func(*sim){joins, additions, losses, lockings}[s.rand.IntN(4)])
		s.someTime()
	}
	s.quiet()
	s.check(false)
	s.heal()
}

// heal has all nodes leave each other and join again. Who joins while two others cannot reach each other may stay with one
// of them only, with OTP too, and nothing but a disconnect ends that.
func (s *sim) heal() {
	cuts := len(s.cut) > 0 || s.hadCuts
	s.doHeal()
	for _, name := range s.names {
		if s.nodes[name] != nil && cuts {
			s.request(name, func(m *machine, id uint64) { m.leave(id) }, func(etf.Term) {})
		}
	}
	s.quiet()
	s.joinAll()
	s.quiet()
	s.check(true)
}

// scheduleOverlap is chaos without the prevention of overlapping partitions.
func scheduleOverlap(s *sim) {
	s.overlap = false
	s.bootAll()
	for range 10 + s.rand.IntN(20) {
		s.perturb([][]func(*sim){joins, changes, losses, lockings}[s.rand.IntN(4)])
		s.someTime()
	}
	s.quiet()
	s.check(false)
}

// scheduleOld joins nodes of all versions.
func scheduleOld(s *sim) {
	s.version = func() int { return oldestVersion + s.rand.IntN(newestVersion-oldestVersion+1) }
	scheduleJoin(s)
	for range s.rand.IntN(3) {
		s.perturb([]func(*sim){(*sim).doCrash, (*sim).doKill})
		s.someTime()
	}
	s.quiet()
	s.check(true)
}

// scheduleLocks has processes of a quiet cluster compete for locks.
func scheduleLocks(s *sim) {
	s.bootAll()
	s.joinAll()
	s.quiet()
	s.exclusive = true
	for range 5 + s.rand.IntN(20) {
		s.doLock()
		if s.rand.IntN(4) == 0 {
			s.perturb(changes)
		}
		s.someTime()
	}
	s.quiet()
	s.check(true)
}

var (
	joins    = []func(*sim){(*sim).doConnect, (*sim).doBoot, (*sim).doHeal, (*sim).doConnect}
	losses   = []func(*sim){(*sim).doLose, (*sim).doCrash, (*sim).doCut, (*sim).doFlap, (*sim).doLeave}
	changes  = []func(*sim){(*sim).doRegister, (*sim).doRegister, (*sim).doUnregister, (*sim).doReregister, (*sim).doKill, (*sim).doSync, (*sim).doExternal}
	lockings = []func(*sim){(*sim).doLock}
	// Without unregister and re_register: a node that is lost in the middle of these has made them on some nodes only, which
	// OTP's protocol does not repair. One that is lost while it registers takes its own process with it.
	additions = []func(*sim){(*sim).doRegister, (*sim).doRegister, (*sim).doKill, (*sim).doSync, (*sim).doExternal}
)

func (s *sim) perturb(of []func(*sim)) { of[s.rand.IntN(len(of))](s) }

// someTime lets a little happen, or more.
func (s *sim) someTime() {
	switch s.rand.IntN(5) {
	case 0:
	case 1, 2:
		s.few()
	case 3:
		s.pass(time.Duration(s.rand.IntN(300)) * time.Millisecond)
	case 4:
		s.pass(time.Duration(s.rand.IntN(5000)) * time.Millisecond)
	}
}

func (s *sim) bootAll() {
	for _, name := range s.names {
		s.boot(name, 1)
	}
}

// joinAll connects all nodes in a chain.
func (s *sim) joinAll() {
	for _, name := range s.names {
		if s.nodes[name] == nil {
			s.boot(name, uint32(s.steps)+2)
		}
	}
	for i := 1; i < len(s.names); i++ {
		s.connect(s.names[i-1], s.names[i])
		s.someTime()
	}
}

func (s *sim) any() atom { return s.names[s.rand.IntN(len(s.names))] }

// some is a node that runs.
func (s *sim) some() (atom, *simNode) {
	for range 10 {
		if name := s.any(); s.nodes[name] != nil {
			return name, s.nodes[name]
		}
	}
	return "", nil
}

func (s *sim) doConnect() {
	a, b := s.any(), s.any()
	s.connect(a, b)
}

func (s *sim) doBoot() {
	if name := s.any(); s.nodes[name] == nil {
		s.boot(name, uint32(s.steps)+2)
	}
}

func (s *sim) doHeal() { s.cut = map[[2]atom]bool{} }

func (s *sim) doLose() { s.lose(s.any(), s.any()) }

func (s *sim) doCrash() { s.crash(s.any()) }

// doFlap loses a connection and makes it again at once.
func (s *sim) doFlap() {
	a, b := s.any(), s.any()
	if a != b && s.link(a, b).up {
		s.lose(a, b)
		s.few()
		s.connect(a, b)
	}
}

func (s *sim) doCut() {
	if a, b := s.any(), s.any(); a != b {
		s.lose(a, b)
		s.cut[pair(a, b)] = true
		s.hadCuts = true
	}
}

// doLeave is global:disconnect/0.
func (s *sim) doLeave() {
	if name, n := s.some(); n != nil && s.rand.IntN(4) == 0 {
		s.request(name, func(m *machine, id uint64) { m.leave(id) }, func(etf.Term) {})
	}
}

// request makes a request and has its answer given to done.
func (s *sim) request(name atom, ask func(m *machine, id uint64), done func(etf.Term)) uint64 {
	n := s.nodes[name]
	n.next++
	id := n.next
	n.waiting[id] = done
	s.run(name, func(m *machine) { ask(m, id) })
	return id
}

func (s *sim) someName() etf.Term {
	return []etf.Term{atom("x"), atom("y"), etf.Tuple{atom("z"), etf.Int(1)}}[s.rand.IntN(3)]
}

func (s *sim) method() etf.Term {
	return []etf.Term{RandomExitName, RandomNotifyName, NotifyAllName}[s.rand.IntN(3)]
}

func (s *sim) doRegister() {
	if name, n := s.some(); n != nil {
		p := n.newPid(name)
		nm := s.someName()
		s.request(name, func(m *machine, id uint64) { m.register(id, nm, p, s.method(), false) }, func(etf.Term) {})
	}
}

func (s *sim) doExternal() {
	name, n := s.some()
	if n == nil {
		return
	}
	nm := s.someName()
	for p := range n.alive {
		if n.m.namesOf[p] == 0 && p.ID > 3 {
			s.request(name, func(m *machine, id uint64) { m.register(id, nm, n.newPid(name), s.method(), true) }, func(etf.Term) {})
			return
		}
	}
}

func (s *sim) doReregister() {
	if name, n := s.some(); n != nil {
		p := n.newPid(name)
		nm := s.someName()
		s.request(name, func(m *machine, id uint64) { m.reregister(id, nm, p, s.method()) }, func(etf.Term) {})
	}
}

func (s *sim) doUnregister() {
	if name, n := s.some(); n != nil {
		nm := s.someName()
		s.request(name, func(m *machine, id uint64) { m.unregister(id, nm) }, func(etf.Term) {})
	}
}

// doKill kills a process that has a name somewhere.
func (s *sim) doKill() {
	if _, n := s.some(); n != nil {
		for _, nm := range n.m.sortedNames() {
			s.kill(nm.pid)
			return
		}
	}
}

func (s *sim) doSync() {
	if name, n := s.some(); n != nil {
		nodes := sortedKeys(n.m.up)
		s.request(name, func(m *machine, id uint64) {
			m.sync(nodes, func() { m.do(finish{id, atom("ok")}) })
		}, func(etf.Term) {})
	}
}

// doLock has a process set a lock on its cluster, keep it for a while, and give it back or die.
func (s *sim) doLock() {
	name, n := s.some()
	if n == nil {
		return
	}
	p := n.newPid(name)
	resource := []atom{"r", "q"}[s.rand.IntN(2)]
	lockID := etf.Tuple{resource, p}
	nodes := n.m.nodes()
	retries := []int{-1, 0, 3}[s.rand.IntN(3)]
	life, hold := n, time.Duration(s.rand.IntN(2000))*time.Millisecond
	dies := s.rand.IntN(4) == 0
	id := s.request(name, func(m *machine, id uint64) { m.setLock(id, p, lockID, nodes, retries) }, func(answer etf.Term) {
		if answer != etf.Term(atom("true")) {
			return
		}
		if s.holders[string(resource)]++; s.holders[string(resource)] > 1 && s.exclusive {
			s.fail("%s: two hold %s", name, resource)
		}
		life.m.after(hold, func() {
			s.holders[string(resource)]--
			if dies {
				s.at(name, life, func() { s.kill(p) })
				return
			}
			s.at(name, life, func() {
				s.request(name, func(m *machine, id uint64) { m.delLock(id, p, lockID, nodes) }, func(etf.Term) {})
			})
		})
	})
	if s.rand.IntN(5) == 0 {
		life.m.after(hold, func() {
			if _, still := life.waiting[id]; still {
				delete(life.waiting, id)
				life.m.abandon(id)
			}
		})
	}
}

// whole holds the cluster to be one.
func (s *sim) whole() {
	for i, a := range s.names {
		for _, b := range s.names[i+1:] {
			if s.nodes[a] != nil && s.nodes[b] != nil && !s.link(a, b).up {
				s.fail("%s and %s are not connected", a, b)
			}
		}
	}
}

// check looks at a cluster that is quiet. In step means that partitions do not overlap, and that every node of one knows all
// of it, and the same names.
func (s *sim) check(inStep bool) {
	if len(s.bad) > 0 {
		return
	}
	for _, a := range s.names {
		n := s.nodes[a]
		if n == nil {
			continue
		}
		s.checkAlone(a, n)
		if !inStep {
			continue
		}
		for _, b := range s.names {
			if o := s.nodes[b]; o != nil && a != b && s.link(a, b).up {
				s.checkPair(a, b, n, o)
			}
		}
		for k, nm := range n.m.names {
			if nm.pid.Node != a && !s.link(a, nm.pid.Node).up {
				s.fail("%s: %q is on %s, which is not connected", a, k, nm.pid.Node)
			}
		}
	}
}

// checkAlone looks at what must be over on a node.
func (s *sim) checkAlone(a atom, n *simNode) {
	m := n.m
	for k, l := range m.locks {
		s.fail("%s: lock %q is held by %v", a, k, l.holders)
	}
	for peer, ses := range m.sessions {
		if ses.open {
			s.fail("%s: a session with %s is left: locked %v, decided %v", a, peer, ses.locked, ses.decided)
		}
	}
	if m.lk.state != lockerIdle || len(m.lk.box)+len(m.lk.near)+len(m.lk.far) > 0 {
		s.fail("%s: the locker is busy: %+v", a, m.lk)
	}
	if len(n.waiting)+len(m.queue)+len(m.syncers)+len(m.tasks)+len(m.calls)+len(m.conflicts)+len(m.pending)+len(m.removing) > 0 {
		s.fail("%s: left over: waiting %d, queue %d, syncers %d, tasks %d, calls %d, conflicts %d, pending %v, removing %v", a,
			len(n.waiting), len(m.queue), len(m.syncers), len(m.tasks), len(m.calls), len(m.conflicts), m.pending, m.removing)
	}
	for peer := range m.known {
		if !m.up[peer] {
			s.fail("%s: knows %s, which is not connected", a, peer)
		}
	}
	owners := 0
	for k, nm := range m.names {
		o := s.nodes[nm.pid.Node]
		if o == nil || !o.alive[nm.pid] {
			s.fail("%s: %q has the dead process %v", a, k, nm.pid)
		}
		owners++
	}
	if monitored := len(m.monitors); monitored != owners {
		s.fail("%s: %d names, %d monitors", a, owners, monitored)
	}
}

// checkPair looks at two nodes that are connected.
func (s *sim) checkPair(a, b atom, n, o *simNode) {
	if !n.m.up[b] {
		s.fail("%s does not see %s", a, b)
	}
	if _, ok := n.m.known[b]; !ok {
		s.fail("%s does not know %s", a, b)
	}
	if !n.m.synced[b] {
		s.fail("%s is not in sync with %s", a, b)
	}
	for _, c := range s.names {
		if c != a && c != b && s.nodes[c] != nil && s.link(a, c).up != s.link(b, c).up {
			s.fail("partitions overlap: of %s and %s only one is connected to %s", a, b, c)
		}
	}
	if x, y := table(n.m), table(o.m); !slices.Equal(x, y) {
		s.fail("%s and %s differ:\n%v\n%v", a, b, x, y)
	}
}

func table(m *machine) []string {
	var list []string
	for _, n := range m.sortedNames() {
		list = append(list, fmt.Sprint(n.name, n.pid, n.node))
	}
	return list
}
