package gen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Restart says when a supervisor starts a child again that has ended.
type Restart uint8

// OTP's kinds of restart.
const (
	Permanent Restart = iota // always
	Transient                // unless it ended with normal, shutdown or {shutdown, _}
	Temporary                // never
)

// Child is what a supervisor starts, and starts again.
type Child struct {
	ID      string // peers see an atom
	Restart Restart
	// Start starts the child, linked to the supervisor: gen.Start(n, s, node.Linked(sup), …). It runs in the supervisor's
	// goroutine.
	Start func(sup *node.Process) (etf.Pid, error)
	// Shutdown is how long the child may take to end after the exit signal shutdown before it is killed. Default 5 s;
	// negative: it is killed at once (brutal_kill); etf.Infinity: as long as it takes.
	Shutdown time.Duration
	// Supervisor says that the child is a supervisor itself, and Modules which modules it is made of. Both are only shown to
	// who asks for the children. Default of Modules: gen_server.
	Supervisor bool
	Modules    []etf.Atom
}

// SupervisorConfig bounds restarts: with more than MaxRestarts of them within Period the supervisor gives up and ends, with
// all its children, with the reason shutdown. Defaults: 1 in 5 s, OTP's; a negative MaxRestarts is none at all.
type SupervisorConfig struct {
	MaxRestarts int
	Period      time.Duration
}

// StartSupervisor starts a process that starts the children in order and restarts each that fails by itself
// (one_for_one). It returns when all have started; if one cannot, those before it are stopped and its error returned.
//
// The supervisor stops its children, last first, and ends when it is told to by Stop, or by an exit signal of its parent,
// the process that an option node.Linked names. Exit signals of others mean nothing to it, as to OTP's.
//
// It answers the functions of Erlang's module supervisor, from any node: which_children, count_children, terminate_child,
// restart_child, delete_child, get_childspec, which_child, and start_child for a function that its node offers to peers.
func StartSupervisor(n Spawner, cfg SupervisorConfig, children []Child, opts ...node.Option) (etf.Pid, error) {
	cfg.MaxRestarts = cmp.Or(cfg.MaxRestarts, 1)
	cfg.Period = cmp.Or(cfg.Period, 5*time.Second)
	s := &supervisor{cfg: cfg}
	for _, c := range children {
		s.children = append(s.children, newChild(c))
	}
	return Start(n, s, append([]node.Option{node.TrapExit()}, opts...)...)
}

// supervisor is a Server whose state are its children, in the order in which they were started first.
type supervisor struct {
	p        *node.Process
	cfg      SupervisorConfig
	children []*child
	restarts []time.Time // within the period
}

// child is a Child at work.
type child struct {
	Child
	id    etf.Term
	start etf.Term // {M, F, A}
	pid   etf.Pid  // zero while it does not run
}

func newChild(c Child) *child {
	c.Shutdown = cmp.Or(c.Shutdown, 5*time.Second)
	if c.Modules == nil {
		c.Modules = []etf.Atom{genServer}
	}
	id := etf.Atom(c.ID)
	return &child{Child: c, id: id, start: etf.Tuple{etf.Atom("erlnode"), etf.Atom("start_child"), etf.List{id}}}
}

func (c *child) runs() bool { return c.pid.Node != "" }

const reasonShutdown etf.Atom = "shutdown"

// Init starts the children.
func (s *supervisor) Init(p *node.Process) error {
	s.p = p
	for _, c := range s.children {
		pid, err := c.Start(p)
		if err != nil {
			s.stopAll()
			return fmt.Errorf("gen: starting child %s: %w", c.ID, err)
		}
		c.pid = pid
	}
	return nil
}

// HandleInfo takes the ends of children. Other messages mean nothing.
func (s *supervisor) HandleInfo(_ *node.Process, m node.Message) error {
	exit, isExit := m.Exit()
	if !isExit {
		return nil
	}
	for _, c := range s.children {
		if c.runs() && c.pid == exit.From {
			c.pid = etf.Pid{}
			return s.restart(c, exit.Reason)
		}
	}
	return nil // of one that was stopped, of a start that failed, or of a stranger
}

// Terminate stops the children.
func (s *supervisor) Terminate(error) { s.stopAll() }

// restart starts a child again if it is to be, as often as it takes and the limit allows.
func (s *supervisor) restart(c *child, reason etf.Term) error {
	if c.Restart == Temporary {
		s.drop(c)
	}
	if c.Restart == Temporary || c.Restart == Transient && isClean(reason) {
		return nil
	}
	for {
		if !s.allow(time.Now()) {
			return node.Exit(reasonShutdown)
		}
		pid, err := c.Start(s.p)
		if err == nil {
			c.pid = pid
			return nil
		}
		if errors.Is(err, node.ErrClosed) {
			return err
		}
	}
}

func (s *supervisor) drop(c *child) {
	s.children = slices.DeleteFunc(s.children, func(o *child) bool { return o == c })
}

// allow notes a restart and tells whether it is within the limit.
func (s *supervisor) allow(now time.Time) bool {
	recent := s.restarts[:0]
	for _, t := range s.restarts {
		if now.Sub(t) < s.cfg.Period {
			recent = append(recent, t)
		}
	}
	s.restarts = append(recent, now)
	return len(s.restarts) <= s.cfg.MaxRestarts
}

func isClean(reason etf.Term) bool {
	switch r := reason.(type) {
	case etf.Atom:
		return r == "normal" || r == reasonShutdown
	case etf.Tuple:
		return len(r) == 2 && r[0] == etf.Term(reasonShutdown)
	}
	return false
}

// stopAll stops the children that run, last first.
func (s *supervisor) stopAll() {
	for _, c := range slices.Backward(s.children) {
		s.stop(c)
	}
}

// stop sends shutdown, waits, and kills. The EXIT of the child comes later, and is that of a stranger.
func (s *supervisor) stop(c *child) {
	if !c.runs() {
		return
	}
	pid := c.pid
	c.pid = etf.Pid{}
	w := s.p.Node().Open() // the supervisor's own mailbox is for others
	defer w.Exit(nil)
	if _, err := w.Monitor(pid); err != nil {
		return
	}
	if c.Shutdown > 0 {
		if s.p.SendExit(pid, reasonShutdown) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.Shutdown)
		defer cancel()
		if _, err := w.Receive(ctx); err == nil {
			return
		}
	}
	if s.p.SendExit(pid, etf.Atom("kill")) == nil {
		w.Receive(context.Background())
	}
}
