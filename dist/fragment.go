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
}

// start opens the message of a first part whose control tuple is read already; rest is what of the payload it carried.
func (a *assembler) start(sequence, part uint64, s *Signal, rest []byte) error {
	if a.open[sequence] != nil {
		return fmt.Errorf("fragment sequence %d is open already", sequence)
	}
	if len(a.open) >= a.maxOpen {
		return fmt.Errorf("more than %d fragmented messages at once", a.maxOpen)
	}
	if a.open == nil {
		a.open = make(map[uint64]*partial)
	}
	p := &partial{signal: *s, next: part - 1}
	a.open[sequence] = p
	return a.add(p, rest)
}

// next takes a continuation. It returns the message with its payload when that was the last part; the payload is the
// receiver's.
func (a *assembler) next(sequence, part uint64, b []byte) (*Signal, []byte, error) {
	p := a.open[sequence]
	if p == nil {
		return nil, nil, fmt.Errorf("fragment of the unknown sequence %d", sequence)
	}
	if part != p.next {
		return nil, nil, fmt.Errorf("fragment %d of sequence %d where %d was due", part, sequence, p.next)
	}
	p.next--
	if err := a.add(p, b); err != nil {
		return nil, nil, err
	}
	if p.next > 0 {
		return nil, nil, nil
	}
	delete(a.open, sequence)
	a.bytes -= len(p.payload)
	return &p.signal, p.payload, nil
}

func (a *assembler) add(p *partial, b []byte) error {
	if len(b) > a.maxMessage-len(p.payload) {
		return fmt.Errorf("fragmented message is longer than %d bytes", a.maxMessage)
	}
	if len(b) > a.maxBytes-a.bytes {
		return fmt.Errorf("unfinished fragmented messages hold more than %d bytes", a.maxBytes)
	}
	a.bytes += len(b)
	p.payload = append(p.payload, b...)
	return nil
}
