package dist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/erlnode/erlnode/etf"
)

const (
	longFirst = 1 << 20 // of the first part of a fragmented message, which says as little of how long the others are if it is longer
	// orphanTime is how long nothing may come of a message whose sender has exited. While he lives he may take as long as he likes.
	orphanTime = time.Minute
)

// inbound is what the reading goroutine knows of the stream.
type inbound struct {
	conn    *Conn
	reader  reader
	cache   atomCache
	repeats *repeats // nil on a connection over which little has come
	few     int      // messages before there are repeats
	parts   assembler
	signal  Signal
	reads   int  // of the reader, when the last packet was taken
	asked   int  // how often Handle has asked for Serve since the last call of that
	others  int  // signals in that time, but for those that wake nobody
	answers int  // those of them that answer calls (Answer)
	gathers bool // Handle has asked for Gathered
	talk    talk

	courtesy courtesy

	awaiting bool // the goroutine that reads is Await's
	loans    loans
	err      error // there is no next packet
}

func newInbound(c *Conn) *inbound {
	in := &inbound{
		conn:   c,
		reader: reader{src: counted{c.carrier.source, &c.bytesRead}, max: c.cfg.MaxFrame},
		parts: assembler{maxMessage: c.cfg.MaxMessage, maxOpen: c.cfg.MaxFragments, maxBytes: 2 * min(c.cfg.MaxMessage, math.MaxInt/2),
			patience: orphanTime},
	}
	in.reader.place = in.place
	return in
}

// Ask is for Config.Handle: it asks for a call of Config.Serve as soon as what has come is handled.
func (c *Conn) Ask() { c.in.asked++ }

// Gather is for Config.Handle: it asks for a call of Config.Gathered.
func (c *Conn) Gather() { c.in.gathers = true }

func (in *inbound) gathered() {
	if in.gathers {
		in.gathers = false
		in.conn.cfg.Gathered()
	}
}

// Answer is for Config.Handle and Config.Gathered, with something that somebody waits for, as the answer to a call: it tells whether that may be
// kept until Serve, which it asks for then, as Ask does.
func (c *Conn) Answer() (keep bool) {
	if c.in.awaiting {
		return false
	}
	c.in.asked++
	c.in.answers++
	return true
}

// next reads one packet and handles it.
func (in *inbound) next() error {
	if in.reader.long && in.conn.carrier.yield != nil {
		in.giveWay()
	}
	b, own, placed, err := in.reader.next()
	if err != nil {
		return in.ended(err)
	}
	if in.parts.orphans > 0 {
		in.parts.expire(time.Now())
	}
	if len(b) == 0 {
		return nil // a tick
	}
	if r := &in.reader; r.reads != in.reads {
		in.reads = r.reads
		if more := r.follow(callPackets); more != in.conn.out.gather.Load() {
			in.conn.out.gather.Store(more)
		}
	}
	if placed {
		return in.placed(b)
	}
	return in.packet(b, own)
}

// giveWay is for who has just read something large.
func (in *inbound) giveWay() {
	if now := time.Now(); in.courtesy.due(in.conn.out.written.Load(), now) {
		in.conn.carrier.yield()
		in.courtesy.gave(now, time.Now())
	}
}

// ended says why there is no next packet.
func (in *inbound) ended(err error) error {
	var tooLong errTooLong
	var misplaced *misplacedError
	switch {
	case errors.As(err, &tooLong):
		return &ProtocolError{Peer: in.conn.cfg.Peer, Err: err}
	case errors.As(err, &misplaced):
		return &ProtocolError{Peer: in.conn.cfg.Peer, Offset: 2, Err: misplaced.err}
	case errors.Is(err, io.EOF):
		return ErrClosed
	default:
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
}

// packet handles one packet.
func (in *inbound) packet(b []byte, own bool) error {
	cfg := &in.conn.cfg
	header := withHeader(cfg.Flags)
	if header {
		if known := in.repeats.find(b, &in.cache); known != nil {
			s := &known.signal
			known.take(b)
			if !known.isMonitor() {
				s.Payload = etf.Raw{Bytes: in.reader.keep(b[known.head():], own), Atoms: known.atoms}
			}
			in.deliver(s)
			return nil
		}
	}
	p, err := readPacket(b, header, fragmentsOn(cfg.Flags), &in.cache)
	if err != nil {
		var at *headerError
		errors.As(err, &at)
		return &ProtocolError{Peer: cfg.Peer, Offset: at.offset, Err: err}
	}
	if p.kind == nextPart {
		to, err := in.parts.next(p.sequence, p.part, len(p.body))
		if err != nil {
			return &ProtocolError{Peer: cfg.Peer, Offset: 2, Err: err}
		}
		copy(to, p.body)
		return in.part(p.sequence, len(b))
	}
	s := &in.signal
	rest, err := parseSignal(s, etf.Raw{Bytes: p.body, Atoms: p.atoms}, cfg.Self, cfg.Peer, cfg.Flags)
	if err != nil {
		return err
	}
	if s.Options.Bytes != nil {
		s.Options.Bytes = in.reader.keep(s.Options.Bytes, own)
	}
	if !layouts[s.Op].payload {
		if s.Payload.Bytes != nil {
			s.Payload.Bytes = in.reader.keep(s.Payload.Bytes, own)
		}
		if p.kind == firstPart && p.part != 1 {
			return in.broken(s, len(p.body), errors.New("fragmented, but it has no payload"))
		}
		if header && p.kind == distHeader && (s.Kind == Monitor || s.Kind == Demonitor) && len(rest) == 0 && in.many() {
			in.repeats.remember(b, len(b), s, nil, &in.cache)
		}
		in.deliver(s)
		return nil
	}
	s.Payload.Atoms = p.atoms
	if p.kind == firstPart && p.part != 1 {
		if !own {
			rest = append(make([]byte, 0, in.parts.room(p.part, len(rest))), rest...)
		}
		if err := in.parts.start(p.sequence, p.part, s, rest); err != nil {
			return in.broken(s, len(p.body)-len(rest), err)
		}
		return nil
	}
	if header && p.kind == distHeader && in.many() {
		in.repeats.remember(b, len(b)-len(rest), s, p.atoms, &in.cache)
	}
	if !header && len(rest) > 0 {
		if rest[0] != versionMagic {
			return in.broken(s, len(p.body)-len(rest), fmt.Errorf("no version byte 131 before the payload but %d", rest[0]))
		}
		rest = rest[1:]
	}
	s.Payload.Bytes = in.reader.keep(rest, own)
	return in.payload(s, len(p.body)-len(rest))
}

// many counts a message, and tells whether so many have come that it is worth while to remember how they begin.
func (in *inbound) many() bool {
	if in.repeats == nil {
		if in.few++; in.few < fewMessages {
			return false
		}
		in.repeats = new(repeats)
	}
	return true
}

// place is reader.place.
func (in *inbound) place(head []byte, n int) ([]byte, int, error) {
	flags := in.conn.cfg.Flags
	if !fragmentsOn(flags) || head[0] != versionMagic {
		return nil, 0, nil
	}
	sequence, part := binary.BigEndian.Uint64(head[2:]), binary.BigEndian.Uint64(head[10:])
	switch head[1] {
	case firstPart:
		return nil, in.parts.room(part, min(n, longFirst)), nil
	case nextPart:
		to, err := in.parts.next(sequence, part, n-packetHead)
		if err != nil {
			return nil, 0, &misplacedError{err}
		}
		return to, 0, nil
	}
	return nil, 0, nil
}

// misplacedError is a continuation that is none of an open message.
type misplacedError struct{ err error }

func (e *misplacedError) Error() string { return e.err.Error() }

// placed goes on after a continuation whose bytes are in their message already.
func (in *inbound) placed(head []byte) error {
	return in.part(binary.BigEndian.Uint64(head[2:]), packetHead)
}

// part delivers a message whose last part has come.
func (in *inbound) part(sequence uint64, offset int) error {
	s := in.parts.complete(sequence)
	if s == nil {
		return nil
	}
	return in.payload(s, offset)
}

// payload delivers a signal that has one. A message is the business of its receiver.
func (in *inbound) payload(s *Signal, offset int) error {
	if len(s.Payload.Bytes) == 0 {
		return in.broken(s, offset, errors.New("the payload is missing"))
	}
	switch s.Kind {
	case Exit, Exit2, Down:
		if err := in.reason(s, offset); err != nil {
			return err
		}
	}
	in.deliver(s)
	return nil
}

// reason looks at an exit reason: it is passed on to other peers, so it has to be a term. Bytes behind it are ignored, as ERTS does.
func (in *inbound) reason(s *Signal, offset int) error {
	r := etf.NewReader(s.Payload)
	limit := (*etf.LimitError)(nil)
	if err := r.Skip(); err != nil && !errors.As(err, &limit) {
		return in.broken(s, offset+r.Offset(), err)
	} else if err == nil {
		s.Payload.Bytes = s.Payload.Bytes[:r.Offset()]
	}
	return nil
}

func (in *inbound) deliver(s *Signal) {
	if len(in.parts.open) > 0 && (s.Kind == Exit || s.Kind == Down) {
		in.parts.ended(s, time.Now())
	}
	if trace := in.conn.cfg.Trace; trace != nil {
		trace(true, s)
	}
	if s.Kind != Monitor && s.Kind != Demonitor {
		in.others++
	}
	in.conn.cfg.Handle(s)
	s.Payload, s.Options = etf.Raw{}, etf.Raw{} // an idle connection must not hold on to its last message
}

func (in *inbound) broken(s *Signal, offset int, err error) error {
	return &ProtocolError{Peer: in.conn.cfg.Peer, Op: s.Op, Offset: offset, Err: err}
}
