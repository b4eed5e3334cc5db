package dist

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/erlnode/erlnode/handshake"
)

const (
	keptBuffer = 1 << 20 // a written buffer larger than that is left to the garbage collector
	// A sender writes to the socket itself if nothing has been written for this long: then the message stands alone and
	// the way over the writer goroutine would cost more than the write. In a stream of messages the writer goroutine
	// takes many with one write.
	inlineAfter = 10 * time.Microsecond
)

// outbox is the sending half of a connection: a buffer of whole frames, which senders append to and one of them, or the
// writer goroutine, writes to the socket.
type outbox struct {
	nc         net.Conn
	inline     func([]byte) (int, error) // writes what the socket takes at once; nil if the carrier cannot tell
	limit, max int
	wake       chan struct{} // one slot: there is something for the writer goroutine

	written atomic.Uint64 // bytes the socket has taken

	mu      sync.Mutex
	pending []byte
	spare   []byte        // the buffer that was written last
	busy    bool          // somebody is writing; only he takes from pending
	size    int           // bytes pending and being written
	room    chan struct{} // closed when something was written and size is below limit; nil if nobody waits
	posted  int           // bytes of signals that could not wait, of those pending (bytes written count as theirs first)
	last    time.Time     // when the socket took something last
	closed  bool
}

var epoch = time.Now()

func (o *outbox) init(nc net.Conn, cfg Config) {
	o.nc, o.limit, o.max = nc, cfg.SendBuffer, cfg.MaxPending
	o.inline = inlineWriter(nc)
	o.wake = make(chan struct{}, 1)
	o.last = epoch
}

// append encodes the signals as frames behind what is pending and sees to it that somebody writes them. Signals that did
// not wait for room are posted: more than max of them is more than a peer that reads would ever let come together.
func (o *outbox) append(flags handshake.Flags, signals []*Signal, posted bool) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return net.ErrClosed
	}
	start := len(o.pending)
	for _, s := range signals {
		if !understood(s, flags) {
			continue
		}
		b, err := appendFrame(o.pending, s, flags)
		if err != nil {
			o.pending = b[:start]
			o.mu.Unlock()
			return err
		}
		o.pending = b
	}
	n := len(o.pending) - start
	if n == 0 { // nothing that the peer would understand
		o.mu.Unlock()
		return nil
	}
	if posted && o.size > o.limit {
		if o.posted += n; o.posted > o.max {
			o.mu.Unlock()
			return ErrNotReading
		}
	}
	o.added(n)
	return nil
}

// tick sends a tick if nothing is on its way already.
func (o *outbox) tick() {
	o.mu.Lock()
	if o.closed || o.busy || len(o.pending) > 0 {
		o.mu.Unlock()
		return
	}
	o.pending = append(o.pending, 0, 0, 0, 0)
	o.added(4)
}

// waiting tells whether bytes wait for the socket.
func (o *outbox) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size > 0
}

// added is called with the lock held and n more bytes pending. It releases the lock.
func (o *outbox) added(n int) {
	o.size += n
	if o.busy {
		o.mu.Unlock()
		return // whoever writes comes back for it
	}
	if o.inline == nil || time.Since(o.last) < inlineAfter {
		o.busy = true
		o.mu.Unlock()
		o.wake <- struct{}{} // never waits: only the one who sets busy fills the slot
		return
	}
	o.busy = true
	b := o.pending
	o.pending, o.spare = o.spare[:0], nil
	o.mu.Unlock()

	k, err := o.inline(b)
	o.written.Add(uint64(k))

	o.mu.Lock()
	o.wrote(k)
	if err == nil && k == len(b) && len(o.pending) == 0 {
		o.busy = false
		o.keep(b)
		o.mu.Unlock()
		return
	}
	// The socket is full or broken, or more has come meanwhile: the writer goroutine goes on, and finds the error itself.
	o.pending = append(b[k:], o.pending...)
	o.mu.Unlock()
	o.wake <- struct{}{}
}

// drain is the writer goroutine's part: it writes until nothing is pending.
func (o *outbox) drain() error {
	for {
		o.mu.Lock()
		if len(o.pending) == 0 || o.closed {
			o.busy = false
			o.mu.Unlock()
			return nil
		}
		b := o.pending
		o.pending, o.spare = o.spare[:0], nil
		o.mu.Unlock()

		n, err := o.nc.Write(b)
		o.written.Add(uint64(n))
		if err != nil {
			return err
		}

		o.mu.Lock()
		o.keep(b)
		o.wrote(n)
		o.mu.Unlock()
	}
}

// keep holds on to a written buffer for the next bytes.
func (o *outbox) keep(b []byte) {
	if cap(b) <= keptBuffer {
		o.spare = b[:0]
	}
}

// wrote notes that the socket has taken n bytes, and wakes who waits for that.
func (o *outbox) wrote(n int) {
	o.size -= n
	o.posted = max(0, o.posted-n)
	o.last = time.Now()
	if o.room != nil && o.size < o.limit {
		close(o.room)
		o.room = nil
	}
}

// ready tells whether wait would return at once.
func (o *outbox) ready() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size < o.limit || o.closed
}

// wait returns when fewer bytes wait than the limit.
func (o *outbox) wait(ctx context.Context, closed <-chan struct{}) error {
	return o.waitBelow(ctx, closed, o.limit)
}

// waitBelow returns when fewer bytes wait than size. Whoever is woken too early looks again.
func (o *outbox) waitBelow(ctx context.Context, closed <-chan struct{}, size int) error {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return net.ErrClosed
		}
		if o.size < size {
			o.mu.Unlock()
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-closed:
			return net.ErrClosed
		}
	}
}

// close lets nothing more in.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.pending, o.spare = nil, nil
	o.mu.Unlock()
}
