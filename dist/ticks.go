package dist

import (
	"sync"
	"time"

	"github.com/erlnode/erlnode/handshake"
)

// startTicks asks the ticker once per interval until the returned function has been called. It runs on a timer of its own:
// the writer may hang in a socket that a frozen peer has filled, and just then the silence has to be noticed.
func (c *Conn) startTicks() (stop func()) {
	if c.cfg.NetTickTime < 0 {
		return func() {}
	}
	interval := max(c.cfg.NetTickTime/time.Duration(c.cfg.NetTickIntensity), time.Millisecond)
	t := ticker{intensity: c.cfg.NetTickIntensity, hidden: !c.cfg.Flags.Has(handshake.Published)}
	var mu sync.Mutex
	var stopped bool
	var timer *time.Timer
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(interval, func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		send, timeout := t.tick(c.bytesRead.Load(), c.out.written.Load(), c.out.waiting())
		if timeout {
			c.fail(ErrTickTimeout)
			return
		}
		if send {
			c.out.tick()
		}
		timer.Reset(interval)
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}
