package dist

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	readBuffer = 64 << 10
	slabSize   = 4 << 10
	firstSlab  = 512     // they grow, so that a connection on which little comes holds little
	slabbed    = 1 << 10 // payloads up to this size share slabs
	firstGrab  = 4 << 20 // of a long frame, however long it claims to be, before more of it has come
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
