package node

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// Of what a process shares with two nodes that over the lost connection ends, and nothing else, whether it is one thing or many.
func TestConnectionLost(t *testing.T) {
	for _, count := range []int{1, 3, 3 * fewLinks} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			c := newCluster(t)
			a, b, d := c.start("a@test"), c.start("b@test"), c.start("d@test")
			p := trapping(t, a)
			p.Register("p")
			var want, urgent, kept []string
			var aliases []etf.Ref
			down := func(to *Process, opts ...MonitorOption) string {
				ref, err := p.Monitor(to.Self(), opts...)
				if err != nil {
					t.Fatal(err)
				}
				if len(opts) > 0 && opts[0] == MonitorOption(AliasDemonitor) {
					aliases = append(aliases, ref)
				}
				return fmt.Sprintf("{'DOWN',%v,process,%v,noconnection}", ref, to.Self())
			}
			for range count {
				there, other := trapping(t, b), d.Open()
				p.Link(there.Self())
				p.Link(other.Self())
				exit := fmt.Sprintf("{'EXIT',%v,noconnection}", there.Self())
				want = append(want, exit, down(there), down(there, AliasDemonitor))
				kept = append(kept, down(other))
				there.Monitor(p.Self())
				there.Monitor(Name{"p", "a@test"})
				other.Monitor(p.Self())
				first := trapping(t, b)
				p.Link(first.Self(), Priority)
				urgent = append(urgent, fmt.Sprintf("{'EXIT',%v,noconnection}", first.Self()), down(first, Priority))
				settled(t, there, a)
				settled(t, other, a)
				unlinked := b.Open() // of what has been taken back nothing is heard
				p.Link(unlinked.Self())
				p.Unlink(unlinked.Self())
				ref, _ := p.Monitor(unlinked.Self())
				p.Demonitor(ref)
			}
			settled(t, p, b)
			settled(t, p, d)
			plain, untouched := a.Open(), a.Open()
			plain.Link(b.Open().Self())
			untouched.Link(d.Open().Self())

			a.Disconnect("b@test")
			if n := p.Messages(); n != len(want)+len(urgent) {
				t.Errorf("%d messages when the node is down, want %d", n, len(want)+len(urgent))
			}
			for _, w := range [][]string{urgent, want} {
				var got []string
				for range w {
					got = append(got, receive(t, p))
				}
				slices.Sort(got)
				slices.Sort(w)
				if !slices.Equal(got, w) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(w, "\n"))
				}
			}
			for _, ref := range aliases {
				if p.Unalias(ref) {
					t.Errorf("the alias %v is left of its monitor", ref)
				}
			}
			if got, want := records(p, a), (held{links: count, monitors: count, watchers: count}); got != want {
				t.Errorf("left: %+v, want %+v", got, want)
			}
			if r := exited(t, plain); r != "noconnection" {
				t.Error(r)
			}
			if untouched.Err() != nil {
				t.Error("a process has ended that was linked to another node")
			}
			a.Disconnect("d@test")
			got := make([]string, 2*count)
			for i := range got {
				got[i] = receive(t, p)
			}
			for _, w := range kept {
				if !slices.Contains(got, w) {
					t.Errorf("no %s", w)
				}
			}
			if r := exited(t, untouched); r != "noconnection" {
				t.Error(r)
			}
			if got := records(p, a); got != (held{}) {
				t.Errorf("left: %+v", got)
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			if len(a.sessions) > 0 {
				t.Error("there are connections")
			}
		})
	}
}

// Links and monitors that are set up while the connection goes, and comes again, are heard of once each.
func TestConnectionLostMeanwhile(t *testing.T) {
	const processes, rounds = 8, 30
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	var others []*Process
	for range rounds {
		others = append(others, trapping(t, b))
	}
	stop := make(chan struct{})
	var cutting sync.WaitGroup
	cutting.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				[]*Node{a, b}[i%2].Disconnect([]etf.Atom{"b@test", "a@test"}[i%2])
			}
		}
	})
	all := make([]*Process, processes)
	var users sync.WaitGroup
	for i := range all {
		all[i] = trapping(t, a)
		users.Go(func() {
			for _, other := range others {
				all[i].Link(other.Self())
				all[i].Monitor(other.Self())
				short := a.Open() // leaves its place to others
				short.Monitor(other.Self())
				short.Exit(nil)
			}
		})
	}
	users.Wait()
	close(stop)
	cutting.Wait()
	a.Disconnect("b@test")
	for _, p := range all {
		exits, downs := make(map[etf.Pid]int), make(map[etf.Ref]int)
		for range 2 * rounds {
			m, err := p.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := m.Exit(); ok {
				exits[e.From]++
			} else if d, ok := m.Down(); ok {
				downs[d.Ref]++
			}
		}
		if len(exits) != rounds || len(downs) != rounds || p.Messages() != 0 {
			t.Errorf("%d exits and %d downs, want %d of each and no more messages (%d)", len(exits), len(downs), rounds, p.Messages())
		}
		if got := records(p, a); got != (held{}) {
			t.Errorf("left: %+v", got)
		}
	}
}
