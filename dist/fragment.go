package dist

import (
	"fmt"
)

// assembler puts fragmented messages together. Parts of different messages may come interleaved; those of one come in
// order, their numbers counting down to 1. The control tuple and the atoms are in the first part (since OTP 22; DC
// erts_net_message, "Distribution Header for fragmented messages").
//
// What a peer can make it hold is bounded by maxMessage for one message, by maxOpen messages and by maxBytes in all.
type assembler struct {
	maxMessage, maxOpen, maxBytes int
	open                          map[uint64]*partial
	bytes                         int // held in open
}

// partial is a message whose last parts are still to come.
type partial struct {
	signal  Signal
	payload []byte
	next    uint64 // number of the part to come
	dropped bool   // its sender is dead: the rest is counted and thrown away
}

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
	if p := a.open[sequence]; p != nil && !p.dropped {
		return fmt.Errorf("fragment sequence %d is open already", sequence)
	} else if p != nil {
		delete(a.open, sequence)
	}
	if len(a.open) >= a.maxOpen {
		return fmt.Errorf("more than %d fragmented messages at once", a.maxOpen)
	}
	if a.open == nil {
		a.open = make(map[uint64]*partial)
	}
	if len(rest) > a.maxMessage {
		return fmt.Errorf("fragmented message is longer than %d bytes", a.maxMessage)
	}
	p := &partial{signal: *s, next: part - 1}
	if err := a.hold(cap(rest)); err != nil {
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
	if p.dropped {
		return make([]byte, n), nil
	}
	k := len(p.payload)
	if n > cap(p.payload)-k {
		size := min(a.maxMessage, max(k+n, min(4*k, k+int(min(part, uint64(a.maxMessage)/fragmentSize))*max(n, fragmentSize))))
		if err := a.hold(size - cap(p.payload)); err != nil {
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
	if p.next > 0 {
		return nil
	}
	delete(a.open, sequence)
	a.bytes -= cap(p.payload)
	if p.dropped {
		return nil
	}
	p.signal.Payload.Bytes = p.payload
	return &p.signal
}

// hold counts memory that is taken for a message.
func (a *assembler) hold(n int) error {
	if n > a.maxBytes-a.bytes {
		return fmt.Errorf("unfinished fragmented messages hold more than %d bytes", a.maxBytes)
	}
	a.bytes += n
	return nil
}

// ended throws away what a process has not finished, when an exit of it arrives at the same receiver: nothing of it can come
// any more, because signals between two processes are in order. Parts that come all the same are thrown away too.
func (a *assembler) ended(s *Signal) {
	for _, p := range a.open {
		if p.signal.From == s.From && p.signal.To == s.To && s.From.Node != "" && !p.dropped {
			a.bytes -= cap(p.payload)
			p.payload, p.dropped = nil, true
		}
	}
}
