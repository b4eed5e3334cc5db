package dist

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// A lane is the way from one process to one receiver over a connection, as the last messages have left it: the start of their packets, and
// what their atoms became. While the peer's cache stays as it is the next packet is put together from that without the outbox's lock.
type lane struct {
	from, to etf.Pid
	name     etf.Atom

	news  uint64     // of the encoder's atoms, for which the following holds
	tried uint64     // 1 + news when a message did not fit
	start []byte     // packet up to the payload; empty if there is nothing to go by
	atoms []laneAtom // that payloads had, and the start refers to

	skip, backoff uint8 // how many messages not to learn from, because learning has not helped
	marks         []mark
	frame         []byte
}

// laneAtom is an atom as it stands in a term, and its number in the header.
type laneAtom struct {
	text  string
	len   int    // of its name, which is the end of text
	first uint64 // text as a number, if it has up to 8 bytes
	ref   byte
}

// fewMessages is after how many messages a connection takes the memory for what makes many of them cheaper, in either direction.
const fewMessages = 16

const (
	lanes       = 64
	lanePayload = 1 << 10 // the longest that goes through a lane
	laneAtoms   = 32
)

// laneTable holds the lanes that nobody uses. Who uses one leaves takenLane in its place.
type laneTable [lanes]atomic.Pointer[lane]

var takenLane = new(lane)

func lanePlace(from, to *etf.Pid, name etf.Atom) uint32 {
	h := from.ID + 7*to.ID
	if n := len(name); n > 0 {
		h += 7*uint32(name[n-1]) + 3*uint32(n)
	}
	return h % lanes
}

func (l *lane) isOf(from, to *etf.Pid, name etf.Atom) bool {
	return l.from == *from && l.name == name && (name != "" || l.to == *to)
}

// SendAgain is Send for a message like those that have gone before from one process to another, which need not be at the same time: to the
// process to or, if name is not empty, to that name. It never waits. If it reports false nothing is sent, and Send has to do it.
func (c *Conn) SendAgain(from, to *etf.Pid, name etf.Atom, payload []byte) bool {
	if len(payload) > lanePayload || len(payload) == 0 || c.cfg.Trace != nil {
		return false
	}
	table := c.lanes.Load()
	if table == nil {
		return false
	}
	slot := &table[lanePlace(from, to, name)]
	if slot.Load() == nil {
		return false
	}
	l := slot.Swap(takenLane)
	if l == takenLane {
		return false
	}
	sent := l.isOf(from, to, name) && l.put(payload) && c.out.again(l)
	slot.Store(l)
	return sent
}

// put makes the packet of a message, if it can.
func (l *lane) put(payload []byte) bool {
	if len(l.start) == 0 {
		return false
	}
	if need := len(l.start) + len(payload) + 16; cap(l.frame) < need {
		l.frame = make([]byte, 0, 2*need)
	}
	f := append(l.frame[:0], l.start...)
	next := 0 // the atom that comes, if they come as the last time
	from := 0 // of what is not in f yet
	var n, at int
	for left := 1; left > 0; left-- {
		if at+5 > len(payload) { // what is so short is no list or map, and no binary
			if at+2 > len(payload) {
				break // the end, or nil
			}
			if tag := payload[at]; tag != 119 && tag != 97 && tag != 104 && tag != 106 {
				break
			}
		}
		switch payload[at] {
		case 119: // atom
			n = 2 + int(payload[at+1])
			if n > len(payload)-at {
				return false
			}
			atom := payload[at : at+n]
			if next >= len(l.atoms) || !l.atoms[next].is(payload[at:], n) {
				if next = l.find(atom); next < 0 {
					l.start = l.start[:0]
					return false
				}
			}
			f = appendShort(f, payload, from, at)
			f = append(f, atomCacheRef, l.atoms[next].ref)
			next++
			at += n
			from = at
		case 97: // small integer
			at += 2
		case 98: // integer
			at += 5
		case 70: // float
			at += 9
		case 106: // nil
			at++
		case 104: // small tuple
			left += int(payload[at+1])
			at += 2
		case 108: // list and its tail
			left += int(binary.BigEndian.Uint32(payload[at+1:])) + 1
			at += 5
		case 109: // binary
			at += 5 + int(binary.BigEndian.Uint32(payload[at+1:]))
		case 116: // map
			left += 2 * int(binary.BigEndian.Uint32(payload[at+1:]))
			at += 5
		default:
			return l.putSlowly(payload)
		}
		if uint(at) > uint(len(payload)) {
			return false
		}
	}
	l.frame = append(f, payload[from:]...)
	binary.BigEndian.PutUint32(l.frame, uint32(len(l.frame)-4))
	return true
}

// appendShort appends payload[from:to], which is mostly a few bytes.
func appendShort(f, payload []byte, from, to int) []byte {
	if n := to - from; n <= 16 && from+16 <= len(payload) && len(f)+16 <= cap(f) {
		k := len(f)
		*(*[16]byte)(f[k : k+16]) = *(*[16]byte)(payload[from:])
		return f[:k+n]
	}
	return append(f, payload[from:to]...)
}

// putSlowly is put for terms with anything in them.
func (l *lane) putSlowly(payload []byte) bool {
	l.marks = markAtoms(l.marks[:0], payload)
	f := append(l.frame[:0], l.start...)
	from := 0
	for _, k := range l.marks {
		i := l.find(payload[k.tag:k.end])
		if i < 0 {
			l.start = l.start[:0]
			return false
		}
		f = append(append(f, payload[from:k.tag]...), atomCacheRef, l.atoms[i].ref)
		from = k.end
	}
	l.frame = append(f, payload[from:]...)
	binary.BigEndian.PutUint32(l.frame, uint32(len(l.frame)-4))
	return true
}

// is tells whether the atom that begins b is this one; it has n bytes.
func (a *laneAtom) is(b []byte, n int) bool {
	if n <= 8 && len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)&(1<<(8*n)-1) == a.first
	}
	return a.text == string(b[:n])
}

func (l *lane) find(atom []byte) int {
	for i := range l.atoms {
		if l.atoms[i].text == string(atom) {
			return i
		}
	}
	return -1
}

// again appends the packet of a lane to what is pending, if that is still what its message would be, and nothing has to be waited for.
func (o *outbox) again(l *lane) bool {
	o.mu.Lock()
	switch {
	case o.enc.atoms == nil || o.enc.atoms.news != l.news:
		l.start = l.start[:0]
		fallthrough
	case o.closed, o.full(), o.kept > 0, len(o.senders)+len(o.larges) > 0:
		o.mu.Unlock()
		return false
	}
	if o.pending.buf == nil && o.busy {
		o.pending.buf = takeBuffer() // more will come before it is written
	}
	o.pending.buf = append(o.pending.buf, l.frame...)
	o.pending.size += len(l.frame)
	o.size += len(l.frame)
	o.added(false)
	l.backoff = 0
	return true
}

// learn lets a lane know of a message that has been sent in the usual way. It does when the same happens twice without new atoms in between.
func (c *Conn) learn(s *Signal) {
	b := s.Payload.Bytes
	if s.Kind != Send || s.ToRef.Len != 0 || s.ToName == "" && s.To.Node == "" || s.Priority || s.Payload.Atoms != nil || len(b) > lanePayload {
		return
	}
	table := c.lanes.Load()
	if table == nil {
		if c.few.Add(1) < fewMessages {
			return
		}
		c.lanes.CompareAndSwap(nil, new(laneTable))
		table = c.lanes.Load()
	}
	slot := &table[lanePlace(&s.From, &s.To, s.ToName)]
	l := slot.Swap(takenLane)
	switch {
	case l == takenLane:
		return
	case l == nil:
		l = new(lane)
		fallthrough
	case !l.isOf(&s.From, &s.To, s.ToName):
		l.from, l.to, l.name = s.From, s.To, s.ToName
		l.start, l.atoms, l.tried, l.skip, l.backoff = l.start[:0], l.atoms[:0], 0, 0, 0
	}
	switch {
	case len(l.start) > 0: // it was room that it had to wait for
	case l.skip > 0:
		l.skip--
	default:
		l.marks = markAtoms(l.marks[:0], b)
		c.out.learn(l, b)
	}
	slot.Store(l)
}

// learn makes what a lane goes by of what the peer has by now: the header refers to the atoms of this payload, and of those before.
func (o *outbox) learn(l *lane, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.enc.atoms
	if a == nil {
		return
	}
	if l.tried != 1+a.news {
		l.tried = 1 + a.news
		return
	}
	l.backoff = min(2*l.backoff+1, 63)
	l.skip = l.backoff
	before := len(l.atoms)
	for _, k := range l.marks {
		if l.find(payload[k.tag:k.end]) < 0 {
			l.atoms = append(l.atoms, newLaneAtom(payload[k.tag:k.end], k.end-k.text))
		}
	}
	if len(l.atoms) > laneAtoms {
		l.atoms = append(l.atoms[:0], l.atoms[before:]...)
	}
	l.atoms = slices.DeleteFunc(l.atoms, func(known laneAtom) bool { return !a.has(known.name()) })
	s := Signal{Kind: Send, From: l.from, To: l.to, ToName: l.name}
	for _, atom := range []etf.Atom{l.from.Node, "", cmp.Or(l.name, l.to.Node)} {
		if !a.has(string(atom)) && (atom != "" || l.name != "" || !o.enc.flags.Has(handshake.SendSender)) {
			return
		}
	}
	head := o.enc.control(&s) // which makes no new entries
	n := 0
	for _, known := range l.atoms {
		if r := a.refBytes([]byte(known.name())); r != noRef {
			known.ref = byte(r)
			l.atoms[n] = known
			n++
		}
	}
	l.atoms = l.atoms[:n]
	l.start = o.enc.appendWhole(l.start[:0], head, true)
	l.news = a.news
}

func newLaneAtom(text []byte, n int) laneAtom {
	a := laneAtom{text: string(text), len: n}
	if len(text) <= 8 {
		var b [8]byte
		copy(b[:], text)
		a.first = binary.LittleEndian.Uint64(b[:])
	}
	return a
}

func (a *laneAtom) name() string { return a.text[len(a.text)-a.len:] }
