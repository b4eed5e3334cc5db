package dist

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// What is posted for later goes out alone after a millisecond, or at once with something else.
func TestPostLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}})
		ended := make(chan error, 1)
		go func() { ended <- c.Run() }()
		demonitor := &Signal{Kind: Demonitor, From: etf.Pid{Node: self, ID: 1, Creation: 1}, ToName: "x", Ref: etf.Ref{Node: self, Creation: 1, Len: 3}}
		buf := make([]byte, 4096)
		read := func() int {
			n, err := b.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		for range 2 {
			start := time.Now()
			if err := c.PostLater(demonitor); err != nil {
				t.Fatal(err)
			}
			alone := read()
			if got := time.Since(start); got != laterAfter {
				t.Errorf("written after %v, want %v", got, laterAfter)
			}
			synctest.Wait() // whoever has written knows that it is written
			start = time.Now()
			c.PostLater(demonitor)
			c.Post(demonitor)
			if got := read(); got < 3*alone/2 || time.Since(start) != 0 {
				t.Errorf("%d bytes after %v, want twice %d at once", got, time.Since(start), alone)
			}
			time.Sleep(2 * laterAfter) // the timer finds nothing
		}
		c.PostLater(demonitor)
		c.Close()
		<-ended
		if err := c.PostLater(demonitor); err == nil {
			t.Error("PostLater on a closed connection")
		}
		time.Sleep(2 * laterAfter)
	})
}
