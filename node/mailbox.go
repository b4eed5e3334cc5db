package node

import (
	"context"
	"iter"
	"slices"
)

// mailbox is a queue of messages. Its owner locks it.
type mailbox struct {
	first []Message // those with priority, which come before the others (EEP 76)
	queue []Message
	head  int
	limit int
	wake  chan struct{} // one slot, made by the first receiver that has to wait
}

func (b *mailbox) len() int { return len(b.first) + len(b.queue) - b.head }

func (b *mailbox) push(m Message, priority bool) {
	if priority {
		b.first = append(b.first, m)
		b.signal()
		return
	}
	if b.head > 0 && len(b.queue) == cap(b.queue) && b.head >= len(b.queue)/2 {
		n := copy(b.queue, b.queue[b.head:])
		clear(b.queue[n:])
		b.queue, b.head = b.queue[:n], 0
	}
	b.queue = append(b.queue, m)
	b.signal()
}

func (b *mailbox) pop() Message {
	if len(b.first) > 0 {
		m := b.first[0]
		if b.first = b.first[1:]; len(b.first) == 0 {
			b.first = nil
		}
		if b.len() > 0 {
			b.signal()
		}
		return m
	}
	m := b.queue[b.head]
	b.queue[b.head] = Message{}
	b.head++
	if b.head == len(b.queue) {
		b.queue, b.head = b.queue[:0], 0
		if cap(b.queue) > 1024 {
			b.queue = nil // a burst is over
		}
	} else {
		b.signal() // another receiver may be waiting
	}
	return m
}

// remove takes out the messages that drop holds for, and keeps the order of the others.
func (b *mailbox) remove(drop func(Message) bool) {
	kept := b.queue[:0]
	for _, m := range b.queue[b.head:] {
		if !drop(m) {
			kept = append(kept, m)
		}
	}
	clear(b.queue[len(kept):])
	b.queue, b.head = kept, 0
	b.first = slices.DeleteFunc(b.first, drop)
}

// clear forgets all messages.
func (b *mailbox) clear() { b.first, b.queue, b.head = nil, nil, 0 }

func (b *mailbox) signal() {
	if b.wake == nil {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Receive takes the oldest message from the mailbox, after waiting for one. It fails with the cause of ctx when that is
// done first, and with the process's *ExitError when the process has exited, also if messages are left.
//
// Several goroutines may receive; each message goes to one of them.
func (p *Process) Receive(ctx context.Context) (Message, error) {
	for {
		p.mu.Lock()
		if p.exited {
			p.mu.Unlock()
			return Message{}, p.err
		}
		if p.box.len() > 0 {
			m := p.box.pop()
			p.mu.Unlock()
			return m, nil
		}
		if p.box.wake == nil {
			p.box.wake = make(chan struct{}, 1)
		}
		wake := p.box.wake
		p.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			// Take over a wake-up that this receiver may have used up.
			p.mu.Lock()
			if p.box.len() > 0 {
				p.box.signal()
			}
			p.mu.Unlock()
			return Message{}, context.Cause(ctx)
		}
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
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.box.len()
}

// deliver puts a message into the mailbox. A dead process has none.
func (p *Process) deliver(m Message) {
	p.mu.Lock()
	ended := p.pushLocked(m, false)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// pushLocked is deliver with the lock held; a message with priority comes before those without. It reports whether the process has ended by it; then the caller buries it.
func (p *Process) pushLocked(m Message, priority bool) (ended bool) {
	switch {
	case p.exited:
		return false
	case p.box.limit > 0 && p.box.len() >= p.box.limit:
		return p.exitLocked(reasonOf(mailboxOverflow))
	}
	p.box.push(m, priority)
	return false
}
