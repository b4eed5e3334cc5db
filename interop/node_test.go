//go:build unix

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

const cookie = "interop"

// goNode starts a Go node in the test's own process.
func goNode(t testing.TB, name string, epmdPort int, change ...func(*erlnode.Config)) *erlnode.Node {
	t.Helper()
	cfg := erlnode.Config{Cookie: cookie, EPMDPort: epmdPort}
	for _, f := range change {
		f(&cfg)
	}
	n, err := erlnode.Start(t.Context(), name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// pair starts a Go node that embeds the EPMD and a BEAM node that registers with it.
func pair(t testing.TB) (*erlnode.Node, *otp.Node) {
	t.Helper()
	install := otp.Find(t)
	port := otp.FreePort(t)
	n := goNode(t, "go@127.0.0.1", port, func(c *erlnode.Config) { c.EPMD = node.EPMDEmbedded })
	return n, install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
}

// pid asks a BEAM node for a pid and gets it over the wire: the text of one does not say which node it is of.
func pid(t testing.TB, beam *otp.Node, p *node.Process, expr string) etf.Pid {
	t.Helper()
	name := "ask_" + strings.NewReplacer("@", "_", "'", "").Replace(p.Self().String())
	if err := p.Register(etf.Atom(name)); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, fmt.Sprintf("{'%s', %v} ! {pid, %s}.", name, p.Node().Name(), expr))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m, err := p.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p.Node().Unregister(etf.Atom(name))
	var got struct {
		_   struct{} `etf:"pid,tuple"`
		Pid etf.Pid
	}
	if err := m.Decode(&got); err != nil {
		t.Fatal(m, err)
	}
	return got.Pid
}

func await(t testing.TB, p *node.Process, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m, err := p.Receive(ctx)
	if err != nil {
		t.Fatalf("waiting for %s: %v", want, err)
	}
	if got := m.String(); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

// A Go program as a client: it connects to a BEAM node, calls a gen_server there, watches its processes, and learns the
// exact reasons of their ends.
func TestGoToBEAM(t *testing.T) {
	n, beam := pair(t)
	on := etf.Atom(beam.Name())
	if err := n.Ping(t.Context(), on); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, "target:start().")
	got, err := gen.Call[etf.Term](t.Context(), n, node.Name{Name: "echo", Node: on}, etf.Tuple{etf.Atom("hello"), etf.Int(1)})
	if err != nil || got.String() != "{hello,1}" {
		t.Error(got, err)
	}
	crasher := node.Name{Name: "crasher", Node: on}
	_, err = gen.Call[etf.Term](t.Context(), n, crasher, etf.Tuple{etf.Atom("exit"), etf.Tuple{etf.Atom("shutdown"), etf.Atom("why")}})
	if exit, ok := errors.AsType[*node.ExitError](err); !ok || exit.Reason.String() != "{shutdown,why}" {
		t.Error(err)
	}
	if _, err = gen.Call[etf.Term](t.Context(), n, node.Name{Name: "nobody", Node: on}, 1); !errors.Is(err, node.ErrNoProc) {
		t.Error(err)
	}
	p := n.Open(node.TrapExit())
	victim := pid(t, beam, p, "spawn(fun() -> receive {die, R} -> exit(R) end end)")
	ref, err := p.Monitor(victim)
	if err != nil {
		t.Fatal(err)
	}
	p.Link(victim)
	p.Send(victim, etf.Tuple{etf.Atom("die"), etf.Tuple{etf.Atom("exact"), etf.List{etf.Int(1), etf.Int(2)}}})
	a, b := fmt.Sprintf("{'EXIT',%v,{exact,[1,2]}}", victim), fmt.Sprintf("{'DOWN',%v,process,%v,{exact,[1,2]}}", ref, victim)
	m1, _ := p.Receive(t.Context())
	m2, err := p.Receive(t.Context())
	if s1, s2 := m1.String(), m2.String(); err != nil || !(s1 == a && s2 == b || s1 == b && s2 == a) {
		t.Error(m1, m2, err)
	}
	// The node is killed: a pending call, a monitor and a link end at once.
	pending := make(chan error, 1)
	go func() {
		_, err := gen.Call[etf.Term](t.Context(), n, crasher, etf.Atom("hang"))
		pending <- err
	}()
	survivor := pid(t, beam, p, "spawn(fun() -> receive never -> ok end end)")
	p.Link(survivor)
	if _, err := gen.Call[etf.Term](t.Context(), p, node.Name{Name: "echo", Node: on}, 1); err != nil { // all of that has arrived
		t.Fatal(err)
	}
	beam.Kill()
	await(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", survivor))
	if err := <-pending; !errors.Is(err, node.ErrNoConnection) {
		t.Error(err)
	}
}

// A BEAM node sees the end of a Go node as that of its own kind.
func TestGoNodeGone(t *testing.T) {
	n, beam := pair(t)
	p, err := n.Spawn(func(p *node.Process) error { <-p.Done(); return nil }, node.Register("p"))
	if err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, fmt.Sprintf("G = %v, net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]), pong = net_adm:ping(G), receive {nodeup, G, _} -> ok end.", n.Name()))
	if got := beam.Eval(t, "nodes()."); got != "['go@127.0.0.1']" {
		t.Error("nodes:", got)
	}
	beam.Eval(t, "R1 = monitor(process, {p, G}), process_flag(trap_exit, true), ok.")
	peer := n.Open()
	p2 := pid(t, beam, peer, "self()")
	p.Link(p2)
	if err := n.Ping(t.Context(), etf.Atom(beam.Name())); err != nil {
		t.Fatal(err)
	}
	n.Close()
	got := beam.Eval(t, "[receive {'DOWN', R1, process, {p, G}, Why} -> Why after 10000 -> timeout end, receive {'EXIT', _, Why2} -> Why2 after 10000 -> timeout end, receive {nodedown, G, L} -> {proplists:get_value(node_type, L), proplists:get_value(nodedown_reason, L)} after 10000 -> timeout end].")
	if got != "[noconnection,noconnection,{visible,connection_closed}]" {
		t.Error(got)
	}
}

// 200,000 messages of one BEAM process to a Go process, and back, arrive all and in order.
func TestManyMessages(t *testing.T) {
	const many = 200_000
	n, beam := pair(t)
	p := n.Open()
	p.Register("collector")
	beam.Eval(t, fmt.Sprintf("P = spawn(fun() -> {collector, 'go@127.0.0.1'} ! self(), [{collector, 'go@127.0.0.1'} ! {n, I, <<\"payload\">>} || I <- lists:seq(1, %d)], "+
		"F = fun F(K) when K =:= %d + 1 -> in_order; F(K) -> receive {n, K, _} -> F(K + 1); O -> {at, K, O} end end, {collector, 'go@127.0.0.1'} ! F(1) end), ok.", many, many))
	first, err := p.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sender etf.Pid
	if err := first.Decode(&sender); err != nil {
		t.Fatal(err)
	}
	type numbered struct {
		_       struct{} `etf:"n,tuple"`
		N       int
		Payload string
	}
	for want := 1; want <= many; want++ {
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got numbered
		if err := m.Decode(&got); err != nil || got.N != want || got.Payload != "payload" {
			t.Fatalf("message %d is %v, %v", want, m, err)
		}
	}
	for i := 1; i <= many; i++ {
		if err := p.Send(sender, numbered{N: i, Payload: "payload"}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, p, "in_order")
}

// A binary of 20 MB both ways. The BEAM sends it in fragments, with an atom cache.
func TestBigBinary(t *testing.T) {
	n, beam := pair(t)
	beam.Eval(t, "target:start().")
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
	got, err := gen.Call[[]byte](t.Context(), n, node.Name{Name: "echo", Node: etf.Atom(beam.Name())}, big)
	if err != nil || !bytes.Equal(got, big) {
		t.Fatalf("%d bytes came back, %v", len(got), err)
	}
	// Small messages of other processes pass it by.
	p := n.Open()
	p.Register("big")
	beam.Eval(t, "B = binary:copy(<<\"x\">>, 20000000), {big, 'go@127.0.0.1'} ! {B, small, atoms}, spawn(fun() -> {big, 'go@127.0.0.1'} ! other end), ok.")
	sizes := map[int]bool{}
	for range 2 {
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		term, err := m.Term()
		if err != nil {
			t.Fatal(err)
		}
		switch v := term.(type) {
		case etf.Tuple:
			sizes[len(v[0].(etf.Binary))] = true
		case etf.Atom:
			sizes[-1] = v == "other"
		}
	}
	if !sizes[20_000_000] || !sizes[-1] {
		t.Error(sizes)
	}
}

// Every kind of term goes to a Go process and comes back as it was: a BEAM node compares.
func TestTermsThroughGo(t *testing.T) {
	n, beam := pair(t)
	if _, err := gen.Start(n, echo{}, node.Register("echo")); err != nil {
		t.Fatal(err)
	}
	for _, expr := range []string{
		"[0, 255, 256, -1, 1 bsl 31, -(1 bsl 31), 1 bsl 63, -(1 bsl 64), 1 bsl 2040]",
		"[0.0, -0.0, 1.0e308, 3.14, -1.0e-300]",
		"['', a, 'with space', 'ünï', list_to_atom(lists:duplicate(255, 16#1F600))]",
		"[<<>>, <<1,2,3>>, <<5:3>>, <<1,2:7>>]",
		"[\"string\", [], [1,2|3], [300], lists:duplicate(70000, $x)]",
		"#{<<\"binary\">> => 1, [list] => 2, {tuple} => 3, #{} => 4, 1 => 5, 1.0 => 6, self() => 7}",
		"maps:from_list([{I, I} || I <- lists:seq(1, 100)])",
		"[self(), make_ref(), hd(erlang:ports()), fun lists:map/2, fun(X) -> X end]",
		"begin Y = {free, variable}, fun() -> Y end end",
		"list_to_tuple(lists:seq(1, 300))",
		"lists:foldl(fun(_, A) -> [A] end, [], lists:seq(1, 5000))",
		"[list_to_atom(\"atom_\" ++ integer_to_list(I)) || I <- lists:seq(1, 400)]",
		"binary:copy(<<\"fragments\">>, 100000)",
	} {
		if got := beam.Eval(t, "(fun(T) -> gen_server:call({echo, 'go@127.0.0.1'}, T) =:= T end)("+expr+")."); got != "true" {
			t.Errorf("%s: %s", expr, got)
		}
	}
}

type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}

// With a net_ticktime of 4 s on both sides an idle connection stays up, and a frozen peer is noticed in the window of 3 to 5 s
// (and what the last tick before adds to it), by either side.
func TestTicks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	install := otp.Find(t)
	port := otp.FreePort(t)
	const ticktime = 4 * time.Second
	n := goNode(t, "go@127.0.0.1", port, func(c *erlnode.Config) { c.Dist = dist.Config{NetTickTime: ticktime} })
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port, NetTickTime: int(ticktime / time.Second)})
	w := n.Open()
	w.MonitorNodes(true, node.NodeEvents{Types: node.Connected})
	beam.Eval(t, "net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]), pong = net_adm:ping('go@127.0.0.1').")
	m, err := w.Receive(t.Context())
	if up, ok := m.NodeUp(); err != nil || !ok || up.Node != "beam@127.0.0.1" {
		t.Fatal(m, err)
	}
	idle, cancel := context.WithTimeout(t.Context(), 3*ticktime)
	defer cancel()
	if m, err := w.Receive(idle); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("while idle: %v, %v", m, err)
	}
	if got := beam.Eval(t, "{nodes(), receive {nodedown, _, I} -> I after 0 -> up end}."); got != "{['go@127.0.0.1'],up}" {
		t.Fatal("while idle:", got)
	}
	if err := beam.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	frozen := time.Now()
	bounded, cancel := context.WithTimeout(t.Context(), 10*ticktime)
	defer cancel()
	m, err = w.Receive(bounded)
	if err != nil {
		asleep := ""
		if beam.Run(t, "node().") != "" {
			asleep = ", but it answers: somebody has let it go on"
		}
		t.Fatalf("the frozen peer is still there%s: %v", asleep, err)
	}
	if down, ok := m.NodeDown(); !ok || down.Reason != etf.Term(etf.Atom("net_tick_timeout")) {
		t.Fatal(m)
	}
	took := time.Since(frozen)
	beam.Signal(syscall.SIGCONT)
	t.Logf("the frozen peer was given up after %v", took)
	if took < ticktime-ticktime/4-time.Second || took > ticktime+ticktime/4+2*time.Second {
		t.Errorf("the frozen peer was given up after %v", took)
	}
}
