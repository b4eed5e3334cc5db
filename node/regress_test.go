package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// stranger connects to n as a node that knows the cookie and is a Conn and nothing else, which reads or does not.
func stranger(t *testing.T, n *Node, name string, reads bool) *dist.Conn {
	t.Helper()
	return strangerWith(t, n, name, reads, 0, func(*dist.Signal) {})
}

// strangerWith is a stranger of certain flags that handles what it reads.
func strangerWith(t *testing.T, n *Node, name string, reads bool, flags handshake.Flags, handle func(*dist.Signal)) *dist.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(n.Port()))
	if err != nil {
		t.Fatal(err)
	}
	in := handshake.NewInitiator(handshake.Config{Name: name, Creation: 7, Flags: flags, Cookie: func(string) string { return "secret" }}, string(n.Name()))
	w := wire{nc: nc, timeout: 10 * time.Second, header: 2}
	for step := in.Start(); ; {
		if err := w.write(step.Send); err != nil {
			t.Fatal(err)
		}
		if step.Done {
			break
		}
		body, err := w.read()
		if err != nil {
			t.Fatal(err)
		}
		if step, err = in.Receive(body); err != nil {
			t.Fatal(err)
		}
	}
	c := dist.New(nc, dist.Config{Self: etf.Atom(name), Peer: n.Name(), Flags: in.Result().Flags, Handle: handle})
	t.Cleanup(func() { c.Close(); nc.Close() })
	if reads {
		var running sync.WaitGroup
		running.Go(func() { c.Run() })
		t.Cleanup(func() { c.Close(); running.Wait() })
	}
	return c
}

func strangers(name etf.Atom) etf.Pid { return etf.Pid{Node: name, ID: 1, Creation: 7} }

// A reason that is no term closes the connection it came on. It must not end a process, whose other peers could then not be
// told why.
func TestMalformedReason(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, q := a.Open(), trapping(t, b)
	q.Link(p.Self())
	settled(t, q, a)
	w := a.Open()
	w.MonitorNodes(true, NodeEvents{Types: Connected})
	bad := stranger(t, a, "bad@test", true)
	expect(t, w, "{nodeup,bad@test,[{node_type,hidden}]}")
	if err := bad.Post(&dist.Signal{Kind: dist.Exit2, From: strangers("bad@test"), To: p.Self(), Payload: etf.Raw{Bytes: []byte{104, 2, 97}}}); err != nil {
		t.Fatal(err)
	}
	expect(t, w, "{nodedown,bad@test,[{node_type,hidden}]}")
	if p.Err() != nil {
		t.Error(p.Err())
	}
	p.Exit(etf.Atom("boom"))
	expect(t, q, "{'EXIT',"+p.Self().String()+",boom}")
}

// A process that ends is not kept by what it sends to a peer that takes nothing: its other peers hear of its end at once.
func TestExitWhileSending(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test", func(c *Config) { c.Dist.SendBuffer = 1 << 16 }), c.start("b@test")
	stranger(t, a, "frozen@test", false)
	p, w := a.Open(), b.Open()
	w.Monitor(p.Self())
	settled(t, w, a)
	s, err := a.session(t.Context(), "frozen@test") // it has our last message, which we send before it is up
	if err != nil {
		t.Fatal(err)
	}
	blocked := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = p.SendContext(context.Background(), strangers("frozen@test"), make([]byte, 1<<15))
		}
		blocked <- err
	}()
	for s.conn.Ready() { // until the sender has filled the socket
	}
	p.Exit(etf.Atom("boom"))
	if m, err := w.Receive(t.Context()); err != nil || m.String()[:7] != "{'DOWN'" {
		t.Error(m, err)
	}
	if err := <-blocked; err == nil {
		t.Error("the sender goes on")
	}
}

// Nothing of a monitor comes after Demonitor, of a link after Unlink; an alias that ends with a reply or with the end of its
// process lets one of the two through.
func TestNothingAfterwards(t *testing.T) {
	a := newCluster(t).start("a@test")
	p := a.Open()
	for i := range 3000 {
		q, r := a.Open(), a.Open()
		ref, _ := p.Monitor(q)
		once, _ := p.Monitor(q, AliasReplyDemonitor)
		r.Link(q.Self())
		var wg sync.WaitGroup
		wg.Go(func() { q.Exit(etf.Atom("boom")) })
		wg.Go(func() { a.SendContext(t.Context(), once, "reply") })
		for range i % 40 {
			p.Messages() // some time
		}
		p.Demonitor(ref)
		r.Unlink(q.Self())
		alive := r.Err() == nil
		wg.Wait()
		if got := p.Messages(); got != 1 {
			t.Fatalf("round %d: %d messages", i, got)
		}
		p.Receive(t.Context())
		if alive && r.Err() != nil {
			t.Fatalf("round %d: dead after Unlink", i)
		}
		r.Exit(nil)
	}
}

// Who has heard of the end of a process can have its name.
func TestNameAfterEnd(t *testing.T) {
	a := newCluster(t).start("a@test")
	for i := range 3000 {
		p, err := a.Spawn(func(*Process) error { return nil }, Register("x"))
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		<-p.Done()
	}
}

// A stranger who says he is a node, and then nothing, does not keep that node and us apart.
func TestSquatter(t *testing.T) {
	short := func(c *Config) { c.SetupTime = 2 * time.Second }
	c := newCluster(t)
	a, b := c.start("a@test", short), c.start("b@test", short)
	for _, first := range [][2]*Node{{b, a}, {a, b}} {
		nc, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(a.Port()))
		if err != nil {
			t.Fatal(err)
		}
		in := handshake.NewInitiator(handshake.Config{Name: "b@test", Creation: 5, Cookie: func(string) string { return "guess" }}, "a@test")
		w := wire{nc: nc, timeout: 5 * time.Second, header: 2}
		if err := w.write(in.Start().Send); err != nil {
			t.Fatal(err)
		}
		if _, err := w.read(); err != nil { // the status: he is in
			t.Fatal(err)
		}
		if err := first[0].Connect(t.Context(), first[1].Name()); err != nil {
			t.Errorf("%v to %v: %v", first[0].Name(), first[1].Name(), err)
		}
		first[0].Disconnect(first[1].Name())
		nc.Close()
	}
}

// A peer ends its own monitors, whatever references it has got to know.
func TestForeignDemonitor(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, w := a.Open(), b.Open()
	ref, _ := w.Monitor(p.Self())
	settled(t, w, a)
	other, x := a.Open(), stranger(t, a, "x@test", true)
	mine, _ := other.Monitor(p)
	for _, r := range []etf.Ref{ref, mine} {
		x.Post(&dist.Signal{Kind: dist.Demonitor, From: strangers("x@test"), To: p.Self(), Ref: r})
		x.Post(&dist.Signal{Kind: dist.Monitor, From: strangers("x@test"), To: p.Self(), Ref: r})
		x.Post(&dist.Signal{Kind: dist.Demonitor, From: strangers("x@test"), To: p.Self(), Ref: r})
	}
	x.Post(&dist.Signal{Kind: dist.Send, From: strangers("x@test"), To: other.Self(), Payload: etf.Raw{Bytes: etf.AppendAtom(nil, "done")}})
	expect(t, other, "done")
	p.Exit(nil)
	for _, watcher := range []*Process{w, other} {
		if m, err := watcher.Receive(t.Context()); err != nil || m.String()[:7] != "{'DOWN'" {
			t.Error(m, err)
		}
	}
}

// A chain of links ends with the node, without a stack as deep as the chain is long.
func TestCloseChain(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(8 << 20))
	a := newCluster(t).start("a@test")
	last := a.Open()
	for range 20_000 {
		p := a.Open()
		p.Link(last.Self())
		last = p
	}
	a.Close()
}

// Who waits for a connection does not wait longer than the node lives: here the peer has said that its own attempt comes, which
// it does not.
func TestCloseWhileAwaitingPeer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refused := make(chan struct{})
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		w := wire{nc: nc, timeout: 10 * time.Second, header: 2}
		w.read()
		w.write([][]byte{[]byte("snok")})
		w.read() // until it is closed
		close(refused)
	}()
	c := newCluster(t)
	a := c.start("a@test")
	c.mu.Lock()
	c.ports["z@test"] = l.Addr().(*net.TCPAddr).Port
	c.mu.Unlock()
	got := make(chan error, 1)
	go func() { got <- a.Connect(context.Background(), "z@test") }()
	<-refused
	a.Close()
	if err := <-got; !errors.Is(err, ErrNoConnection) {
		t.Error(err)
	}
}

// What a process has sent before its node disconnects arrives, though the writer goroutine may not have run in between: in the
// differential suite a link was lost now and then.
func TestSentBeforeDisconnect(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	for round := range 200 {
		if err := a.Ping(t.Context(), b.Name()); err != nil {
			t.Fatal(err)
		}
		p, q := a.Open(), b.Open(TrapExit())
		for i := range 10 {
			if err := p.Send(q.Self(), i); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Link(q.Self()); err != nil {
			t.Fatal(err)
		}
		if !a.Disconnect(b.Name()) {
			t.Fatal("no connection")
		}
		for i := range 10 {
			if m := receive(t, q); m != strconv.Itoa(i) {
				t.Fatalf("round %d: %v where %d was due", round, m, i)
			}
		}
		if m := receive(t, q); m != fmt.Sprintf("{'EXIT',%v,noconnection}", p.Self()) {
			t.Fatalf("round %d: %v", round, m)
		}
		awaitDown(t, b, a.Name())
	}
}

// The empty name is a name over a connection too, also when messages come together.
func TestEmptyNameRemote(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, q := a.Open(), b.Open()
	if err := q.Register(""); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := p.Send(Name{"", "b@test"}, i); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if m := receive(t, q); m != strconv.Itoa(i) {
			t.Fatalf("%v where %d was due", m, i)
		}
	}
	if _, err := p.Monitor(Name{"", "b@test"}); err != nil {
		t.Fatal(err)
	}
	settled(t, p, b)
	q.Exit(etf.Atom("boom"))
	if m := receive(t, p); !strings.HasSuffix(m, "process,{'',b@test},boom}") && !strings.HasSuffix(m, "process,{'','b@test'},boom}") {
		t.Error(m)
	}
}
