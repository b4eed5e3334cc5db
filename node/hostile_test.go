package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// noGoroutines fails if any of the code under test still runs.
func noGoroutines(t *testing.T) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		stacks := make([]byte, 4<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = left[:0]
		for g := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(g, "erlnode/") && !strings.Contains(g, "testing.tRunner") && !strings.Contains(g, "_test.go") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Fatalf("%d goroutines left:\n%s", len(left), strings.Join(left, "\n\n"))
}

// echoing serves ask and does not mind callers that are gone.
func echoing(t *testing.T, n *Node) {
	t.Helper()
	_, err := n.Spawn(func(p *Process) error {
		for {
			m, err := p.Receive(context.Background())
			if err != nil {
				return err
			}
			term, err := m.Term()
			if err != nil {
				return err
			}
			req := term.(etf.Tuple)
			p.SendNoConnect(ReplyTo(req[0].(etf.Pid), req[1]), etf.Tuple{req[1], req[2]})
		}
	}, Register("server"))
	if err != nil {
		t.Fatal(err)
	}
}

// Three nodes connect and disconnect all the time. Meanwhile every monitor and every link ends, by the exit of its process
// or by the loss of the connection, no call hangs, and nothing is left in any table.
func TestStorm(t *testing.T) {
	c := newCluster(t)
	impatient := func(c *Config) { c.SetupTime = time.Second }
	nodes := []*Node{c.start("a@test", impatient), c.start("b@test", impatient), c.start("c@test", impatient)}
	for _, n := range nodes {
		echoing(t, n)
	}
	stop := make(chan struct{})
	var storm, work sync.WaitGroup
	pairs := func(f func(n, m *Node)) {
		for _, n := range nodes {
			for _, m := range nodes {
				if n != m {
					f(n, m)
				}
			}
		}
	}
	pairs(func(n, m *Node) {
		storm.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n.Connect(t.Context(), m.Name())
				if rand.IntN(3) == 0 {
					n.Disconnect(m.Name())
				}
			}
		})
		work.Go(func() {
			p := n.Open()
			defer p.Exit(nil)
			for range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				if _, err := p.Request(ctx, Name{"server", m.Name()}, ask("hi")); ctx.Err() != nil {
					t.Error("a call hangs: ", err)
				}
				cancel()
			}
			if p.Messages() != 0 {
				t.Errorf("%d messages come from calls", p.Messages())
			}
		})
		work.Go(func() {
			w := n.Open(TrapExit())
			defer w.Exit(nil)
			for range 100 {
				if err := monitorLinkExit(t, w, m); err != nil {
					t.Error(err)
					return
				}
			}
		})
	})
	work.Wait()
	close(stop)
	storm.Wait()
	pairs(func(n, m *Node) { n.Disconnect(m.Name()) })
	for _, n := range nodes {
		n.mu.Lock()
		var ends []<-chan struct{} // of what others have begun and nobody here has waited for
		for _, gone := range n.leaving {
			ends = append(ends, gone)
		}
		for _, a := range n.attempts {
			ends = append(ends, a.done)
		}
		n.mu.Unlock()
		for _, end := range ends {
			<-end
		}
		n.mu.Lock()
		if len(n.leaving) > 0 || len(n.attempts) > 0 {
			t.Errorf("%v: left behind: %v, %v", n.name, n.leaving, n.attempts)
		}
		n.mu.Unlock()
		n.watchedByName.mu.Lock()
		if n.aliases.len() > 0 || len(n.watchedByName.m) > 0 {
			t.Errorf("%v: left behind: %d, %v", n.name, n.aliases.len(), n.watchedByName.m)
		}
		n.watchedByName.mu.Unlock()
	}
	for _, n := range nodes {
		n.Close()
	}
	noGoroutines(t)
}

// monitorLinkExit monitors and links a new process of another node, which then exits, and waits for both to end.
func monitorLinkExit(t *testing.T, w *Process, other *Node) error {
	q := other.Open()
	ref, err := w.Monitor(q.Self())
	if err != nil {
		return err
	}
	w.Link(q.Self())
	linked := true
	if rand.IntN(4) == 0 {
		w.Unlink(q.Self())
		if linked = rand.IntN(2) == 0; linked {
			w.Link(q.Self())
		}
	}
	q.Exit(etf.Atom("x"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for down, exit := false, !linked; !down || !exit; {
		m, err := w.Receive(ctx)
		if err != nil {
			return fmt.Errorf("down %v, exit %v: %w", down, exit, err)
		}
		d, _ := m.Down()
		e, _ := m.Exit()
		down = down || d.Ref == ref
		exit = exit || e.From == q.Self()
	}
	return nil
}

// Links made and taken back at random from both ends at once: when all is quiet both ends agree on which there are, and no
// record of an unlink is left. (Without UNLINK_ID they would not: that is why OTP 23.3 brought it.)
func TestLinkAgreement(t *testing.T) {
	const many, rounds = 4, 200
	for name, flags := range map[string]handshake.Flags{
		"all flags":    handshake.Default,
		"no header":    handshake.Default &^ handshake.Fragments &^ handshake.DistHdrAtomCache,
		"no payloads":  handshake.Default &^ handshake.ExitPayload &^ handshake.SendSender,
		"no fragments": handshake.Default &^ handshake.Fragments,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			a, b := c.start("a@test"), c.start("b@test", func(c *Config) { c.Flags = flags })
			var ps, qs [many]*Process
			for i := range many {
				ps[i], qs[i] = a.Open(TrapExit()), b.Open(TrapExit())
			}
			var wg sync.WaitGroup
			act := func(p *Process, others *[many]*Process) {
				for range rounds {
					if q := others[rand.IntN(many)]; rand.IntN(2) == 0 {
						p.Link(q.Self())
					} else {
						p.Unlink(q.Self())
					}
				}
			}
			for i := range many {
				wg.Go(func() { act(ps[i], &qs) })
				wg.Go(func() { act(qs[i], &ps) })
			}
			wg.Wait()
			for range 2 { // what has been sent, then the answers to it
				for i := range many {
					settled(t, ps[i], b)
					settled(t, qs[i], a)
				}
			}
			state := func(p *Process, to etf.Pid) string {
				p.mu.Lock()
				defer p.mu.Unlock()
				switch l := p.links.get(to); {
				case l == nil:
					return "none"
				case l.active:
					return "active"
				}
				return "inactive"
			}
			for _, p := range ps {
				for _, q := range qs {
					if x, y := state(p, q.Self()), state(q, p.Self()); x != y || x == "inactive" {
						t.Errorf("%v: %s, %v: %s", p.Self(), x, q.Self(), y)
					}
				}
				if p.Messages() != 0 {
					t.Errorf("%d messages, though nobody has exited", p.Messages())
				}
			}
		})
	}
}

// Names pass from process to process while others monitor them: each monitor fires once or is taken back, and no record
// of it stays.
func TestNamesInMotion(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	names := []etf.Atom{"x", "y", "z"}
	stop := make(chan struct{})
	var motion, work sync.WaitGroup
	for i := range 2 * len(names) {
		motion.Go(func() {
			for name := names[i%len(names)]; ; {
				select {
				case <-stop:
					return
				default:
				}
				p := b.Open()
				if p.Register(name) == nil && rand.IntN(2) == 0 {
					b.Unregister(name)
				}
				p.Exit(etf.Atom("x"))
			}
		})
	}
	for i := range 4 {
		work.Go(func() {
			w := []*Node{a, b}[i%2].Open()
			for range 500 {
				ref, _ := w.Monitor(Name{names[rand.IntN(len(names))], "b@test"})
				if rand.IntN(2) == 0 {
					w.Demonitor(ref)
					continue
				}
				for d := (Down{}); d.Ref != ref; {
					m, err := w.Receive(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					d, _ = m.Down()
				}
			}
			w.Exit(nil)
		})
	}
	work.Wait()
	close(stop)
	motion.Wait()
	settled(t, a.Open(), b)
	b.watchedByName.mu.Lock()
	defer b.watchedByName.mu.Unlock()
	if len(b.watchedByName.m) != 0 {
		t.Errorf("%d records of monitors left", len(b.watchedByName.m))
	}
	if got := fmt.Sprint(b.Registered()); got != "[net_kernel]" {
		t.Error(got)
	}
}

// Close in the midst of senders to a peer that does not read, calls, reconnections and processes that start: it waits for
// that peer as long as it says, and leaves nothing running.
func TestCloseBusy(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	echoing(t, b)
	frozen := dialRaw(t, a, "frozen@test")
	big := make([]byte, 1<<20)
	var wg, busy sync.WaitGroup
	run := func(f func() bool) { // until it returns false; busy until it has run ten times
		busy.Add(1)
		wg.Go(func() {
			n := 0
			for f() {
				if n++; n == 10 {
					busy.Done()
				}
			}
			if n < 10 {
				busy.Done()
			}
		})
	}
	wg.Go(func() {
		p := a.Open()
		for p.Send(frozen, big) == nil { // until Close
		}
	})
	for range 3 {
		run(func() bool {
			_, err := a.Request(context.Background(), Name{"server", "b@test"}, ask("hi"))
			return err == nil || a.caller.Err() == nil
		})
		run(func() bool {
			b.Disconnect("a@test")
			b.Connect(context.Background(), "a@test")
			return a.caller.Err() == nil
		})
		run(func() bool {
			_, err := a.Spawn(func(p *Process) error {
				p.Link(etf.Pid{Node: "b@test", ID: 1, Creation: b.Creation()})
				p.Monitor(Name{"server", "b@test"})
				<-p.Done()
				return nil
			})
			runtime.Gosched()
			return err == nil
		})
	}
	busy.Wait()
	a.Close()
	wg.Wait()
	b.Close()
	noGoroutines(t)
}

// dialRaw makes a connection that has shaken hands with n and then neither reads nor writes, and returns a pid behind it.
func dialRaw(t *testing.T, n *Node, name string) etf.Pid {
	t.Helper()
	other := &Node{cfg: Config{Transport: TCP{}, SetupTime: 5 * time.Second}, name: etf.Atom(name), creation: 7, flags: handshake.Default}
	other.cookies.own = "secret"
	other.cfg.Resolve = newClusterOf(n).resolve
	nc, _, err := other.initiate(t.Context(), &attempt{}, n.Name(), other.handshakeConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return etf.Pid{Node: etf.Atom(name), ID: 1, Creation: 7}
}

// newClusterOf is a cluster that knows one node.
func newClusterOf(n *Node) *cluster {
	return &cluster{ports: map[string]int{string(n.Name()): n.Port()}}
}
