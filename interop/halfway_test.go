//go:build unix

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// half is a node that sends large messages and receives them, as interop/erl/halfway.erl says.
type half interface {
	sink(t testing.TB)                                            // starts the process that watches senders
	sender(t testing.TB, name, to string, bytes int, form string) // starts one; it is watched when this returns
	send(t testing.TB, name string)                               // it begins
	kill(t testing.TB, name, reason string) (where string)        // it dies in the middle
	events(t testing.TB, n int) string                            // what the sink has seen, in Erlang syntax
	holdsLess(t testing.TB, than int)                             // waits until the node's memory has not grown by more since the last call with 0
}

// beamHalf is a BEAM node.
type beamHalf struct {
	*otp.Node
	before int
}

func (b *beamHalf) sink(t testing.TB) { t.Helper(); b.Eval(t, "halfway:sink().") }
func (b *beamHalf) sender(t testing.TB, name, to string, bytes int, form string) {
	t.Helper()
	if got := b.Eval(t, fmt.Sprintf("halfway:sender(%s, '%s', %d, %s).", name, to, bytes, form)); got != "ok" {
		t.Fatal(got)
	}
}
func (b *beamHalf) send(t testing.TB, name string) { t.Helper(); b.Run(t, "halfway:go("+name+").") }
func (b *beamHalf) kill(t testing.TB, name, reason string) string {
	t.Helper()
	where, died, _ := strings.Cut(strings.Trim(b.Run(t, "halfway:kill("+name+", "+reason+")."), "{}"), ",")
	if died == "alive" || strings.HasPrefix(where, "[") {
		t.Fatalf("%s was in %s, and is %s", name, where, died)
	}
	return where
}
func (b *beamHalf) events(t testing.TB, n int) string {
	t.Helper()
	return b.Run(t, fmt.Sprintf("halfway:events(%d).", n))
}
func (b *beamHalf) holdsLess(t testing.TB, than int) {
	t.Helper()
	held := func() int {
		n, err := strconv.Atoi(b.Eval(t, "halfway:held()."))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if than == 0 {
		b.before = held()
		return
	}
	awaitLess(t, b.Name(), b.before+than, held)
}

// awaitLess waits until a node holds less.
func awaitLess(t testing.TB, name string, limit int, held func() int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := held()
		if n < limit {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s holds %d bytes, over %d", name, n, limit)
			return
		}
	}
}

// goHalf is a Go node in the test's own process.
type goHalf struct {
	*node.Node
	mu      sync.Mutex
	log     []string
	more    chan struct{} // something is new in log
	senders map[string]*node.Process
	before  int
}

func newGoHalf(n *node.Node) *goHalf {
	return &goHalf{Node: n, more: make(chan struct{}, 1), senders: map[string]*node.Process{}}
}

// short is what halfway:short/1 makes of a term.
func short(t etf.Term) string {
	if b, ok := t.(etf.Binary); ok {
		return fmt.Sprintf("{large,%d,%d}", len(b), crc32.ChecksumIEEE(b))
	}
	return t.String()
}

func (g *goHalf) note(what string) {
	g.mu.Lock()
	g.log = append(g.log, what)
	g.mu.Unlock()
	select {
	case g.more <- struct{}{}:
	default:
	}
}

func (g *goHalf) sink(t testing.TB) {
	t.Helper()
	_, err := g.Spawn(func(p *node.Process) error {
		for m := range p.Inbox(t.Context()) {
			var watch struct {
				_   struct{} `etf:"watch,tuple"`
				Pid etf.Pid
			}
			if e, ok := m.Exit(); ok {
				g.note("{exit," + short(e.Reason) + "}")
			} else if d, ok := m.Down(); ok {
				g.note("{down," + short(d.Reason) + "}")
			} else if m.Decode(&watch) == nil {
				p.Link(watch.Pid)
				p.Monitor(watch.Pid)
				p.Send(watch.Pid, etf.Tuple{etf.Atom("watching"), p.Self()})
			} else if term, err := m.Term(); err != nil {
				g.note(err.Error())
			} else {
				g.note(short(term))
			}
		}
		return nil
	}, node.Register("sink"), node.TrapExit())
	if err != nil {
		t.Fatal(err)
	}
	g.Offer("halfway", "arguments", 1, func(_ context.Context, p *node.Process, args []etf.Raw) (any, error) {
		return etf.Atom("ok"), p.Send(etf.Atom("sink"), args[0])
	})
}

func (g *goHalf) sender(t testing.TB, name, to string, size int, form string) {
	t.Helper()
	watched := make(chan error, 1)
	sink := node.At("sink", etf.Atom(to))
	p, err := g.Spawn(func(p *node.Process) error {
		err := p.Send(sink, etf.Tuple{etf.Atom("watch"), p.Self()})
		var watching struct {
			_   struct{} `etf:"watching,tuple"`
			Pid etf.Pid
		}
		if err == nil {
			var m node.Message
			if m, err = p.Receive(t.Context()); err == nil {
				err = m.Decode(&watching)
			}
		}
		watched <- err
		large := etf.Binary(bytes.Repeat([]byte("0123456789abcdef"), size/16))
		if _, err := p.Receive(t.Context()); err != nil {
			return err
		}
		switch form {
		case "name":
			err = p.Send(sink, large)
		case "pid":
			err = p.Send(watching.Pid, large)
		case "exit":
			err = p.SendExit(watching.Pid, large)
		case "spawn":
			_, err = p.SpawnRequest(t.Context(), etf.Atom(to), "halfway", "arguments", []any{large}, node.SpawnOptions{})
		case "reason":
			return node.Exit(large)
		}
		if err != nil && !errors.Is(err, node.ErrNoConnection) && p.Err() == nil {
			t.Errorf("%s, %s: %v", name, form, err)
		}
		<-p.Done()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-watched; err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.senders[name] = p
	g.mu.Unlock()
}

func (g *goHalf) of(name string) *node.Process {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.senders[name]
}

func (g *goHalf) send(t testing.TB, name string) {
	t.Helper()
	p := g.Open()
	defer p.Exit(nil)
	if err := p.Send(g.of(name).Self(), etf.Atom("go")); err != nil {
		t.Fatal(err)
	}
}

func (g *goHalf) kill(t testing.TB, name, reason string) string {
	t.Helper()
	p := g.of(name)
	term, err := etf.Parse(reason)
	if err != nil {
		t.Fatal(err)
	}
	killer := g.Open()
	defer killer.Exit(nil)
	if err := killer.SendExit(p.Self(), term); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("it lives")
	}
	return ""
}

func (g *goHalf) events(t testing.TB, n int) string {
	t.Helper()
	patience := time.After(10 * time.Second)
	for {
		g.mu.Lock()
		log := g.log
		if len(log) >= n {
			g.log = nil
			g.mu.Unlock()
			return "[" + strings.Join(log, ",") + "]"
		}
		g.mu.Unlock()
		select {
		case <-g.more:
		case <-patience:
			return "{only,[" + strings.Join(log, ",") + "]}"
		}
	}
}

func (g *goHalf) holdsLess(t testing.TB, than int) {
	t.Helper()
	held := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what is pooled goes at the second
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	if than == 0 {
		g.before = held()
		return
	}
	g.mu.Lock()
	clear(g.senders) // they know what they have ended with
	g.mu.Unlock()
	awaitLess(t, string(g.Name()), g.before+than, held)
}

// halves are two nodes with a relay between them: a BEAM node that drives, and another or a Go node.
type halves struct {
	driver, target half
	relay          *relay
	connect        func()
}

const (
	halfDriver = "driver@127.0.0.1"
	halfTarget = "target@127.0.0.1"
)

func newHalves(t *testing.T, install *otp.Install, native bool, change ...func(*node.Config)) *halves {
	t.Helper()
	portA, portB := install.EPMD(t), install.EPMD(t)
	args := append([]string{"-kernel", "net_setuptime", "1"}, alone...)
	h := new(halves)
	port := 0
	if native {
		g := plainNode(t, halfTarget, portA, change...)
		h.target, port = newGoHalf(g), g.Port()
	} else {
		beam := install.Erl(t, otp.Options{Name: halfTarget, Cookie: cookie, EPMDPort: portA, Args: args})
		h.target = &beamHalf{Node: beam}
		fmt.Sscan(beam.Eval(t, `{port, P, _} = erl_epmd:port_please("target", {127,0,0,1}), P.`), &port)
	}
	h.relay = newRelay(t, portB, "target", port)
	driver := install.Erl(t, otp.Options{Name: halfDriver, Cookie: cookie, EPMDPort: portB, Args: args})
	h.driver = &beamHalf{Node: driver}
	h.driver.sink(t)
	h.target.sink(t)
	// A BEAM node that is not rid of the last connection says nok, and who hears that waits for the set-up time.
	h.connect = func() {
		driver.Run(t, "(fun F(0) -> exit(pang); F(N) -> case net_adm:ping('"+halfTarget+"') of pong -> ok; pang -> F(N - 1) end end)(10).")
	}
	h.connect()
	return h
}

const halfBytes = 8 << 20 // more than lies in the buffers between two nodes

var halfLarge = fmt.Sprintf("{large,%d,%d}", halfBytes, crc32.ChecksumIEEE(bytes.Repeat([]byte("0123456789abcdef"), halfBytes/16)))

// What becomes of a message when its sender or the connection dies in the middle: between two BEAM nodes, and between a BEAM node and
// a Go node, both ways. Either it comes whole, or nothing of it is held any more.
//
// ERTS finishes the message of a process that exits (erl_process.c: ERTS_CONTINUE_EXIT_DIST_SEND), but signals of the exit
// whose reason is an atom overtake it, because they are sent at once (erts_proc_exit_handle_link: is_immed(reason)). Those of a Go
// process overtake nothing. OTP 23.2 sends nothing more of the message, nor of the exit when the reason is an atom.
func TestHalfwayThrough(t *testing.T) {
	install := otp.Find(t)
	release, err := install.Release()
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"BEAM", "Go"} {
		h := newHalves(t, install, target == "Go")
		for _, way := range []string{"there", "back"} {
			from, to, lane, on := h.driver, h.target, h.relay.there, halfTarget
			if way == "back" {
				from, to, lane, on = h.target, h.driver, h.relay.back, halfDriver
			}
			ours := target == "Go" && way == "back"
			for i, c := range []struct {
				name, form string
				reason     string // of its exit in the middle, if there is one
				died       string // what others see of that
				cut        bool   // the connection is lost then
			}{
				{"killed", "name", "kill", "killed", false},
				{"killed, to a pid", "pid", "kill", "killed", false},
				{"a reason", "pid", "{a,[reason]}", "{a,[reason]}", false},
				{"while it asks for a process", "spawn", "kill", "killed", false},
				{"while it sends an exit signal", "exit", "{a,[reason]}", "{a,[reason]}", false},
				{"cut", "name", "", "", true},
				{"cut in a reason", "reason", "", "", true},
				{"killed and cut", "pid", "kill", "killed", true},
				{"a reason and cut", "name", "{a,[reason]}", "{a,[reason]}", true},
			} {
				t.Run(target+" "+way+" "+c.name, func(t *testing.T) {
					atom := !strings.HasPrefix(c.reason, "{")
					if release == 23 && !ours && atom && !c.cut {
						t.Skip("OTP 23.2 never tells")
					}
					name := fmt.Sprint("sender", i)
					from.holdsLess(t, 0)
					to.holdsLess(t, 0)
					from.sender(t, name, on, halfBytes, c.form)
					held := lane.hold(10)
					from.send(t, name)
					awaitHeld(t, held)
					if c.reason != "" {
						from.kill(t, name, c.reason)
					}
					before := len(lane.passed())
					want := []string{"{exit,noconnection}", "{down,noconnection}"}
					wire := "[]"
					if c.cut {
						h.relay.cut()
					} else {
						exits, large := []string{"{exit," + c.died + "}", "{down," + c.died + "}"}, halfLarge
						if c.form == "exit" {
							large = "{exit," + large + "}"
						}
						switch {
						case release == 23 && !ours:
							want, wire = exits[:1], "[PAYLOAD_EXIT]"
						case ours || !atom:
							want, wire = append([]string{large}, exits...), "[ends PAYLOAD_EXIT PAYLOAD_MONITOR_P_EXIT]"
						default:
							want, wire = append(exits, large), "[PAYLOAD_EXIT PAYLOAD_MONITOR_P_EXIT ends]"
						}
						lane.release()
					}
					got := to.events(t, len(want))
					list := "[" + strings.Join(want, ",") + "]"
					other := list
					if c.form == "spawn" { // of the new process, which has nothing to do with the end of the one that asked for it
						other = "[" + strings.Join(slices.Concat(want[1:], want[:1]), ",") + "]"
					}
					if got != list && got != other {
						t.Errorf("the receiver saw %s, want %s", got, list)
					}
					if got := fmt.Sprint(lane.passed()[before:]); got != wire {
						t.Errorf("then came %s, want %s", got, wire)
					}
					if release == 23 && !ours && !c.cut {
						h.relay.cut() // its second signal does not come either, and with it the rest goes
						to.events(t, 1)
					} else if !c.cut {
						return
					}
					if release > 23 || ours || c.reason == "" { // whom OTP 23.2 lets hang for ever
						from.holdsLess(t, halfBytes/4)
					}
					to.holdsLess(t, halfBytes/4)
					h.connect()
				})
			}
		}
	}
}

// A hundred senders killed in the middle, over one connection whose limits would not bear five of their messages: the connection
// stays, and a large message after them comes.
func TestManyKilledHalfway(t *testing.T) {
	install := otp.Find(t)
	release, err := install.Release()
	if err != nil {
		t.Fatal(err)
	}
	h := newHalves(t, install, true, func(c *node.Config) { c.Dist = dist.Config{MaxFragments: 4, MaxMessage: 2 * halfBytes} })
	g := h.target.(*goHalf)
	id := g.ConnectionID(halfDriver)
	for i := range 100 {
		name, reason, n := fmt.Sprint("sender", i), "kill", 3
		if i%2 == 0 || release == 23 {
			reason = "{a,[reason]}"
		}
		if release == 23 {
			n = 1 // see TestHalfwayThrough
		}
		h.driver.sender(t, name, halfTarget, halfBytes, []string{"pid", "name"}[i/2%2])
		held := h.relay.there.hold(10)
		h.driver.send(t, name)
		awaitHeld(t, held)
		h.driver.kill(t, name, reason)
		h.relay.there.release()
		if got := h.target.events(t, n); !strings.Contains(got, "exit") || strings.Contains(got, halfLarge) != (n == 3) {
			t.Fatalf("sender %d: %s", i, got)
		}
	}
	h.driver.sender(t, "last", halfTarget, halfBytes, "pid")
	h.driver.send(t, "last")
	if got := h.target.events(t, 1); got != "["+halfLarge+"]" {
		t.Errorf("after them came %s", got)
	}
	if now := g.ConnectionID(halfDriver); now != id || id == 0 {
		t.Errorf("connection %d has become %d", id, now)
	}
}
