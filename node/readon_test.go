package node

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// Two processes that answer each other read the connection themselves. What comes for them from elsewhere, or over the same connection for
// others, comes all the same and in order, and so do the answers to calls.
func TestReadOn(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, q := a.Open(), b.Open()
	aside, trickle := a.Open(), a.Open() // of the node of p: one that talks to it, and one that gets something from b now and then
	from, there := b.Open(), b.Open()

	const rounds = 3000
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() {
		for m := range q.Inbox(t.Context()) {
			var i int
			if err := m.Decode(&i); err != nil {
				t.Error(err)
			}
			if i%100 == 0 {
				if err := from.Send(trickle.Self(), i); err != nil {
					t.Error(err)
				}
			}
			if err := q.Send(p.Self(), i); err != nil {
				t.Error(err)
			}
			if i == rounds-1 {
				return
			}
		}
	})
	gone := there.Self()
	there.Exit(nil)
	others.Go(func() {
		for i := 0; i < rounds; i += 100 {
			if got := receiveInt(t, trickle); got != i {
				t.Errorf("%d came where %d was due", got, i)
			}
			if err := aside.Send(p.Self(), -i); err != nil {
				t.Error(err)
			}
			_, err := a.Request(t.Context(), gone, ask("hi")) // over the same connection
			if exit := (*ExitError)(nil); !errors.As(err, &exit) || exit.Reason != noproc {
				t.Error(err)
			}
		}
	})
	lent, side := 0, 0
	for i := range rounds {
		if err := p.Send(q.Self(), i); err != nil {
			t.Fatal(err)
		}
		for {
			got := receiveInt(t, p)
			if got == i {
				break
			}
			if got != -side {
				t.Fatalf("%d came where %d or %d was due", got, i, -side)
			}
			side += 100
		}
		if p.box.lender.Load() != nil {
			lent++
		}
	}
	for ; side < rounds; side += 100 {
		if got := receiveInt(t, p); got != -side {
			t.Errorf("%d came where %d was due", got, -side)
		}
	}
	t.Logf("in %d of %d rounds the receiver read", lent, rounds)
	if lent == 0 && runtime.GOOS == "linux" && runtime.GOMAXPROCS(0) > 1 {
		t.Error("the receiver has never read the connection itself")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the context is done: %v", err)
	}
	if err := from.Send(trickle.Self(), 1); err != nil {
		t.Fatal(err)
	}
	if got := receiveInt(t, trickle); got != 1 { // somebody reads, though p does not any more
		t.Errorf("got %d", got)
	}
}

func receiveInt(t *testing.T, p *Process) int {
	var i int
	m, err := p.Receive(t.Context())
	if err == nil {
		err = m.Decode(&i)
	}
	if err != nil {
		t.Error(err)
	}
	return i
}
