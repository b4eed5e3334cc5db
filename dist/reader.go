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
	readBuffer = 64 << 10
	slabSize   = 4 << 10
	firstSlab  = 512     // they grow, so that a connection on which little comes holds little
	slabbed    = 1 << 10 // payloads up to this size share slabs
	firstGrab  = 4 << 20 // of a long frame, however long it claims to be, before more of it has come
	longFirst  = 1 << 20 // of the first part of a fragmented message, which says as little of how long the others are if it is longer
	// orphanTime is how long nothing may come of a message whose sender has exited. While he lives he may take as long as he likes.
	orphanTime = time.Minute
	// readAhead is how much is read into the buffer behind a long packet: enough for what follows it to be found there, little
	// enough that hardly anything of another long one is copied.
	readAhead = 4 << 10
)

// reader cuts the byte stream into packets. Packets that fit are read many at a time into one buffer. Of longer ones the
// bytes go from the socket to where they stay: into memory of their own, which grows with what has really arrived, or, of the
// continuation of a fragmented message, into that message's.
type reader struct {
	src        source
	buf        []byte // nil while the connection is idle
	start, end int
	max        int
	long       bool // the last packet was a long one, and the next may be
	reads      int  // of the source
	expects    expected
	slab       []byte
	head       [packetHead]byte

	// place, if set, tells where to put the rest of a long packet that begins with head; nil: into memory of its own, of which size
	// bytes are taken at once.
	place func(head []byte, n int) (to []byte, size int, err error)
}

// packetHead is as much of a packet as place has to see.
const packetHead = fragmentHeader

// next returns the next packet without its length; a tick is an empty one. own says that the bytes belong to the
// caller; else they are good until the next call. placed says that all but the first packetHead bytes are where place wanted them.
func (r *reader) next() (packet []byte, own, placed bool, err error) {
	if err := r.fill(4); err != nil {
		return nil, false, false, err
	}
	length := binary.BigEndian.Uint32(r.buf[r.start:])
	if uint64(length) > uint64(r.max) {
		return nil, false, false, errTooLong{length, r.max}
	}
	n := int(length)
	r.start += 4
	r.long = n > len(r.buf)
	if !r.long {
		if err := r.fill(n); err != nil {
			return nil, false, false, noEOF(err)
		}
		packet = r.buf[r.start : r.start+n]
		r.start += n
		return packet, false, false, nil
	}
	size := min(n, firstGrab)
	if r.place != nil {
		if err := r.fill(packetHead); err != nil {
			return nil, false, false, noEOF(err)
		}
		head := r.buf[r.start : r.start+packetHead]
		to, most, err := r.place(head, n)
		if err != nil {
			return head, false, false, err
		}
		if to != nil {
			copy(r.head[:], head)
			r.start += packetHead
			if err := r.readFull(to); err != nil {
				return nil, false, false, noEOF(err)
			}
			return r.head[:], false, true, nil
		}
		size = max(size, most)
	}
	packet = takePayload(size)
	for len(packet) < n {
		if len(packet) == cap(packet) {
			grown := make([]byte, len(packet), min(n, 4*cap(packet)))
			copy(grown, packet)
			packet = grown
		}
		k := len(packet)
		packet = packet[:min(n, cap(packet))]
		if err := r.readFull(packet[k:]); err != nil {
			return nil, false, false, noEOF(err)
		}
	}
	return packet, true, false, nil
}

// readFull fills b from the buffer and then from the source, and what the source gives beyond that goes into the buffer.
func (r *reader) readFull(b []byte) error {
	n := copy(b, r.buf[r.start:r.end])
	r.start += n
	b = b[n:]
	if len(b) == 0 {
		return nil
	}
	r.start, r.end = 0, 0
	for len(b) > 0 {
		r.reads++
		n, err := r.src.readTwo(b, r.buf[:min(readAhead, len(r.buf))])
		if n > len(b) {
			r.end = n - len(b)
			return nil
		}
		b = b[n:]
		if err != nil && len(b) > 0 {
			return err
		}
	}
	return nil
}

// callPackets is of how many packets one call consists: the end of the last one's monitor, its own, and the request.
const callPackets = 3

// follow tells whether at least n packets more are in the buffer already.
func (r *reader) follow(n int) bool {
	for at := r.start; ; n-- {
		switch have := r.end - at; {
		case n == 0:
			return true
		case have < 4:
			return false
		default:
			length := uint64(binary.BigEndian.Uint32(r.buf[at:]))
			if uint64(have-4) < length {
				return false
			}
			at += 4 + int(length)
		}
	}
}

// errTooLong is a packet over Config.MaxFrame.
type errTooLong struct {
	length uint32
	max    int
}

func (e errTooLong) Error() string {
	return fmt.Sprintf("packet of %d bytes, the limit is %d", e.length, e.max)
}

// fill sees to it that n bytes, at most the size of the buffer, stand at start.
func (r *reader) fill(n int) error {
	if r.end-r.start >= n {
		return nil
	}
	if r.start == r.end {
		r.start, r.end = 0, 0
		r.reads++
		var err error
		r.end, err = r.src.readIdle(&r.buf, r.limit(), r.expects)
		if err != nil && r.end < n {
			if r.end > 0 {
				return noEOF(err)
			}
			return err
		}
	}
	if len(r.buf)-r.start < n {
		copy(r.buf, r.buf[r.start:r.end])
		r.end -= r.start
		r.start = 0
	}
	for r.end-r.start < n {
		r.reads++
		k, err := r.src.Read(r.buf[r.end:])
		r.end += k
		if err != nil && r.end-r.start < n {
			if r.end > r.start {
				return noEOF(err)
			}
			return err
		}
	}
	return nil
}

// limit is how much to read into the empty buffer.
func (r *reader) limit() int {
	if r.long {
		return readAhead
	}
	return readBuffer
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// keep returns bytes that stay good: b itself when they are the reader's to give away, else a copy. Small copies share
// a slab, so that a message costs no allocation of its own and holds on to little more than itself.
func (r *reader) keep(b []byte, own bool) []byte {
	switch {
	case len(b) == 0:
		return []byte{}
	case own:
		return b
	case len(b) > slabbed:
		return append([]byte(nil), b...)
	}
	if len(b) > cap(r.slab)-len(r.slab) {
		r.slab = make([]byte, 0, max(min(2*cap(r.slab), slabSize), firstSlab, len(b)))
	}
	at := len(r.slab)
	r.slab = append(r.slab, b...)
	return r.slab[at:len(r.slab):len(r.slab)]
}

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

// payload delivers a signal that has one. An exit reason is passed on to other peers, so it has to be a term; a message is the
// business of its receiver. Bytes behind a reason are ignored, as ERTS does.
func (in *inbound) payload(s *Signal, offset int) error {
	if len(s.Payload.Bytes) == 0 {
		return in.broken(s, offset, errors.New("the payload is missing"))
	}
	switch s.Kind {
	case Exit, Exit2, Down:
		r := etf.NewReader(s.Payload)
		limit := (*etf.LimitError)(nil)
		if err := r.Skip(); err != nil && !errors.As(err, &limit) {
			return in.broken(s, offset+r.Offset(), err)
		} else if err == nil {
			s.Payload.Bytes = s.Payload.Bytes[:r.Offset()]
		}
	}
	in.deliver(s)
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
