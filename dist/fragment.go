package dist

import (
	"fmt"
	"time"
)

// assembler puts fragmented messages together. Parts of different messages may come interleaved; those of one come in
// order, their numbers counting down to 1. The control tuple and the atoms are in the first part (since OTP 22; DC
// erts_net_message, "Distribution Header for fragmented messages").
//
// What a peer can make it hold is bounded by maxMessage for one message, by maxOpen messages and by maxBytes in all.
//
// The exit of a process says nothing certain about what it has not finished. OTP 25 to 29 send the rest, but an exit whose reason is an
// atom overtakes it (erl_process.c: erts_proc_exit_handle_link asks is_immed(reason)). OTP 23.2 sends no more of it. So a message
// whose sender has exited, an orphan, is completed if the rest comes, and is dropped when nothing of it has come for patience, or
// when others need the room.
type assembler struct {
	maxMessage, maxOpen, maxBytes int
	patience                      time.Duration
	open                          map[uint64]*partial
	bytes                         int       // held in open
	orphans, dropped              int       // of open
	look                          time.Time // when expire looks for orphans that nothing has come of
}

// partial is a message whose last parts are still to come.
type partial struct {
	signal  Signal
	payload []byte
	next    uint64 // number of the part to come
	fate    fate
	moved   bool // a part of it has come since
	since   time.Time
}

// fate says whether the sender of a partial message lives, as far as we know.
type fate uint8

const (
	awaited fate = iota
	orphan       // the sender has exited
	dropped      // given up: it holds nothing, and what comes of it is counted and thrown away
)

// room is how much memory to take for the message of a first part of n bytes that says part parts come. What it says is believed
// as far as it has sent something: 32 times that, and later 4 times.
func (a *assembler) room(part uint64, n int) int {
	most := uint64(a.maxMessage)
	switch each := uint64(max(n, fragmentSize)); {
	case part == 2 && n < fragmentSize+readAhead:
		most = uint64(n) + readAhead // of an ERTS: 64 KiB with their tuple make a second fragment of a few bytes
	case part < most/each:
		most = part*each + fragmentTail
	}
	return max(n, int(min(most, 32*uint64(n))))
}

// start opens the message of a first part whose control tuple is read already; rest is what of the payload it carried, and the
// assembler's from now on with all its capacity.
func (a *assembler) start(sequence, part uint64, s *Signal, rest []byte) error {
	if p := a.open[sequence]; p != nil && p.fate == awaited {
		return fmt.Errorf("fragment sequence %d is open already", sequence)
	} else if p != nil {
		a.forget(sequence)
	}
	if len(a.open)-a.dropped >= a.maxOpen && !a.dropOrphan(nil) {
		return fmt.Errorf("more than %d fragmented messages at once", a.maxOpen)
	}
	if a.open == nil {
		a.open = make(map[uint64]*partial)
	}
	if len(rest) > a.maxMessage {
		return fmt.Errorf("fragmented message is longer than %d bytes", a.maxMessage)
	}
	p := &partial{signal: *s, next: part - 1}
	if err := a.hold(cap(rest), p); err != nil {
		return err
	}
	p.payload = rest
	a.open[sequence] = p
	return nil
}

// next takes the number of a continuation of n bytes, and returns where they belong. They are good when complete is called.
func (a *assembler) next(sequence, part uint64, n int) ([]byte, error) {
	p := a.open[sequence]
	if p == nil {
		return nil, fmt.Errorf("fragment of the unknown sequence %d", sequence)
	}
	if part != p.next {
		return nil, fmt.Errorf("fragment %d of sequence %d where %d was due", part, sequence, p.next)
	}
	if n > a.maxMessage-len(p.payload) {
		return nil, fmt.Errorf("fragmented message is longer than %d bytes", a.maxMessage)
	}
	p.next--
	p.moved = true
	if p.fate == dropped {
		return make([]byte, n), nil
	}
	k := len(p.payload)
	if n > cap(p.payload)-k {
		size := min(a.maxMessage, max(k+n, min(4*k, k+int(min(part, uint64(a.maxMessage)/fragmentSize))*max(n, fragmentSize))))
		if err := a.hold(size-cap(p.payload), p); err != nil {
			return nil, err
		}
		grown := make([]byte, k, size)
		copy(grown, p.payload)
		p.payload = grown
	}
	p.payload = p.payload[:k+n]
	return p.payload[k:], nil
}

// complete returns the message if its last part has come, else nil. Its payload is the receiver's.
func (a *assembler) complete(sequence uint64) *Signal {
	p := a.open[sequence]
	if p == nil || p.next > 0 {
		return nil
	}
	a.forget(sequence)
	if p.fate == dropped {
		return nil
	}
	p.signal.Payload.Bytes = p.payload
	return &p.signal
}

// forget takes a message out.
func (a *assembler) forget(sequence uint64) {
	p := a.open[sequence]
	delete(a.open, sequence)
	a.bytes -= cap(p.payload)
	switch p.fate {
	case orphan:
		a.orphans--
	case dropped:
		a.dropped--
	}
}

// hold counts memory that is taken for a message, at the cost of orphans if need be.
func (a *assembler) hold(n int, of *partial) error {
	for n > a.maxBytes-a.bytes {
		if !a.dropOrphan(of) {
			return fmt.Errorf("unfinished fragmented messages hold more than %d bytes", a.maxBytes)
		}
	}
	a.bytes += n
	return nil
}

// ended is called with every exit that arrives: what its process has not finished is an orphan.
func (a *assembler) ended(s *Signal, now time.Time) {
	if s.From.Node == "" {
		return
	}
	for _, p := range a.open {
		if p.signal.From == s.From && p.fate == awaited {
			p.fate, p.since = orphan, now
			if a.orphans++; a.orphans == 1 {
				a.look = now.Add(a.patience / 4)
			}
		}
	}
}

// expire drops the orphans of which nothing has come for a while. It is called now and then while there are orphans.
func (a *assembler) expire(now time.Time) {
	if now.Before(a.look) {
		return
	}
	a.look = now.Add(a.patience / 4)
	for _, p := range a.open {
		switch {
		case p.fate != orphan:
		case p.moved:
			p.moved, p.since = false, now
		case now.Sub(p.since) >= a.patience:
			a.drop(p)
		}
	}
}

// dropOrphan drops the orphan that has waited longest, other than keep, and reports false if there is none.
func (a *assembler) dropOrphan(keep *partial) bool {
	var oldest *partial
	if a.orphans > 0 {
		for _, p := range a.open {
			if p.fate == orphan && p != keep && (oldest == nil || p.since.Before(oldest.since)) {
				oldest = p
			}
		}
	}
	if oldest != nil {
		a.drop(oldest)
	}
	return oldest != nil
}

// drop gives up an orphan. Its number is kept, as long as there are not too many, since parts of it may come all the same.
func (a *assembler) drop(p *partial) {
	a.bytes -= cap(p.payload)
	p.payload, p.signal, p.fate = nil, Signal{}, dropped
	a.orphans--
	if a.dropped++; a.dropped <= a.maxOpen {
		return
	}
	for sequence, other := range a.open {
		if other.fate == dropped && other != p {
			a.forget(sequence)
			return
		}
	}
}
