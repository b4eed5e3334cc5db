//go:build unix

package interop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// plainNode starts a Go node without any of the services of package erlnode.
func plainNode(t testing.TB, name string, epmdPort int, change ...func(*node.Config)) *node.Node {
	t.Helper()
	cfg := node.Config{Cookie: cookie, EPMDPort: epmdPort}
	for _, f := range change {
		f(&cfg)
	}
	n, err := node.Start(t.Context(), name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// alone keeps a BEAM node's global away from nodes that do not answer it.
var alone = []string{"-kernel", "connect_all", "false", "prevent_overlapping_partitions", "false"}

// eventually waits until an expression has a value.
func eventually(t testing.TB, beam *otp.Node, expr, want string) {
	t.Helper()
	beam.Run(t, fmt.Sprintf(`
		Eventually = fun F(0) -> {never, %[1]s}; F(N) -> case %[1]s of %[2]s -> ok; _ -> timer:sleep(10), F(N - 1) end end,
		ok = Eventually(1000).`, expr, want))
}

// nodesAre waits until a Go node is connected to exactly these.
func nodesAre(t testing.TB, n *node.Node, types node.NodeType, want ...etf.Atom) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	slices.Sort(want)
	for {
		got := n.Nodes(types)
		slices.Sort(got)
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v: connected to %v, not %v", n.Name(), got, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Each kind of node is where a BEAM node expects it: in nodes() or in nodes(hidden), on both sides, whoever connects.
func TestVisibility(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	beams := map[string]*otp.Node{
		"visible": install.Erl(t, otp.Options{Name: "visible", Cookie: cookie, EPMDPort: port, Args: alone}),
		"hidden":  install.Erl(t, otp.Options{Name: "hidden", Cookie: cookie, EPMDPort: port, Hidden: true, Args: alone}),
	}
	gos := map[string]*node.Node{
		"visible": plainNode(t, "govisible@127.0.0.1", port),
		"hidden":  plainNode(t, "gohidden@127.0.0.1", port, func(c *node.Config) { c.Hidden = true }),
	}
	for kindB, beam := range beams {
		for kindG, g := range gos {
			for _, goFirst := range []bool{true, false} {
				if goFirst {
					if err := g.Connect(t.Context(), etf.Atom(beam.Name())); err != nil {
						t.Fatal(err)
					}
				} else if got := beam.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", string(g.Name()))); got != "true" {
					t.Fatal(got)
				}
				goType, other := node.Visible, node.Hidden
				want := fmt.Sprintf("{['%s'],[]}", string(g.Name()))
				if kindB == "hidden" || kindG == "hidden" {
					goType, other = other, goType
					want = fmt.Sprintf("{[],['%s']}", string(g.Name()))
				}
				eventually(t, beam, "{nodes(), nodes(hidden)}", want)
				nodesAre(t, g, goType, etf.Atom(beam.Name()))
				nodesAre(t, g, other)
				g.Disconnect(etf.Atom(beam.Name()))
				eventually(t, beam, "nodes(connected)", "[]")
			}
		}
	}
}

// A node with -dist_listen false is hidden and can be reached over the connection it has set up.
func TestDistListenFalse(t *testing.T) {
	install := otp.Find(t)
	if release, _ := install.Release(); release < 24 {
		t.Skip("needs OTP 24") // the option is of 24
	}
	port := install.EPMD(t)
	g := plainNode(t, "go@127.0.0.1", port)
	beam := install.Erl(t, otp.Options{Name: "mute", Cookie: cookie, EPMDPort: port, Args: []string{"-dist_listen", "false"}})
	if err := g.Connect(t.Context(), "mute@127.0.0.1"); !errors.Is(err, node.ErrNoConnection) {
		t.Errorf("to a node that does not listen: %v", err)
	}
	if got := beam.Eval(t, "net_adm:ping('go@127.0.0.1')"); got != "pong" {
		t.Fatal(got)
	}
	if err := g.Ping(t.Context(), "mute@127.0.0.1"); err != nil {
		t.Error(err)
	}
	nodesAre(t, g, node.Hidden, "mute@127.0.0.1")

	mute := plainNode(t, "gomute@127.0.0.1", port, func(c *node.Config) { c.NoListen = true })
	visible := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
	if got := visible.Eval(t, "net_kernel:connect_node('gomute@127.0.0.1')"); got != "false" {
		t.Error(got)
	}
	if err := mute.Ping(t.Context(), "beam@127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if got := visible.Eval(t, "{nodes(), nodes(hidden), net_adm:ping('gomute@127.0.0.1')}"); got != "{[],['gomute@127.0.0.1'],pong}" {
		t.Error(got)
	}
}

// erl -sname undefined asks a Go node for its name, gets it again after it was away, and a Go node asks a BEAM node.
func TestDynamicNames(t *testing.T) {
	install := otp.Find(t)
	if release, _ := install.Release(); release < 23 {
		t.Skip("needs OTP 23")
	}
	port := install.EPMD(t)
	g := plainNode(t, "go@127.0.0.1", port)
	beam := install.Erl(t, otp.Options{Name: "undefined@127.0.0.1", Cookie: cookie, EPMDPort: port})
	if got := beam.Eval(t, "{node(), net_kernel:connect_node('go@127.0.0.1')}"); got != "{nonode@nohost,true}" {
		t.Fatal(got)
	}
	name := beam.Eval(t, "{'$text', atom_to_list(node())}")
	creation := beam.Eval(t, "erlang:system_info(creation)")
	if !strings.HasSuffix(name, "@127.0.0.1") || name == "go@127.0.0.1" {
		t.Errorf("named %s", name)
	}
	nodesAre(t, g, node.Hidden, etf.Atom(name))
	p := g.Open()
	remote := pidOf(t, beam, p, "self()")
	if string(remote.Node) != name || fmt.Sprint(remote.Creation) != creation {
		t.Errorf("its pids are of %v %d, it is %s %s", remote.Node, remote.Creation, name, creation)
	}
	if err := p.Send(remote, etf.Atom("hello")); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, "receive hello -> ok end")
	g.Disconnect(etf.Atom(name))
	eventually(t, beam, "node()", "nonode@nohost")
	eventually(t, beam, "net_kernel:connect_node('go@127.0.0.1')", "true")
	if got := beam.Eval(t, "{'$text', atom_to_list(node())}"); got != name {
		t.Errorf("the second time it is %s, not %s", got, name)
	}
	if got := beam.Eval(t, fmt.Sprintf("erlang:system_info(creation) - %s", creation)); got != "1" {
		t.Errorf("creation + %s", got)
	}

	// A short name.
	short := plainNode(t, "short@localhost", port)
	nameless := install.Erl(t, otp.Options{Name: "undefined@localhost", Cookie: cookie, EPMDPort: port})
	if got := nameless.Eval(t, "net_kernel:connect_node('short@localhost')"); got != "true" {
		t.Error(got)
	}
	shortName := nameless.Eval(t, "{'$text', atom_to_list(node())}")
	if !strings.HasSuffix(shortName, "@localhost") {
		t.Errorf("named %s", shortName)
	}
	nodesAre(t, short, node.Hidden, etf.Atom(shortName))

	// The other way round.
	namer := install.Erl(t, otp.Options{Name: "namer", Cookie: cookie, EPMDPort: port})
	asks := func(c *node.Config) { c.Namer = "namer@127.0.0.1" }
	a, b := plainNode(t, "undefined@127.0.0.1", port, asks), plainNode(t, "@127.0.0.1", port, asks)
	if a.Name() == b.Name() {
		t.Error(a.Name())
	}
	for _, n := range []*node.Node{a, b} {
		if got := namer.Eval(t, fmt.Sprintf("{lists:member('%[1]s', nodes(hidden)), net_adm:ping('%[1]s')}", string(n.Name()))); got != "{true,pong}" {
			t.Error(n.Name(), got)
		}
		p := n.Open()
		p.Register("p")
		namer.Eval(t, fmt.Sprintf("{p, '%s'} ! {self(), hello}", string(n.Name())))
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		from, _ := m.Term()
		p.Send(from.(etf.Tuple)[0].(etf.Pid), etf.Tuple{p.Self(), etf.Atom("back")})
		if got := namer.Eval(t, "(fun() -> receive {From, What} -> {'$text', [atom_to_list(node(From)), $ , atom_to_list(What)]} end end)()"); got != string(n.Name())+" back" {
			t.Errorf("%v: got %s", n.Name(), got)
		}
	}
	first, life := a.Name(), a.Creation()
	a.Close()
	eventually(t, namer, fmt.Sprintf("lists:member('%s', nodes(hidden))", string(first)), "false")
	if again := plainNode(t, "undefined@127.0.0.1", port, asks); again.Name() != first || again.Creation() != life+1 {
		t.Errorf("%v %d after %v %d", again.Name(), again.Creation(), first, life)
	}
}

// pidOf asks a BEAM node for a pid.
func pidOf(t testing.TB, beam *otp.Node, p *node.Process, expr string) etf.Pid {
	return pid(t, beam, p, expr)
}

// Cookies of single nodes, in both directions, and the node's own changed while it runs.
func TestCookiesPerNode(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: "beams", EPMDPort: port})
	g := plainNode(t, "go@127.0.0.1", port, func(c *node.Config) { c.Cookie = "gos" })
	connects := func(want bool) {
		t.Helper()
		if err := g.Connect(t.Context(), "beam@127.0.0.1"); (err == nil) != want {
			t.Errorf("from Go: %v", err)
		}
		if g.Disconnect("beam@127.0.0.1") != want {
			t.Error("disconnected")
		}
		eventually(t, beam, "nodes(connected)", "[]")
		if got := beam.Eval(t, "net_kernel:connect_node('go@127.0.0.1')"); got != fmt.Sprint(want) {
			t.Errorf("from BEAM: %s", got)
		}
		g.Disconnect("beam@127.0.0.1")
		eventually(t, beam, "nodes(connected)", "[]")
	}
	connects(false)
	g.SetCookie("beam@127.0.0.1", "beams")
	connects(true)
	beam.Eval(t, "erlang:set_cookie('go@127.0.0.1', ours).")
	connects(false)
	g.SetCookie("beam@127.0.0.1", "ours")
	connects(true)
	g.SetCookie("beam@127.0.0.1", "gos") // back to what each has for all others
	beam.Eval(t, "erlang:set_cookie('go@127.0.0.1', gos).")
	connects(true)
	g.SetCookie("go@127.0.0.1", "other") // its own: for those without one of their own
	connects(true)
	beam.Eval(t, "erlang:set_cookie(node(), other).")
	connects(true)
}

// net_kernel:allow/1 on both sides, in both directions.
func TestAllowLists(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	choosy := plainNode(t, "choosy@127.0.0.1", port, func(c *node.Config) { c.Allow = []string{"friend@127.0.0.1"} })
	plainNode(t, "go@127.0.0.1", port)
	stranger := install.Erl(t, otp.Options{Name: "stranger", Cookie: cookie, EPMDPort: port})
	friend := install.Erl(t, otp.Options{Name: "friend", Cookie: cookie, EPMDPort: port})
	if got := stranger.Eval(t, "net_kernel:connect_node('choosy@127.0.0.1')"); got != "false" {
		t.Error(got)
	}
	if err := choosy.Connect(t.Context(), "stranger@127.0.0.1"); !errors.Is(err, node.ErrNotAllowed) {
		t.Error(err)
	}
	if got := friend.Eval(t, "net_kernel:connect_node('choosy@127.0.0.1')"); got != "true" {
		t.Error(got)
	}
	friend.Eval(t, "ok = net_kernel:allow(['choosy@127.0.0.1']).")
	g := plainNode(t, "g@127.0.0.1", port)
	if err := g.Connect(t.Context(), "friend@127.0.0.1"); err == nil || !strings.Contains(err.Error(), "not_allowed") {
		t.Errorf("to a node that does not allow us: %v", err)
	}
	choosy.Disconnect("friend@127.0.0.1")
	eventually(t, friend, "nodes(connected)", "[]")
	if err := choosy.Connect(t.Context(), "friend@127.0.0.1"); err != nil {
		t.Error(err)
	}
}

// A new life of a node, on either side: pids of the one before are nobody's, and no signal to them harms the connection.
func TestIncarnations(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	g := plainNode(t, "go@127.0.0.1", port)
	p := g.Open(node.TrapExit())
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
	old := pidOf(t, beam, p, "self()")
	beam.Eval(t, fmt.Sprintf("Old = %s.", "rpc:call(node(), erlang, self, [])"))
	beam.Kill()
	nodesAre(t, g, node.Connected)
	beam = install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
	now := pidOf(t, beam, p, "self()")
	if now.Creation == old.Creation {
		t.Fatalf("the new life has creation %d too", now.Creation)
	}
	p.Link(old)
	await(t, p, fmt.Sprintf("{'EXIT',%v,noproc}", old))
	ref, _ := p.Monitor(old)
	await(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,noproc}", ref, old))
	p.Send(old, etf.Atom("nobody"))
	p.SendExit(old, etf.Atom("kill"))
	p.Unlink(old)
	p.Demonitor(ref)
	if err := g.Ping(t.Context(), "beam@127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if got := beam.Eval(t, "{process_info(self(), message_queue_len), is_process_alive(self())}"); got != "{{message_queue_len,0},true}" {
		t.Error(got)
	}

	// The Go node's turn: BEAM holds a pid, a reference, a link and a monitor of its life before.
	p.Register("p")
	beam.Eval(t, "process_flag(trap_exit, true), {p, 'go@127.0.0.1'} ! {self(), make_ref()}.")
	m, err := p.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from, _ := m.Term()
	p.Send(from.(etf.Tuple)[0].(etf.Pid), etf.Tuple{etf.Atom("me"), p.Self(), g.NewRef()})
	beam.Eval(t, "receive {me, Pid, _} -> ok end, link(Pid), Mon = erlang:monitor(process, Pid), ok.")
	if err := g.Ping(t.Context(), "beam@127.0.0.1"); err != nil { // link and monitor have arrived
		t.Fatal(err)
	}
	g.Close()
	if got := beam.Eval(t, "receive {'EXIT', Pid, R1} -> ok after 5000 -> R1 = none end, receive {'DOWN', Mon, _, _, R2} -> ok after 5000 -> R2 = none end, {R1, R2}."); got != "{noconnection,noconnection}" {
		t.Error(got)
	}
	eventually(t, beam, "nodes(connected)", "[]")
	g2 := plainNode(t, "go@127.0.0.1", port)
	if g2.Creation() == g.Creation() {
		t.Errorf("creation %d twice", g.Creation())
	}
	q := g2.Open()
	q.Register("p")
	if got := beam.Eval(t, `link(Pid), M2 = erlang:monitor(process, Pid), Pid ! hello, exit(Pid, kill), unlink(Pid), unlink(Pid),
		R4 = receive {'DOWN', M2, _, _, X4} -> X4 after 5000 -> none end,
		R3 = receive {'EXIT', Pid, X3} -> X3 after 0 -> none end,
		{R3, R4, net_adm:ping('go@127.0.0.1')}.`); got != "{noproc,noproc,pong}" && got != "{none,noproc,pong}" { // the unlink may have been faster
		t.Error(got)
	}
	if q.Messages() != 0 || q.Err() != nil {
		t.Error("a signal to the life before reached the new one")
	}
}

// dist_auto_connect on a BEAM node and AutoConnect on ours do the same.
func TestAutoConnectModes(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	plainNode(t, "peer@127.0.0.1", port)
	modes := map[string]node.AutoConnect{"never": node.AutoConnectNever, "once": node.AutoConnectOnce}
	for name, mode := range modes {
		g := plainNode(t, "go"+name+"@127.0.0.1", port, func(c *node.Config) { c.AutoConnect = mode; c.Hidden = true })
		beam := install.Erl(t, otp.Options{Name: "beam" + name, Cookie: cookie, EPMDPort: port, Args: []string{"-kernel", "dist_auto_connect", name}})
		ping := func(step string, want bool) {
			t.Helper()
			pongs := map[bool]string{true: "pong", false: "pang"}
			if got := beam.Eval(t, "net_adm:ping('peer@127.0.0.1')"); got != pongs[want] {
				t.Errorf("BEAM, %s, %s: %s", name, step, got)
			}
			if err := g.Ping(t.Context(), "peer@127.0.0.1"); (err == nil) != want {
				t.Errorf("Go, %s, %s: %v", name, step, err)
			}
		}
		leave := func() {
			beam.Eval(t, "erlang:disconnect_node('peer@127.0.0.1')")
			eventually(t, beam, "nodes(connected)", "[]")
			g.Disconnect("peer@127.0.0.1")
		}
		ping("at first", mode == node.AutoConnectOnce)
		leave()
		ping("after it was lost", false)
		if got := beam.Eval(t, "net_kernel:connect_node('peer@127.0.0.1')"); got != "true" {
			t.Error(got)
		}
		if err := g.Connect(t.Context(), "peer@127.0.0.1"); err != nil {
			t.Error(err)
		}
		ping("connected", true)
		leave()
	}
}

// A Go node comes back before a BEAM node has missed its old connection: it is told alive, says that it means it, and takes
// the place of its earlier life.
func TestAlive(t *testing.T) {
	install := otp.Find(t)
	if release, _ := install.Release(); release < 25 {
		t.Skip("needs OTP 25") // 23 waits until the old connection ends by itself
	}
	port := install.EPMD(t)
	none := func(c *node.Config) { c.EPMD = node.EPMDNone }
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port, Args: alone})
	beam.Eval(t, "net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]).")
	first, second := plainNode(t, "twin@127.0.0.1", port, none), plainNode(t, "twin@127.0.0.1", port, none)
	p := first.Open(node.TrapExit())
	if err := first.Connect(t.Context(), "beam@127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	linked := pid(t, beam, p, "spawn(timer, sleep, [infinity])")
	if err := p.Link(linked); err != nil {
		t.Fatal(err)
	}
	if err := second.Ping(t.Context(), "beam@127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	await(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", linked))
	if got := beam.Eval(t, "F = fun F(L) -> receive {N, 'twin@127.0.0.1', _} -> F([N | L]) after 200 -> lists:reverse(L) end end, F([])."); got != "[nodeup,nodedown,nodeup]" {
		t.Errorf("BEAM saw %s", got)
	}
	if got := beam.Eval(t, "net_adm:ping('twin@127.0.0.1')"); got != "pong" {
		t.Error(got)
	}
}

// The same with a BEAM node that comes back to a Go node.
func TestAliveBEAM(t *testing.T) {
	install := otp.Find(t)
	portA, portB := install.EPMD(t), install.EPMD(t)
	g := plainNode(t, "go@127.0.0.1", portA)
	if r, err := epmd.Register(t.Context(), fmt.Sprintf("127.0.0.1:%d", portB), epmd.Info{Name: "go", Port: g.Port()}, epmd.RegisterConfig{}); err != nil {
		t.Fatal(err)
	} else {
		defer r.Close()
	}
	one := install.Erl(t, otp.Options{Name: "double", Cookie: cookie, EPMDPort: portA, Args: alone})
	two := install.Erl(t, otp.Options{Name: "double", Cookie: cookie, EPMDPort: portB, Args: alone})
	q := g.Open(node.TrapExit())
	old := pid(t, one, q, "self()")
	if err := q.Link(old); err != nil {
		t.Fatal(err)
	}
	if got := two.Eval(t, "net_adm:ping('go@127.0.0.1')"); got != "pong" {
		t.Fatal(got)
	}
	await(t, q, fmt.Sprintf("{'EXIT',%v,noconnection}", old))
	eventually(t, one, "nodes(connected)", "[]")
	if got := two.Eval(t, "nodes(connected)"); got != "['go@127.0.0.1']" {
		t.Error(got)
	}
	if err := g.Ping(t.Context(), "double@127.0.0.1"); err != nil {
		t.Error(err)
	}
}
