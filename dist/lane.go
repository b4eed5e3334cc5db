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
	kind     laneKind
	from, to etf.Pid
	name     etf.Atom
	ref      etf.Ref // of replies the alias that they go to, of requests the one that they come with: all but its words

	news  uint64       // of the encoder's atoms, for which the following holds
	tried uint64       // 1 + news when a message did not fit
	start []byte       // packet up to the payload; empty if there is nothing to go by
	atoms etf.AtomRefs // that payloads had, and the start refers to

	// Of requests the whole packets of the monitor and of its end. They end with the words of the reference, as does start of replies.
	monitor, demonitor []byte

	skip, backoff uint8 // how many messages not to learn from, because learning has not helped
	marks         []mark
	frame         []byte
}

// laneKind is what goes through a lane.
type laneKind uint8

const (
	sends    laneKind = iota
	requests          // a monitor with a message, and later its end
	replies           // to aliases
)

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

// laneKey is what a lane is for. A ref has any words.
type laneKey struct {
	kind     laneKind
	from, to *etf.Pid
	name     etf.Atom // instead of to, if it is not empty
	ref      *etf.Ref
}

func (k *laneKey) place() uint32 {
	h := k.from.ID + 7*k.to.ID + 31*uint32(k.kind)
	if n := len(k.name); n > 0 {
		h += 7*uint32(k.name[n-1]) + 3*uint32(n)
	}
	return h
}

func (l *lane) isFor(k *laneKey) bool {
	return l.kind == k.kind && l.from == *k.from && l.name == k.name && (k.name != "" || l.to == *k.to) &&
		(k.ref == nil || l.ref.Len == k.ref.Len && l.ref.Creation == k.ref.Creation && l.ref.Node == k.ref.Node)
}

// lane takes the lane for a key out of its slot, if there is one that nobody has. Who has got it puts it back.
func (c *Conn) lane(k *laneKey) (slot *atomic.Pointer[lane], l *lane) {
	table := c.lanes.Load()
	if table == nil || c.cfg.Trace != nil {
		return nil, nil
	}
	if slot, l = table.take(k); l == nil {
		return nil, nil
	}
	if l.isFor(k) && len(l.start) > 0 {
		return slot, l
	}
	slot.Store(l)
	return nil, nil
}

// besides is how many goroutines may use lanes for one key at once: all that are no processes call as one.
const besides = 4

// take takes what is in a key's slot or, if somebody has that, in the next one; nil is that there is nothing, or that all are taken.
func (t *laneTable) take(k *laneKey) (slot *atomic.Pointer[lane], l *lane) {
	place := k.place()
	for range besides {
		slot = &t[place%lanes]
		switch l = slot.Load(); l {
		case nil:
			return slot, nil
		case takenLane:
		default:
			if l = slot.Swap(takenLane); l != takenLane {
				return slot, l
			}
		}
		place++
	}
	return nil, nil
}

// A PayloadFunc makes the payload of a message, with references to refs in the places of atoms (etf.AtomRefs.Append or Replace), and
// reports whether that was possible. Begin has been called. It may append to b, which is empty; what it returns is copied if it is in
// other memory than that.
type PayloadFunc = func(b []byte, refs *etf.AtomRefs) (payload []byte, ok bool)

// SendAgain is Send for a message like those that have gone before from one process to another, which need not be at the same time: to the
// process to or, if name is not empty, to that name. It never waits. If it reports false nothing is sent, and Send has to do it; the
// payload may have been asked for then, too.
func (c *Conn) SendAgain(from, to *etf.Pid, name etf.Atom, payload PayloadFunc) bool {
	return c.again(&laneKey{kind: sends, from: from, to: to, name: name}, payload)
}

// RequestAgain is SendAgain for a Monitor with a reference and a Send, both to the same process or name.
func (c *Conn) RequestAgain(from, to *etf.Pid, name etf.Atom, ref *etf.Ref, payload PayloadFunc) bool {
	return c.again(&laneKey{requests, from, to, name, ref}, payload)
}

// ReplyAgain is SendAgain to an alias.
func (c *Conn) ReplyAgain(from *etf.Pid, alias *etf.Ref, payload PayloadFunc) bool {
	return c.again(&laneKey{kind: replies, from: from, to: &etf.Pid{}, ref: alias}, payload)
}

func (c *Conn) again(k *laneKey, payload PayloadFunc) bool {
	slot, l := c.lane(k)
	if l == nil {
		return false
	}
	defer slot.Store(l) // payload is somebody else's: it may panic
	return l.put(k.ref, payload) && c.out.again(l, false)
}

// DemonitorAgain is PostLater for the end of a monitor of RequestAgain. If it reports false PostLater has to do it.
func (c *Conn) DemonitorAgain(from, to *etf.Pid, name etf.Atom, ref *etf.Ref) bool {
	slot, l := c.lane(&laneKey{requests, from, to, name, ref})
	if l == nil {
		return false
	}
	l.frame = append(l.frame[:0], l.demonitor...)
	putWords(l.frame, ref)
	sent := c.out.again(l, true)
	slot.Store(l)
	return sent
}

// put makes the packets of a message, if it can.
func (l *lane) put(ref *etf.Ref, payload PayloadFunc) bool {
	f := l.frame[:0]
	if l.kind == requests {
		f = append(f, l.monitor...)
		putWords(f, ref)
	}
	start := len(f)
	f = append(f, l.start...)
	if l.kind == replies {
		putWords(f, ref)
	}
	l.atoms.Begin()
	p, ok := payload(f[len(f):], &l.atoms)
	if !ok {
		l.start = l.start[:0]
		return false
	}
	if len(p) == 0 || len(p) > lanePayload {
		l.start = l.start[:0]
		l.skip, l.backoff = mostSkipped, mostSkipped // it was in vain, and more than a few bytes
		return false
	}
	if len(p) <= cap(f)-len(f) && &p[0] == &f[:len(f)+1][len(f)] {
		f = f[:len(f)+len(p)]
	} else { // it did not fit, or is somebody else's memory
		f = append(f, p...)
	}
	l.frame = f
	binary.BigEndian.PutUint32(f[start:], uint32(len(f)-start-4))
	return true
}

// putWords puts the words of a reference where they stand, at the end of b.
func putWords(b []byte, ref *etf.Ref) {
	n := int(ref.Len)
	b = b[len(b)-4*n:]
	for i, w := range ref.Words[:n] {
		binary.BigEndian.PutUint32(b[4*i:], w)
	}
}

// again appends the packets of a lane to what is pending, if that is still what its message would be, and nothing has to be waited for.
func (o *outbox) again(l *lane, later bool) bool {
	o.mu.Lock()
	switch {
	case o.enc.atoms == nil || o.enc.atoms.news != l.news:
		l.start = l.start[:0]
		fallthrough
	case o.closed, o.full(), o.kept > 0, len(o.senders)+len(o.larges) > 0, later && o.size > o.limit:
		o.mu.Unlock()
		return false
	}
	if o.pending.buf == nil && o.busy {
		o.pending.buf = takeBuffer() // more will come before it is written
	}
	o.pending.buf = append(o.pending.buf, l.frame...)
	o.pending.size += len(l.frame)
	o.size += len(l.frame)
	l.backoff = 0
	if later && !o.busy {
		o.addedLater()
	} else {
		o.added(false)
	}
	return true
}

// laneKeyOf says for which lane signals are that have been sent together, if there is one for such.
func laneKeyOf(signals []*Signal) (k laneKey, message *Signal, ok bool) {
	switch s := signals[0]; {
	case len(signals) == 1 && s.Kind == Send && s.ToRef.Len == 0:
		k, message = laneKey{sends, &s.From, &s.To, s.ToName, nil}, s
	case len(signals) == 1 && s.Kind == Send && int(s.ToRef.Len) <= len(s.ToRef.Words):
		k, message = laneKey{replies, &s.From, &etf.Pid{}, "", &s.ToRef}, s
	case len(signals) == 2 && s.Kind == Monitor && signals[1].Kind == Send && signals[1].ToRef.Len == 0:
		message = signals[1]
		if s.Ref.Len == 0 || int(s.Ref.Len) > len(s.Ref.Words) || s.From != message.From || s.To != message.To || s.ToName != message.ToName {
			return k, nil, false
		}
		k = laneKey{requests, &s.From, &s.To, s.ToName, &s.Ref}
	default:
		return k, nil, false
	}
	if k.kind != replies && k.name == "" && k.to.Node == "" || message.Priority || message.Payload.Atoms != nil ||
		len(message.Parts) > 0 || len(message.Payload.Bytes) > lanePayload {
		return k, nil, false
	}
	return k, message, true
}

// learn lets a lane know of a message that has been sent in the usual way. It does when the same happens twice without new atoms in between.
func (c *Conn) learn(signals []*Signal) {
	k, message, ok := laneKeyOf(signals)
	if !ok {
		return
	}
	table := c.lanes.Load()
	if table == nil {
		if c.few.Add(1) < fewMessages {
			return
		}
		table = new(laneTable)
		if !c.lanes.CompareAndSwap(nil, table) {
			return // somebody else has made one; the next message finds it
		}
		select {
		case <-c.closed:
			c.lanes.Store(nil) // Run may have ended before
			return
		default:
		}
	}
	slot, l := table.take(&k)
	switch {
	case slot == nil:
		return
	case l == nil:
		if !slot.CompareAndSwap(nil, takenLane) {
			return
		}
		l = new(lane)
		fallthrough
	case !l.isFor(&k):
		l.kind, l.from, l.to, l.name = k.kind, *k.from, *k.to, k.name
		if k.ref != nil {
			l.ref = *k.ref
		}
		l.start, l.tried, l.skip, l.backoff = l.start[:0], 0, 0, 0
		l.atoms.Drop(l.atoms.Len())
	}
	switch {
	case len(l.start) > 0: // it was room that it had to wait for
	case l.skip > 0:
		l.skip--
	default:
		l.marks = markAtoms(l.marks[:0], message.Payload.Bytes)
		c.out.learn(l, message.Payload.Bytes)
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
	message := Signal{Kind: Send, From: l.from, To: l.to, ToName: l.name}
	needed := []etf.Atom{l.from.Node}
	if l.kind == replies {
		if message.ToRef = l.ref; !understood(&message, o.enc.flags) {
			return
		}
	} else {
		needed = append(needed, cmp.Or(l.name, l.to.Node))
		if l.name != "" || !o.enc.flags.Has(handshake.SendSender) {
			needed = append(needed, "")
		}
	}
	if l.kind != sends {
		needed = append(needed, l.ref.Node)
	}
	for _, atom := range needed {
		if !a.has(string(atom)) {
			return
		}
	}
	// From here on no new entries are made: the peer would not hear of them.
	if l.kind == requests {
		s := Signal{Kind: Monitor, From: l.from, To: l.to, ToName: l.name, Ref: l.ref}
		if !understood(&s, o.enc.flags) {
			return
		}
		l.monitor = o.enc.appendAlone(l.monitor[:0], &s)
		s.Kind = Demonitor
		l.demonitor = o.enc.appendAlone(l.demonitor[:0], &s)
	}
	head := o.enc.control(&message)
	l.atoms.Update(func(known etf.Atom) (byte, bool) {
		r := a.refBytes([]byte(known))
		return byte(r), r != noRef
	})
	l.start = o.enc.appendWhole(l.start[:0], head, true)
	l.news = a.news
}

// appendAlone appends the packet of a signal that has no payload.
func (e *encoder) appendAlone(b []byte, s *Signal) []byte {
	start := len(b)
	b = e.appendWhole(b, e.control(s), false)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}
