package node

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

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

func TestPing(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	for _, to := range []etf.Atom{"b@test", "a@test"} {
		if err := a.Ping(t.Context(), to); err != nil {
			t.Error(to, err)
		}
	}
	if err := b.Ping(t.Context(), "nowhere@test"); !errors.Is(err, ErrNoConnection) {
		t.Error(err)
	}
	if got := fmt.Sprint(a.Nodes(0), a.Nodes(Hidden), a.Nodes(This|Connected)); got != "[b@test] [] [a@test b@test]" {
		t.Error(got)
	}
}

// A connection is hidden for both sides when one of the two nodes is; a node without a listener is.
func TestHidden(t *testing.T) {
	c := newCluster(t)
	visible := c.start("visible@test")
	hidden := c.start("hidden@test", func(c *Config) { c.Hidden = true })
	silent := c.start("silent@test", func(c *Config) { c.NoListen = true })
	for _, n := range []*Node{hidden, silent} {
		if err := n.Connect(t.Context(), visible.Name()); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(n.Nodes(Visible), n.Nodes(Hidden)); got != "[] [visible@test]" {
			t.Error(n.Name(), got)
		}
		upAt(t, visible, n.Name())
		if got := fmt.Sprint(visible.Nodes(Visible), visible.Nodes(Hidden)); got != fmt.Sprintf("[] [%s]", string(n.Name())) {
			t.Error(got)
		}
		n.Disconnect(visible.Name())
		awaitDown(t, visible, n.Name())
	}
	if got := fmt.Sprint(visible.Nodes(Connected), visible.Nodes(Known)); got != "[] [visible@test hidden@test silent@test]" {
		t.Error(got)
	}
}

// upAt waits until n has a connection to a peer that connects to it.
func upAt(t *testing.T, n *Node, peer etf.Atom) {
	t.Helper()
	if err := n.Ping(t.Context(), peer); err != nil {
		t.Fatal(err)
	}
}

// awaitDown waits until n has heard that a peer is gone.
func awaitDown(t *testing.T, n *Node, peer etf.Atom) {
	t.Helper()
	n.mu.RLock()
	gone := n.leaving[peer]
	if s := n.sessions[peer]; s != nil {
		gone = s.gone
	}
	n.mu.RUnlock()
	if gone != nil {
		<-gone
	}
}

func TestCookies(t *testing.T) {
	c := newCluster(t)
	a := c.start("a@test")
	stranger := c.start("stranger@test", func(c *Config) { c.Cookie = "other" })
	friend := c.start("friend@test", func(c *Config) {
		c.Cookie = "other"
		c.Cookies = map[string]string{"a@test": "secret"}
	})
	var wrong *handshake.CookieError
	if err := stranger.Connect(t.Context(), "a@test"); !errors.Is(err, ErrNoConnection) {
		t.Errorf("with the wrong cookie: %v", err)
	}
	if err := a.Connect(t.Context(), "stranger@test"); !errors.Is(err, ErrNoConnection) || errors.As(err, &wrong) {
		t.Errorf("with the wrong cookie, from the other side: %v", err) // the acceptor sees it first, and just closes
	}
	if err := friend.Connect(t.Context(), "a@test"); err != nil {
		t.Errorf("with a cookie for one node: %v", err)
	}
	stranger.SetCookie("a@test", "secret")
	if err := stranger.Connect(t.Context(), "a@test"); err != nil {
		t.Errorf("after SetCookie: %v", err)
	}
}

// Two nodes in one program are strangers until they connect.
func TestNothingShared(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test", func(c *Config) { c.Cookie = "other" })
	p, q := a.Open(), b.Open()
	q.Register("q")
	if err := p.Send(q.Self(), 1); !errors.Is(err, ErrNoConnection) {
		t.Error(err)
	}
	if err := p.Send(etf.Atom("q"), 1); !errors.Is(err, ErrNoProc) {
		t.Error(err)
	}
	if q.Messages() != 0 {
		t.Error("a message came through")
	}
}

// Both nodes connect at once, many times (ERLNODE_RACES for more): each time there is one connection, which both sides see
// come and go once, and nobody waits longer than a moment.
func TestSimultaneousConnect(t *testing.T) {
	count := 500
	if text := os.Getenv("ERLNODE_RACES"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	c := newCluster(t)
	nodes := [2]*Node{c.start("a@test"), c.start("b@test")}
	var watch [2]*Process
	for i, n := range nodes {
		watch[i] = n.Open()
		watch[i].MonitorNodes(true, NodeEvents{})
	}
	longest := time.Duration(0)
	for i := range count {
		ctx, cancel := contextOf(t, 20*time.Second)
		var wg sync.WaitGroup
		begin := time.Now()
		for k, n := range nodes {
			late := time.Duration(rand.IntN(150)) * time.Microsecond
			wg.Go(func() {
				for time.Since(begin) < late { // to the microsecond, which no timer is
				}
				if err := n.Connect(ctx, nodes[1-k].Name()); err != nil {
					t.Errorf("race %d: %v: %v", i, n.Name(), err)
				}
			})
		}
		wg.Wait()
		longest = max(longest, time.Since(begin))
		for k, n := range nodes {
			if err := n.Ping(ctx, nodes[1-k].Name()); err != nil {
				t.Fatalf("race %d: %v", i, err)
			}
		}
		nodes[i%2].Disconnect(nodes[1-i%2].Name())
		for k, w := range watch {
			expect(t, w, fmt.Sprintf("{nodeup,%s}", string(nodes[1-k].Name())))
			expect(t, w, fmt.Sprintf("{nodedown,%s}", string(nodes[1-k].Name())))
			if w.Messages() != 0 {
				t.Fatalf("race %d: %v: more came and went: %s", i, nodes[k].Name(), receive(t, w))
			}
		}
		cancel()
	}
	t.Logf("%d races, the longest until both were connected %v", count, longest)
}

// A peer that comes back before its old connection has been missed takes the old one's place, as a new incarnation.
func TestRestartedPeer(t *testing.T) {
	c := newCluster(t)
	a := c.start("a@test")
	b := c.start("b@test")
	p, q := trapping(t, a), b.Open()
	p.Link(q.Self())
	settled(t, p, b)
	// The same name again, in a node that knows nothing of the first; the old connection stands.
	b2 := c.start("b@test")
	if err := b2.Connect(t.Context(), "a@test"); err != nil {
		t.Fatal(err)
	}
	expect(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", q.Self()))
	if err := a.Ping(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	// Pids of the old incarnation are nobody's, and no signal to them harms the connection.
	p.Link(q.Self())
	expect(t, p, fmt.Sprintf("{'EXIT',%v,noproc}", q.Self()))
	ref, _ := p.Monitor(q.Self())
	expect(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,noproc}", ref, q.Self()))
	p.SendExit(q.Self(), etf.Atom("kill"))
	p.Send(q.Self(), "hello")
	p.Unlink(q.Self())
	if err := a.Ping(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	if b2.Creation() == b.Creation() {
		t.Error("the new node has the creation of the old one")
	}
}

// Connections before the cookie is proved: nonsense, silence, lies. The node goes on serving others meanwhile.
func TestHostileBeforeAuthentication(t *testing.T) {
	var lines atomic.Int64
	logger := slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) { lines.Add(1); return len(b), nil }), nil))
	c := newCluster(t)
	a := c.start("a@test", func(c *Config) { c.SetupTime = 300 * time.Millisecond; c.Logger = logger })
	b := c.start("b@test")
	for _, first := range []string{
		"\x00\x00",                               // a message of nothing
		"\x00\x04Nabc",                           // cut
		"\x00\x15N" + strings.Repeat("\xff", 20), // a name longer than the message
		"\xff\xff" + strings.Repeat("N", 70000),
		"GET / HTTP/1.1\r\n\r\n",
		"\x00\x03sok",
		"\x00",
		"",
	} {
		nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", a.Port()))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(nc, first)
		if err := b.Ping(t.Context(), "a@test"); err != nil { // nobody waits for the other
			t.Fatal(err)
		}
		b.Disconnect("a@test")
		nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%.20q: the connection is still open", first)
		}
		nc.Close()
	}
	if lines.Load() == 0 {
		t.Error("nothing was logged")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// The set-up of a connection takes no longer than SetupTime per step, whatever is at the other end.
func TestSetupTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newCluster(t)
	a := c.start("a@test", func(c *Config) { c.SetupTime = 100 * time.Millisecond })
	c.mu.Lock()
	c.ports["silent@test"] = l.Addr().(*net.TCPAddr).Port
	c.mu.Unlock()
	if err := a.Connect(t.Context(), "silent@test"); !errors.Is(err, ErrNoConnection) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Connect(ctx, "silent@test"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

func contextOf(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// refuser is a peer that answers nok to each connection, and tells of it.
func refuser(t *testing.T, c *cluster, name string) <-chan struct{} {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c.mu.Lock()
	c.ports[name] = l.Addr().(*net.TCPAddr).Port
	c.mu.Unlock()
	refused := make(chan struct{}, 1000)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			w := wire{nc: nc, timeout: time.Second, header: 2}
			w.read()
			w.write([][]byte{[]byte("snok")})
			refused <- struct{}{}
		}
	}()
	return refused
}

// A peer that refuses us is welcome to connect itself from then on, whichever name is the greater one.
func TestRefusedThenConnected(t *testing.T) {
	for _, name := range []string{"a@test", "z@test"} {
		c := newCluster(t)
		n := c.start(name)
		refused := refuser(t, c, "m@test")
		up := make(chan error, 1)
		begin := time.Now()
		go func() { up <- n.Connect(t.Context(), "m@test") }()
		<-refused
		peer := c.start("m@test") // enters itself in the place of the refuser
		for {
			err := peer.Connect(t.Context(), n.Name())
			if err == nil {
				break
			}
			if time.Since(begin) > time.Second {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := <-up; err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d > time.Second {
			t.Errorf("%s: connected after %v", name, d)
		}
	}
}

// The node with the greater name is refused for a moment only: it tries again soon, and says at last that it was refused.
func TestRefusedForAMoment(t *testing.T) {
	c := newCluster(t)
	z := c.start("z@test", func(c *Config) { c.SetupTime = 2 * time.Second })
	refused := refuser(t, c, "m@test")
	up := make(chan error, 1)
	go func() { up <- z.Connect(t.Context(), "m@test") }()
	for range 3 {
		<-refused
	}
	m := c.start("m@test")
	begin := time.Now()
	if err := <-up; err != nil || time.Since(begin) > time.Second {
		t.Error(err, time.Since(begin))
	}
	z.Disconnect("m@test")
	awaitDown(t, m, "z@test")
	y := c.start("y@test", func(c *Config) { c.SetupTime = 100 * time.Millisecond })
	refuser(t, c, "b@test")
	if err := y.Connect(t.Context(), "b@test"); !errors.Is(err, handshake.ErrNok) {
		t.Error(err)
	}
}
