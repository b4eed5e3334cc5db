package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

func start(t *testing.T, name string, cfg node.Config) *node.Node {
	t.Helper()
	cfg.Cookie = "secret"
	n, err := node.Start(t.Context(), name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Two hosts, one node on each, the same port: no EPMD is asked.
func TestPort(t *testing.T) {
	port := Port(freePort(t))
	a := start(t, "a@127.0.0.1", node.Config{Discovery: port, Listen: fmt.Sprintf("127.0.0.1:%d", port)})
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		t.Skip(err) // not Linux
	}
	l.Close()
	b := start(t, "b@127.0.0.2", node.Config{Discovery: port, Listen: fmt.Sprintf("127.0.0.2:%d", port)})
	if err := a.Ping(t.Context(), b.Name()); err != nil {
		t.Error(err)
	}
	if a.Port() != int(port) || a.Creation() < 4 {
		t.Error(a.Port(), a.Creation())
	}
	if got := port.ListenAddr(); got != fmt.Sprintf(":%d", port) {
		t.Error(got)
	}
	c := start(t, "c@localhost", node.Config{Discovery: First{Static{}, Port(freePort(t))}})
	if c.Port() == 0 || fmt.Sprintf(":%d", c.Port()) != c.Addr().String()[strings.LastIndex(c.Addr().String(), ":"):] {
		t.Error(c.Addr())
	}
}

func TestStaticAndFunc(t *testing.T) {
	a := start(t, "a@test", node.Config{EPMD: node.EPMDNone, Listen: "127.0.0.1:0"})
	table := Static{"a@test": a.Addr().String()}
	b := start(t, "b@test", node.Config{Discovery: table, Listen: "127.0.0.1:0"})
	if err := b.Ping(t.Context(), "a@test"); err != nil {
		t.Error(err)
	}
	if err := b.Ping(t.Context(), "c@test"); !errors.Is(err, ErrUnknown) || !errors.Is(err, node.ErrNoConnection) {
		t.Error(err)
	}
	var asked atomic.Int32
	c := start(t, "c@test", node.Config{Listen: "127.0.0.1:0", Discovery: Func(func(_ context.Context, name string) (string, error) {
		asked.Add(1)
		return table.Lookup(t.Context(), name)
	})})
	if err := c.Ping(t.Context(), "a@test"); err != nil || asked.Load() != 1 {
		t.Error(err, asked.Load())
	}
}

// A table first, then EPMD: a node of either is found, and is registered with EPMD.
func TestFirst(t *testing.T) {
	server, err := epmd.Listen(epmd.ServerConfig{Port: -1, Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	mapper := EPMD{Port: server.Port()}
	a := start(t, "a@127.0.0.1", node.Config{EPMD: node.EPMDNone, Listen: "127.0.0.1:0"})
	b := start(t, "b@127.0.0.1", node.Config{Discovery: mapper, Listen: "127.0.0.1:0"})
	c := start(t, "c@127.0.0.1", node.Config{Discovery: First{Static{"a@127.0.0.1": a.Addr().String()}, mapper}, Listen: "127.0.0.1:0"})
	for _, to := range []etf.Atom{"a@127.0.0.1", "b@127.0.0.1"} {
		if err := c.Ping(t.Context(), to); err != nil {
			t.Error(err)
		}
	}
	if err := c.Ping(t.Context(), "d@127.0.0.1"); !errors.Is(err, ErrUnknown) || !errors.Is(err, epmd.ErrNotRegistered) {
		t.Error(err)
	}
	names, err := epmd.Names(t.Context(), server.Addr())
	if err != nil || fmt.Sprint(names) != fmt.Sprint([]epmd.NameEntry{{Name: "c", Port: c.Port()}, {Name: "b", Port: b.Port()}}) {
		t.Error(names, err)
	}
	if info, err := epmd.Lookup(t.Context(), server.Addr(), "c"); err != nil || info.Port != c.Port() {
		t.Error(info, err)
	}
	c.Close()
	if names, err = epmd.Names(t.Context(), server.Addr()); err != nil || len(names) != 1 {
		t.Error(names, err)
	}
	// A name that is taken undoes the entries before it, and the node does not start.
	var closed atomic.Int32
	_, err = node.Start(t.Context(), "b@127.0.0.1", node.Config{Cookie: "c", Discovery: First{entry{&closed}, mapper}, Listen: "127.0.0.1:0"})
	if !errors.Is(err, epmd.ErrDuplicateName) || closed.Load() != 1 {
		t.Error(err, closed.Load())
	}
	if _, err := (First{}).Lookup(t.Context(), "a@b"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := mapper.Lookup(t.Context(), "nonsense"); err == nil {
		t.Error("a name without a host was looked up")
	}
}

// entry counts how often it is closed.
type entry struct{ closed *atomic.Int32 }

func (e entry) Register(context.Context, string, net.Addr) (uint32, io.Closer, error) {
	return 5, e, nil
}
func (e entry) Lookup(context.Context, string) (string, error) { return "", ErrUnknown }
func (e entry) Close() error                                   { e.closed.Add(1); return nil }

// The waits double up to the longest, and each is shortened by at most half.
func TestWait(t *testing.T) {
	l := Links{Min: 100 * time.Millisecond, Max: time.Second}
	for failures, most := range []time.Duration{100e6, 200e6, 400e6, 800e6, 1e9, 1e9, 1e9} {
		for range 100 {
			if d := l.wait(failures); d > most || d < most/2 {
				t.Fatalf("%v after %d failures, want %v to %v", d, failures, most/2, most)
			}
		}
	}
}

// Nodes that are there, nodes that come, nodes that go and come back.
func TestStayConnected(t *testing.T) {
	table := new(atomic.Pointer[Static])
	table.Store(&Static{})
	lookup := Func(func(ctx context.Context, name string) (string, error) { return table.Load().Lookup(ctx, name) })
	a := start(t, "a@test", node.Config{Listen: "127.0.0.1:0", Discovery: lookup})
	peer := func(name string) *node.Node {
		n := start(t, name, node.Config{Listen: "127.0.0.1:0", EPMD: node.EPMDNone})
		next := Static{name: n.Addr().String()}
		for k, v := range *table.Load() {
			if k != name {
				next[k] = v
			}
		}
		table.Store(&next)
		return n
	}
	type report struct {
		name etf.Atom
		err  error
	}
	reports := make(chan report, 1000)
	until := func(name etf.Atom, err error) {
		t.Helper()
		timeout := time.After(10 * time.Second)
		for {
			select {
			case r := <-reports:
				if r.name == name && (r.err == err || err != nil && errors.Is(r.err, err)) {
					return
				}
			case <-timeout:
				t.Fatalf("no %v from %v", err, name)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	more := new(atomic.Pointer[[]etf.Atom])
	more.Store(&[]etf.Atom{"c@test"})
	go func() {
		defer close(done)
		StayConnected(ctx, a, Links{
			Nodes: []etf.Atom{"a@test", "b@test"}, Min: time.Millisecond, Max: 20 * time.Millisecond, Every: 5 * time.Millisecond,
			Find: func(context.Context) ([]etf.Atom, error) {
				if names := more.Load(); names != nil {
					return *names, nil
				}
				return nil, io.ErrUnexpectedEOF
			},
			Report: func(name etf.Atom, err error) { reports <- report{name, err} },
		})
	}()
	until("b@test", ErrUnknown)
	b := peer("b@test")
	until("b@test", nil)
	peer("c@test")
	until("c@test", nil)
	b.Close()
	until("b@test", ErrLost)
	until("b@test", node.ErrNoConnection)
	peer("b@test")
	until("b@test", nil)
	more.Store(nil)
	until("", io.ErrUnexpectedEOF)
	a.Disconnect("c@test") // still wanted: the last answer counts
	until("c@test", nil)
	cancel()
	<-done

	// It ends with the node, too.
	d := start(t, "d@test", node.Config{Listen: "127.0.0.1:0", Discovery: lookup})
	ended := make(chan struct{})
	up := make(chan struct{})
	go func() {
		defer close(ended)
		StayConnected(t.Context(), d, Links{Nodes: []etf.Atom{"b@test"}, Report: func(_ etf.Atom, err error) {
			if err == nil {
				close(up)
			}
		}})
	}()
	<-up
	d.Close()
	<-ended
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if !sleep(t.Context(), time.Hour) || time.Since(begin) != time.Hour {
			t.Error("not an hour")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if sleep(ctx, time.Hour) || time.Since(begin) != time.Hour {
			t.Error("slept although nobody wants it any more")
		}
	})
}

func ExampleStayConnected() {
	ctx := context.Background()
	n, err := node.Start(ctx, "worker@localhost", node.Config{Cookie: "secret", EPMD: node.EPMDNone,
		Discovery: Static{"db@localhost": "127.0.0.1:9100"}})
	if err != nil {
		return
	}
	defer n.Close()
	go StayConnected(ctx, n, Links{
		Nodes:  []etf.Atom{"db@localhost"},
		Report: func(name etf.Atom, err error) { fmt.Println(name, err) },
	})
}
