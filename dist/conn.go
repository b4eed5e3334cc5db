package dist

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/erlnode/erlnode/handshake"
)

// Conn is a connection to one peer after the handshake. Send, Post and Close may be called concurrently, from the moment
// that New returns; what is sent before Run runs is kept until then.
type Conn struct {
	carrier carrier
	cfg     Config
	out     outbox
	lanes   atomic.Pointer[laneTable] // nil on a connection over which little has gone
	few     atomic.Uint32             // messages before there are lanes

	bytesRead atomic.Uint64
	in        *inbound // whose turn it is
	turns     turns
	ended     chan struct{} // closed when nobody reads any more

	closeOnce sync.Once
	closed    chan struct{}
	cause     error // why; set before closed is closed
}

// New makes a connection of nc, on which the handshake has just ended, so that the next byte is the first of a packet.
// The Conn owns nc, which nobody may use any more, also not to close it. Nothing is read or written in the background until Run.
func New(nc net.Conn, cfg Config) *Conn {
	c := &Conn{carrier: carrierOf(nc), cfg: cfg.withDefaults(), closed: make(chan struct{}), ended: make(chan struct{})}
	c.out.init(c.carrier, c.cfg, &c.bytesRead)
	return c
}

// Flags are the flags that both sides offered.
func (c *Conn) Flags() handshake.Flags { return c.cfg.Flags }

// Run reads from the peer and hands every signal to Config.Handle until the connection ends, and returns why:
// ErrClosed, ErrTickTimeout, ErrDisconnect, ErrNotReading, a *ProtocolError, or an error of the network. When it returns
// the socket is closed and none of the connection's goroutines is left, but one that is still in Config.Serve. It is called once.
func (c *Conn) Run() error {
	c.in = newInbound(c)
	c.turns.init(c.look)
	stop := c.startTicks()
	go c.lead()
	c.write()
	<-c.ended
	stop()
	*c.in = inbound{}  // somebody may still know the Conn: it holds nothing of what has come,
	c.lanes.Store(nil) // and nothing of what has gone
	return c.cause
}

// Close ends the connection. What has not been written yet is lost. Run returns ErrDisconnect, unless the connection
// had ended before.
func (c *Conn) Close() { c.fail(ErrDisconnect) }

// Done is closed when the connection has ended, perhaps before Run has returned.
func (c *Conn) Done() <-chan struct{} { return c.closed }

// fail ends the connection for the first reason given.
func (c *Conn) fail(cause error) {
	c.closeOnce.Do(func() {
		c.cause = cause
		c.out.close() // before senders hear of it: none of them has to copy what is left
		close(c.closed)
		c.carrier.close()
		if s := c.turns.state.Load(); s&doing != reading {
			c.takeOver(s) // to see the end now
		}
	})
}

// write is the writer goroutine, which is that of Run: it writes what senders could not write themselves.
func (c *Conn) write() {
	for {
		select {
		case <-c.out.wake:
			if c.out.gather.Load() {
				runtime.Gosched() // those who have been woken together with the one who has woken us will have something to say, too
			}
			if err := c.out.drain(); err != nil {
				c.fail(err)
			}
		case <-c.closed:
			select {
			case <-c.out.wake:
				c.out.drain() // to let go of what was being written
			default:
			}
			return
		}
	}
}

// Send encodes the signals into the connection's buffer, one after the other and with nothing between them, while the
// buffer is over its limit after waiting for room until ctx is done. The signals go out in the order of the calls.
//
// A payload of more than 64 KiB is not copied: Send waits until the socket has taken it. Where the peer speaks FRAGMENTS it goes out in
// pieces of 64 KiB, and what others send goes between them. If ctx is done meanwhile the message goes out all the same: Send returns
// nil and sets Signal.Kept, by which the payload has become the connection's, but for its Parts, which it has copied. Whatever the same process sends
// afterwards arrives after it.
//
// It returns ErrClosed or the reason why the connection ended, the context's error, or an error of the encoding. Nothing of the
// signals is sent then, unless the connection ended while a large one was being written. A nil error means that they are on their
// way, not that they have arrived.
func (c *Conn) Send(ctx context.Context, signals ...*Signal) error {
	c.trace(signals)
	if c.out.pace != nil && slices.ContainsFunc(signals, (*Signal).large) && ctx.Err() == nil {
		c.out.pace.wait() // and keeps nobody else from writing
	}
	larges, err := c.out.append(ctx, c.closed, signals, false, false)
	if len(signals) > 0 && err == nil {
		c.learn(signals)
	}
	for _, l := range larges {
		select {
		case <-l.done:
			continue
		default:
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			signals[l.of].Kept = c.out.abandon(l)
		case <-c.closed:
			if c.out.abandon(l) {
				signals[l.of].Kept = true
				err = net.ErrClosed
			}
		}
	}
	return c.closedOr(err)
}

// SendsParts tells whether Send writes Signal.Parts from where they lie: over TCP and Unix sockets, on Linux with 64 bits. Otherwise it copies them, as
// Post always does.
func (c *Conn) SendsParts() bool { return c.out.waitOut != nil }

// Post is Send for signals that cannot wait, such as answers that the reading goroutine itself gives. It never waits,
// for the peer or for anything else; a payload of more than 64 KiB is always Kept.
func (c *Conn) Post(signals ...*Signal) error { return c.post(signals, false) }

// PostLater is Post for signals that nobody waits for, such as the end of the monitor of a call that has been answered. They go out
// with whatever is sent next, or alone after a millisecond.
func (c *Conn) PostLater(signals ...*Signal) error { return c.post(signals, true) }

func (c *Conn) post(signals []*Signal, later bool) error {
	c.trace(signals)
	_, err := c.out.append(context.Background(), c.closed, signals, true, later)
	if errors.Is(err, ErrNotReading) {
		c.fail(err)
	}
	return c.closedOr(err)
}

func (c *Conn) trace(signals []*Signal) {
	if c.cfg.Trace != nil {
		for _, s := range signals {
			traced := *s // so that only those that are traced need memory
			if len(s.Parts) > 0 {
				traced.Payload.Bytes, traced.Parts = s.Parts.Join(s.Payload.Bytes), nil
			}
			c.cfg.Trace(false, &traced)
		}
	}
}

// closedOr prefers the reason why the connection ended to the fact that it did.
func (c *Conn) closedOr(err error) error {
	if err != nil && errors.Is(err, net.ErrClosed) {
		<-c.closed
		return c.cause
	}
	return err
}

// Flush waits until the socket has taken everything that was sent before.
func (c *Conn) Flush(ctx context.Context) error {
	return c.closedOr(c.out.waitUntil(ctx, c.closed, func() bool { return c.out.size == 0 && len(c.out.senders) == 0 }))
}

// Ready tells whether Send would take these signals without waiting.
func (c *Conn) Ready(signals ...*Signal) bool {
	return !slices.ContainsFunc(signals, (*Signal).large) && c.out.ready()
}

// Wait waits until the buffer is below its limit, as Send does before it sends.
func (c *Conn) Wait(ctx context.Context) error {
	return c.closedOr(c.out.waitUntil(ctx, c.closed, func() bool { return !c.out.full() }))
}
