package dist

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// callSignals are what calls send: monitors and their ends, requests, replies to aliases, of few processes; among them other messages, which sometimes
// bring new atoms, some of which take the slots of others.
func callSignals(t testing.TB, n int) []Signal {
	rnd := rand.New(rand.NewPCG(5, 6))
	now := func(n int) bool { return rnd.IntN(n) == 0 }
	var all []Signal
	for i := range n {
		s := Signal{From: etf.Pid{Node: peer, ID: uint32(rnd.IntN(6)), Creation: 1}, ToName: "echo"}
		ref := etf.Ref{Node: peer, Creation: 1, Len: 3, Words: [5]uint32{rnd.Uint32(), rnd.Uint32(), 9}}
		if now(5) {
			ref.Len, ref.Words[4] = 5, rnd.Uint32()
		}
		switch rnd.IntN(20) {
		case 0:
			s.From.ID += 32
		case 1:
			s.From.Creation++
		case 2:
			ref.Creation++
		case 3:
			ref.Node = self
		case 4:
			s.ToName, s.To = "", here
		case 5:
			s.ToName = "" // the name ''
		case 6:
			s.ToName = "other"
		case 7:
			s.Priority = true
		case 8:
			ref.Len = uint8(rnd.IntN(6))
		}
		if s.Kind = Kind([]Kind{Send, Send, Monitor, Demonitor}[rnd.IntN(4)]); s.Kind != Send {
			s.Ref = ref
			s.Priority = false
			all = append(all, s)
			continue
		}
		if now(2) {
			s.ToName, s.To, s.ToRef = "", etf.Pid{}, ref
		}
		var payload etf.Term = etf.Tuple{etf.Improper{Elems: []etf.Term{etf.Atom("alias")}, Tail: yours}, etf.Tuple{etf.Atom("add"), etf.Int(i)}}
		switch {
		case now(10):
			payload = etf.Tuple{etf.Atom(fmt.Sprint("a", rnd.IntN(3))), etf.Int(i)}
		case now(20):
			payload = randomTerm(rnd, 30, 3)
		case now(200):
			payload = etf.Tuple{etf.Atom("add"), etf.Atom(fmt.Sprint("new", i))}
		case now(200):
			payload = etf.Tuple{etf.Atom("add"), etf.Binary(make([]byte, 2*lanePayload))}
		}
		s.Payload = raw(t, payload)
		all = append(all, s)
	}
	return all
}

func TestFrameStarts(t *testing.T) {
	all := callSignals(t, 20000)
	e, other := newEncoder(allFlags), newEncoder(allFlags)
	other.starts.few = math.MinInt // remembers nothing
	e.atoms, other.atoms = newSentAtoms(), newSentAtoms()
	other.atoms.seed = e.atoms.seed
	known := map[Kind]int{}
	var packets [][]byte
	for i := range all {
		s := all[i]
		var m message
		if _, ok, err := m.prepare(&s, e.flags, nil, false); !ok || err != nil {
			t.Fatal(s, err)
		}
		if k := e.starts.find(&s, &m); k != nil && k.fits(&s, &m, e.atoms.news) {
			known[s.Kind]++
		}
		got := e.append(nil, &s, &m)
		want, err := other.frame(nil, &s)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("frame %d, of %+v, is\n%x, want\n%x", i, s, got, want)
		}
		packets = append(packets, got[4:])
	}
	for _, k := range []Kind{Send, Monitor, Demonitor} {
		if known[k] < 500 {
			t.Errorf("only %d frames of the kind %v were known", known[k], k)
		}
	}
	sameAtom := func(a, b heldAtom) bool { return a.atom == b.atom }
	if e.atoms.table != other.atoms.table || !slices.EqualFunc(e.atoms.held, other.atoms.held, sameAtom) || e.atoms.news != other.atoms.news {
		t.Error("the caches are not the same")
	}
	sameSeen(t, packets)
}

// remembered fails if the start of the last packet is not remembered after those before, or if what is cut, changed or extended means
// something else to who does remember it.
func remembered(t *testing.T, packets [][]byte) {
	t.Helper()
	last := packets[len(packets)-1]
	in := probe(packets)
	in.few = fewMessages
	for _, p := range packets[1:] {
		in.packet(p, true)
	}
	if in.repeats.find(last, &in.cache) == nil {
		t.Errorf("not remembered: %x", last)
	}
	then := func(p []byte) { sameSeen(t, append(packets[:len(packets):len(packets)], p)) }
	for n := range len(last) {
		then(last[:n])
		changed := bytes.Clone(last)
		changed[n] ^= 1
		then(changed)
	}
	then(append(bytes.Clone(last), 0))
	then(append(bytes.Clone(last), 0, 0, 0, 0))
}

// A message to an alias is remembered by how it begins, up to the words of the alias, and its payload may be anything.
func TestRepeatedReplies(t *testing.T) {
	for _, flags := range []handshake.Flags{allFlags, allFlags &^ handshake.AltactSig} {
		for _, priority := range []bool{false, true} {
			var packets [][]byte
			e := newEncoder(flags)
			for i := range 6 {
				s := Signal{Kind: Send, From: there, ToRef: mine, Priority: priority, Payload: raw(t, etf.Tuple{etf.Atom("ok"), etf.Int(i)})}
				s.ToRef.Words[0], s.ToRef.Words[2] = uint32(i), 1<<31+uint32(i)
				frame, err := e.frame(nil, &s)
				if err != nil {
					t.Fatal(err)
				}
				packets = append(packets, frame[4:])
			}
			remembered(t, packets)
		}
	}
}

// A monitor is remembered by how it begins. What may follow is the words of its reference, and nothing else; a reference in an older form has words
// that are checked.
func TestRepeatedMonitors(t *testing.T) {
	for _, s := range []Signal{
		{Kind: Monitor, From: there, ToName: "echo", Ref: yours},
		{Kind: Demonitor, From: there, ToName: "echo", Ref: yours},
		{Kind: Monitor, From: there, To: here, Ref: yours},
		{Kind: Demonitor, From: there, To: here, Ref: yours},
		{Kind: Monitor, From: there, To: here, Ref: mine},
	} {
		var packets [][]byte
		e := newEncoder(allFlags)
		for i := range 6 {
			s.Ref.Words[0] = uint32(i)
			frame, err := e.frame(nil, &s)
			if err != nil {
				t.Fatal(err)
			}
			packets = append(packets, frame[4:])
		}
		remembered(t, packets)
	}
	// NEW_REFERENCE_EXT, whose first word has 18 bits.
	known := append([]byte{131, 68, 2, 0x88, 0, 0, byte(len(peer))}, peer...)
	known = append(append(known, 1, byte(len(self))), self...)
	old := []byte{131, 68, 2, 0, 0, 0, 1, 104, 4, 97, 19, 88, 82, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 82, 1, 114, 0, 3, 82, 0, 1}
	good := append(bytes.Clone(old), 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3)
	bad := append(bytes.Clone(old), 255, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3)
	enter := append(known, good[7:]...)
	if _, err := seen([][]byte{enter, good, good}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := seen([][]byte{enter, good, good, good, bad}, true); err == nil {
		t.Error("the first word of an old reference is not checked")
	}
}
