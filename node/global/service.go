package global

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// serverName is where global lives on every node.
const serverName = "global_name_server"

// Config says how global behaves. The zero value is OTP's default.
type Config struct {
	// NoConnectAll keeps the node out of the cluster's mesh (kernel parameter connect_all false): it neither joins others nor
	// shares their names. Peers then wait for it in global:sync.
	NoConnectAll bool
	// AllowOverlap turns the prevention of overlapping partitions off (kernel parameter prevent_overlapping_partitions false).
	// It has to be the same on all nodes.
	AllowOverlap bool
	// ConnectRetries is how often a node that others know is tried again (kernel parameter global_connect_retries).
	ConnectRetries int
	// Logger gets what OTP logs too: nodes that are left, conflicts. Nil is slog.Default.
	Logger *slog.Logger
}

// Global is global on one node. All methods may be called concurrently. When the node has closed they fail with node.ErrClosed,
// and there are no names.
type Global struct {
	n         *node.Node
	p         *node.Process // global_name_server
	locker    *node.Process
	registrar *node.Process
	log       *slog.Logger
	ctx       context.Context // done when global ends
	work      sync.WaitGroup  // goroutines
	retries   int

	mu      sync.RWMutex
	m       *machine
	over    bool
	timer   *time.Timer
	due     time.Time                 // when the timer fires, zero if it does not
	waiting map[uint64]chan etf.Term  // requests, and where their answers go
	callers map[etf.Pid]*node.Process // processes that set locks, for as long as they are at it
	uses    map[etf.Pid]int           // how many of their requests are under way
	last    uint64                    // request
	watches map[uint64]*watch         // monitors of the machine
	refs    map[etf.Ref]uint64        // and their references
	early   map[etf.Ref]bool          // ends that came before the reference was known here
	lanes   map[atom]*lane            // what is to be done with each peer
	opened  []*lane                   // by who runs locked, and does what is in them
	holds   bool                      // somebody runs locked
	conns   map[atom]uint32           // the connections that the machine has heard of

	ofLocker, ofRegistrar *remote
}

// watch is a monitor of the machine.
type watch struct {
	pid etf.Pid
	ref etf.Ref
}

// Start starts global on a node. There can be one: else it fails with node.ErrNameTaken. It ends with the node.
func Start(n *node.Node, cfg Config) (*Global, error) {
	g := &Global{
		n:       n,
		log:     cfg.Logger,
		retries: cfg.ConnectRetries,
		waiting: make(map[uint64]chan etf.Term),
		callers: make(map[etf.Pid]*node.Process),
		uses:    make(map[etf.Pid]int),
		watches: make(map[uint64]*watch),
		refs:    make(map[etf.Ref]uint64),
		early:   make(map[etf.Ref]bool),
		lanes:   make(map[atom]*lane),
		conns:   make(map[atom]uint32),
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	g.log = g.log.With("node", string(n.Name()))
	ready := make(chan struct{})
	spawn := func(run func(*node.Process) error, opts ...node.Option) (*node.Process, error) {
		return n.Spawn(func(p *node.Process) error {
			<-ready
			return run(p)
		}, append(opts, node.TrapExit())...)
	}
	var err error
	if g.locker, err = spawn(g.runLocker); err == nil {
		if g.registrar, err = spawn(g.runRegistrar); err == nil {
			g.p, err = spawn(g.run, node.Register(serverName))
		}
	}
	if err != nil {
		for _, p := range []*node.Process{g.locker, g.registrar} {
			if p != nil {
				p.Exit(etf.Atom("shutdown"))
			}
		}
		close(ready)
		return nil, fmt.Errorf("global: %w", err)
	}
	g.ctx = g.p.Context()
	g.ofLocker, g.ofRegistrar = newRemote(g, g.locker), newRemote(g, g.registrar)
	g.m = newMachine(setting{
		self: n.Name(), creation: n.Creation(), server: g.p.Self(), locker: g.locker.Self(), registrar: g.registrar.Self(),
		version: newestVersion, connectAll: !cfg.NoConnectAll, overlap: !cfg.AllowOverlap,
		rand:  rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		alive: n.Alive,
	})
	g.timer = time.AfterFunc(time.Hour, func() { g.happen((*machine).tick) })
	g.timer.Stop()
	g.offer()
	g.offerGroups()
	g.p.MonitorNodes(true, node.NodeEvents{})
	close(ready)
	if _, err := gen.Start(n, groups{g}, node.Linked(g.p), node.Register("global_group")); err != nil {
		g.p.Exit(etf.Atom("shutdown"))
		return nil, fmt.Errorf("global: %w", err)
	}
	return g, nil
}

// Self is the pid of global_name_server.
func (g *Global) Self() etf.Pid { return g.p.Self() }

// run is the life of global_name_server.
func (g *Global) run(p *node.Process) error {
	defer g.end()
	g.happen(func(m *machine) {
		for _, name := range g.n.Nodes(node.Visible) {
			m.nodeUp(name)
		}
	})
	return p.Serve(context.Background(), func(msg node.Message) error {
		g.take(msg)
		return nil
	})
}

// runLocker takes also what peers of version 5 send to the locker itself.
func (g *Global) runLocker(*node.Process) error {
	return g.ofLocker.run(func(t etf.Term) { g.happen(func(m *machine) { m.lockerMessage(t) }) })
}

func (g *Global) runRegistrar(*node.Process) error { return g.ofRegistrar.run(func(etf.Term) {}) }

// take handles one message of global_name_server.
func (g *Global) take(msg node.Message) {
	if e, ok := msg.NodeUp(); ok {
		g.happen(func(m *machine) {
			g.conns[e.Node] = e.ConnectionID
			m.nodeUp(e.Node)
		})
		return
	}
	if e, ok := msg.NodeDown(); ok {
		g.happen(func(m *machine) {
			if e.Reason == etf.Term(etf.Atom("net_kernel_terminated")) {
				m.prepareShutdown()
			}
			delete(g.conns, e.Node)
			m.nodeDown(e.Node)
		})
		return
	}
	if d, ok := msg.Down(); ok {
		g.down(d.Ref)
		return
	}
	if msg.IsNotice() {
		return
	}
	t, err := msg.Term()
	if err != nil {
		g.log.Warn("global_name_server: undecodable message", "from", msg.From().String(), "error", err)
		return
	}
	g.happen(func(m *machine) { m.message(t) })
}

// happen gives the machine an input, and sees to it that what follows is done.
func (g *Global) happen(input func(m *machine)) {
	g.locked(func() { g.happenLocked(input) })
}

func (g *Global) happenLocked(input func(m *machine)) {
	if g.over {
		return
	}
	g.m.now = time.Now()
	input(g.m)
	for _, a := range g.m.take() {
		g.carryOut(a)
	}
	switch at, ok := g.m.next(); {
	case !ok && !g.due.IsZero():
		g.timer.Stop()
		g.due = time.Time{}
	case ok && !at.Equal(g.due):
		g.timer.Reset(time.Until(at))
		g.due = at
	}
}

// end forgets everything, and waits for what is under way.
func (g *Global) end() {
	g.locker.Exit(etf.Atom("shutdown"))
	g.registrar.Exit(etf.Atom("shutdown"))
	g.mu.Lock()
	g.over = true
	g.timer.Stop()
	clear(g.m.names)
	g.mu.Unlock()
	g.work.Wait()
}

// carryOut does what the machine wants done, or puts it into the lane of the peer that it concerns. It does not wait.
func (g *Global) carryOut(a action) {
	switch a := a.(type) {
	case sendServer:
		conn := g.conns[a.node]
		g.lane(a.node, func() { g.sendServer(conn, a) })
	case sendTo:
		g.sendTo(a)
	case startCall:
		g.startCall(a)
	case startMonitor:
		g.startMonitor(a)
	case stopMonitor:
		g.stopMonitor(a.id)
	case setLink:
		g.lane(a.pid.Node, func() {
			if a.on {
				g.p.Link(a.pid)
			} else {
				g.p.Unlink(a.pid)
			}
		})
	case connect:
		g.lane(a.node, func() {
			err := g.n.Connect(g.ctx, a.node)
			for range g.retries {
				if err != nil {
					err = g.n.Connect(g.ctx, a.node)
				}
			}
			g.happen(func(m *machine) { m.connected(a.node, a.member, err == nil) })
		})
	case disconnect:
		g.lane(a.node, func() { g.n.Disconnect(a.node) })
	case resolve:
		g.work.Go(func() {
			t, ok := g.settle(a)
			g.happen(func(m *machine) { m.resolvedBy(a.id, t, ok) })
		})
	case finish:
		if c := g.waiting[a.request]; c != nil {
			delete(g.waiting, a.request)
			c <- a.value
		}
	case warn:
		args := []any{}
		if a.node != "" {
			args = append(args, "peer", string(a.node))
		}
		if a.term != nil {
			args = append(args, "term", a.term.String())
		}
		g.log.Warn("global: "+a.text, args...)
	}
}

// sendServer sends over the connection that the machine means, which may be gone; without one, over any that has just come up.
func (g *Global) sendServer(conn uint32, a sendServer) {
	to := node.At(serverName, a.node)
	if conn == 0 {
		g.send(to, a.msg)
		return
	}
	g.sent(to, g.p.SendOver(conn, to, a.msg))
}

func (g *Global) send(to any, msg etf.Term) { g.sent(to, g.p.SendNoConnect(to, msg)) }

// sent takes note of how sending went, and reports false if it would have to wait.
func (g *Global) sent(to any, err error) bool {
	if errors.Is(err, node.ErrNoSuspend) {
		return false
	}
	if err != nil {
		g.log.Debug("global: not sent", "to", fmt.Sprint(to), "error", err)
	}
	return true
}

func (g *Global) sendTo(a sendTo) {
	peer := g.n.Name()
	switch to := a.to.(type) {
	case etf.Pid:
		peer = to.Node
	case etf.Ref:
		peer = to.Node
	}
	if peer == g.n.Name() {
		g.send(a.to, a.msg)
		return
	}
	g.enqueue(peer, task{
		do:  func() { g.send(a.to, a.msg) },
		now: func() bool { return g.sent(a.to, g.p.SendNoSuspend(0, a.to, a.msg)) },
	})
}

func (g *Global) startMonitor(a startMonitor) {
	w := &watch{pid: a.pid}
	g.watches[a.id] = w
	g.enqueue(a.pid.Node, task{late: true, do: func() {
		ref, err := g.p.Monitor(a.pid)
		if err != nil {
			return // global has ended
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.early[ref] {
			delete(g.early, ref)
			g.downLocked(a.id)
			return
		}
		w.ref = ref
		g.refs[ref] = a.id
	}})
}

func (g *Global) stopMonitor(id uint64) {
	w := g.watches[id]
	if w == nil {
		return
	}
	delete(g.watches, id)
	do := func() {
		g.mu.Lock()
		ref := w.ref
		delete(g.refs, ref)
		g.mu.Unlock()
		if ref.Len == 0 {
			return
		}
		g.p.Demonitor(ref)
		g.mu.Lock()
		delete(g.early, ref) // it may have come in between
		g.mu.Unlock()
	}
	g.enqueue(w.pid.Node, task{do, func() bool { do(); return true }, true}) // Demonitor never waits
}

// down is the end of a monitor.
func (g *Global) down(ref etf.Ref) {
	g.locked(func() {
		id, ok := g.refs[ref]
		if !ok {
			g.early[ref] = true
			return
		}
		delete(g.refs, ref)
		g.downLocked(id)
	})
}

func (g *Global) downLocked(id uint64) {
	if g.watches[id] != nil {
		delete(g.watches, id)
		g.happenLocked(func(m *machine) { m.down(id) })
	}
}
