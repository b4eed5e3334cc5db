//go:build unix

package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// races is how many races each test runs: some hundreds, or ERLNODE_RACES.
func races(t testing.TB, usual int) int {
	text := os.Getenv("ERLNODE_RACES")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("ERLNODE_RACES=%s is no number of races", text)
	}
	return n
}

// observed waits until a BEAM node's rex knows, or has forgotten, what Peer can do. Its nodes_observer asks each node that comes up; to one that
// has gone again by then it connects anew.
const observed = `Observed = fun F(Is) -> case ets:member(persistent_term:get(rex_nodes_observer), Peer) of Is -> ok; _ -> erlang:yield(), F(Is) end end, ok.`

// drained waits until a BEAM node has read all that those have said who connected to it before, and are gone: it takes them one after the other,
// each by a process that is linked to net_kernel. See TestYieldedAttempt.
const drained = `
	{port, Port, _} = erl_epmd:port_please(hd(string:split(atom_to_list(node()), "@")), {127, 0, 0, 1}),
	Links = fun() -> length(element(2, process_info(whereis(net_kernel), links))) end,
	Alone = Links(),
	Drained = fun() ->
		{ok, Last} = gen_tcp:connect({127, 0, 0, 1}, Port, [{packet, 2}, {active, false}]),
		ok = gen_tcp:send(Last, "no name"),
		{error, _} = gen_tcp:recv(Last, 0),
		gen_tcp:close(Last),
		(fun F() -> case Links() of Alone -> ok; _ -> erlang:yield(), F() end end)()
	end, ok.`

// Both sides connect to each other at the same time, again and again, with the greater name on either side: each time there
// is exactly one connection, which both sides see come and go once, and nobody waits longer than a moment.
func TestRacesWithBEAM(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	for _, goName := range []string{"a@127.0.0.1", "z@127.0.0.1"} {
		t.Run(goName[:1], func(t *testing.T) {
			var collisions collisions
			g := plainNode(t, goName, port, func(c *node.Config) { c.Logger = slog.New(&collisions) })
			if err := rpc.Start(g); err != nil { // which the observer asks
				t.Fatal(err)
			}
			beam := install.Erl(t, otp.Options{Name: "m" + goName[:1], Cookie: cookie, EPMDPort: port, Args: alone})
			beam.Eval(t, fmt.Sprintf(`
				Peer = '%s', net_kernel:monitor_nodes(true, [{node_type, all}]),
				Wait = fun F(0) -> ok; F(N) -> case erlang:monotonic_time(microsecond) of T when T >= N -> ok; _ -> F(N) end end,
				Connect = fun(Us) -> Wait(erlang:monotonic_time(microsecond) + Us), net_kernel:connect_node(Peer) end,
				Heard = fun(Tag) -> receive {Tag, Peer, _} -> ok after 10000 -> none end end,
				Extra = fun() -> receive {_, Peer, _} = M -> M after 0 -> none end end,
				ok.`, goName))
			beam.Eval(t, observed)
			beam.Eval(t, drained)
			race(t, g, races(t, 150), &collisions, racer{
				name:    etf.Atom(beam.Name()),
				connect: func(us int) string { return beam.Eval(t, fmt.Sprintf("Connect(%d)", us)) },
				up: func() string {
					return beam.Eval(t, "{Heard(nodeup), net_adm:ping(Peer), Observed(true), nodes(connected)}")
				},
				wantUp: fmt.Sprintf("{ok,pong,ok,['%s']}", goName),
				drain:  func() string { return beam.Eval(t, "Drained()") },
				down:   func() string { return beam.Eval(t, "{Heard(nodedown), Observed(false), Extra(), nodes(connected)}") },
			})
		})
	}
}

// Who yields to the peer's attempt hangs up on its own, and may have introduced itself by then. A BEAM node that comes to read this only when
// the connection that was made instead is gone again takes it for a new attempt: its connect_node waits for that one, and says false when it
// ends. With a BEAM node in the Go node's place it is the same. So TestRacesWithBEAM lets it read all that (drained): it failed 4 of 110,000 times with OTP 23.
func TestYieldedAttempt(t *testing.T) {
	install := otp.Find(t)
	for _, kind := range []string{"BEAM", "Go"} {
		t.Run(kind, func(t *testing.T) {
			portA, portM := install.EPMD(t), install.EPMD(t) // what a sees, and what m sees
			m := install.Erl(t, otp.Options{Name: "m", Cookie: cookie, EPMDPort: portM, Args: alone})
			register := func(epmdPort int, name string, port int) {
				t.Helper()
				reg, err := epmd.Register(t.Context(), fmt.Sprintf("127.0.0.1:%d", epmdPort), epmd.Info{Name: name, Port: port}, epmd.RegisterConfig{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { reg.Close() })
			}
			portOf := func(x *otp.Node, epmdPort int) int {
				t.Helper()
				info, err := epmd.Lookup(t.Context(), fmt.Sprintf("127.0.0.1:%d", epmdPort), strings.TrimSuffix(x.Name(), "@127.0.0.1"))
				if err != nil {
					t.Fatal(err)
				}
				return info.Port
			}
			between, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer between.Close()
			register(portA, "m", between.Addr().(*net.TCPAddr).Port)

			var portOfA int
			var connect, disconnect func()
			if kind == "Go" {
				g := plainNode(t, "a@127.0.0.1", portA)
				if err := rpc.Start(g); err != nil {
					t.Fatal(err)
				}
				portOfA = g.Port()
				connect = func() { go g.Connect(t.Context(), "m@127.0.0.1") }
				disconnect = func() {
					if err := g.Connect(t.Context(), "m@127.0.0.1"); err != nil || !g.Disconnect("m@127.0.0.1") {
						t.Fatal("not connected: ", err)
					}
				}
			} else {
				b := install.Erl(t, otp.Options{Name: "a", Cookie: cookie, EPMDPort: portA, Args: alone})
				portOfA = portOf(b, portA)
				connect = func() { b.Eval(t, "spawn(net_kernel, connect_node, ['m@127.0.0.1'])") }
				disconnect = func() {
					if got := b.Eval(t, "{net_kernel:connect_node('m@127.0.0.1'), erlang:disconnect_node('m@127.0.0.1')}"); got != "{true,true}" {
						t.Fatal("not connected: ", got)
					}
				}
			}
			register(portM, "a", portOfA)
			m.Eval(t, "Peer = 'a@127.0.0.1', net_kernel:monitor_nodes(true)")
			m.Eval(t, observed)

			// a introduces itself, and m does not get to read it.
			connect()
			fromA, err := between.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer fromA.Close()
			name := make([]byte, 2)
			if _, err := io.ReadFull(fromA, name); err != nil {
				t.Fatal(err)
			}
			name = append(name, make([]byte, int(name[0])<<8|int(name[1]))...)
			if _, err := io.ReadFull(fromA, name[2:]); err != nil {
				t.Fatal(err)
			}
			// m connects, a yields and hangs up; then that connection ends.
			if got := m.Eval(t, "{net_kernel:connect_node(Peer), Observed(true)}"); got != "{true,ok}" {
				t.Fatal(got)
			}
			if n, err := fromA.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("a did not hang up: %d bytes, %v", n, err)
			}
			disconnect()
			if got := m.Eval(t, "receive {nodeup, Peer} -> receive {nodedown, Peer} -> {Observed(false), nodes(connected)} end end"); got != "{ok,[]}" {
				t.Fatal(got)
			}
			// net_kernel hears of the end after the others, and would say alive until then.
			m.Eval(t, "(fun F() -> case ets:member(sys_dist, Peer) of true -> erlang:yield(), F(); false -> ok end end)()")
			// Now m reads it, and connects while it waits for more.
			toM, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", portOf(m, portM)))
			if err != nil {
				t.Fatal(err)
			}
			defer toM.Close()
			if _, err := toM.Write(name); err != nil {
				t.Fatal(err)
			}
			status := make([]byte, 5)
			if _, err := io.ReadFull(toM, status); err != nil || string(status[2:]) != "sok" {
				t.Fatalf("status %q, %v", status, err)
			}
			m.Eval(t, "Self = self(), C = spawn(fun() -> Self ! net_kernel:connect_node(Peer) end)")
			m.Eval(t, `(fun F() -> case process_info(C, [current_function, status]) of [{_, {gen, do_call, _}}, {_, waiting}] -> ok; _ -> F() end end)()`)
			toM.Close()
			if got := m.Eval(t, "receive B when is_boolean(B) -> B after 10000 -> none end"); got != "false" {
				t.Errorf("connect_node says %s", got)
			}
			if got := m.Eval(t, "net_kernel:connect_node(Peer)"); got != "true" {
				t.Errorf("connect_node says %s afterwards", got)
			}
		})
	}
}

// racer is the other side of a race.
type racer struct {
	name    etf.Atom
	connect func(us int) string // waits some microseconds and connects
	up      func() string       // what it sees then
	wantUp  string
	down    func() string // what it sees when the Go side has disconnected
	drain   func() string // waits until it is through with all that has connected to it
}

// collisions counts, by what a node logs, the races in which both sides were in the middle of it.
type collisions struct {
	slog.Handler
	yielded, refused atomic.Int64
	mu               sync.Mutex
	last             []string // what was logged last
}

func (c *collisions) Enabled(context.Context, slog.Level) bool { return true }
func (c *collisions) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *collisions) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, _ := a.Value.Any().(error); errors.Is(err, handshake.ErrNok) {
			c.refused.Add(1)
		}
		return true
	})
	if strings.Contains(r.Message, "yields") {
		c.yielded.Add(1)
	}
	line := r.Time.Format("05.000000 ") + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = append(c.last[max(0, len(c.last)-19):], line)
	return nil
}

func (c *collisions) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.last, "\n")
}

func race(t *testing.T, g *node.Node, count int, c *collisions, r racer) {
	t.Helper()
	watch := g.Open()
	watch.MonitorNodes(true, node.NodeEvents{Types: node.Connected})
	heard := func(want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		m, err := watch.Receive(ctx)
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if term, _ := m.Term(); term == nil || fmt.Sprint(term.(etf.Tuple)[0]) != want {
			t.Fatalf("heard %v, not %s", m, want)
		}
	}
	begin, longest := time.Now(), time.Duration(0)
	met := func() bool { return c.yielded.Load()+c.refused.Load() > 0 }
	i := 0
	for ; i < count || !met() && i < 20*count; i++ { // on a busy machine they may not meet for long
		// The BEAM side takes longer to begin; the delays make either one first, or both at once.
		us, delay := rand.IntN(1500), time.Duration(rand.IntN(1500))*time.Microsecond
		yielded := c.yielded.Load()
		round := time.Now()
		done := make(chan error, 1)
		go func() {
			for time.Since(round) < delay { // exact to the microsecond, which no timer is
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			done <- g.Connect(ctx, r.name)
		}()
		if got := r.connect(us); got != "true" {
			t.Fatalf("race %d: BEAM: %s\n%s", i, got, c.log())
		}
		if err := <-done; err != nil {
			t.Fatalf("race %d: Go: %v", i, err)
		}
		longest = max(longest, time.Since(round))
		heard("nodeup")
		if got := r.up(); got != r.wantUp {
			t.Fatalf("race %d: BEAM sees %s", i, got)
		}
		if got := g.Nodes(node.Connected); len(got) != 1 || got[0] != r.name {
			t.Fatalf("race %d: Go sees %v", i, got)
		}
		if !g.Disconnect(r.name) {
			t.Fatalf("race %d: nothing to disconnect", i)
		}
		heard("nodedown")
		if got := r.down(); got != "{ok,ok,none,[]}" {
			t.Fatalf("race %d: BEAM sees %s after it was disconnected\n%s", i, got, c.log())
		}
		if c.yielded.Load() > yielded {
			if got := r.drain(); got != "ok" {
				t.Fatalf("race %d: BEAM is not through with it: %s", i, got)
			}
		}
		if watch.Messages() != 0 {
			m, _ := watch.Receive(t.Context())
			t.Fatalf("race %d: more came and went: %v\n%s", i, m, c.log())
		}
	}
	t.Logf("%d races in %v, the longest until both were connected %v; %d times the Go node yielded, %d times it refused", i,
		time.Since(begin).Round(time.Millisecond), longest.Round(time.Millisecond), c.yielded.Load(), c.refused.Load())
	if !met() {
		t.Error("the two sides never met")
	}
}
