package dist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/erlnode/erlnode/etf"
)

const (
	readBuffer = 64 << 10
	slabSize   = 16 << 10
	slabbed    = 4 << 10 // payloads up to this size share slabs
	firstGrab  = 1 << 20 // of a long frame, however long it claims to be, before more of it has come
)

// reader cuts the byte stream into packets. Packets that fit are read many at a time into one buffer, longer ones into
// memory of their own, which grows with what has really arrived.
type reader struct {
	src        io.Reader
	buf        []byte
	start, end int
	max        int
	slab       []byte
}

// next returns the next packet without its length; a tick is an empty one. own says that the bytes belong to the
// caller; else they are good until the next call.
func (r *reader) next() (packet []byte, own bool, err error) {
	if err := r.fill(4); err != nil {
		return nil, false, err
	}
	length := binary.BigEndian.Uint32(r.buf[r.start:])
	if uint64(length) > uint64(r.max) {
		return nil, false, errTooLong{length, r.max}
	}
	n := int(length)
	r.start += 4
	if n <= len(r.buf) {
		if err := r.fill(n); err != nil {
			return nil, false, noEOF(err)
		}
		packet = r.buf[r.start : r.start+n]
		r.start += n
		return packet, false, nil
	}
	packet = make([]byte, 0, min(n, firstGrab))
	packet = append(packet, r.buf[r.start:r.end]...)
	r.start, r.end = 0, 0
	for len(packet) < n {
		if len(packet) == cap(packet) {
			grown := make([]byte, len(packet), min(n, 2*cap(packet)))
			copy(grown, packet)
			packet = grown
		}
		k, err := r.src.Read(packet[len(packet):cap(packet)])
		packet = packet[:len(packet)+k]
		if err != nil && len(packet) < n {
			return nil, false, noEOF(err)
		}
	}
	return packet, true, nil
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
	if len(r.buf)-r.start < n || r.start == r.end {
		copy(r.buf, r.buf[r.start:r.end])
		r.end -= r.start
		r.start = 0
	}
	for r.end-r.start < n {
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
		r.slab = make([]byte, 0, slabSize)
	}
	at := len(r.slab)
	r.slab = append(r.slab, b...)
	return r.slab[at:len(r.slab):len(r.slab)]
}

// countedReader counts for the ticker, also the bytes of a packet that is still incomplete.
type countedReader struct{ c *Conn }

func (r countedReader) Read(b []byte) (int, error) {
	n, err := r.c.nc.Read(b)
	r.c.bytesRead.Add(uint64(n))
	return n, err
}

// read is the reader goroutine.
func (c *Conn) read() error {
	in := inbound{
		conn:   c,
		reader: reader{src: countedReader{c}, buf: make([]byte, readBuffer), max: c.cfg.MaxFrame},
		parts:  assembler{maxMessage: c.cfg.MaxMessage, maxOpen: c.cfg.MaxFragments, maxBytes: 2 * c.cfg.MaxMessage},
	}
	for {
		b, own, err := in.reader.next()
		var tooLong errTooLong
		switch {
		case errors.As(err, &tooLong):
			return &ProtocolError{Peer: c.cfg.Peer, Err: err}
		case errors.Is(err, io.EOF):
			return ErrClosed
		case err != nil:
			return fmt.Errorf("%w: %w", ErrClosed, err)
		}
		if len(b) == 0 {
			continue // a tick
		}
		if err := in.packet(b, own); err != nil {
			return err
		}
	}
}

// inbound is what the reader goroutine knows of the stream.
type inbound struct {
	conn   *Conn
	reader reader
	cache  atomCache
	parts  assembler
	signal Signal
}

// packet handles one packet.
func (in *inbound) packet(b []byte, own bool) error {
	cfg := &in.conn.cfg
	header := withHeader(cfg.Flags)
	p, err := readPacket(b, header, fragmentsOn(cfg.Flags), &in.cache)
	if err != nil {
		var at *headerError
		errors.As(err, &at)
		return &ProtocolError{Peer: cfg.Peer, Offset: at.offset, Err: err}
	}
	if p.kind == nextPart {
		s, payload, err := in.parts.next(p.sequence, p.part, p.body)
		if err != nil {
			return &ProtocolError{Peer: cfg.Peer, Offset: 2, Err: err}
		}
		if s == nil {
			return nil
		}
		s.Payload.Bytes = payload
		return in.payload(s, len(b))
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
		in.deliver(s)
		return nil
	}
	s.Payload.Atoms = p.atoms
	if p.kind == firstPart && p.part != 1 {
		if err := in.parts.start(p.sequence, p.part, s, rest); err != nil {
			return in.broken(s, len(p.body)-len(rest), err)
		}
		return nil
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
	if trace := in.conn.cfg.Trace; trace != nil {
		trace(true, s)
	}
	in.conn.cfg.Handle(s)
}

func (in *inbound) broken(s *Signal, offset int, err error) error {
	return &ProtocolError{Peer: in.conn.cfg.Peer, Op: s.Op, Offset: offset, Err: err}
}
