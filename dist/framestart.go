package dist

import (
	"encoding/binary"

	"github.com/erlnode/erlnode/etf"
)

// frameStarts remembers how frames began: those of monitors, of their ends, and of messages. Who calls the same server again and again, and the
// server that replies, send the same bytes each time up to the payload, but for the words of a reference, which are the last before it; and
// mostly the same atoms in the payload. That holds as long as the peer's atom cache stays as it is.
type frameStarts struct {
	few    int // signals before there is a table
	places *[startPlaces]*frameStart
}

const (
	startPlaces = 128
	startAtoms  = 32 // in a payload of which it is remembered
)

// frameStart is the start of a frame, or what was sent last in its place.
type frameStart struct {
	kind     Kind
	words    uint8 // of the reference
	priority bool
	from, to etf.Pid
	name     etf.Atom
	node     etf.Atom // of the reference
	creation uint32

	news  uint64 // of the encoder's atoms, for which the following holds
	start []byte // up to the payload; empty if there is nothing to go by
	texts []byte // of the payload's atoms, one behind the other
	ends  []int  // where each of them ends there
	refs  []int16

	skip, backoff uint8 // how many frames not to learn from, because learning has not helped
}

// find returns where the start of a signal's frame is remembered, nil if it is not going to be.
func (f *frameStarts) find(s *Signal, m *message) *frameStart {
	place := s.From.ID << 2
	switch s.Kind {
	case Send:
		if len(m.payload) > lanePayload || len(m.marks) > startAtoms {
			return nil
		}
		if s.ToRef.Len != 0 {
			place++
		}
	case Monitor, Demonitor:
		if s.Ref.Len == 0 {
			return nil
		}
		if place += 2; s.Kind == Demonitor {
			place++
		}
	default:
		return nil
	}
	if int(s.lastRef().Len) > len(s.Ref.Words) {
		return nil
	}
	if f.places == nil {
		if f.few++; f.few < fewMessages {
			return nil
		}
		f.places = new([startPlaces]*frameStart)
	}
	at := &f.places[place%startPlaces]
	if *at == nil {
		*at = new(frameStart)
	}
	return *at
}

// lastRef is the reference at the end of the control tuple, of no words if there is none.
func (s *Signal) lastRef() *etf.Ref {
	if s.Kind == Send {
		return &s.ToRef
	}
	return &s.Ref
}

func (k *frameStart) isOf(s *Signal) bool {
	ref := s.lastRef()
	return k.kind == s.Kind && k.name == s.ToName && k.words == ref.Len && k.creation == ref.Creation && k.priority == s.Priority &&
		k.from == s.From && k.to == s.To && k.node == ref.Node
}

// fits tells whether a frame is made of what is known.
func (k *frameStart) fits(s *Signal, m *message, news uint64) bool {
	if len(k.start) == 0 || k.news != news || len(k.ends) != len(m.marks) || !k.isOf(s) {
		return false
	}
	from := 0
	for i, end := range k.ends {
		if string(m.payload[m.marks[i].text:m.marks[i].end]) != string(k.texts[from:end]) {
			return false
		}
		from = end
	}
	return true
}

// append appends the frame.
func (k *frameStart) append(b []byte, s *Signal, m *message) []byte {
	start := len(b)
	b = append(b, k.start...)
	words := b[len(b)-4*int(k.words):]
	for i, w := range s.lastRef().Words[:k.words] {
		binary.BigEndian.PutUint32(words[4*i:], w)
	}
	k.backoff = 0
	return m.appendPayload(b, start, k.refs)
}

// learn notes how a frame began that has entered no new atoms, when another one of the same signal has come before.
func (k *frameStart) learn(s *Signal, m *message, start []byte, refs []int16, before, news uint64) {
	if !k.isOf(s) {
		ref := s.lastRef()
		k.kind, k.words, k.priority, k.from, k.to, k.name, k.node, k.creation = s.Kind, ref.Len, s.Priority, s.From, s.To, s.ToName, ref.Node, ref.Creation
		k.start, k.skip, k.backoff = k.start[:0], 0, 0
		return
	}
	if k.skip > 0 {
		k.skip--
		return
	}
	k.start = k.start[:0]
	if before != news {
		return
	}
	k.backoff = min(2*k.backoff+1, 63)
	k.skip = k.backoff
	k.start, k.news = append(k.start, start...), news
	k.texts, k.ends, k.refs = k.texts[:0], k.ends[:0], append(k.refs[:0], refs...)
	for _, a := range m.marks {
		k.texts = append(k.texts, m.payload[a.text:a.end]...)
		k.ends = append(k.ends, len(k.texts))
	}
}
