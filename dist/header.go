package dist

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
)

// packet is one packet with its header read: a whole message, or a part of one.
type packet struct {
	kind     byte   // passThrough, distHeader, firstPart or nextPart
	sequence uint64 // of the parts of one message
	part     uint64 // counts down to 1
	atoms    []etf.Atom
	body     []byte // control tuple and payload, or the continuation of a payload
	offset   int    // of body in the packet
}

var errTruncated = errors.New("it ends in the middle of the header")

// readPacket reads the header of the packet b, the bytes after the length. It updates the cache, so every packet has to
// pass here, in the order of arrival. The body aliases b; the atoms are immutable and may be kept.
func readPacket(b []byte, header, fragments bool, cache *atomCache) (p packet, err error) {
	if !header {
		if len(b) < 2 {
			return p, &headerError{len(b), errTruncated}
		}
		// ERTS does not look at the first byte, so neither do we.
		if b[1] != versionMagic {
			return p, &headerError{1, fmt.Errorf("no version byte 131 but %d", b[1])}
		}
		return packet{kind: passThrough, body: b[2:], offset: 2}, nil
	}
	if len(b) < 2 {
		return p, &headerError{len(b), errTruncated}
	}
	if b[0] != versionMagic {
		return p, &headerError{0, fmt.Errorf("no version byte 131 but %d", b[0])}
	}
	p.kind = b[1]
	at := 2
	switch p.kind {
	case distHeader:
	case firstPart, nextPart:
		if !fragments {
			return p, &headerError{1, errors.New("fragment, though FRAGMENTS was not negotiated")}
		}
		if len(b) < 18 {
			return p, &headerError{len(b), errTruncated}
		}
		p.sequence = binary.BigEndian.Uint64(b[2:])
		p.part = binary.BigEndian.Uint64(b[10:])
		at = 18
		if p.part == 0 {
			return p, &headerError{10, errors.New("fragment number 0")}
		}
	default:
		return p, &headerError{1, fmt.Errorf("packet of unknown kind %d", p.kind)}
	}
	if p.kind == nextPart {
		p.body, p.offset = b[at:], at
		return p, nil
	}
	n, atoms, err := cache.read(b[at:])
	if err != nil {
		return p, &headerError{at + n, err}
	}
	p.atoms, p.body, p.offset = atoms, b[at+n:], at+n
	return p, nil
}

// headerError says at which byte of a packet its header is wrong.
type headerError struct {
	offset int
	err    error
}

func (e *headerError) Error() string { return e.err.Error() }
func (e *headerError) Unwrap() error { return e.err }
