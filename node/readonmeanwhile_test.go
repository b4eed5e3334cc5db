package node

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// Whatever happens to a receiver that reads on, or to which the turn is lent, is seen at once, and the connection goes on being read.
func TestReadOnMeanwhile(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	q := b.Open() // echoes, but for 0, and twice what is negative
	go func() {
		for m := range q.Inbox(t.Context()) {
			var i int
			if m.Decode(&i) == nil && i != 0 {
				q.Send(m.From(), i)
				if i < 0 {
					q.Send(m.From(), i)
				}
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	next := func(p *Process) int {
		t.Helper()
		until, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		m, err := p.Receive(until)
		var i int
		if err == nil {
			err = m.Decode(&i)
		}
		if err != nil {
			t.Fatalf("%v, %v", m, err)
		}
		return i
	}
	checker := a.Open()
	lent := 0
	ended := func(p *Process, end func()) {
		t.Helper()
		got := make(chan error)
		go func() {
			_, err := p.Receive(ctx)
			if err == nil { // the echo was quicker
				_, err = p.Receive(ctx)
			}
			got <- err
		}()
		time.Sleep(20 * time.Microsecond)
		end()
		if err := <-got; !errors.As(err, new(*ExitError)) {
			t.Errorf("Receive after the end: %v", err)
		}
	}
	actions := []func(p *Process){
		func(p *Process) { ended(p, func() { p.Exit(nil) }) },
		func(p *Process) { ended(p, func() { q.SendExit(p.Self(), etf.Atom("kill")) }) },
		func(p *Process) { ended(p, func() { p.Send(q.Self(), 1); p.Exit(nil) }) },
		func(p *Process) { p.Exit(nil) },
		func(p *Process) {}, // it does not receive any more
		func(p *Process) { // a message from here
			p.Send(q.Self(), 0)
			go checker.Send(p.Self(), 7)
			if i := next(p); i != 7 {
				t.Errorf("got %d", i)
			}
		},
		func(p *Process) { // Serve
			over, n := errors.New("over"), 0
			p.Send(q.Self(), 1)
			go checker.Send(p.Self(), 2)
			if err := p.Serve(ctx, func(m Message) error {
				if n++; n == 200 {
					return over
				}
				if n%10 == 1 { // and one from here
					return checker.Send(p.Self(), n)
				}
				return p.Send(q.Self(), n)
			}); err != over {
				t.Errorf("Serve: %v", err)
			}
		},
		func(p *Process) { // several receivers, one with a context that ends soon
			const count = 100
			var all sync.WaitGroup
			got := make(chan int, 4*count)
			over, stop := context.WithCancel(ctx)
			for range 3 {
				all.Go(func() {
					for m := range p.Inbox(over) {
						var i int
						m.Decode(&i)
						got <- i
						p.Send(q.Self(), 0)
					}
				})
			}
			all.Go(func() {
				soon, done := context.WithTimeout(over, time.Millisecond)
				defer done()
				for m := range p.Inbox(soon) {
					var i int
					m.Decode(&i)
					got <- i
				}
			})
			for i := range count {
				p.Send(q.Self(), -1-i)
			}
			seen := make(map[int]int)
			for range 2 * count {
				select {
				case i := <-got:
					seen[i]++
				case <-ctx.Done():
					t.Fatalf("%d of %d have come", len(seen), count)
				}
			}
			for i := range count {
				if seen[-1-i] != 2 {
					t.Errorf("%d came %d times", -1-i, seen[-1-i])
				}
			}
			stop()
			all.Wait()
		},
		func(p *Process) { // the connection goes
			p.TrapExit(true)
			p.Link(b.Open().Self())
			go a.Disconnect("b@test")
			m, err := p.Receive(ctx)
			if e, ok := m.Exit(); !ok || e.Reason != noconnection {
				t.Errorf("%v, %v where the EXIT was due", m, err)
			}
		},
	}
	for round := range 6 {
		for i, act := range actions {
			p := a.Open()
			for n := 1; n < 150; n++ {
				if err := p.Send(q.Self(), n); err != nil {
					t.Fatal(err)
				}
				if got := next(p); got != n {
					t.Fatalf("%d where %d was due", got, n)
				}
			}
			if p.box.lender.Load() != nil {
				lent++
			}
			act(p)
			for checker.Messages() > 0 {
				next(checker)
			}
			start := time.Now()
			if err := checker.Send(q.Self(), 5); err != nil {
				t.Fatal(err)
			}
			next(checker)
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("round %d, action %d: nobody has read for %v", round, i, d)
			}
			p.Exit(nil)
		}
	}
	t.Logf("lent %d times", lent)
}
