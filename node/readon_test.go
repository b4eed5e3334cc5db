package node

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
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

// A server may have another process reply, on a third node. Then the answer comes over a connection on which nobody waits for one, perhaps
// together with a message to a receiver that is ready to read on: both get what is theirs.
func TestAnswerOfAThirdNode(t *testing.T) {
	c := newCluster(t)
	a, b, d := c.start("a@test"), c.start("b@test"), c.start("d@test")
	p := a.Open()
	server, third := b.Open(), d.Open()
	if err := third.Send(p.Self(), 0); err != nil {
		t.Fatal(err)
	}
	receiveInt(t, p)
	toA, err := d.connected("a@test")
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan int)
	go func() {
		for m := range p.Inbox(t.Context()) {
			var i int
			if m.Decode(&i) != nil {
				i = -1
			}
			received <- i
		}
	}()
	for i := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		answered := make(chan error, 1)
		go func() {
			_, err := a.Request(ctx, server.Self(), ask("hi"))
			answered <- err
		}()
		m, err := server.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		term, err := m.Term()
		if err != nil {
			t.Fatal(err)
		}
		tag := term.(etf.Tuple)[1]
		reply, _ := etf.AppendTerm(nil, etf.Tuple{tag, etf.Atom("ok")})
		number, _ := etf.AppendTerm(nil, etf.Int(i))
		for p.box.waiting.Load() != 1 {
			time.Sleep(10 * time.Microsecond)
		}
		err = toA.conn.Send(t.Context(),
			&dist.Signal{Kind: dist.Send, From: third.Self(), ToRef: tag.(etf.Improper).Tail.(etf.Ref), Payload: etf.Raw{Bytes: reply}},
			&dist.Signal{Kind: dist.Send, From: third.Self(), To: p.Self(), Payload: etf.Raw{Bytes: number}})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-received; got != i {
			t.Fatalf("got %d, want %d", got, i)
		}
		if err := <-answered; err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		cancel()
	}
}

// Who reads on, or reads the answer to his call, stops when his context is done, also while messages for others come all the time.
func TestReadOnUntil(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, q, busy := a.Open(), b.Open(), a.Open()
	go func() { // echoes, but 0
		for m := range q.Inbox(t.Context()) {
			var i int
			if m.Decode(&i) == nil && i != 0 {
				q.Send(m.From(), i)
			}
		}
	}()
	ctx, stop := context.WithCancel(t.Context())
	var streams sync.WaitGroup
	defer streams.Wait()
	defer stop()
	streams.Go(func() {
		for range busy.Inbox(ctx) {
		}
	})
	worst, lent := time.Duration(0), 0
	for round := range 30 {
		for i := 1; i < 300; i++ {
			p.Send(q.Self(), i)
			receiveInt(t, p)
		}
		if p.box.lender.Load() != nil {
			lent++
		}
		long := make(chan struct{})
		streams.Go(func() {
			from := b.Open()
			defer from.Exit(nil)
			for start := time.Now(); time.Since(start) < 300*time.Millisecond; {
				select {
				case <-long:
					return
				default:
				}
				from.Send(busy.Self(), 1)
				for wait := time.Now(); time.Since(wait) < 50*time.Microsecond; {
				}
			}
		})
		const limit = 10 * time.Millisecond
		start := time.Now()
		until, cancel := context.WithTimeout(ctx, limit)
		var err error
		if round%2 == 0 {
			_, err = p.Receive(until)
		} else {
			p.Send(q.Self(), 1)
			receiveInt(t, p)
			_, err = p.Request(until, q.Self(), func(dst []byte, _ From) ([]byte, error) { return etf.AppendTerm(dst, etf.Int(0)) })
		}
		cancel()
		worst = max(worst, time.Since(start)-limit)
		close(long)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("round %d: %v", round, err)
		}
	}
	t.Logf("lent %d times of 30; at worst %v late", lent, worst)
	if worst > 200*time.Millisecond {
		t.Errorf("the end of a context was heard of %v late", worst)
	}
}
