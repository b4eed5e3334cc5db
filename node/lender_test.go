package node

import (
	"context"
	"testing"
	"time"
)

// A process that waits does not hold the connection that it has read once: it may be over for long.
func TestLenderLetGo(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, q := a.Open(), b.Open()
	go func() {
		for m := range q.Inbox(t.Context()) {
			var i int
			if m.Decode(&i) == nil && i != 0 {
				q.Send(m.From(), i)
			}
		}
	}()
	lent := false
	for i := 1; i <= 20000 && !lent; i++ {
		p.Send(q.Self(), i)
		receiveInt(t, p)
		lent = p.box.lender.Load() != nil
	}
	if !lent {
		t.Skip("the receiver has never read the connection itself")
	}
	p.Send(q.Self(), 0) // which is not answered
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		p.Receive(ctx)
	}()
	for p.box.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if p.box.lender.Load() != nil {
		t.Error("a process that waits holds the connection")
	}
	cancel()
	<-waiting
}
