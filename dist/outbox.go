package dist

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/erlnode/erlnode/etf"
)

const (
	// A payload longer than this is not copied but written from where it lies: with its control tuple it makes more than one
	// fragment.
	largePayload = fragmentSize - 512
	// A sender writes to the socket itself if nothing has been written for this long: then the message stands alone and
	// the way over the writer goroutine would cost more than the write. In a stream of messages the writer goroutine
	// takes many with one write.
	inlineAfter = 10 * time.Microsecond
)

// outbox is the sending half of a connection: frames that senders append to, and one of them, or the writer goroutine, writes to
// the socket. Large payloads are no part of it until their turn comes (large.go).
type outbox struct {
	inline     func(net.Buffers) (int, error) // of the carrier
	writeAll   func(net.Buffers) (int, error) // or nil, and waitOut
	waitOut    func() error
	limit, max int
	wake       chan struct{} // one slot: there is something for the writer goroutine

	written atomic.Uint64 // bytes the socket has taken
	gather  atomic.Bool   // more than one call has come at once: their answers will, too

	mu       sync.Mutex
	enc      encoder
	pending  batch
	busy     bool           // somebody is to write; only he uses current, done and vectors, and takes from pending
	writing  bool           // he is writing now
	wrote    sync.Cond      // he is not any more, or somebody is not leaving any more
	leaving  int            // senders that want their memory back
	size     int            // bytes of pending and current but those of large payloads
	kept     int            // bytes of large payloads that nobody waits for, and of signals behind them
	room     chan struct{}  // closed when something was written; nil if nobody waits
	posted   int            // bytes of signals that could not wait, of those not written (bytes written count as theirs first)
	last     time.Time      // when the socket took something last
	larges   []*large       // begun, with fragments still to be put into a batch
	turn     int            // whose fragment is next
	courtesy courtesy       // of who writes
	yield    func()         // of the carrier
	pace     pacer          // of the carrier
	heard    *atomic.Uint64 // bytes read
	sequence uint64
	senders  map[etf.Pid]*sender
	closed   bool
	later    *time.Timer // for what is posted to go out with something else
	armed    bool        // it runs
	corked   bool        // what is sent waits for uncork

	current batch // is being written
	done    int   // bytes of it that are
	vectors net.Buffers
}

var epoch = time.Now()

func (o *outbox) init(c carrier, cfg Config, heard *atomic.Uint64) {
	o.inline, o.writeAll, o.waitOut, o.yield, o.pace, o.heard = c.inline, c.write, c.waitOut, c.yield, c.pace, heard
	o.wrote.L = &o.mu
	o.limit, o.max = cfg.SendBuffer, cfg.MaxPending
	o.enc = newEncoder(cfg.Flags)
	o.wake = make(chan struct{}, 1)
	o.last = epoch
}

// parcel is what one call sends: signals made ready outside of the lock.
type parcel struct {
	messages []message
	marks    []mark
}

var parcels = sync.Pool{New: func() any { return new(parcel) }}

func (p *parcel) release() {
	for i := range p.messages {
		p.messages[i] = message{}
	}
	p.messages, p.marks = p.messages[:0], p.marks[:0]
	if cap(p.marks) <= 4096 {
		parcels.Put(p)
	}
}

// append encodes the signals as frames behind what is pending and sees to it that somebody writes them. Those that are not posted
// wait for room before. More than max bytes of posted ones is more than a peer that reads would ever let come together. It returns the
// large messages among signals that are not posted: their sender has to wait until they are written.
//
// With later they may wait for the next thing to be sent.
func (o *outbox) append(ctx context.Context, closed <-chan struct{}, signals []*Signal, posted, later bool) (larges []*large, err error) {
	p := parcels.Get().(*parcel)
	defer p.release()
	for i, s := range signals {
		p.messages = append(p.messages, message{of: i})
		n := len(p.messages) - 1
		var ok bool
		if p.marks, ok, err = p.messages[n].prepare(s, o.enc.flags, p.marks, !posted && o.waitOut != nil); err != nil {
			return nil, err
		}
		if !ok {
			p.messages = p.messages[:n]
		}
	}
	if len(p.messages) == 0 { // nothing that the peer would understand
		return nil, nil
	}
	o.mu.Lock()
	for !posted && !o.closed && !o.roomFor(signals, p.messages) {
		if err := o.wait(ctx, closed); err != nil {
			o.mu.Unlock()
			return nil, err
		}
	}
	if o.closed {
		o.mu.Unlock()
		return nil, net.ErrClosed
	}
	before := o.size + o.kept
	for i := range p.messages {
		m := &p.messages[i]
		s := m.in(signals)
		// One that comes after a large one in the same call must not overtake it.
		behind := o.behind(s, posted || len(larges) > 0)
		var l *large
		if m.isLarge() {
			l = &large{of: m.of, from: s.From, size: m.size(), lent: len(m.parts) > 0, kept: posted, done: make(chan struct{})}
			if posted {
				o.kept += l.size
				signals[m.of].Kept = true
			} else {
				larges = append(larges, l)
			}
		}
		switch {
		case behind != nil:
			o.postpone(behind, s, m, l)
		case l != nil:
			o.begin(s, m, l)
		default:
			o.add(s, m)
		}
	}
	if posted && before > o.limit {
		if o.posted += o.size + o.kept - before; o.posted > o.max {
			o.mu.Unlock()
			return nil, ErrNotReading
		}
	}
	if later && !o.busy {
		o.addedLater()
	} else {
		o.added(len(larges) > 0)
	}
	return larges, nil
}

// laterAfter is how long something posted may wait for something else to go out with.
const laterAfter = time.Millisecond

// addedLater is added for what need not be written at once. It is called with the lock held, and releases it.
func (o *outbox) addedLater() {
	if !o.armed {
		o.armed = true
		if o.later == nil {
			o.later = time.AfterFunc(laterAfter, o.flushLater)
		} else {
			o.later.Reset(laterAfter)
		}
	}
	o.mu.Unlock()
}

func (o *outbox) flushLater() {
	o.mu.Lock()
	o.armed = false
	if o.closed {
		o.mu.Unlock()
		return
	}
	o.added(false)
}

// roomFor tells whether messages may be sent now. What large payloads hold that nobody waits for counts only for who would add to it.
func (o *outbox) roomFor(signals []*Signal, m []message) bool {
	if o.full() {
		return false
	}
	if o.kept == 0 || o.size+o.kept < o.limit {
		return true
	}
	for i := range m {
		if m[i].isLarge() || o.behind(m[i].in(signals), false) != nil {
			return false
		}
	}
	return true
}

// full tells whether senders have to wait: while one half of the limit's bytes is written, the other half is filled.
func (o *outbox) full() bool { return len(o.pending.buf) >= (o.limit+1)/2 }

// add appends a message to what is pending.
func (o *outbox) add(s *Signal, m *message) {
	if o.pending.buf == nil && o.busy {
		o.pending.buf = takeBuffer() // more will come before it is written
	}
	before := len(o.pending.buf)
	o.pending.buf = o.enc.append(o.pending.buf, s, m)
	n := len(o.pending.buf) - before
	o.pending.size += n
	o.size += n
}

// tick sends a tick if nothing is on its way already. It is called when nothing has been for an interval. What has waited for so long
// waits no longer.
func (o *outbox) tick() {
	o.mu.Lock()
	if o.closed || o.busy {
		o.mu.Unlock()
		return
	}
	if !o.pending.empty() {
		o.corked = false
		o.flush()
		return
	}
	o.current.idle()
	o.pending.idle()
	o.enc.starts = frameStarts{} // an idle connection needs none
	o.pending.buf = append(o.pending.buf, 0, 0, 0, 0)
	o.pending.size += tickLength
	o.size += tickLength
	o.added(false)
}

// waiting tells whether bytes wait for the socket.
func (o *outbox) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size > 0 || len(o.senders) > 0
}

// added is called with the lock held when there may be something to write. It releases the lock. A sender that has to stay until its
// large message is written writes itself as long as the socket takes it.
func (o *outbox) added(stay bool) {
	if o.busy || o.pending.empty() && len(o.larges) == 0 {
		o.mu.Unlock()
		return // whoever writes comes back for it
	}
	if o.corked {
		if !stay && o.size < corkedBytes {
			o.mu.Unlock()
			return
		}
		o.corked = false
	}
	o.busy = true
	if o.inline == nil || !stay && (o.gather.Load() || time.Since(o.last) < inlineAfter) {
		o.mu.Unlock()
		o.wake <- struct{}{} // never waits: only the one who sets busy fills the slot
		return
	}
	o.write(stay)
}

// A cork keeps what is sent, so that the answers to many requests go out together (Turn.serve, halved): for a hundred microseconds, or that many bytes.
const (
	corkedFor   = 100 * time.Microsecond
	corkedBytes = 64 << 10
)

// cork lets what is sent from now on wait for uncork.
func (o *outbox) cork() {
	o.mu.Lock()
	o.corked = true
	o.mu.Unlock()
}

// uncork sends what has waited.
func (o *outbox) uncork() {
	o.mu.Lock()
	o.corked = false
	o.flush()
}

// recork sends what has waited, unless the cork is off, and lets what comes then wait.
func (o *outbox) recork() {
	o.mu.Lock()
	if !o.corked {
		o.mu.Unlock()
		return
	}
	o.flush()
}

// flush writes what is pending, if nobody else does. It is called with the lock held, and releases it.
func (o *outbox) flush() {
	if o.busy || o.closed || o.pending.empty() && len(o.larges) == 0 {
		o.mu.Unlock()
		return
	}
	o.busy = true
	if o.inline == nil {
		o.mu.Unlock()
		o.wake <- struct{}{}
		return
	}
	o.write(false)
}

// letIn wakes those who wait for room.
func (o *outbox) letIn() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// ready tells whether wait would return at once.
func (o *outbox) ready() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.full() || o.closed
}

// wait returns when something may have been written. It is called with the lock held, and returns so.
func (o *outbox) wait(ctx context.Context, closed <-chan struct{}) error {
	if o.corked {
		o.corked = false
		o.flush()
		o.mu.Lock()
		return nil
	}
	if o.room == nil {
		o.room = make(chan struct{})
	}
	room := o.room
	o.mu.Unlock()
	defer o.mu.Lock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-closed:
		return net.ErrClosed
	}
}

// waitUntil returns when the condition holds.
func (o *outbox) waitUntil(ctx context.Context, closed <-chan struct{}, holds func() bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.closed && !holds() {
		if err := o.wait(ctx, closed); err != nil {
			return err
		}
	}
	if o.closed {
		return net.ErrClosed
	}
	return nil
}

// close lets nothing more in.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.pending = batch{}
	o.larges, o.senders = nil, nil
	o.enc.atoms, o.enc.starts = nil, frameStarts{}
	o.mu.Unlock()
}
