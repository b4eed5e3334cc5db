package dist

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

const (
	fragmentSize = 64 << 10 // of control tuple and payload together (ERTS_DIST_FRAGMENT_SIZE in dist.h)
	// fragmentTail is how much longer than the others the last fragment may be. A fragment of a few bytes, such as 64 KiB with their control
	// tuple would make, costs both sides as much as another, and what is no fragment at all the peer need not put together.
	fragmentTail = 1 << 10
	// fragmentsPerWrite is how many fragments one write may carry: enough to make the system call cheap, few enough that a
	// small message does not wait long for the socket.
	fragmentsPerWrite = 8
)

// fragments is the number of fragments of a message whose control tuple has n bytes.
func fragments(n, payload int) int {
	return max(1, (n+payload-fragmentTail+fragmentSize-1)/fragmentSize)
}

// large is a message that is longer than a fragment. Its payload is written from where it lies: fragment by fragment, in turns
// with other large messages and with whatever else there is, or as one frame to a peer without FRAGMENTS.
type large struct {
	of       int // which of the caller's signals
	from     etf.Pid
	sequence uint64
	part     uint64   // number of the next fragment; 0: all are in a batch
	rest     [][]byte // what is in no batch yet
	slices   [3][]byte
	size     int  // of the payload
	lent     bool // some of it is its sender's memory, who waits
	kept     bool // nobody waits for it any more: Send has been given up, or it was posted

	done chan struct{} // closed when the socket has taken all of it
}

// sender is what is under way of one process: its large messages, and the signals that must not overtake them.
//
// Send of a large message returns when it has been written, so whoever calls it one after the other needs no help. But a Send
// that was given up and what was posted are under way behind the sender's back; what it sends afterwards waits behind that
// (as a process of ERTS that exits in the middle of a message finishes it first), and what it posts waits in any case.
type sender struct {
	open   int // large messages that are not written yet
	kept   int // those of them that nobody waits for
	behind []*deferred
}

// deferred is a signal that has to wait for large messages of its sender. Its bytes are copied unless the payload is large.
type deferred struct {
	message
	signal Signal
	large  *large // nil for a small one
}

// begin puts the head of a large message, its control tuple and first piece of payload, into the batch.
func (o *outbox) begin(s *Signal, m *message, l *large) {
	b := &o.pending
	before := len(b.buf)
	head := o.enc.control(s)
	at := len(b.buf)
	l.rest = m.parts.Slices(l.slices[:0], m.payload)
	if n := fragments(len(head), l.size); fragmentsOn(o.enc.flags) && n > 1 {
		o.sequence++
		l.sequence, l.part = o.sequence, uint64(n)
		b.buf = append(b.buf, 0, 0, 0, 0, versionMagic, firstPart)
		b.buf = binary.BigEndian.AppendUint64(b.buf, l.sequence)
		b.buf = binary.BigEndian.AppendUint64(b.buf, l.part)
		b.buf = o.enc.appendRefs(b.buf)
		b.buf = append(b.buf, head...)
		first := fragmentSize - len(head)
		l.part--
		binary.BigEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at-4+first))
		b.size += len(b.buf) - before
		l.put(b, first)
		o.larges = append(o.larges, l)
	} else {
		b.buf = o.enc.appendWhole(b.buf, head, true)
		binary.BigEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at-4+l.size))
		b.size += len(b.buf) - before
		l.put(b, l.size)
		b.ends = append(b.ends, l)
	}
	o.size += len(b.buf) - before

	x := o.senders[l.from]
	if x == nil {
		if o.senders == nil {
			o.senders = make(map[etf.Pid]*sender)
		}
		x = new(sender)
		o.senders[l.from] = x
	}
	x.open++
	if l.kept {
		x.kept++
	}
}

// put puts the next n bytes of the payload into the batch.
func (l *large) put(b *batch, n int) {
	for n > 0 {
		p := l.rest[0]
		if len(p) <= n {
			l.rest = l.rest[1:]
		} else {
			p, l.rest[0] = p[:n], p[n:]
		}
		b.put(p, l)
		n -= len(p)
	}
}

// left is how many bytes are in no batch yet.
func (l *large) left() (n int) {
	for _, p := range l.rest {
		n += len(p)
	}
	return n
}

// fill puts fragments of the large messages into the batch, taking turns.
func (o *outbox) fill(b *batch) {
	for len(o.larges) > 0 {
		if o.turn >= len(o.larges) {
			o.turn = 0
		}
		l := o.larges[o.turn]
		piece := fragmentSize
		if l.part == 1 {
			piece = l.left()
		}
		before := len(b.buf)
		b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(fragmentHeader+piece))
		b.buf = append(b.buf, versionMagic, nextPart)
		b.buf = binary.BigEndian.AppendUint64(b.buf, l.sequence)
		b.buf = binary.BigEndian.AppendUint64(b.buf, l.part)
		b.size += len(b.buf) - before
		o.size += len(b.buf) - before
		l.put(b, piece)
		if l.part--; l.part == 0 {
			b.ends = append(b.ends, l)
			o.larges = append(o.larges[:o.turn], o.larges[o.turn+1:]...)
		} else {
			o.turn++
		}
		if b.size >= fragmentsPerWrite*fragmentSize {
			return
		}
	}
}

// finished notes that large messages have been written, and lets those signals go that waited behind them.
func (o *outbox) finished(ends []*large) {
	for _, l := range ends {
		close(l.done)
		s := o.senders[l.from]
		if s == nil {
			continue // closed meanwhile
		}
		s.open--
		if l.kept {
			s.kept--
			o.kept -= l.size
		}
		for s.open == 0 && len(s.behind) > 0 {
			d := s.behind[0]
			s.behind = s.behind[1:]
			if d.large != nil {
				o.begin(&d.signal, &d.message, d.large)
			} else {
				o.kept -= len(d.payload)
				o.add(&d.signal, &d.message)
			}
		}
		if s.open == 0 {
			delete(o.senders, l.from)
		}
	}
}

// behind returns the sender that a signal has to wait for, or nil.
func (o *outbox) behind(s *Signal, posted bool) *sender {
	if len(o.senders) == 0 {
		return nil
	}
	x := o.senders[s.From]
	if x != nil && (posted || x.kept > 0 || len(x.behind) > 0) {
		return x
	}
	return nil
}

// postpone queues a signal behind its sender's large messages.
func (o *outbox) postpone(x *sender, s *Signal, m *message, l *large) {
	d := &deferred{message: *m, signal: *s, large: l}
	d.signal.Payload.Bytes, d.signal.Parts = nil, nil
	if l == nil {
		d.payload = append([]byte(nil), m.payload...)
		d.marks = append([]mark(nil), m.marks...)
		o.kept += len(d.payload)
	}
	if s.reasonInTuple(o.enc.flags) {
		d.signal.Payload.Bytes = append([]byte(nil), s.Payload.Bytes...)
	}
	if d.signal.Options.Bytes != nil {
		d.signal.Options.Bytes = append([]byte(nil), d.signal.Options.Bytes...)
	}
	x.behind = append(x.behind, d)
}

// abandon is for a sender that waits no longer. It returns false if the message has been written meanwhile; else the payload is
// the connection's from now on, in memory of its own where the sender has lent his.
func (o *outbox) abandon(l *large) bool {
	var own []byte
	if l.lent {
		own = o.copyOf(l)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.lent {
		o.leaving++
		for o.writing && o.current.has(l) { // that takes what the socket takes at once, and no longer
			o.wrote.Wait()
		}
		o.leaving--
		o.wrote.Broadcast()
	}
	select {
	case <-l.done:
		return false
	default:
	}
	if l.lent && !o.closed { // else nobody will write it
		o.giveBack(l, own)
	}
	if !l.kept {
		l.kept = true
		o.kept += l.size
		if s := o.senders[l.from]; s != nil && !s.waits(l) {
			s.kept++
		}
	}
	return true
}

// copyOf copies what is in no batch yet, without the lock: it may be much.
func (o *outbox) copyOf(l *large) []byte {
	o.mu.Lock()
	rest := slices.Clone(l.rest)
	if d := o.deferred(l); d != nil {
		rest = d.parts.Slices(nil, d.payload)
	}
	closed := o.closed
	o.mu.Unlock()
	if closed {
		return nil
	}
	return slices.Concat(rest...)
}

// giveBack lets what is still to be written of a message be the connection's own memory. own ends with what is in no batch. Nobody is writing
// any of it.
func (o *outbox) giveBack(l *large, own []byte) {
	l.lent = false
	for _, cuts := range [...][]cut{o.current.cuts, o.pending.cuts} {
		for i := range cuts {
			if cuts[i].of == l {
				cuts[i].b = bytes.Clone(cuts[i].b)
			}
		}
	}
	if d := o.deferred(l); d != nil {
		d.payload, d.parts = own, nil
	} else if n := l.left(); n > 0 {
		l.rest = append(l.rest[:0], own[len(own)-n:])
	}
}

// deferred returns the signal of a large message that has not begun, if it waits for another one.
func (o *outbox) deferred(l *large) *deferred {
	if s := o.senders[l.from]; s != nil {
		for _, d := range s.behind {
			if d.large == l {
				return d
			}
		}
	}
	return nil
}

// waits tells whether l has not begun yet.
func (s *sender) waits(l *large) bool {
	for _, d := range s.behind {
		if d.large == l {
			return true
		}
	}
	return false
}
