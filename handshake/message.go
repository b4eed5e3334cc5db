package handshake

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
)

// The first byte of each message, and the version that the old ones carry.
const (
	tagName       = 'N' // and the challenge of version 6
	tagNameOld    = 'n' // and the challenge of version 5
	tagStatus     = 's'
	tagComplement = 'c'
	tagReply      = 'r'
	tagAck        = 'a'

	versionOld = 5
	versionNew = 6

	statusTrue  = "true"
	statusFalse = "false"
	statusNamed = "named:"
)

// name is message 1, 'N' or 'n'.
type name struct {
	old      bool
	flags    Flags
	creation uint32
	node     string
}

// appendTo writes 'N' flags:64 creation:32 length:16 name, or for an old peer 'n' version:16 flags:32 name.
func (m name) appendTo(b []byte) []byte {
	if m.old {
		b = append(b, tagNameOld)
		b = binary.BigEndian.AppendUint16(b, versionOld)
		b = binary.BigEndian.AppendUint32(b, uint32(m.flags))
		return append(b, latin1(m.node)...)
	}
	b = append(b, tagName)
	b = binary.BigEndian.AppendUint64(b, uint64(m.flags))
	b = binary.BigEndian.AppendUint32(b, m.creation)
	return appendNode(b, m.node)
}

func appendNode(b []byte, node string) []byte {
	n := latin1(node)
	n = n[:min(len(n), 0xffff)]
	b = binary.BigEndian.AppendUint16(b, uint16(len(n)))
	return append(b, n...)
}

func parseName(body []byte) (name, error) {
	r := reader{what: "name", body: body}
	var m name
	switch r.tag() {
	case tagName:
		m.flags = Flags(r.u64())
		m.creation = r.u32()
		m.node = r.node()
	case tagNameOld:
		m.old = true
		r.u16() // the version; dist_util reads over it since 23
		m.flags = Flags(r.u32())
		m.node = fromLatin1(r.rest())
	default:
		r.unexpected()
	}
	return m, r.err
}

// challenge is message 3, 'N' or 'n'.
type challenge struct {
	old       bool
	flags     Flags
	challenge uint32
	creation  uint32
	node      string
}

// appendTo writes 'N' flags:64 challenge:32 creation:32 length:16 name, or for an old peer 'n' version:16 flags:32
// challenge:32 name.
func (m challenge) appendTo(b []byte) []byte {
	if m.old {
		b = append(b, tagNameOld)
		b = binary.BigEndian.AppendUint16(b, versionOld)
		b = binary.BigEndian.AppendUint32(b, uint32(m.flags))
		b = binary.BigEndian.AppendUint32(b, m.challenge)
		return append(b, latin1(m.node)...)
	}
	b = append(b, tagName)
	b = binary.BigEndian.AppendUint64(b, uint64(m.flags))
	b = binary.BigEndian.AppendUint32(b, m.challenge)
	b = binary.BigEndian.AppendUint32(b, m.creation)
	return appendNode(b, m.node)
}

func parseChallenge(peer string, body []byte) (challenge, error) {
	r := reader{peer: peer, what: "challenge", body: body}
	var m challenge
	switch r.tag() {
	case tagName:
		m.flags = Flags(r.u64())
		m.challenge = r.u32()
		m.creation = r.u32()
		m.node = r.node()
	case tagNameOld:
		m.old = true
		r.u16()
		m.flags = Flags(r.u32())
		m.challenge = r.u32()
		m.node = fromLatin1(r.rest())
	default:
		r.unexpected()
	}
	return m, r.err
}

// parseStatus reads message 2 or 2b; what says which.
func parseStatus(peer, what string, body []byte) (string, error) {
	r := reader{peer: peer, what: what, body: body}
	if r.tag() != tagStatus {
		r.unexpected()
	}
	return string(r.rest()), r.err
}

// namedBody is the status that gives the peer a name: 's' "named:" length:16 name creation:32, the name in UTF-8.
func namedBody(node string, creation uint32) []byte {
	b := statusBody(statusNamed)
	b = binary.BigEndian.AppendUint16(b, uint16(len(node)))
	b = append(b, node...)
	return binary.BigEndian.AppendUint32(b, creation)
}

// parseNamed reads it. What follows is for later releases.
func parseNamed(peer string, body []byte) (name, error) {
	r := reader{peer: peer, what: "status", body: body, off: 1 + len(statusNamed)}
	m := name{node: string(r.bytes(int(r.u16())))}
	m.creation = r.u32()
	return m, r.err
}

func statusBody[S ~string](s S) []byte { return append([]byte{tagStatus}, s...) }

// complementBody writes message 4: 'c' high:32 creation:32.
func complementBody(flags Flags, creation uint32) []byte {
	b := binary.BigEndian.AppendUint32([]byte{tagComplement}, uint32(flags>>32))
	return binary.BigEndian.AppendUint32(b, creation)
}

// parseComplement reads message 4: what 'n' had no room for.
func parseComplement(peer string, body []byte) (high Flags, creation uint32, err error) {
	r := reader{peer: peer, what: "complement", body: body}
	if r.tag() != tagComplement {
		r.unexpected()
	}
	high = Flags(r.u32()) << 32
	creation = r.u32()
	r.end()
	return high, creation, r.err
}

// parseReply reads message 5.
func parseReply(peer string, body []byte) (challenge uint32, sum []byte, err error) {
	r := reader{peer: peer, what: "challenge reply", body: body}
	if r.tag() != tagReply {
		r.unexpected()
	}
	challenge = r.u32()
	sum = r.bytes(md5.Size)
	r.end()
	return challenge, sum, r.err
}

func replyBody(challenge uint32, sum [md5.Size]byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{tagReply}, challenge), sum[:]...)
}

// parseAck reads message 6.
func parseAck(peer string, body []byte) (sum []byte, err error) {
	r := reader{peer: peer, what: "challenge ack", body: body}
	if r.tag() != tagAck {
		r.unexpected()
	}
	sum = r.bytes(md5.Size)
	r.end()
	return sum, r.err
}

func ackBody(sum [md5.Size]byte) []byte { return append([]byte{tagAck}, sum[:]...) }

// reader takes a body apart. After its first error it returns zeros and keeps that error.
type reader struct {
	peer, what string
	body       []byte
	off        int
	err        error
}

func (r *reader) fail(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &MessageError{Peer: r.peer, What: r.what, Offset: offset, Why: fmt.Sprintf(format, args...)}
	}
}

// bytes takes the next n bytes; they are part of the body.
func (r *reader) bytes(n int) []byte {
	if left := len(r.body) - r.off; n > left && r.err == nil {
		r.fail(r.off, "%d bytes wanted, %d left", n, left)
	}
	if r.err != nil {
		return nil
	}
	r.off += n
	return r.body[r.off-n : r.off]
}

func (r *reader) rest() []byte { return r.bytes(len(r.body) - r.off) }

func (r *reader) tag() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// node takes length:16 and a name. What follows it is for later releases, and ignored.
func (r *reader) node() string { return fromLatin1(r.bytes(int(r.u16()))) }

func (r *reader) unexpected() {
	if len(r.body) > 0 {
		r.fail(0, "starts with %q", r.body[0])
	}
}

func (r *reader) end() {
	if r.err == nil && r.off < len(r.body) {
		r.fail(r.off, "%d bytes too many", len(r.body)-r.off)
	}
}
