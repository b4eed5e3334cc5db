package node

import (
	"errors"
	"testing"
	"time"
)

// A node closes, and its processes hear of it, at any moment of a receiver that reads on.
func TestReadOnClose(t *testing.T) {
	lent := 0
	for round := range 20 {
		c := newCluster(t)
		a, b := c.start("a@test"), c.start("b@test")
		p, q := a.Open(), b.Open()
		ended := make(chan error, 2)
		go func() {
			for m := range q.Inbox(t.Context()) {
				q.Send(m.From(), 1)
			}
			ended <- q.Err()
		}()
		ready := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				p.Send(q.Self(), i)
				if _, err := p.Receive(t.Context()); err != nil {
					ended <- err
					return
				}
				if p.box.lender.Load() != nil && i < 300 {
					lent++
				}
				if i == 300 {
					close(ready)
				}
			}
		}()
		<-ready
		time.Sleep(time.Duration(round*37%400) * time.Microsecond)
		start := time.Now()
		first, second := a, b
		if round%2 == 1 {
			first, second = b, a
		}
		first.Close()
		second.Close()
		for range 2 {
			select {
			case err := <-ended:
				if !errors.As(err, new(*ExitError)) {
					t.Errorf("round %d: %v", round, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("round %d: a receiver has not heard of the end", round)
			}
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("round %d: it took %v", round, d)
		}
	}
	t.Logf("lent %d times", lent)
}
