package global_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/global"
)

// member is a node with global.
type member struct {
	*node.Node
	Global *global.Global
}

// net starts nodes that find each other without an EPMD.
type network struct {
	mu    sync.Mutex
	addrs map[string]string
	hang  func(context.Context) // called for hangs@test
}

func (w *network) resolve(ctx context.Context, name string) (string, error) {
	if name == "hangs@test" {
		w.hang(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr, ok := w.addrs[name]; ok {
		return addr, nil
	}
	return "", errors.New("no such node")
}

func (w *network) start(t *testing.T, name string) member {
	t.Helper()
	n, err := node.Start(t.Context(), name, node.Config{Cookie: "secret", EPMD: node.EPMDNone, Listen: "127.0.0.1:0", Resolve: w.resolve})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	w.mu.Lock()
	if w.addrs == nil {
		w.addrs = make(map[string]string)
	}
	w.addrs[name] = "127.0.0.1:" + strconv.Itoa(n.Port())
	w.mu.Unlock()
	g, err := global.Start(n, global.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return member{n, g}
}

// cluster starts nodes that are one cluster, each connected to one other at first.
func cluster(t *testing.T, names ...string) []member {
	t.Helper()
	var w network
	var all []member
	for i, name := range names {
		all = append(all, w.start(t, name))
		if i > 0 {
			join(t, all[i], all[i-1])
		}
	}
	return all
}

func join(t *testing.T, a, b member) {
	t.Helper()
	if err := a.Connect(t.Context(), b.Node.Name()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []member{a, b} {
		if err := m.Global.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// The nodes of a cluster connect to each other, and know each other's names.
func TestNames(t *testing.T) {
	all := cluster(t, "a@test", "b@test", "c@test")
	a, b, c := all[0], all[1], all[2]
	eventually(t, "a mesh", func() bool { return len(a.Nodes(0)) == 2 && len(c.Nodes(0)) == 2 })
	p, q := a.Open(), b.Open()
	if err := a.Global.Register(t.Context(), "x", p.Self()); err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if pid, ok := m.Global.Whereis(etf.Atom("x")); !ok || pid != p.Self() {
			t.Errorf("%s: %v, %v", m.Node.Name(), pid, ok)
		}
		if names := m.Global.Names(); !slices.Equal(names, []etf.Term{etf.Atom("x")}) {
			t.Error(names)
		}
	}
	if err := b.Global.Register(t.Context(), "x", q.Self()); !errors.Is(err, global.ErrNameTaken) {
		t.Error(err)
	}
	if err := b.Global.Register(t.Context(), "y", p.Self()); !errors.Is(err, global.ErrRegistered) {
		t.Error(err)
	}
	if err := c.Global.Reregister(t.Context(), "x", q.Self()); err != nil {
		t.Error(err)
	}
	if pid, ok := a.Global.Whereis("x"); !ok || pid != q.Self() {
		t.Error(pid, ok)
	}
	if err := c.Global.Unregister(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if _, ok := a.Global.Whereis("x"); ok {
		t.Error("x is there")
	}
	// Any term can be a name.
	if err := c.Global.Register(t.Context(), etf.Tuple{etf.Atom("t"), etf.Int(1)}, p.Self()); err != nil {
		t.Error(err)
	}
	if pid, ok := b.Global.Whereis(etf.Tuple{etf.Atom("t"), etf.Int(1)}); !ok || pid != p.Self() {
		t.Error(pid, ok)
	}
	p.Exit(etf.Atom("bye"))
	eventually(t, "the name of a dead process goes", func() bool { return len(b.Global.Names())+len(c.Global.Names()) == 0 })
}

// echo answers with the request.
type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}

// A global name is a destination of calls and messages.
func TestDestination(t *testing.T) {
	all := cluster(t, "a@test", "b@test")
	a, b := all[0], all[1]
	pid, err := gen.Start(a.Node, echo{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gen.Call[int](t.Context(), b.Node, b.Global.Name("echo"), 7); !errors.Is(err, node.ErrNoProc) {
		t.Error(err)
	}
	if err := a.Global.Register(t.Context(), "echo", pid); err != nil {
		t.Fatal(err)
	}
	if got, err := gen.Call[int](t.Context(), b.Node, b.Global.Name("echo"), 7); got != 7 || err != nil {
		t.Error(got, err)
	}
	if got := b.Global.Name("echo").String(); got != "{global,echo}" {
		t.Error(got)
	}
}

// Locks exclude each other on all nodes, and go with their holder.
func TestLocks(t *testing.T) {
	all := cluster(t, "a@test", "b@test", "c@test")
	a, b := all[0], all[1]
	p, q := a.Open(), b.Open()
	lockOf := func(p *node.Process) global.Lock { return global.Lock{Resource: "r", Requester: p.Self()} }
	if err := a.Global.SetLock(t.Context(), p, lockOf(p)); err != nil {
		t.Fatal(err)
	}
	if ok, err := b.Global.TryLock(t.Context(), q, lockOf(q), 0); ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := b.Global.TryLock(t.Context(), q, lockOf(p), 0); !ok || err != nil {
		t.Error("the same requester does not share the lock:", ok, err)
	}
	if err := b.Global.DelLock(t.Context(), q, lockOf(p)); err != nil {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := b.Global.SetLock(short, q, lockOf(q)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	p.Exit(etf.Atom("bye"))
	if err := b.Global.SetLock(t.Context(), q, lockOf(q)); err != nil {
		t.Error(err)
	}
	if err := b.Global.DelLock(t.Context(), q, lockOf(q)); err != nil {
		t.Error(err)
	}

	var inside, most, runs int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, m := range all {
		wg.Go(func() {
			for range 3 {
				if err := m.Global.Trans(t.Context(), "r", func(context.Context) error {
					mu.Lock()
					inside++
					most = max(most, inside)
					mu.Unlock()
					mu.Lock()
					inside--
					runs++
					mu.Unlock()
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if most != 1 || runs != 9 {
		t.Error(most, runs)
	}
	bad := errors.New("bad")
	if err := a.Global.Trans(t.Context(), "r", func(context.Context) error { return bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
}

// When two partitions join, a method decides who keeps a name that both have.
func TestConflict(t *testing.T) {
	conflict := func(t *testing.T, method func(member) global.Method, want func(p, q etf.Pid) (keep etf.Pid, ok bool)) (p, q *node.Process) {
		var w network
		a, b := w.start(t, "a@test"), w.start(t, "b@test")
		p, q = a.Open(), b.Open()
		for m, p := range map[member]*node.Process{a: p, b: q} {
			if err := m.Global.Register(t.Context(), "x", p.Self(), method(m)); err != nil {
				t.Fatal(err)
			}
		}
		join(t, b, a)
		keep, ok := want(p.Self(), q.Self())
		for _, m := range []member{a, b} {
			if pid, found := m.Global.Whereis("x"); found != ok || pid != keep {
				t.Errorf("%s: %v, %v; want %v, %v", m.Node.Name(), pid, found, keep, ok)
			}
		}
		return p, q
	}
	first := func(p, _ etf.Pid) (etf.Pid, bool) { return p, true }
	otp := func(method global.Method) func(member) global.Method {
		return func(member) global.Method { return method }
	}

	_, q := conflict(t, otp(global.RandomExitName), first)
	<-q.Done()
	if err := q.Err(); err.Error() != "exit: killed" {
		t.Error(err)
	}
	_, q = conflict(t, otp(global.RandomNotifyName), first)
	if m, err := q.Receive(t.Context()); err != nil || m.String() != "{global_name_conflict,x}" {
		t.Error(m, err)
	}
	p, q := conflict(t, otp(global.NotifyAllName), func(_, _ etf.Pid) (etf.Pid, bool) { return etf.Pid{}, false })
	for _, p := range []*node.Process{p, q} {
		if _, err := p.Receive(t.Context()); err != nil {
			t.Error(err)
		}
	}
	last := func(m member) global.Method {
		return m.Global.Resolver("last", func(_ context.Context, name etf.Term, a, b etf.Pid) etf.Pid {
			if name != etf.Term(etf.Atom("x")) {
				t.Error(name)
			}
			if a.Node > b.Node {
				return a
			}
			return b
		})
	}
	conflict(t, last, func(_, q etf.Pid) (etf.Pid, bool) { return q, true })
}

// A method answers before the nodes of the processes are connected. A node of OTP that hears of the outcome after the connection
// has come, and before it has init_connect_ack over it, takes the name away again.
func TestConflictDoesNotWait(t *testing.T) {
	var w network
	a := w.start(t, "a@test")
	p := a.Open()
	dialled, over := make(chan struct{}), make(chan struct{})
	begin, end := sync.OnceFunc(func() { close(dialled) }), sync.OnceFunc(func() { close(over) })
	w.hang = func(ctx context.Context) { begin(); <-ctx.Done(); end() }
	mine, his := p.Self(), etf.Pid{Node: "hangs@test", ID: 1, Creation: 5}
	for _, method := range []global.Method{global.RandomNotifyName, global.RandomExitName, global.NotifyAllName} {
		var args []etf.Raw
		for _, arg := range []etf.Term{method, etf.Atom("x"), mine, his} {
			b, err := etf.AppendTerm(nil, arg)
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, etf.Raw{Bytes: b})
		}
		keep, err := p.Apply(t.Context(), "global", "resolve_it", args)
		want := etf.Term(mine)
		if method == etf.Term(global.NotifyAllName) {
			want = etf.Atom("none")
		}
		if keep != want || err != nil {
			t.Errorf("%v: %v, %v; want %v", method, keep, err, want)
		}
	}
	<-dialled
	select {
	case <-over:
		t.Error("the methods have waited for the connection")
	default:
	}
}

// A node with global groups that takes this one for a stranger is not waited for, and has no names here, but stays connected.
func TestGroups(t *testing.T) {
	all := cluster(t, "a@test", "b@test", "c@test")
	a, b, c := all[0], all[1], all[2]
	for _, m := range all {
		if err := m.Global.Register(t.Context(), m.Node.Name(), m.Open().Self()); err != nil {
			t.Fatal(err)
		}
	}
	p := b.Open()
	if err := p.Send(node.At("global_group", "a@test"), etf.Tuple{etf.Atom("disconnect_node"), etf.Atom("b@test")}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b leaves the names of a", func() bool { _, ok := a.Global.Whereis("b@test"); return !ok })
	if err := a.Global.Sync(t.Context()); err != nil || len(a.Nodes(0)) != 2 {
		t.Error(err, a.Nodes(0))
	}
	if _, ok := a.Global.Whereis("c@test"); !ok {
		t.Error("c has left the names of a too")
	}
	// As a node with groups that compares them by force.
	check := etf.Tuple{etf.Atom("conf_check"), etf.Int(3), etf.Atom("c@test"), nil, etf.Atom("sync"),
		etf.Atom("mine"), etf.Atom("normal"), etf.List{etf.Atom("a@test"), etf.Atom("c@test")}}
	q := c.Open()
	check[3] = etf.Tuple{q.Self(), etf.Int(1)}
	if err := gen.Cast(t.Context(), q, node.At("global_group", "a@test"), check); err != nil {
		t.Fatal(err)
	}
	if m, err := q.Receive(t.Context()); err != nil || m.String() != fmt.Sprintf("{config_error,3,{%v,1},a@test}", q.Self()) {
		t.Error(m, err)
	}
	eventually(t, "c leaves the names of a", func() bool { _, ok := a.Global.Whereis("c@test"); return !ok })
}

// Nobody waits for a node whose global_name_server has ended while its connections stay.
func TestServerEnds(t *testing.T) {
	all := cluster(t, "a@test", "b@test", "c@test")
	a, b, c := all[0], all[1], all[2]
	p := a.Open()
	if err := a.Global.Register(t.Context(), "before", p.Self()); err != nil {
		t.Fatal(err)
	}
	dead := b.Global.Self()
	if err := a.Open().SendExit(dead, etf.Atom("kill")); err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // the first may be under way to b when that ends
		if err := a.Global.Reregister(t.Context(), fmt.Sprint("after", i), p.Self()); err != nil {
			t.Fatal(err)
		}
		if pid, ok := c.Global.Whereis(fmt.Sprint("after", i)); !ok || pid != p.Self() {
			t.Error(i, pid, ok)
		}
	}
	if b.Alive(dead) || len(a.Nodes(0)) != 2 {
		t.Error(b.Alive(dead), a.Nodes(0))
	}
}

// A node that closes takes its names with it, and the others stay together.
func TestClose(t *testing.T) {
	all := cluster(t, "a@test", "b@test", "c@test")
	a, b, c := all[0], all[1], all[2]
	if err := c.Global.Register(t.Context(), "x", c.Open().Self()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	eventually(t, "the name of a node that is gone goes", func() bool { return len(a.Global.Names())+len(b.Global.Names()) == 0 })
	// The name goes with its process, which ends before the connection.
	eventually(t, "the node itself goes", func() bool { return slices.Equal(a.Nodes(0), []etf.Atom{"b@test"}) })
	if err := c.Global.Register(t.Context(), "y", a.Open().Self()); !errors.Is(err, node.ErrClosed) {
		t.Error(err)
	}
	if _, ok := c.Global.Whereis("x"); ok {
		t.Error("x is there")
	}
}

// When two nodes lose each other, one of them is left by all, or both are, by who hears of it first; the others stay together.
func TestLoss(t *testing.T) {
	all := cluster(t, "a@test", "b@test", "c@test", "d@test")
	a, b, c, d := all[0], all[1], all[2], all[3]
	for _, m := range all {
		eventually(t, "a mesh", func() bool { return len(m.Nodes(0)) == 3 })
		if err := m.Global.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !a.Node.Disconnect("b@test") {
		t.Fatal("not connected")
	}
	part := func(m member) string {
		nodes := append(m.Nodes(0), m.Node.Name())
		slices.Sort(nodes)
		return fmt.Sprint(nodes)
	}
	eventually(t, "partitions that do not overlap", func() bool {
		parts := map[string]int{}
		for _, m := range all {
			parts[part(m)] = len(m.Nodes(0)) + 1
		}
		nodes := 0
		for _, n := range parts {
			nodes += n
		}
		return nodes == len(all) && part(a) != part(b) && part(c) == part(d)
	})
}
