package node

import (
	"context"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestManyBunches lets one process send to more receivers than there are bunches, in turns, to each by its pid and by its name: everybody gets
// what was sent to him, in order, and an exit signal comes after the messages before it.
func TestManyBunches(t *testing.T) {
	c := newCluster(t)
	x, y := c.start("a@test"), c.start("b@test")
	const receivers, each = mostBunches + 3, 600
	var all []*Process
	for i := range receivers {
		all = append(all, y.Open(Register(etf.Atom([]byte{'r', byte('a' + i)})), TrapExit()))
	}
	from := x.Open()
	for n := range each {
		for i, p := range all {
			var to any = p.Self()
			if n/7%2 == 1 {
				to = At(etf.Atom([]byte{'r', byte('a' + i)}), "b@test")
			}
			if err := from.Send(to, small{N: n}); err != nil {
				t.Fatal(err)
			}
			if n == each-1 {
				if err := from.SendExit(p.Self(), etf.Atom("over")); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i, p := range all {
		for n := range each {
			m, err := p.Receive(context.Background())
			var got small
			if err != nil || m.Decode(&got) != nil || got.N != n || m.From() != from.Self() {
				t.Fatalf("receiver %d: %v from %v, %v, where %d was due", i, m, m.From(), err, n)
			}
		}
		m, err := p.Receive(context.Background())
		if e, ok := m.Exit(); err != nil || !ok || e.From != from.Self() {
			t.Fatalf("receiver %d: %v, %v after the last message", i, m, err)
		}
	}
}

// TestRoomOfBunches has one process get many messages at a time, and many others one now and then: those do not hold the room of many.
func TestRoomOfBunches(t *testing.T) {
	c := newCluster(t)
	x, y := c.start("a@test"), c.start("b@test")
	from, hot := x.Open(), y.Open()
	const seldom = 200
	var all []*Process
	for range seldom {
		all = append(all, y.Open())
	}
	for _, p := range all {
		for n := range 2 * bunchSize {
			if err := from.Send(hot.Self(), n); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 * bunchSize {
			if _, err := hot.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := from.Send(p.Self(), 0); err != nil {
			t.Fatal(err)
		}
	}
	room := 0
	for _, p := range all {
		if _, err := p.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.mu.Lock()
		room += cap(p.box.in) + cap(p.box.out)
		p.mu.Unlock()
	}
	if room > 16*seldom {
		t.Errorf("%d processes that have got one message each have room for %d", seldom, room)
	}
}
