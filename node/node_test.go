package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// cluster starts nodes that find each other without an EPMD.
type cluster struct {
	t     testing.TB
	mu    sync.Mutex
	ports map[string]int
}

func newCluster(t testing.TB) *cluster { return &cluster{t: t, ports: make(map[string]int)} }

func (c *cluster) start(name string, change ...func(*Config)) *Node {
	c.t.Helper()
	cfg := Config{Cookie: "secret", EPMD: EPMDNone, Listen: "127.0.0.1:0", Resolve: c.resolve}
	for _, f := range change {
		f(&cfg)
	}
	n, err := Start(c.t.Context(), name, cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { n.Close() })
	c.mu.Lock()
	c.ports[string(n.Name())] = n.Port()
	c.mu.Unlock()
	return n
}

func (c *cluster) resolve(_ context.Context, name string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	port, ok := c.ports[name]
	if !ok {
		return "", errors.New("no such node")
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}

// both runs a test inside one node and across two: b is a itself or a peer of it.
func both(t *testing.T, f func(t *testing.T, a, b *Node)) {
	t.Run("one node", func(t *testing.T) {
		a := newCluster(t).start("a@test")
		f(t, a, a)
	})
	t.Run("two nodes", func(t *testing.T) {
		c := newCluster(t)
		f(t, c.start("a@test"), c.start("b@test"))
	})
}

// receive takes the next message as text.
func receive(t testing.TB, p *Process) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, err := p.Receive(ctx)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return m.String()
}

func expect(t testing.TB, p *Process, want string) {
	t.Helper()
	if got := receive(t, p); got != want {
		t.Fatalf("got %s\nwant %s", got, want)
	}
}

// settled waits until everything that from has sent to to's node so far has taken effect, and the answers to it here: a
// monitor on nobody goes the same way there and back.
func settled(t testing.TB, from *Process, to *Node) {
	t.Helper()
	ref, err := from.Monitor(Name{"nobody at all", to.Name()})
	if err != nil {
		t.Fatal(err)
	}
	var others []Message
	for {
		m, err := from.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := m.Down(); ok && d.Ref == ref {
			break
		}
		others = append(others, m)
	}
	for _, m := range others {
		from.deliver(m, nil)
	}
}

func trapping(t testing.TB, n *Node) *Process {
	p := n.Open(TrapExit())
	return p
}

// held counts what a process and the tables of its node hold.
type held struct{ links, monitors, watchers, byName, aliases, requests int }

func records(p *Process, n *Node) held {
	var h held
	n.watchedByName.mu.Lock()
	h.byName = len(n.watchedByName.m)
	n.watchedByName.mu.Unlock()
	h.aliases = n.aliases.len()
	p.mu.Lock()
	defer p.mu.Unlock()
	h.links, h.monitors, h.watchers, h.requests = p.links.len(), len(p.monitors), len(p.watchers), int(p.requests.Load())
	return h
}

// linkOf returns a copy of p's end of its link with q.
func linkOf(p, q *Process) *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.links.get(q.pid)
	if l == nil {
		return nil
	}
	c := *l
	return &c
}

func exited(t testing.TB, p *Process) string {
	t.Helper()
	select {
	case <-p.Done():
		return p.Err().(*ExitError).Reason.String()
	case <-time.After(10 * time.Second):
		t.Fatal("the process has not exited")
		return ""
	}
}

func TestSend(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		from, to := a.Open(), b.Open()
		if err := to.Register("receiver"); err != nil {
			t.Fatal(err)
		}
		alias := to.Alias(AliasExplicit)
		for i, dest := range []any{to.Self(), Name{"receiver", b.Name()}, alias} {
			if err := from.Send(dest, etf.Tuple{from.Self(), etf.Int(i)}); err != nil {
				t.Fatal(err)
			}
			m, err := to.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				_    struct{} `etf:",tuple"`
				From etf.Pid
				N    int
			}
			if err := m.Decode(&got); err != nil || got.From != from.Self() || got.N != i || m.From() != from.Self() {
				t.Errorf("to %v: %v, from %v, %v", dest, m, m.From(), err)
			}
		}
		// Messages to nobody are dropped, as in Erlang; to a name of the own node that is an error.
		gone := b.Open()
		gone.Exit(nil)
		for _, dest := range []any{gone.Self(), Name{"nobody", b.Name()}, b.newRef()} {
			if err := from.Send(dest, 1); err != nil {
				t.Errorf("to %v: %v", dest, err)
			}
		}
		if err := from.Send(etf.Atom("nobody"), 1); !errors.Is(err, ErrNoProc) {
			t.Errorf("to a name that nobody has: %v", err)
		}
		for _, dest := range []any{nil, 1, "receiver", Name{}, etf.Pid{}, etf.Ref{}} {
			if err := from.Send(dest, 1); err == nil {
				t.Errorf("%v was taken for a destination", dest)
			}
		}
		if err := from.Send(to.Self(), make(chan int)); err == nil {
			t.Error("a channel was sent")
		}
	})
}

func TestSendWithoutConnection(t *testing.T) {
	a := newCluster(t).start("a@test")
	p := a.Open()
	err := p.Send(Name{"x", "nowhere@test"}, 1)
	var ce *ConnectError
	if !errors.Is(err, ErrNoConnection) || !errors.As(err, &ce) || ce.Node != "nowhere@test" {
		t.Errorf("%v", err)
	}
	if err := p.Send(Name{"x", "no host"}, 1); !errors.Is(err, ErrNoConnection) {
		t.Errorf("to an illegal name: %v", err)
	}
	if err := p.SendNoConnect(Name{"x", "b@test"}, 1); !errors.Is(err, ErrNoConnection) {
		t.Errorf("SendNoConnect: %v", err)
	}
}

// Ten thousand messages of each of four processes, in order, both directions at once.
func TestOrder(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		const senders, each = 4, 10_000
		var wg sync.WaitGroup
		for _, way := range [][2]*Node{{a, b}, {b, a}} {
			sink := way[1].Open()
			for range senders {
				wg.Go(func() {
					p := way[0].Open()
					for i := range each {
						if err := p.Send(sink.Self(), i); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Go(func() {
				next := make(map[etf.Pid]int)
				for range senders * each {
					m, err := sink.Receive(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					var i int
					if err := m.Decode(&i); err != nil || i != next[m.From()] {
						t.Errorf("%d of %v where %d was due, %v", i, m.From(), next[m.From()], err)
						return
					}
					next[m.From()]++
				}
			})
		}
		wg.Wait()
	})
}

func TestReceive(t *testing.T) {
	a := newCluster(t).start("a@test")
	p := a.Open()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := p.Receive(ctx); err != why {
		t.Errorf("cancelled: %v", err)
	}
	// Several receivers share the mailbox: each message goes to one of them.
	const receivers, each = 4, 1000
	got := make(chan int, receivers*each)
	var wg sync.WaitGroup
	for range receivers {
		wg.Go(func() {
			for range each {
				m, err := p.Receive(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				var i int
				m.Decode(&i)
				got <- i
			}
		})
	}
	for i := range receivers * each {
		if err := p.Send(p, i); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	seen := make(map[int]bool)
	for range receivers * each {
		seen[<-got] = true
	}
	if len(seen) != receivers*each {
		t.Errorf("%d different messages of %d", len(seen), receivers*each)
	}
	// An exit ends the waiting, and what is left in the mailbox is gone with the process.
	p.Send(p, "left")
	p.Exit(etf.Atom("done"))
	if _, err := p.Receive(t.Context()); err == nil || err.Error() != "exit: done" {
		t.Errorf("after the exit: %v", err)
	}
	if err := p.Send(p, 1); err == nil {
		t.Error("a dead process has sent")
	}
}

func TestInbox(t *testing.T) {
	a := newCluster(t).start("a@test")
	p := a.Open()
	for i := range 3 {
		p.Send(p, i)
	}
	var got []string
	for m := range p.Inbox(t.Context()) {
		if got = append(got, m.String()); len(got) == 2 {
			break
		}
	}
	for m := range p.Inbox(t.Context()) { // the rest; the end of the process ends it
		got = append(got, m.String())
		p.Exit(nil)
	}
	if fmt.Sprint(got) != "[0 1 2]" {
		t.Error(got)
	}
}

func TestMailboxLimit(t *testing.T) {
	a := newCluster(t).start("a@test")
	p := a.Open(MailboxLimit(3))
	q := a.Open()
	for i := range 4 {
		if err := q.Send(p, i); err != nil {
			t.Fatal(err)
		}
	}
	if r := exited(t, p); r != "mailbox_overflow" {
		t.Error(r)
	}
}

func TestNames(t *testing.T) {
	a := newCluster(t).start("a@test")
	p, q := a.Open(), a.Open()
	if err := p.Register("one"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"taken":    q.Register("one"),
		"two":      p.Register("two"),
		"reserved": q.Register("undefined"),
	} {
		if err == nil {
			t.Errorf("%s: registered", name)
		}
	}
	if err := q.Register("one"); !errors.Is(err, ErrNameTaken) {
		t.Error(err)
	}
	if err := p.Register("two"); !errors.Is(err, ErrRegistered) {
		t.Error(err)
	}
	if pid, ok := a.Whereis("one"); !ok || pid != p.Self() {
		t.Error(pid, ok)
	}
	if err := a.Unregister("one"); err != nil {
		t.Error(err)
	}
	if err := a.Unregister("one"); !errors.Is(err, ErrNoProc) {
		t.Error(err)
	}
	if err := q.Register("one"); err != nil {
		t.Error(err)
	}
	q.Exit(nil)
	if _, ok := a.Whereis("one"); ok {
		t.Error("a dead process has a name")
	}
	if _, err := a.Spawn(func(*Process) error { return nil }, Register("net_kernel")); !errors.Is(err, ErrNameTaken) {
		t.Error(err)
	}
	if names := fmt.Sprint(a.Registered()); names != "[net_kernel]" {
		t.Error(names)
	}
}

func TestSpawnReasons(t *testing.T) {
	a := newCluster(t).start("a@test")
	watcher := a.Open()
	for _, tt := range []struct {
		f    func(p *Process) error
		want string
	}{
		{func(*Process) error { return nil }, "normal"},
		{func(*Process) error { return errors.New("broken") }, `{error,<<"broken">>}`},
		{func(*Process) error {
			return fmt.Errorf("wrapped: %w", Exit(etf.Tuple{etf.Atom("shutdown"), etf.Int(1)}))
		}, "{shutdown,1}"},
		{func(*Process) error { panic("ouch") }, `{panic,<<"ouch">>}`},
		{func(p *Process) error { p.Exit("text"); return nil }, `<<"text">>`},
		{func(p *Process) error { <-p.Context().Done(); return context.Cause(p.Context()) }, "killed"},
		{func(p *Process) error { return Exit(make(chan int)) }, "bad_exit_reason"},
	} {
		begin := make(chan struct{})
		p, err := a.Spawn(func(p *Process) error { <-begin; return tt.f(p) })
		if err != nil {
			t.Fatal(err)
		}
		ref, err := watcher.Monitor(p)
		if err != nil {
			t.Fatal(err)
		}
		close(begin)
		if tt.want == "killed" {
			watcher.SendExit(p.Self(), etf.Atom("kill"))
		}
		m, err := watcher.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, ok := m.Down()
		if tt.want == "bad_exit_reason" {
			if r, isTuple := d.Reason.(etf.Tuple); !isTuple || r[0] != etf.Term(etf.Atom(tt.want)) {
				t.Errorf("reason %v", d.Reason)
			}
			continue
		}
		if !ok || d.Ref != ref || d.Pid != p.Self() || d.Reason.String() != tt.want {
			t.Errorf("got %v, want the reason %s", m, tt.want)
		}
	}
}

func TestClose(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, err := a.Spawn(func(p *Process) error { <-p.Done(); return nil }, Register("p"))
	if err != nil {
		t.Fatal(err)
	}
	w := trapping(t, b)
	w.Link(p.Self())
	ref, _ := w.Monitor(Name{"p", "a@test"})
	settled(t, w, a)
	last := a.Open()
	if err := last.Send(w.Self(), "last words"); err != nil {
		t.Fatal(err)
	}
	a.Close()
	a.Close()
	expect(t, w, `<<"last words">>`)
	got := map[string]bool{receive(t, w): true, receive(t, w): true}
	if !got[fmt.Sprintf("{'EXIT',%v,noconnection}", p.Self())] || !got[fmt.Sprintf("{'DOWN',%v,process,{p,a@test},noconnection}", ref)] {
		t.Errorf("got %v", got)
	}
	if r := exited(t, p); r != "noconnection" { // it was linked to the other node
		t.Error(r)
	}
	if r := exited(t, last); r != "shutdown" {
		t.Error(r)
	}
	if err := a.Connect(t.Context(), "b@test"); !errors.Is(err, ErrClosed) {
		t.Errorf("Connect on a closed node: %v", err)
	}
	if _, err := a.Spawn(func(*Process) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("Spawn on a closed node: %v", err)
	}
	if dead := a.Open(); dead.Err() == nil {
		t.Error("Open on a closed node gave a living process")
	}
}
