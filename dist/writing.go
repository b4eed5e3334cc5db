package dist

import (
	"net"
	"time"
)

// Whoever sets outbox.busy writes: a sender, as long as the socket takes it (write), or the writer goroutine (drain).

// take makes what is pending current, and fragments of what is large. It ends the writing and returns false if there is nothing.
func (o *outbox) take() bool {
	if o.pending.empty() && len(o.larges) == 0 || o.closed {
		o.busy = false
		return false
	}
	o.current, o.pending = o.pending, o.current
	o.done = 0
	o.fill(&o.current)
	o.letIn()
	return true
}

// write writes what is pending as long as the socket takes it. It is called with the lock held by who has set busy, and releases it.
func (o *outbox) write(stay bool) {
	for o.take() {
		err := o.some(o.inline)
		if o.closed {
			o.current = batch{}
			o.mu.Unlock()
			return
		}
		if err != nil || o.done < o.current.size {
			// The socket is full or broken: the writer goroutine goes on, and finds the error itself.
			o.mu.Unlock()
			o.wake <- struct{}{}
			return
		}
		large := o.current.large()
		o.through()
		if large > 0 && o.yield != nil && o.courtesy.due(o.heard.Load(), o.last) {
			o.giveWay()
		}
		o.keepPace(large, stay) // who does not stay has nothing to do with what is large, and perhaps no time
		if len(o.larges) == 0 && !o.pending.empty() || len(o.larges) > 0 && !stay {
			// More has come meanwhile, or it will take a while.
			o.mu.Unlock()
			o.wake <- struct{}{}
			return
		}
	}
	o.mu.Unlock()
}

// drain is the writer goroutine's part: it writes until nothing is pending.
func (o *outbox) drain() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.current.empty() || o.take() {
		if o.closed {
			o.current = batch{}
			return nil
		}
		if err := o.all(); err != nil {
			o.current = batch{}
			return err
		}
		large := o.current.large()
		o.through()
		o.keepPace(large, true)
	}
	return nil
}

// all writes the current batch. It is called with the lock held by who has set busy, and returns so.
func (o *outbox) all() error {
	if o.waitOut == nil {
		return o.some(o.writeAll)
	}
	for {
		if err := o.some(o.inline); err != nil || o.done == o.current.size {
			return err
		}
		o.mu.Unlock()
		err := o.waitOut()
		o.mu.Lock()
		if err != nil {
			return err
		}
		if o.closed {
			return net.ErrClosed
		}
	}
}

// some writes what is taken of the current batch. It is called with the lock held by who has set busy, and returns so.
func (o *outbox) some(write func(net.Buffers) (int, error)) error {
	for o.leaving > 0 {
		o.wrote.Wait()
	}
	if o.closed {
		return net.ErrClosed
	}
	o.writing = true
	o.mu.Unlock()
	o.vectors = o.current.vectors(o.vectors[:0], o.done)
	n, err := write(o.vectors)
	clear(o.vectors)
	o.written.Add(uint64(n))
	o.mu.Lock()
	o.writing = false
	o.wrote.Broadcast()
	o.done += n
	return err
}

// through notes that the socket has taken the current batch, and wakes who waits for that.
func (o *outbox) through() {
	b := &o.current
	o.size -= len(b.buf)
	o.posted = max(0, o.posted-b.size)
	o.last = time.Now()
	o.finished(b.ends)
	b.reset()
	o.letIn()
}

// giveWay is for who has just written something large, and is going to write on. It is called with the lock held, and returns so.
func (o *outbox) giveWay() {
	o.mu.Unlock()
	from := time.Now()
	o.yield()
	to := time.Now()
	o.mu.Lock()
	o.courtesy.gave(from, to)
}

// keepPace is for who has written n bytes of large payloads. If he is to write on, and may wait, it waits for a peer that is behind. It is called with the
// lock held, and returns so.
func (o *outbox) keepPace(n int, wait bool) {
	if o.pace == nil || n == 0 {
		return
	}
	o.pace.wrote(n)
	if wait && len(o.larges) > 0 {
		o.mu.Unlock()
		o.pace.wait()
		o.mu.Lock()
	}
}
