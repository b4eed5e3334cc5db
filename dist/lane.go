package dist

import (
	"cmp"
	"encoding/binary"
	"sync/atomic"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// A lane is the way from one process to one receiver over a connection, as the last messages have left it: the start of their packets, and
// what their atoms became. While the peer's cache stays as it is the next packet is put together from that without the outbox's lock.
type lane struct {
	from, to etf.Pid
	name     etf.Atom

	news  uint64       // of the encoder's atoms, for which the following holds
	tried uint64       // 1 + news when a message did not fit
	start []byte       // packet up to the payload; empty if there is nothing to go by
	atoms etf.AtomRefs // that payloads had, and the start refers to

	skip, backoff uint8 // how many messages not to learn from, because learning has not helped
	marks         []mark
	frame         []byte
}

// fewMessages is after how many messages a connection takes the memory for what makes many of them cheaper, in either direction.
const fewMessages = 16

const (
	lanes       = 64
	lanePayload = 1 << 10 // the longest that goes through a lane
	laneAtoms   = 32
	mostSkipped = 63
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
// process to or, if name is not empty, to that name. Its payload is what encode appends to b, with references to refs in the places of
// atoms (etf.AtomRefs.Append, once or more often); encode reports whether that was possible. It may be called without anything being sent.
// SendAgain never waits. If it reports false nothing is sent, and Send has to do it.
func (c *Conn) SendAgain(from, to *etf.Pid, name etf.Atom, encode func(b []byte, refs *etf.AtomRefs) (payload []byte, ok bool)) bool {
	table := c.lanes.Load()
	if table == nil || c.cfg.Trace != nil {
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
	defer slot.Store(l) // encode is somebody else's: it may panic
	return l.isOf(from, to, name) && l.put(encode) && c.out.again(l)
}

// put makes the packet of a message, if it can.
func (l *lane) put(encode func([]byte, *etf.AtomRefs) ([]byte, bool)) bool {
	if len(l.start) == 0 {
		return false
	}
	f, ok := encode(append(l.frame[:0], l.start...), &l.atoms)
	if !ok {
		l.start = l.start[:0]
		return false
	}
	if n := len(f) - len(l.start); n == 0 || n > lanePayload {
		l.start = l.start[:0]
		l.skip, l.backoff = mostSkipped, mostSkipped // it was in vain, and more than a few bytes
		return false
	}
	l.frame = f
	binary.BigEndian.PutUint32(f, uint32(len(f)-4))
	return true
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
		l.start, l.tried, l.skip, l.backoff = l.start[:0], 0, 0, 0
		l.atoms.Drop(l.atoms.Len())
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
	l.backoff = min(2*l.backoff+1, mostSkipped)
	l.skip = l.backoff
	before := l.atoms.Len()
	for _, k := range l.marks {
		if name := etf.Atom(payload[k.text:k.end]); !l.atoms.Has(name) {
			l.atoms.Add(name)
		}
	}
	if l.atoms.Len() > laneAtoms {
		l.atoms.Drop(before)
	}
	l.atoms.Update(func(known etf.Atom) (byte, bool) { return 0, a.has(string(known)) })
	s := Signal{Kind: Send, From: l.from, To: l.to, ToName: l.name}
	for _, atom := range []etf.Atom{l.from.Node, "", cmp.Or(l.name, l.to.Node)} {
		if !a.has(string(atom)) && (atom != "" || l.name != "" || !o.enc.flags.Has(handshake.SendSender)) {
			return
		}
	}
	head := o.enc.control(&s) // which makes no new entries
	l.atoms.Update(func(known etf.Atom) (byte, bool) {
		r := a.refBytes([]byte(known))
		return byte(r), r != noRef
	})
	l.start = o.enc.appendWhole(l.start[:0], head, true)
	l.news = a.news
}
