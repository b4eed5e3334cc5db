package gen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	ID      string
	Restart Restart
	// Start starts the child, linked to the supervisor: gen.Start(n, s, node.Linked(sup), …). It runs in the supervisor's
	// goroutine.
	Start func(sup *node.Process) (etf.Pid, error)
	// Shutdown is how long the child may take to end after the exit signal shutdown before it is killed. Default 5 s.
	Shutdown time.Duration
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
func StartSupervisor(n Spawner, cfg SupervisorConfig, children []Child, opts ...node.Option) (etf.Pid, error) {
	cfg.MaxRestarts = cmp.Or(cfg.MaxRestarts, 1)
	cfg.Period = cmp.Or(cfg.Period, 5*time.Second)
	s := &supervisor{cfg: cfg, children: children, pids: make([]etf.Pid, len(children))}
	started := make(chan error, 1)
	p, err := n.Spawn(func(p *node.Process) error {
		if err := s.startAll(p); err != nil {
			started <- err
			return err
		}
		started <- nil
		return s.run(p)
	}, append([]node.Option{node.TrapExit()}, opts...)...)
	if err != nil {
		return etf.Pid{}, err
	}
	if err := <-started; err != nil {
		<-p.Done()
		return etf.Pid{}, err
	}
	return p.Self(), nil
}

type supervisor struct {
	cfg      SupervisorConfig
	children []Child
	pids     []etf.Pid   // by child; zero for one that does not run
	restarts []time.Time // within the period
}

const reasonShutdown etf.Atom = "shutdown"

func (s *supervisor) startAll(p *node.Process) error {
	for i, c := range s.children {
		pid, err := c.Start(p)
		if err != nil {
			s.stopAll(p)
			return fmt.Errorf("gen: starting child %s: %w", c.ID, err)
		}
		s.pids[i] = pid
	}
	return nil
}

// run waits for children to end, and for being told to end itself.
func (s *supervisor) run(p *node.Process) error {
	for {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if err := s.handle(p, m); err != nil {
			s.stopAll(p)
			return err
		}
	}
}

func (s *supervisor) handle(p *node.Process, m node.Message) error {
	exit, ok := m.Exit()
	if !ok {
		if e, err := open(m); err == nil && e.label == system {
			return systemRequest(p, e.from, e.request)
		}
		return nil
	}
	if i := s.index(exit.From); i >= 0 {
		s.pids[i] = etf.Pid{}
		return s.restart(p, i, exit.Reason)
	}
	if exit.From == p.Parent() && exit.From.Node != "" {
		return &node.ExitError{Reason: exit.Reason}
	}
	return nil // of a start that failed, or of a stranger
}

func (s *supervisor) index(pid etf.Pid) int {
	for i, p := range s.pids {
		if p == pid && pid.Node != "" {
			return i
		}
	}
	return -1
}

// restart starts child i again if it is to be, as often as it takes and the limit allows.
func (s *supervisor) restart(p *node.Process, i int, reason etf.Term) error {
	c := s.children[i]
	if c.Restart == Temporary || c.Restart == Transient && isClean(reason) {
		return nil
	}
	for {
		if !s.allow(time.Now()) {
			return node.Exit(reasonShutdown)
		}
		pid, err := c.Start(p)
		if err == nil {
			s.pids[i] = pid
			return nil
		}
		if errors.Is(err, node.ErrClosed) {
			return err
		}
	}
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
func (s *supervisor) stopAll(p *node.Process) {
	for i := len(s.children) - 1; i >= 0; i-- {
		if pid := s.pids[i]; pid.Node != "" {
			stop(p, pid, cmp.Or(s.children[i].Shutdown, 5*time.Second))
			s.pids[i] = etf.Pid{}
		}
	}
}

// stop sends shutdown, waits, and kills. It drops what else comes meanwhile: everything is being stopped.
func stop(p *node.Process, pid etf.Pid, patience time.Duration) {
	ref, err := p.Monitor(pid)
	if err != nil {
		return
	}
	if p.SendExit(pid, reasonShutdown) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if awaitDown(ctx, p, ref) != nil && p.SendExit(pid, etf.Atom("kill")) == nil {
		awaitDown(context.Background(), p, ref)
	}
}

func awaitDown(ctx context.Context, p *node.Process, ref etf.Ref) error {
	for {
		m, err := p.Receive(ctx)
		if err != nil {
			return err
		}
		if d, ok := m.Down(); ok && d.Ref == ref {
			return nil
		}
	}
}
