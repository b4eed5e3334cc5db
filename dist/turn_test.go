package dist

import (
	"net"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// server asks for Serve for every message, and tells what has been handled.
type server struct {
	conn    atomic.Pointer[Conn]
	handled chan etf.Term
	serve   func(*Turn)
	ended   chan error // what Run returned
}

func (s *server) config() Config {
	return Config{
		NetTickTime: -1,
		Handle: func(sig *Signal) {
			t, _ := sig.Payload.Term()
			s.conn.Load().Ask()
			s.handled <- t
		},
		Serve: func(t *Turn) { s.serve(t) },
	}
}

// withServer runs f in a bubble, with a connection whose messages the server serves, and the peer's end of it.
func withServer(t *testing.T, serve func(*Turn), f func(t *testing.T, s *server, peer *Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{handled: make(chan etf.Term, 100), serve: serve, ended: make(chan error, 1)}
		a, b := net.Pipe()
		cfg := s.config()
		cfg.Self, cfg.Peer, cfg.Flags = self, peer, allFlags
		c := New(a, cfg)
		s.conn.Store(c)
		p := New(b, Config{Self: peer, Peer: self, Flags: allFlags, NetTickTime: -1, Handle: func(*Signal) {}})
		go func() { s.ended <- c.Run() }()
		go p.Run()
		f(t, s, p)
		c.Close()
		p.Close()
		<-s.ended
	})
}

func say(t *testing.T, c *Conn, v int) {
	t.Helper()
	if err := c.Send(t.Context(), &Signal{Kind: Send, From: otherPid, To: ownPid, Payload: raw(t, v)}); err != nil {
		t.Fatal(err)
	}
}

var (
	otherPid = etf.Pid{Node: peer, ID: 7, Creation: 1}
	ownPid   = etf.Pid{Node: self, ID: 9, Creation: 1}
)

// Work that does not end delays what comes behind it by two milliseconds at most, and the one who works sees that he has lost the turn.
func TestWorkThatTakesLong(t *testing.T) {
	var release chan struct{}
	var lost chan bool
	var later atomic.Bool
	serve := func(turn *Turn) {
		if !later.Swap(true) {
			<-release
			lost <- !turn.Renew()
		}
	}
	withServer(t, serve, func(t *testing.T, s *server, peer *Conn) {
		release, lost = make(chan struct{}), make(chan bool, 1)
		say(t, peer, 1)
		<-s.handled
		start := time.Now()
		say(t, peer, 2)
		<-s.handled
		if d := time.Since(start); d > 2*patience {
			t.Errorf("the next message waited %v", d)
		}
		close(release)
		if !<-lost {
			t.Error("two goroutines have the turn")
		}
		say(t, peer, 3)
		<-s.handled
	})
}

// Who is going to wait gives the turn away at once.
func TestGive(t *testing.T) {
	var release chan struct{}
	var later atomic.Bool
	serve := func(turn *Turn) {
		if !later.Swap(true) {
			turn.Give()
			<-release
		}
	}
	withServer(t, serve, func(t *testing.T, s *server, peer *Conn) {
		release = make(chan struct{})
		say(t, peer, 1)
		<-s.handled
		start := time.Now()
		say(t, peer, 2)
		<-s.handled
		if d := time.Since(start); d != 0 {
			t.Errorf("the next message waited %v", d)
		}
		close(release)
	})
}

// Work in short pieces keeps the turn until all of them together have taken long.
func TestRenew(t *testing.T) {
	var pieces chan int
	var later atomic.Bool
	serve := func(turn *Turn) {
		if later.Swap(true) {
			return // nothing is left
		}
		n := 1
		for time.Sleep(patience / 10); turn.Renew(); time.Sleep(patience / 10) {
			n++
		}
		pieces <- n
	}
	withServer(t, serve, func(t *testing.T, s *server, peer *Conn) {
		pieces = make(chan int)
		say(t, peer, 1)
		if n := <-pieces; n != 11 {
			t.Errorf("the turn went after %d pieces of a tenth, want 11", n)
		}
	})
}

// Work that ends its goroutine ends nothing else.
func TestServeGoexit(t *testing.T) {
	var left atomic.Int32
	left.Store(3)
	serve := func(*Turn) {
		if left.Add(-1) >= 0 { // Serve is called again for what is left
			runtime.Goexit()
		}
	}
	withServer(t, serve, func(t *testing.T, s *server, peer *Conn) {
		for i := range 3 {
			say(t, peer, i)
			<-s.handled
		}
	})
}

// A connection ends while somebody works, who does not notice.
func TestEndWhileServing(t *testing.T) {
	var release chan struct{}
	var later atomic.Bool
	serve := func(*Turn) {
		if !later.Swap(true) {
			<-release
		}
	}
	withServer(t, serve, func(t *testing.T, s *server, peer *Conn) {
		release = make(chan struct{})
		say(t, peer, 1)
		<-s.handled
		synctest.Wait()
		peer.Close()
		err := <-s.ended
		if err == nil {
			t.Error("no reason")
		}
		s.ended <- err
		close(release)
	})
}

// The answers to what has come together go out together, many in two halves (TestHalves), and an answer does not wait for work that takes long.
func TestCork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		w := &writes{Conn: a}
		var c *Conn
		cfg := Config{Self: self, Peer: peer, Flags: allFlags, NetTickTime: -1}
		left := 0
		cfg.Handle = func(*Signal) { c.Ask(); left++ }
		slow := time.Duration(0)
		cfg.Serve = func(turn *Turn) {
			for ; left > 0; left-- {
				time.Sleep(slow)
				c.Post(&Signal{Kind: Send, From: ownPid, To: otherPid, Payload: etf.Raw{Bytes: []byte{97, 1}}})
				turn.Renew()
			}
		}
		c = New(w, cfg)
		got := make(chan struct{}, 100)
		p := New(b, Config{Self: peer, Peer: self, Flags: allFlags, NetTickTime: -1, Handle: func(*Signal) { got <- struct{}{} }})
		ended := make(chan error, 2)
		go func() { ended <- c.Run() }()
		go func() { ended <- p.Run() }()
		for _, test := range []struct {
			requests           int
			slow               time.Duration
			fewest, mostWrites int32
		}{{halved - 1, 0, 1, 1}, {10, 0, 1, 2}, {10, corkedFor, 9, 10}} {
			slow = test.slow
			w.n.Store(0)
			var together []*Signal
			for range test.requests {
				together = append(together, &Signal{Kind: Send, From: otherPid, To: ownPid, Payload: etf.Raw{Bytes: []byte{97, 1}}})
			}
			if err := p.Send(t.Context(), together...); err != nil {
				t.Fatal(err)
			}
			for range together {
				<-got
			}
			synctest.Wait()
			if n := w.n.Load(); n < test.fewest || n > test.mostWrites {
				t.Errorf("work of %v each: %d writes for %d answers, want %d to %d", test.slow, n, test.requests, test.fewest, test.mostWrites)
			}
		}
		c.Close()
		p.Close()
		<-ended
		<-ended
	})
}

// Of many answers the first half goes out before the work on the second begins, and what Flush is called after goes out before it.
func TestHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		var c *Conn
		cfg := Config{Self: self, Peer: peer, Flags: allFlags, NetTickTime: -1}
		left, flushAfter, requests := 0, 0, int32(0)
		cfg.Handle = func(*Signal) { c.Ask(); left++ }
		var got atomic.Int32
		all := make(chan struct{})
		var out []int32 // how many answers the peer had when each piece of work began
		cfg.Serve = func(turn *Turn) {
			for n := 1; left > 0; n, left = n+1, left-1 {
				synctest.Wait()
				out = append(out, got.Load())
				c.Post(&Signal{Kind: Send, From: ownPid, To: otherPid, Payload: etf.Raw{Bytes: []byte{97, 1}}})
				if n == flushAfter {
					turn.Flush()
				}
				if !turn.Renew() {
					t.Error("the turn is lost")
				}
			}
		}
		c = New(a, cfg)
		p := New(b, Config{Self: peer, Peer: self, Flags: allFlags, NetTickTime: -1, Handle: func(*Signal) {
			if got.Add(1) == requests {
				all <- struct{}{}
			}
		}})
		ended := make(chan error, 2)
		go func() { ended <- c.Run() }()
		go func() { ended <- p.Run() }()
		for _, test := range []struct {
			requests   int32
			flushAfter int
			want       []int32
		}{
			{halved - 1, 0, []int32{0, 0, 0, 0, 0, 0, 0}},
			{halved, 0, []int32{0, 0, 0, 0, 4, 4, 4, 4}},
			{halved + 1, 0, []int32{0, 0, 0, 0, 4, 4, 4, 4, 4}},
			{4, 3, []int32{0, 0, 0, 3}},
			{1, 1, []int32{0}},
		} {
			got.Store(0)
			out, flushAfter, requests = nil, test.flushAfter, test.requests
			var together []*Signal
			for range test.requests {
				together = append(together, &Signal{Kind: Send, From: otherPid, To: ownPid, Payload: etf.Raw{Bytes: []byte{97, 1}}})
			}
			if err := p.Send(t.Context(), together...); err != nil {
				t.Fatal(err)
			}
			<-all
			if !slices.Equal(out, test.want) {
				t.Errorf("%d requests: the peer had %v answers when the work on each began, want %v", requests, out, test.want)
			}
		}
		c.Close()
		p.Close()
		<-ended
		<-ended
	})
}

// writes counts.
type writes struct {
	net.Conn
	n atomic.Int32
}

func (w *writes) Write(b []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(b)
}

func TestLoans(t *testing.T) {
	var l loans
	next := func() (answers int) {
		for answers = 1; !l.due(); answers++ {
		}
		return answers
	}
	for i, want := range []int{9, 17, 33, 65} { // nobody comes
		if n := next(); n != want {
			t.Errorf("loan %d after %d answers, want %d", i+1, n, want)
		}
		l.failed()
	}
	if n := next(); n != 129 {
		t.Errorf("after %d answers, want 129", n)
	}
	for range 8 * 128 { // many come
		if !l.due() {
			t.Fatal("a loan that goes well is not made again")
		}
	}
	l.failed()
	if n := next(); n != firstLoan+1 {
		t.Errorf("after good loans: after %d answers, want %d", n, firstLoan+1)
	}
	for range 20 {
		l.failed()
	}
	if n := next(); n != rareLoan+1 {
		t.Errorf("after %d answers, want %d", n, rareLoan+1)
	}
	for range 15 {
		l.due()
	}
	l.failed()
	if n := next(); n != rareLoan/17+1 {
		t.Errorf("after some good loans: after %d answers, want %d", n, rareLoan/17+1)
	}
	for range manyLoans {
		l.due()
	}
	l.failed()
	if n := next(); n != firstLoan+1 {
		t.Errorf("after many good loans: after %d answers, want %d", n, firstLoan+1)
	}
}

// caller is one that waits for an answer.
type caller struct {
	answers atomic.Int32 // that it has had
	want    int32
}

func (c *caller) Answered() bool { return c.answers.Load() >= c.want }
func (c *caller) Alone() bool    { return true }

// A caller that asks again and again reads its answers itself; when it stops another goroutine reads.
func TestAwait(t *testing.T) {
	a, b := tcpPair(t)
	var c *Conn
	w := &caller{}
	var inAwait, byAwait atomic.Int32
	got := make(chan bool, 1000)
	cfg := Config{NetTickTime: -1}
	inRow := 0 // answers that the caller has read with one loan
	cfg.Handle = func(*Signal) {
		byAwait.Add(inAwait.Load())
		if !c.Answer() { // it is for the caller that reads
			inRow++
			if c.in.loans.after > 0 {
				inRow = 0 // the caller was late
			}
			if c.in.loans.good < inRow {
				t.Errorf("after %d answers with one loan only %d loans count as good", inRow, c.in.loans.good)
			}
			w.answers.Add(1)
			got <- true
		}
	}
	cfg.Serve = func(turn *Turn) {
		inRow = 0
		turn.Lend()
		w.answers.Add(1)
		got <- true
	}
	var echo *Conn
	ready := make(chan struct{})
	cfg.Self, cfg.Peer, cfg.Flags = self, peer, allFlags
	c = New(a, cfg)
	if c.carrier.waitSoon == nil || runtime.GOMAXPROCS(0) < 2 {
		c.Close()
		t.Skip("nobody waits for what comes soon here")
	}
	echo = New(b, Config{Self: peer, Peer: self, Flags: allFlags, NetTickTime: -1, Handle: func(s *Signal) {
		<-ready
		echo.Post(&Signal{Kind: Send, From: otherPid, To: ownPid, Payload: etf.Raw{Bytes: []byte{97, 1}}})
	}})
	close(ready)
	go c.Run()
	go echo.Run()
	defer c.Close()
	defer echo.Close()
	for i := 0; i < 200 || byAwait.Load() < 20 && i < 20_000; i++ { // on a busy machine answers may be late, and loans rare
		w.want = int32(i + 1)
		say(t, c, i)
		inAwait.Store(1)
		c.Await(w, false)
		inAwait.Store(0)
		<-got
	}
	if n := byAwait.Load(); n < 20 {
		t.Errorf("the caller has read %d answers itself", n)
	}
	say(t, c, 0) // the turn is lent, and nobody takes it
	<-got
}

// Connections leave no file descriptor behind.
func TestSocketsAreClosed(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(entries)
	}
	before := count()
	for range 20 {
		a, b := tcpPair(t)
		done := make(chan struct{})
		x := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) { close(done) }})
		y := New(b, Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(*Signal) {}})
		ended := make(chan error, 2)
		go func() { ended <- x.Run() }()
		go func() { ended <- y.Run() }()
		say(t, y, 1)
		<-done
		y.Close()
		<-ended
		<-ended
		a, b = tcpPair(t)
		New(a, Config{Self: self, Peer: peer, Flags: allFlags}).Close() // it never runs
		b.Close()
	}
	if after := count(); after > before+3 { // the runtime has a few of its own
		t.Errorf("%d file descriptors before, %d after", before, after)
	}
}
