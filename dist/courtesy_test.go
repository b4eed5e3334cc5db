package dist

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// Who streams gives way while something comes in the other direction, at most so often, and the more seldom the longer it takes.
func TestCourtesy(t *testing.T) {
	var g courtesy
	start := time.Now()
	for _, tt := range []struct {
		at    time.Duration
		heard uint64
		due   bool
		took  time.Duration
	}{
		{0, 0, false, 0}, // nobody has said anything
		{time.Millisecond, 0, false, 0},
		{2 * time.Millisecond, 10, true, 0},
		{2*time.Millisecond + 100*time.Microsecond, 20, false, 0},
		{2*time.Millisecond + 151*time.Microsecond, 20, true, 0},
		{3 * time.Millisecond, 20, true, time.Millisecond}, // others have had the processor until 4 ms
		{7 * time.Millisecond, 30, false, 0},
		{8*time.Millisecond + 1, 30, true, 0},
		{8*time.Millisecond + 999*time.Microsecond, 30, true, 0},
		{9 * time.Millisecond, 30, false, 0}, // the conversation is over
		{20 * time.Millisecond, 31, true, 0},
	} {
		now := start.Add(tt.at)
		due := g.due(tt.heard, now)
		if due != tt.due {
			t.Errorf("after %v: due is %v", tt.at, due)
		}
		if due {
			g.gave(now, now.Add(tt.took))
		}
	}
}

// A stream alone gives way to nobody; one beside which the peer talks does, on the writer's side and on the reader's.
func TestCourtesyOfStreams(t *testing.T) {
	large, small := sized(t, 2<<20), sized(t, 10)
	for _, talks := range []bool{false, true} {
		a, b := tcpPair(t)
		got := make(chan struct{}, 100)
		var writer, reader atomic.Int32
		c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}})
		d := New(b, Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(*Signal) { got <- struct{}{} }})
		if c.out.yield == nil {
			t.Skip("nobody knows how to give way here")
		}
		c.out.yield = func() { writer.Add(1) }
		d.carrier.yield = func() { reader.Add(1) }
		run(t, c)
		run(t, d)
		ctx := context.Background()
		for range 20 {
			if talks {
				d.Send(ctx, &Signal{Kind: Send, From: there, To: here, Payload: small})
			}
			if err := c.Send(ctx, &Signal{Kind: Send, From: here, To: there, Payload: large}); err != nil {
				t.Fatal(err)
			}
			<-got
		}
		if w, r := writer.Load() > 0, reader.Load() > 0; w != talks || r != talks {
			t.Errorf("the peer talks: %v; the writer has given way: %v, the reader: %v", talks, w, r)
		}
	}
}

// run runs a connection until the end of the test.
func run(t *testing.T, c *Conn) {
	over := make(chan struct{})
	go func() { c.Run(); close(over) }()
	t.Cleanup(func() { c.Close(); <-over })
}
