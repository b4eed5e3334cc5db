package dist

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// lender is a connection on whose answers the turn is lent, when it can be. Its handler asks for Serve as often as ask says, for each.
func lender(t *testing.T, ask int, serve func(*Turn)) (c, other *Conn, got *collect) {
	a, b := tcpPair(t)
	got = newCollect(1)
	ready := make(chan struct{})
	c, other = connect(t, a, b, Config{NetTickTime: -1, Handle: func(*Signal) {
		<-ready
		c.Answer()
		for range ask {
			c.Ask()
		}
	}, Serve: serve}, Config{NetTickTime: -1, Handle: got.handle})
	close(ready)
	if c.carrier.waitSoon == nil {
		t.Skip("nobody waits for what comes soon here, so no turn is lent")
	}
	return c, other, got
}

// What is sent after the turn was lent goes out, though Serve was asked for more than once, so that a cork was on.
func TestNoCorkWithALoan(t *testing.T) {
	served := make(chan bool, 1)
	c, other, got := lender(t, 1, func(turn *Turn) { served <- turn.Lend() })
	for range 4 * firstLoan {
		if err := other.Send(t.Context(), &Signal{Kind: Send, From: there, To: here, Payload: raw(t, 1)}); err != nil {
			t.Fatal(err)
		}
		if <-served {
			break
		}
	}
	if err := c.Send(t.Context(), &Signal{Kind: Send, From: here, To: there, Payload: raw(t, 1)}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got.done:
	case <-time.After(5 * time.Second):
		t.Error("what was sent is still corked")
	}
}

// Who has lost the turn while it worked may still ask to lend it, while another goroutine lends it: run with -race.
func TestLateLoan(t *testing.T) {
	var mayLend atomic.Int32
	served := make(chan struct{}, 1000)
	late := make(chan struct{})
	c, other, _ := lender(t, 0, func(turn *Turn) {
		if turn.mayLend {
			if mayLend.Add(1) == 1 {
				served <- struct{}{}
				<-late
				if turn.Lend() {
					t.Error("the turn was lent by who has it no more")
				}
				late <- struct{}{}
				return
			}
		}
		turn.Lend()
		served <- struct{}{}
	})
	send := func() {
		if err := other.Send(t.Context(), &Signal{Kind: Send, From: there, To: here, Payload: raw(t, 1)}); err != nil {
			t.Fatal(err)
		}
		<-served
	}
	for mayLend.Load() < 1 {
		send()
	}
	for i := range 20 * firstLoan {
		send()
		if i == 10*firstLoan {
			late <- struct{}{}
		}
		if mayLend.Load() > 1 {
			c.Await(&caller{}, false)
		}
	}
	<-late
}

// While the turn is lent the goroutine that has lent it waits to read on: there is one that reads, however often that happens, and it is there when
// Serve has been left by runtime.Goexit.
func TestOneReads(t *testing.T) {
	var leave atomic.Bool
	served := make(chan bool, 1)
	c, other, _ := lender(t, 0, func(turn *Turn) {
		lent := turn.Lend()
		served <- lent
		if lent && leave.Load() {
			runtime.Goexit()
		}
	})
	loans := 0
	send := func() (lent bool) {
		t.Helper()
		if err := other.Send(t.Context(), &Signal{Kind: Send, From: there, To: here, Payload: raw(t, 1)}); err != nil {
			t.Fatal(err)
		}
		lent = <-served
		if lent {
			loans++
		}
		return lent
	}
	readers := func() int {
		b := make([]byte, 1<<20)
		return strings.Count(string(b[:runtime.Stack(b, true)]), "(*Conn).lead(")
	}
	for loans < 12 {
		if send() && loans%2 == 0 {
			c.Await(&caller{}, false) // nothing comes: it gives the turn up
		}
	}
	if n := readers(); n > 2 {
		t.Errorf("%d goroutines read two connections", n)
	}
	leave.Store(true)
	for loans < 15 {
		send()
	}
}

// A connection that is over holds nothing that was to make it fast.
func TestOverHoldsNothing(t *testing.T) {
	a, b := tcpPair(t)
	const many = 4 * fewMessages
	got := newCollect(many)
	x := New(a, Config{Self: self, Peer: peer, Flags: allFlags, NetTickTime: -1, Handle: func(*Signal) {}})
	y := New(b, Config{Self: peer, Peer: self, Flags: allFlags, NetTickTime: -1, Handle: got.handle})
	var running sync.WaitGroup
	running.Go(func() { x.Run() })
	running.Go(func() { y.Run() })
	for range many {
		if err := x.Send(t.Context(), &Signal{Kind: Send, From: here, To: there, Payload: raw(t, etf.Atom("hello"))}); err != nil {
			t.Fatal(err)
		}
	}
	<-got.done
	if x.lanes.Load() == nil {
		t.Fatal("there were too few messages for this test")
	}
	x.Close()
	y.Close()
	running.Wait()
	if x.lanes.Load() != nil || x.out.enc.atoms != nil {
		t.Error("lanes or sent atoms are still there")
	}
	if in := y.in; in.repeats != nil || in.reader.buf != nil || in.reader.slab != nil || in.cache.pages[0] != nil {
		t.Error("a buffer, repeats or received atoms are still there")
	}
}
