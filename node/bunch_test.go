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
