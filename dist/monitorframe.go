package dist

import (
	"encoding/binary"

	"github.com/erlnode/erlnode/etf"
)

// monitorFrames remembers the frames of monitors and of their ends: a process that calls the same server again and again sends the same
// bytes each time, but for the words of the reference, which are the last. They hold as long as the peer's atom cache stays as it is.
type monitorFrames struct {
	few    int // monitors before there is a table
	places *[64]*monitorFrame
}

// monitorFrame is a frame, or what was sent last in its place.
type monitorFrame struct {
	kind     Kind
	from, to etf.Pid
	name     etf.Atom
	node     etf.Atom // of the reference
	creation uint32

	news  uint64 // of the encoder's atoms, for which frame holds
	frame []byte // empty if there is none
}

const (
	monitorWords = 3 // of the references that this node makes
	wordsLength  = 4 * monitorWords
)

// find returns where the frame of a signal is remembered, nil if it is not going to be.
func (f *monitorFrames) find(s *Signal) *monitorFrame {
	if s.Kind != Monitor && s.Kind != Demonitor || s.Ref.Len != monitorWords {
		return nil
	}
	if f.places == nil {
		if f.few++; f.few < fewMessages {
			return nil
		}
		f.places = new([64]*monitorFrame)
	}
	place := s.From.ID << 1 & 63
	if s.Kind == Demonitor {
		place++
	}
	if f.places[place] == nil {
		f.places[place] = new(monitorFrame)
	}
	return f.places[place]
}

func (m *monitorFrame) isOf(s *Signal) bool {
	return m.kind == s.Kind && m.name == s.ToName && m.creation == s.Ref.Creation && m.from == s.From && m.to == s.To && m.node == s.Ref.Node
}

// append appends the frame with the words of another reference.
func (m *monitorFrame) append(b []byte, ref *etf.Ref) []byte {
	b = append(b, m.frame...)
	words := b[len(b)-wordsLength:]
	for i, w := range ref.Words[:monitorWords] {
		binary.BigEndian.PutUint32(words[4*i:], w)
	}
	return b
}

// learn notes the frame of a signal, when the same comes for the second time and has entered no new atoms.
func (m *monitorFrame) learn(s *Signal, frame []byte, before, news uint64) {
	if !m.isOf(s) {
		m.kind, m.from, m.to, m.name, m.node, m.creation = s.Kind, s.From, s.To, s.ToName, s.Ref.Node, s.Ref.Creation
		m.frame = m.frame[:0]
		return
	}
	m.frame = m.frame[:0]
	if before == news {
		m.frame, m.news = append(m.frame, frame...), news
	}
}
