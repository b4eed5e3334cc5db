package dist

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

const (
	versionMagic = 131
	passThrough  = 112
	distHeader   = 68
	firstPart    = 69
	nextPart     = 70
)

const fragmentHeader = 18 // of a continuation: version, kind, sequence, number

var errFrameTooLong = errors.New("dist: message does not fit a frame of 4 GiB")

func fragmentsOn(flags handshake.Flags) bool { return flags.Has(handshake.Fragments) }

// withHeader tells whether packets begin with a distribution header. Either flag asks for it.
func withHeader(flags handshake.Flags) bool {
	return flags.Has(handshake.DistHdrAtomCache) || flags.Has(handshake.Fragments)
}

// message is what is ready to be encoded of a signal, which stays where the caller has it: so it needs no memory of its own.
type message struct {
	of      int     // which of the caller's signals
	plain   *Signal // takes its place if some of it had to be written out first
	payload []byte  // what follows the control tuple; nil if nothing does
	parts   etf.Parts
	marks   []mark // the atoms of the payload that may become references
}

// size is that of the whole payload.
func (m *message) size() int { return len(m.payload) + m.parts.Len() }

// isLarge tells whether the payload is written from where it lies.
func (m *message) isLarge() bool { return len(m.parts) > 0 || len(m.payload) > largePayload }

// prepare does what can fail or take time, outside of the lock: whether the peer understands the signal, atoms of another
// connection's header, the places of the atoms in the payload. ok is false for a signal that is not sent. With lent its Parts may be used until they
// are written.
func (m *message) prepare(s *Signal, flags handshake.Flags, marks []mark, lent bool) (_ []mark, ok bool, err error) {
	if s.Kind == 0 || int(s.Kind) >= len(kindNames) {
		return marks, false, errors.New("dist: signal of no kind")
	}
	if !understood(s, flags) {
		return marks, false, nil
	}
	payload := s.Payload.Bytes
	if len(s.Parts) == 0 || len(payload) > 0 { // else it is nothing but parts
		if payload, err = plainBytes(s.Payload); err != nil {
			return marks, false, err
		}
	}
	if len(s.Parts) > 0 {
		if n := len(payload) + s.Parts.Len(); lent && n > largePayload && s.payloadFollows(flags) {
			m.parts = s.Parts
		} else {
			payload = s.Parts.Join(payload)
			c := *s
			c.Payload, c.Parts = etf.Raw{Bytes: payload}, nil
			s, m.plain = &c, &c
		}
	}
	if len(payload) == 0 && len(m.parts) == 0 && (s.payloadFollows(flags) || s.reasonInTuple(flags)) {
		return marks, false, errors.New("dist: " + s.Kind.String() + " without payload")
	}
	if s.Payload.Atoms != nil || s.Options.Atoms != nil {
		c := *s
		c.Payload = etf.Raw{Bytes: payload}
		if c.Options.Bytes, err = plainBytes(s.Options); err != nil {
			return marks, false, err
		}
		c.Options.Atoms = nil
		m.plain = &c
	}
	if !s.payloadFollows(flags) {
		if s.reasonInTuple(flags) && uint64(len(payload)) > maxFrame || uint64(len(s.Options.Bytes)) > maxFrame {
			return marks, false, errFrameTooLong
		}
		return marks, true, nil
	}
	m.payload = payload
	if uint64(m.size()) > maxFrame && !fragmentsOn(flags) || uint64(len(s.Options.Bytes)) > maxFrame {
		return marks, false, errFrameTooLong
	}
	if flags.Has(handshake.DistHdrAtomCache) && m.size() <= cachedPayload {
		start := len(marks)
		marks = markAtoms(marks, payload)
		m.marks = marks[start:len(marks):len(marks)]
	}
	return marks, true, nil
}

// cachedPayload is the longest payload whose atoms become references: finding them means walking it.
const cachedPayload = largePayload

// in returns the signal that m is of.
func (m *message) in(signals []*Signal) *Signal {
	if m.plain != nil {
		return m.plain
	}
	return signals[m.of]
}

const maxFrame = math.MaxUint32 - 64<<10 // of payload; the rest is for header and control tuple

// plainBytes returns the bytes of a term that is encoded already, the atoms that another connection's header has written out.
func plainBytes(r etf.Raw) ([]byte, error) {
	if r.Atoms == nil && len(r.Bytes) > 0 {
		return r.Bytes, nil
	}
	if r.Bytes == nil {
		return nil, nil
	}
	return etf.Append(nil, r)
}

// encoder writes frames for one connection, in the order in which they go out.
type encoder struct {
	flags handshake.Flags
	atoms *sentAtoms // nil without DIST_HDR_ATOM_CACHE
	head  []byte     // the control tuple of the message in work
	refs  []int16    // references of its payload's atoms

	starts frameStarts
}

func newEncoder(flags handshake.Flags) encoder { return encoder{flags: flags} }

// control encodes the control tuple of a message, with its atoms as references where that is negotiated. What it returns is good
// until the next call.
func (e *encoder) control(s *Signal) []byte {
	if e.flags.Has(handshake.DistHdrAtomCache) {
		if e.atoms == nil {
			e.atoms = newSentAtoms() // the first message needs it, an idle connection does not
		}
		e.atoms.reset()
	}
	e.head = e.signal(e.head[:0], s)
	return e.head
}

// appendRefs writes the references that the message has collected, as its header has them.
func (e *encoder) appendRefs(b []byte) []byte {
	if e.atoms == nil {
		return append(b, 0)
	}
	return e.atoms.append(b)
}

// appendWhole writes the start of a message that is one frame, up to its payload. The length is still to be filled in.
func (e *encoder) appendWhole(b, head []byte, payload bool) []byte {
	if withHeader(e.flags) {
		b = append(b, 0, 0, 0, 0, versionMagic, distHeader)
		return append(e.appendRefs(b), head...)
	}
	b = append(append(b, 0, 0, 0, 0, passThrough, versionMagic), head...)
	if payload {
		b = append(b, versionMagic)
	}
	return b
}

// append writes a message as one whole frame.
func (e *encoder) append(b []byte, s *Signal, m *message) []byte {
	if e.atoms != nil {
		if known := e.starts.find(s, m); known != nil {
			if known.fits(s, m, e.atoms.news) {
				return known.append(b, s, m)
			}
			start, before := len(b), e.atoms.news
			b, payload := e.appendNew(b, s, m)
			known.learn(s, m, b[start:payload], e.refs, before, e.atoms.news)
			return b
		}
	}
	b, _ = e.appendNew(b, s, m)
	return b
}

// appendNew is append for what is not remembered. It returns where the payload begins, too.
func (e *encoder) appendNew(b []byte, s *Signal, m *message) (_ []byte, payload int) {
	start := len(b)
	head := e.control(s)
	e.refs = e.refs[:0]
	for _, k := range m.marks {
		e.refs = append(e.refs, int16(e.atoms.refBytes(m.payload[k.text:k.end])))
	}
	b = e.appendWhole(b, head, m.payload != nil)
	payload = len(b)
	return m.appendPayload(b, start, e.refs), payload
}

// appendPayload appends the payload, with these references for its atoms, and fills in the length of the frame that begins at start.
func (m *message) appendPayload(b []byte, start int, refs []int16) []byte {
	from := 0
	for i, k := range m.marks {
		if r := refs[i]; r != noRef {
			b = append(append(b, m.payload[from:k.tag]...), atomCacheRef, byte(r))
			from = k.end
		}
	}
	b = append(b, m.payload[from:]...)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

const atomCacheRef = 82

// payloadFollows tells whether the signal has a payload behind its control tuple.
func (s *Signal) payloadFollows(flags handshake.Flags) bool {
	switch s.Kind {
	case Send, SpawnRequest:
		return true
	case Exit, Down:
		return flags.Has(handshake.ExitPayload)
	case Exit2:
		return flags.Has(handshake.ExitPayload) || s.asAltact(flags)
	}
	return false
}

// reasonInTuple tells whether the signal has its payload in the control tuple, as towards a peer before OTP 22.
func (s *Signal) reasonInTuple(flags handshake.Flags) bool {
	switch s.Kind {
	case Exit, Exit2, Down:
		return !s.payloadFollows(flags)
	}
	return false
}

// understood tells whether the peer knows this kind of signal at all. What it does not know is not sent, as ERTS does it: a
// peer that cannot be monitored (a C node) is not asked to, and the watcher hears only of the connection; without ALIAS it has
// made no alias for us; an exit signal reaches an alias by ALTACT_SIG_SEND only.
func understood(s *Signal, flags handshake.Flags) bool {
	switch s.Kind {
	case Monitor, Demonitor, Down:
		return flags.Has(handshake.DistMonitor | handshake.DistMonitorName)
	case Send:
		return s.ToRef.Len == 0 || flags.Has(handshake.Alias)
	case Exit2:
		return s.ToRef.Len == 0 || flags.Has(handshake.Alias|handshake.AltactSig)
	}
	return true
}

func (e *encoder) signal(b []byte, s *Signal) []byte {
	switch s.Kind {
	case Send:
		return e.send(b, s)
	case Link, Unlink, UnlinkAck:
		return e.link(b, s)
	case Exit, Exit2:
		return e.exit(b, s)
	case Monitor, Demonitor:
		return e.monitor(b, s)
	case Down:
		return e.down(b, s)
	case SpawnRequest:
		return e.spawnRequest(b, s)
	case SpawnReply:
		return e.spawnReply(b, s)
	default: // GroupLeader
		b = appendOp(b, OpGroupLeader, 3)
		b = e.pid(b, s.From)
		return e.pid(b, s.To)
	}
}

func appendOp(b []byte, op Op, arity int) []byte {
	return append(b, 104, byte(arity), 97, byte(op))
}

// The terms with atoms in them, as control tuples have them.

func (e *encoder) atom(b []byte, a etf.Atom) []byte {
	if e.atoms != nil {
		if r := e.atoms.ref(a); r != noRef {
			return append(b, atomCacheRef, byte(r))
		}
	}
	return etf.AppendAtom(b, a)
}

func (e *encoder) pid(b []byte, p etf.Pid) []byte {
	if e.atoms == nil {
		return etf.AppendPid(b, p)
	}
	b = e.atom(append(b, 88), p.Node)
	b = binary.BigEndian.AppendUint32(b, p.ID)
	b = binary.BigEndian.AppendUint32(b, p.Serial)
	return binary.BigEndian.AppendUint32(b, p.Creation)
}

func (e *encoder) ref(b []byte, r etf.Ref) []byte {
	if e.atoms == nil {
		return etf.AppendRef(b, r)
	}
	n := min(max(int(r.Len), 1), len(r.Words))
	b = e.atom(append(b, 90, 0, byte(n)), r.Node)
	b = binary.BigEndian.AppendUint32(b, r.Creation)
	for _, w := range r.Words[:n] {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

func (e *encoder) pidOrName(b []byte, pid etf.Pid, name etf.Atom) []byte {
	if name != "" || pid.Node == "" { // the name '' comes without a pid
		return e.atom(b, name)
	}
	return e.pid(b, pid)
}
