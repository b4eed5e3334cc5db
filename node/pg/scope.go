package pg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// Default is the name of the scope that erlnode.Start starts, and that pg's functions without a scope mean in OTP.
const Default etf.Atom = "pg"

// Scope is one scope on one node. All methods may be called concurrently. When it has ended, by Close or by the end of the
// node, what changes it fails with ErrClosed and it has no groups.
//
// If its process is killed another one takes its place at once, as a supervisor would see to, but with the members of this
// node as they were.
type Scope struct {
	name   etf.Atom
	node   *node.Node
	proc   atomic.Pointer[node.Process]
	log    *slog.Logger
	closed atomic.Bool   // by Close
	ended  chan struct{} // closed when the scope has no groups any more

	search search // of the goroutine of the scope's process alone

	// turn is held while something happens to the scope, until what follows from it has been sent, so that everybody is
	// told in the order in which it happened. mu guards the machine for those who only look; turn is taken first.
	turn     sync.Mutex
	mu       sync.RWMutex
	m        *machine
	watched  map[etf.Ref]etf.Pid // whom the scope's process monitors for the machine
	refs     map[etf.Pid]etf.Ref
	watchers map[etf.Ref]*watcher // processes, by the reference in their messages
	channels map[*watcher]struct{}
}

// ErrClosed says that the scope has ended.
var ErrClosed = errors.New("pg: the scope is closed")

// Config says how a scope behaves; the zero value is as OTP's.
type Config struct {
	// Logger gets what peers say that makes no sense, at level debug. Nil is slog.Default.
	Logger *slog.Logger
}

// Start starts a scope on a node, *node.Node or *erlnode.Node: a process registered under the name of the scope
// (pg:start_link/1, but linked to nobody). From then on peers know the members that join here, and the other way round, and
// may call pg:join, leave, get_members, get_local_members, which_groups and which_local_groups here (package rpc).
// It fails with node.ErrNameTaken if there is a process of that name already.
func Start(n gen.Spawner, scope etf.Atom) (*Scope, error) { return StartConfig(n, scope, Config{}) }

// StartConfig is Start with a Config.
func StartConfig(n gen.Spawner, scope etf.Atom, cfg Config) (*Scope, error) {
	s := &Scope{
		name:     scope,
		log:      cfg.Logger,
		ended:    make(chan struct{}),
		watched:  make(map[etf.Ref]etf.Pid),
		refs:     make(map[etf.Pid]etf.Ref),
		watchers: make(map[etf.Ref]*watcher),
		channels: make(map[*watcher]struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.begin(n, newMachine); err != nil {
		return nil, fmt.Errorf("pg: starting scope %v: %w", scope, err)
	}
	s.log = s.log.With("node", string(s.node.Name()), "scope", string(scope))
	s.offer()
	return s, nil
}

// begin starts the scope's process, and has the machine that it is for made.
func (s *Scope) begin(n gen.Spawner, machineOf func(self etf.Pid) *machine) error {
	ready := make(chan struct{})
	p, err := n.Spawn(func(p *node.Process) error {
		<-ready
		return s.run(p)
	}, node.Register(s.name), node.TrapExit())
	if err != nil {
		return err
	}
	s.node = p.Node()
	s.mu.Lock()
	s.m = machineOf(p.Self())
	s.mu.Unlock()
	s.proc.Store(p)
	close(ready)
	return nil
}

// Name is the name of the scope.
func (s *Scope) Name() etf.Atom { return s.name }

// Self is the pid of the scope's process.
func (s *Scope) Self() etf.Pid { return s.proc.Load().Self() }

// Close ends the scope: its members vanish from all nodes. It is not an error to close one that has ended.
func (s *Scope) Close() error {
	s.closed.Store(true)
	s.proc.Load().Exit(etf.Atom("shutdown"))
	<-s.ended
	return nil
}

// Done is closed when the scope has ended.
func (s *Scope) Done() <-chan struct{} { return s.ended }

// run is the life of the scope's process.
func (s *Scope) run(p *node.Process) error {
	defer s.over(p)
	p.MonitorNodes(true, node.NodeEvents{Types: node.Connected})
	s.happen(func() {
		for types, look := range map[node.NodeType]bool{node.Visible: true, node.Hidden: s.node.Hidden()} {
			for _, name := range s.node.Nodes(types) {
				if id := s.node.ConnectionID(name); id != 0 {
					s.m.nodeUp(name, id, look)
				}
			}
		}
	})
	s.searchSoon()
	for {
		msg, err := s.receive(p)
		switch {
		case err == nil:
			s.take(msg)
		case p.Err() != nil:
			return err
		default:
			s.search.again(time.Now())
			s.happen(s.announceAgain)
		}
	}
}

// receive takes the next message, and fails when it is time to look for scopes again.
func (s *Scope) receive(p *node.Process) (node.Message, error) {
	if s.search.next.IsZero() {
		return p.Receive(context.Background())
	}
	ctx, cancel := context.WithDeadline(context.Background(), s.search.next)
	defer cancel()
	return p.Receive(ctx)
}

// take handles one message. Exit signals and what no scope sends are dropped.
func (s *Scope) take(msg node.Message) {
	if up, ok := msg.NodeUp(); ok {
		// From a hidden node all others look hidden.
		s.happen(func() { s.m.nodeUp(up.Node, up.ConnectionID, !up.Hidden || s.node.Hidden()) })
		s.searchSoon()
		return
	}
	if down, ok := msg.NodeDown(); ok {
		s.happen(func() { s.m.nodeDown(down.Node, down.ConnectionID) })
		return
	}
	if d, ok := msg.Down(); ok {
		var who etf.Pid
		s.happen(func() { who = s.down(d.Ref) })
		if who.Node != "" && who.Node != s.Self().Node {
			s.searchSoon()
		}
		return
	}
	if msg.IsNotice() {
		return
	}
	raw, err := msg.Raw()
	if err != nil {
		return
	}
	m, err := parse(raw)
	if err != nil {
		s.log.Debug("message dropped", "from", msg.From().String(), "error", err, "message", raw.String())
		return
	}
	s.happen(func() { s.m.receive(m) })
}

// down is the end of a process that the scope monitors. It returns who that was, zero for a watcher.
func (s *Scope) down(ref etf.Ref) (who etf.Pid) {
	who, ok := s.watched[ref]
	if !ok {
		maps.DeleteFunc(s.watchers, func(_ etf.Ref, w *watcher) bool { return w.monitor == ref })
		return who
	}
	delete(s.watched, ref)
	delete(s.refs, who)
	s.m.down(who)
	return who
}

// over is the end of the scope's process, and of the scope, unless another process takes over.
func (s *Scope) over(p *node.Process) {
	if p.Err() != nil {
		<-p.Done() // then the name is free
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if !s.closed.Load() {
		err := s.restart()
		if err == nil {
			s.log.Warn("the scope's process was ended and has been replaced", "reason", p.Err())
			if s.closed.Load() { // meanwhile
				s.proc.Load().Exit(etf.Atom("shutdown"))
			}
			return
		}
		s.log.Debug("the scope's process is not replaced", "error", err)
	}
	s.mu.Lock()
	s.m = newMachine(s.Self())
	s.mu.Unlock()
	scopesOf(s.node).CompareAndDelete(s.name, s)
	close(s.ended)
}

// restart puts another process in place of one that has ended.
func (s *Scope) restart() error {
	before := s.m
	err := s.begin(s.node, func(self etf.Pid) *machine {
		before.restart(self)
		return before
	})
	if err != nil {
		return err
	}
	clear(s.watched)
	clear(s.refs)
	for _, w := range s.watchers {
		w.monitor, _ = s.proc.Load().Monitor(w.pid)
	}
	s.carryOut()
	return nil
}
