package pg_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/pg"
)

// start starts nodes that find each other without an EPMD.
func start(t *testing.T, names ...string) []*node.Node {
	t.Helper()
	addrs := map[string]string{}
	resolve := func(_ context.Context, name string) (string, error) {
		if addr := addrs[name]; addr != "" {
			return addr, nil
		}
		return "", errors.New("unknown")
	}
	var all []*node.Node
	for _, name := range names {
		n, err := node.Start(t.Context(), name, node.Config{Cookie: "secret", Resolve: resolve, Listen: "127.0.0.1:0", EPMD: node.EPMDNone})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		addrs[name] = "127.0.0.1:" + strconv.Itoa(n.Port())
		all = append(all, n)
	}
	return all
}

func scope(t *testing.T, n *node.Node, name etf.Atom) *pg.Scope {
	t.Helper()
	s, err := pg.Start(n, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// await waits for an event of a channel.
func await(t *testing.T, events <-chan pg.Event) pg.Event {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
	panic("not reached")
}

func watch(t *testing.T, s *pg.Scope, group any) <-chan pg.Event {
	t.Helper()
	_, events, err := s.Monitor(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestTwoNodes(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	a, b := scope(t, nodes[0], "chat"), scope(t, nodes[1], "chat")
	p, q := nodes[0].Open().Self(), nodes[1].Open()
	if err := a.Join("room", p, p); err != nil { // before they know each other
		t.Fatal(err)
	}
	events := watch(t, b, "room")
	if err := nodes[0].Connect(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	want := pg.Event{Kind: pg.Joined, Group: etf.Binary("room"), Pids: []etf.Pid{p, p}}
	if diff := cmp.Diff(want, await(t, events)); diff != "" {
		t.Error(diff)
	}
	onA := watch(t, a, "room")
	if err := b.Join(etf.Binary("room"), q.Self()); err != nil {
		t.Fatal(err)
	}
	await(t, onA)
	await(t, events)
	for _, s := range []*pg.Scope{a, b} {
		if diff := cmp.Diff([]etf.Pid{q.Self(), p, p}, s.Members("room")); diff != "" {
			t.Errorf("%v: %s", s.Self(), diff)
		}
		if diff := cmp.Diff([]etf.Term{etf.Binary("room")}, s.Groups()); diff != "" {
			t.Error(diff)
		}
	}
	if got := b.LocalMembers("room"); !slices.Equal(got, []etf.Pid{q.Self()}) {
		t.Error(got)
	}
	q.Exit(etf.Atom("bye"))
	if e := await(t, onA); e.Kind != pg.Left || !slices.Equal(e.Pids, []etf.Pid{q.Self()}) {
		t.Error(e)
	}
	await(t, events)
	if got := b.LocalGroups(); len(got) > 0 {
		t.Error(got)
	}
	nodes[0].Disconnect("b@test")
	if e := await(t, events); e.Kind != pg.Left || !slices.Equal(e.Pids, []etf.Pid{p, p}) {
		t.Error(e)
	}
	if got := b.Groups(); len(got) > 0 {
		t.Error(got)
	}
	if err := nodes[1].Connect(t.Context(), "a@test"); err != nil { // and again
		t.Fatal(err)
	}
	if e := await(t, events); e.Kind != pg.Joined || len(e.Pids) != 2 {
		t.Error(e)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if e := await(t, events); e.Kind != pg.Left || len(e.Pids) != 2 {
		t.Error(e)
	}
}

func TestErrors(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	s := scope(t, nodes[0], "s")
	p, other := nodes[0].Open(), nodes[1].Open()
	if err := s.Join("g", p.Self(), other.Self()); !errors.Is(err, pg.ErrNotLocal) {
		t.Error(err)
	}
	earlier := p.Self()
	earlier.Creation++
	if err := s.Join("g", earlier); !errors.Is(err, pg.ErrNotLocal) {
		t.Error(err)
	}
	if err := s.Leave("g", p.Self()); !errors.Is(err, pg.ErrNotJoined) {
		t.Error(err)
	}
	if err := s.Join(make(chan int), p.Self()); err == nil {
		t.Error("a channel is the name of a group")
	}
	if got := s.Members(make(chan int)); got != nil {
		t.Error(got)
	}
	if err := s.Join("g"); err != nil || len(s.Groups()) > 0 {
		t.Error(err, s.Groups())
	}
	if _, err := pg.Start(nodes[0], "s"); !errors.Is(err, node.ErrNameTaken) {
		t.Error(err)
	}
	if _, _, err := s.MonitorTo(other, "g"); !errors.Is(err, pg.ErrNotLocal) {
		t.Error(err)
	}
	s.Join("g", p.Self())
	s.Close()
	s.Close()
	if err := s.Join("g", p.Self()); !errors.Is(err, pg.ErrClosed) {
		t.Error(err)
	}
	if len(s.Members("g")) > 0 {
		t.Error("a closed scope has members")
	}
	if _, _, err := s.Monitor(t.Context(), "g"); err == nil {
		t.Error("Monitor of a closed scope")
	}
	if _, err := pg.Start(nodes[0], "s"); err != nil { // the name is free
		t.Error(err)
	}
}

// Whatever comes, a scope goes on: a BEAM scope of OTP 25 would not.
func TestStrangeMessages(t *testing.T) {
	n := start(t, "a@test")[0]
	s := scope(t, n, "s")
	p := n.Open()
	for _, m := range []any{etf.Atom("hello"), etf.Tuple{etf.Atom("join"), p.Self(), etf.Atom("g"), p.Self()},
		etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{p.Self(), n.NewRef()}, etf.Atom("x")}, etf.Tuple{etf.Atom("discover"), p.Self()}} {
		if err := p.Send(etf.Atom("s"), m); err != nil {
			t.Fatal(err)
		}
	}
	p.SendExit(s.Self(), etf.Atom("please"))
	events := watch(t, s, "g")
	if err := s.Join("g", p.Self(), p.Self()); err != nil {
		t.Fatal(err)
	}
	await(t, events)
	p.Exit(etf.Atom("bye")) // its exit comes behind its messages
	await(t, events)
	await(t, events)
	if err := s.Join("g", n.Open().Self()); err != nil {
		t.Error(err)
	}
}

// A scope that is killed comes back with its members; its peers see them go and come.
func TestKilled(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	a, b := scope(t, nodes[0], "s"), scope(t, nodes[1], "s")
	if err := nodes[0].Connect(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	p, q, w := nodes[0].Open(), nodes[1].Open(), nodes[0].Open()
	onA, onB := watch(t, a, "g"), watch(t, b, "g")
	a.Join("g", p.Self(), p.Self())
	b.Join("g", q.Self())
	for range 2 {
		await(t, onA)
		await(t, onB)
	}
	ref, _, err := a.MonitorTo(w, "h")
	if err != nil {
		t.Fatal(err)
	}
	before := a.Self()
	q.SendExit(before, etf.Atom("kill"))
	if e := await(t, onB); e.Kind != pg.Left || len(e.Pids) != 2 {
		t.Error(e)
	}
	if e := await(t, onB); e.Kind != pg.Joined || !slices.Equal(e.Pids, []etf.Pid{p.Self(), p.Self()}) {
		t.Error(e)
	}
	if e := await(t, onA); e.Kind != pg.Left || !slices.Equal(e.Pids, []etf.Pid{q.Self()}) {
		t.Error(e)
	}
	if e := await(t, onA); e.Kind != pg.Joined || !slices.Equal(e.Pids, []etf.Pid{q.Self()}) {
		t.Error(e)
	}
	if a.Self() == before {
		t.Error("it is the same process")
	}
	a.Join("h", p.Self())
	if m, err := w.Receive(t.Context()); err != nil || m.String() != (etf.Tuple{ref, etf.Atom("join"), etf.Binary("h"), etf.List{p.Self()}}).String() {
		t.Error(m, err)
	}
	p.Exit(etf.Atom("bye")) // the new process monitors it
	if e := await(t, onB); e.Kind != pg.Left || len(e.Pids) != 1 {
		t.Error(e)
	}
	w.Exit(etf.Atom("bye"))
	for range 50 { // and again and again, while somebody joins
		q.SendExit(a.Self(), etf.Atom("kill"))
		if err := a.Join("h", nodes[0].Open().Self()); err != nil {
			t.Fatal(err)
		}
	}
	joined := 0
	all := watch(t, b, "h")
	for len(b.Members("h")) != 50 {
		joined += len(await(t, all).Pids)
	}
	if err := a.Close(); err != nil || joined == 0 {
		t.Error(err, joined)
	}
}

func TestMonitorTo(t *testing.T) {
	n := start(t, "a@test")[0]
	s := scope(t, n, "s")
	p, member := n.Open(), n.Open().Self()
	s.Join("g", member)
	ref, members, err := s.MonitorTo(p, "g")
	if err != nil || !slices.Equal(members, []etf.Pid{member}) {
		t.Fatal(members, err)
	}
	all, groups, err := s.MonitorScopeTo(p)
	if diff := cmp.Diff([]pg.Members{{Group: etf.Binary("g"), Pids: members}}, groups); err != nil || diff != "" {
		t.Error(err, diff)
	}
	s.Join("h", member)
	s.Leave("g", member)
	want := []etf.Term{
		etf.Tuple{all, etf.Atom("join"), etf.Binary("h"), etf.List{member}},
		etf.Tuple{all, etf.Atom("leave"), etf.Binary("g"), etf.List{member}},
		etf.Tuple{ref, etf.Atom("leave"), etf.Binary("g"), etf.List{member}},
	}
	var got []etf.Term
	for range want {
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		term, _ := m.Term()
		got = append(got, term)
	}
	slices.SortFunc(got[1:], etf.Compare)
	slices.SortFunc(want[1:], etf.Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !s.Demonitor(ref) || s.Demonitor(ref) || !s.Demonitor(all) {
		t.Error("Demonitor")
	}
	s.Join("g", member)
	if p.Messages() > 0 {
		t.Error("a message after Demonitor")
	}
}

func TestMonitorScope(t *testing.T) {
	n := start(t, "a@test")[0]
	s := scope(t, n, "s")
	ctx, cancel := context.WithCancel(t.Context())
	_, events, err := s.MonitorScope(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const count = 1000
	for i := range count { // nobody reads yet
		if err := s.Join(i, n.Open().Self()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range count {
		if e := await(t, events); e.Group != etf.Term(etf.Int(i)) {
			t.Fatal(i, e)
		}
	}
	cancel()
	for range events {
	}
	_, events, _ = s.MonitorScope(t.Context())
	s.Close()
	for range events {
	}
}

// The lists of a scope may be used by anybody while it changes.
func TestConcurrent(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	a, b := scope(t, nodes[0], "s"), scope(t, nodes[1], "s")
	if err := nodes[0].Connect(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	const workers, rounds = 8, 100
	events := watch(t, b, "g")
	done := make(chan error, workers)
	for range workers {
		go func() {
			var err error
			for range rounds {
				p := nodes[0].Open()
				err = errors.Join(err, a.Join("g", p.Self()))
				a.Members("g")
				b.Members("g")
				b.Groups()
				err = errors.Join(err, a.Leave("g", p.Self()))
			}
			done <- err
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	last := nodes[0].Open().Self()
	a.Join("g", last)
	for {
		if e := await(t, events); slices.Contains(e.Pids, last) {
			break
		}
	}
	if got := b.Members("g"); !slices.Equal(got, []etf.Pid{last}) {
		t.Error(got)
	}
}

func Example() {
	n, err := node.Start(context.Background(), "go@example", node.Config{Cookie: "secret", NoListen: true})
	if err != nil {
		panic(err)
	}
	defer n.Close()
	rooms, err := pg.Start(n, "rooms")
	if err != nil {
		panic(err)
	}
	_, events, err := rooms.Monitor(context.Background(), "lobby")
	if err != nil {
		panic(err)
	}
	p := n.Open()
	rooms.Join("lobby", p.Self())
	for _, member := range rooms.Members("lobby") {
		n.SendContext(context.Background(), member, "hello")
	}
	m, _ := p.Receive(context.Background())
	rooms.Leave("lobby", p.Self())
	fmt.Println(m, (<-events).Kind, (<-events).Kind)
	// Output: <<"hello">> join leave
}
