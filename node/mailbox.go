package node

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// mailbox is a queue of messages in two parts, so that who delivers and who receives seldom meet: what has come in, and what
// receivers have taken over from that at one go.
type mailbox struct {
	// Process.mu guards what comes in.
	first []Message // those with priority, which come before all others (EEP 76)
	pile  *pile     // what came in before in, if that is much
	in    []Message
	limit int

	urgent  atomic.Bool             // whether there is anything in first
	waiting atomic.Int32            // receivers that wait; it grows under both locks
	wake    chan struct{}           // one slot; made under both locks by the first receiver that has to wait
	left    atomic.Int64            // messages in out, if there is a limit
	lender  atomic.Pointer[session] // the connection that a receiver reads, or may read (readon.go)
	claimed atomic.Bool             // whoever reads a connection is going to see to what comes in (serve.go); changes under Process.mu

	taking sync.Mutex  // guards out and head; it comes before Process.mu
	more   atomic.Bool // whether there is anything in in, and perhaps on the pile; here it takes no room
	out    []Message
	head   int
}

// keptMessages is the size of a queue that an idle process may keep.
const keptMessages = 1024

// len needs Process.mu, and with a limit only that.
func (b *mailbox) len() int {
	n := len(b.first) + b.incoming()
	if b.limit > 0 {
		return n + int(b.left.Load())
	}
	return n + len(b.out) - b.head
}

// incoming is how many messages have come in and not been taken over, but for those with priority. It needs Process.mu.
func (b *mailbox) incoming() int {
	if b.pile == nil {
		return len(b.in)
	}
	return b.pile.n + len(b.in)
}

// put needs Process.mu. The caller sees to it that signal follows.
func (b *mailbox) put(m Message, priority bool) {
	if priority {
		b.first = append(b.first, m)
		b.urgent.Store(true)
	} else {
		b.add(m)
	}
}

// add appends messages to what has come in.
func (b *mailbox) add(all ...Message) {
	if n := len(b.in); n >= pieceSize && n+len(all) > cap(b.in) {
		b.stack()
		b.in = b.pile.empty()
	}
	b.in = append(b.in, all...)
	b.arrived()
}

// stack puts what has come in on the pile. Something else comes in right after.
func (b *mailbox) stack() {
	if b.pile == nil {
		b.pile = new(pile)
	}
	b.pile.push(b.in)
}

// arrived notes that there is something in in.
func (b *mailbox) arrived() {
	if !b.more.Load() {
		b.more.Store(true)
	}
}

// grow makes room for n more messages at one go. It needs Process.mu.
func (b *mailbox) grow(n int) { b.in = slices.Grow(b.in, n) }

// signal wakes a receiver that waits. Who has taken something out calls it under one of the locks; who has put something in may do so after
// the hold of Process.mu under which he did.
func (b *mailbox) signal() {
	if s := b.lender.Load(); s != nil {
		s.conn.Stir()
	}
	if b.waiting.Load() == 0 || b.claimed.Load() {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// pop takes the oldest message of out.
func (b *mailbox) pop(m *Message) {
	at := &b.out[b.head]
	*m, *at = *at, Message{}
	b.head++
	if b.limit > 0 {
		b.left.Add(-1)
	}
	if b.head < len(b.out) || b.more.Load() {
		b.signal() // another receiver may be waiting
	}
}

// next takes the next message, if there is one. It needs both locks.
func (b *mailbox) next(m *Message) bool {
	switch {
	case len(b.first) > 0:
		*m = b.first[0]
		if b.first = b.first[1:]; len(b.first) == 0 {
			b.first = nil
			b.urgent.Store(false)
		}
		if b.len() > 0 {
			b.signal()
		}
		return true
	case b.head < len(b.out):
	case b.pile != nil && b.pile.n > 0:
		b.out, b.head = b.pile.pop(b.out[:0]), 0
		if b.limit > 0 {
			b.left.Store(int64(len(b.out)))
		}
	case len(b.in) > 0:
		empty := b.out[:0]
		if cap(empty) > keptMessages && cap(empty)/4 > len(b.in) {
			empty = nil // a burst is over
		}
		b.out, b.head, b.in = b.in, 0, empty
		b.more.Store(false)
		if b.limit > 0 {
			b.left.Store(int64(len(b.out)))
		}
	default:
		if cap(b.out)+cap(b.in)+b.pile.room() > keptMessages {
			b.out, b.in, b.pile = nil, nil, nil
		}
		b.out, b.head = b.out[:0], 0
		return false
	}
	b.pop(m)
	return true
}

// remove takes out the messages that drop holds for, and keeps the order of the others. It needs both locks.
func (b *mailbox) remove(drop func(Message) bool) {
	left := b.out[b.head:]
	if b.pile != nil {
		left = slices.Concat(append([][]Message{left}, b.pile.pieces[b.pile.head:]...)...)
		b.pile = nil
	}
	b.out = append(b.out[:0], slices.DeleteFunc(left, drop)...)
	clear(b.out[len(b.out):cap(b.out)])
	b.head = 0
	b.left.Store(int64(len(b.out)))
	b.in = slices.DeleteFunc(b.in, drop)
	b.more.Store(len(b.in) > 0)
	b.first = slices.DeleteFunc(b.first, drop)
	b.urgent.Store(len(b.first) > 0)
}

// all returns the messages in their order. It needs both locks.
func (b *mailbox) all() []Message {
	var piled [][]Message
	if b.pile != nil {
		piled = b.pile.pieces[b.pile.head:]
	}
	return slices.Concat(b.first, b.out[b.head:], slices.Concat(piled...), b.in)
}

// clear forgets what has come in, and lets who waits see that the process has exited. It needs Process.mu. What receivers have
// taken over the next of them forgets.
func (b *mailbox) clear() {
	b.first, b.pile, b.in = nil, nil, nil
	b.signal()
}

// Receive takes the oldest message from the mailbox, after waiting for one. It fails with the cause of ctx when that is
// done first, and with the process's *ExitError when the process has exited, also if messages are left.
//
// Several goroutines may receive; each message goes to one of them.
func (p *Process) Receive(ctx context.Context) (m Message, err error) {
	for {
		if p.box.lender.Load() != nil {
			if ok, err := p.readOn(&m); ok || err != nil {
				return m, err
			}
		}
		if ok, err := p.take(&m); ok || err != nil {
			return m, err
		}
		if !p.wait(ctx) {
			return m, context.Cause(ctx)
		}
	}
}

// take takes the next message. If there is none it notes that its caller is going to wait. It is not part of Receive so that a
// process that waits does with the smallest stack.
//
//go:noinline
func (p *Process) take(m *Message) (ok bool, err error) {
	ok, err = p.takeNow(m, true)
	return ok, err
}

// takeNow takes the next message, and notes, if its caller is going to wait when there is none, that he does.
func (p *Process) takeNow(m *Message, waits bool) (ok bool, err error) {
	b := &p.box
	b.taking.Lock()
	if b.head < len(b.out) && !b.urgent.Load() && p.life.Load() < dead {
		b.pop(m)
		b.taking.Unlock()
		return true, nil
	}
	defer b.taking.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exited {
		b.out, b.head = nil, 0
		b.signal() // the next one that waits
		return false, p.errLocked()
	}
	if b.next(m) {
		return true, nil
	}
	if !waits {
		return false, nil
	}
	if b.wake == nil {
		b.wake = make(chan struct{}, 1)
	}
	b.waiting.Add(1)
	return false, nil
}

// wait waits for a message, or the end of the process, and reports false if ctx is done first.
func (p *Process) wait(ctx context.Context) bool {
	p.giveTurn()
	if ctx == p.Context() || ctx.Done() == nil {
		<-p.box.wake
		p.box.waiting.Add(-1)
		return true
	}
	return p.waitUntil(ctx)
}

//go:noinline
func (p *Process) waitUntil(ctx context.Context) bool {
	b := &p.box
	defer b.waiting.Add(-1)
	select {
	case <-b.wake:
		return true
	case <-ctx.Done():
		p.mu.Lock()
		b.signal() // this receiver may have been meant by a wake-up
		p.mu.Unlock()
		return false
	}
}

// Inbox is Receive as a loop: it yields one message after the other until ctx is done or the process has exited
// (Process.Err), waiting for each.
func (p *Process) Inbox(ctx context.Context) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for {
			m, err := p.Receive(ctx)
			if err != nil || !yield(m) {
				return
			}
		}
	}
}

// Messages is the number of messages in the mailbox.
func (p *Process) Messages() int {
	p.box.taking.Lock()
	defer p.box.taking.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exited {
		return 0
	}
	return p.box.len()
}

// deliver puts a message that came over s, or from this node, into the mailbox. A dead process has none.
func (p *Process) deliver(m Message, s *session) {
	p.mu.Lock()
	if s != nil && p.server.Load() != nil {
		p.claimLocked(s)
	}
	ended := p.pushLocked(m, false)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// pushLocked is deliver with the lock held; a message with priority comes before those without. It reports whether the process has ended by it; then the caller buries it.
func (p *Process) pushLocked(m Message, priority bool) (ended bool) {
	ended = p.putLocked(m, priority)
	p.box.signal()
	return ended
}

// putLocked is pushLocked for one of several messages. The caller wakes the receiver when all are there, with box.signal.
func (p *Process) putLocked(m Message, priority bool) (ended bool) {
	switch {
	case p.exited:
		return false
	case p.box.limit > 0 && p.box.len() >= p.box.limit:
		return p.exitLocked(reasonOf(mailboxOverflow))
	}
	p.box.put(m, priority)
	return false
}

// pushAllLocked is pushLocked for many messages, and leaves an empty slice for the next ones.
func (p *Process) pushAllLocked(messages *[]Message) (ended bool) {
	b, all := &p.box, *messages
	switch {
	case p.exited:
	case b.limit > 0:
		for i := range all {
			ended = p.pushLocked(all[i], false) || ended
		}
	case len(b.in) == 0 && cap(b.in) <= 4*bunchSize && cap(all) <= 4*len(all): // who gets one now and then does not get the room of many
		b.in, *messages = all, b.in
		b.arrived()
		b.signal()
		return false
	case len(all) >= pieceSize/2: // a piece by itself
		if len(b.in) > 0 {
			b.stack()
		}
		b.in, *messages = all, b.pile.empty()
		b.arrived()
		b.signal()
		return false
	default:
		b.add(all...)
		b.signal()
	}
	clear(all)
	*messages = all[:0]
	return ended
}

// flush takes out the messages that drop holds for.
func (p *Process) flush(drop func(Message) bool) {
	p.box.taking.Lock()
	defer p.box.taking.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.box.remove(drop)
}
