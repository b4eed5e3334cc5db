package dist

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// monitorSignals are monitors and their ends, of few processes among messages that sometimes bring new atoms, some of which take the slots of others.
func monitorSignals(t testing.TB, n int) []Signal {
	rnd := rand.New(rand.NewPCG(5, 6))
	var all []Signal
	for i := range n {
		s := Signal{Kind: Monitor, From: etf.Pid{Node: peer, ID: uint32(rnd.IntN(8)) * uint32(1+31*(rnd.IntN(10)/9)), Creation: 1 + uint32(rnd.IntN(20)/19)}}
		if rnd.IntN(2) == 0 {
			s.Kind = Demonitor
		}
		s.Ref = etf.Ref{Node: peer, Creation: 1 + uint32(rnd.IntN(20)/19), Len: uint8(3 + 2*(rnd.IntN(4)/3)), Words: [5]uint32{rnd.Uint32(), rnd.Uint32(), 9}}
		if s.Ref.Len == 5 {
			s.Ref.Words[4] = rnd.Uint32()
		}
		switch rnd.IntN(32) {
		case 0, 1:
			s.To = etf.Pid{Node: self, ID: uint32(rnd.IntN(2)), Creation: 2}
		case 2:
			s.Ref.Node = self
			s.ToName = "echo"
		case 3: // the name ''
		default:
			s.ToName = etf.Atom(fmt.Sprint("name", rnd.IntN(20)/19))
		}
		if rnd.IntN(100) == 0 {
			s = Signal{Kind: Send, From: there, To: here, Payload: raw(t, etf.Atom(fmt.Sprint("new", i)))}
		}
		all = append(all, s)
	}
	return all
}

func TestMonitorFrames(t *testing.T) {
	all := monitorSignals(t, 5000)
	e, other := newEncoder(allFlags), newEncoder(allFlags)
	other.monitors.few = math.MinInt // remembers nothing
	e.atoms, other.atoms = newSentAtoms(), newSentAtoms()
	other.atoms.seed = e.atoms.seed
	known := 0
	var packets [][]byte
	for i := range all {
		s := all[i]
		got, err := e.frame(nil, &s)
		if err != nil {
			t.Fatal(err)
		}
		want, err := other.frame(nil, &s)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("frame %d, of %+v, is\n%x, want\n%x", i, s, got, want)
		}
		if m := e.monitors.find(&s); m != nil && len(m.frame) > 0 && m.isOf(&s) {
			known++
		}
		packets = append(packets, got[4:])
	}
	if known < len(all)/8 {
		t.Errorf("only %d of %d frames were known", known, len(all))
	}
	sameSeen(t, packets)
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
		last := packets[5]
		in := probe(packets)
		in.few = fewMessages
		for _, p := range packets[1:] {
			in.packet(p, true)
		}
		if in.repeats.find(last, &in.cache) == nil {
			t.Errorf("%v %+v is not remembered", s.Kind, s)
		}
		for n := range len(last) {
			sameSeen(t, append(packets[:len(packets):len(packets)], last[:n]))
			changed := bytes.Clone(last)
			changed[n] ^= 1
			sameSeen(t, append(packets[:len(packets):len(packets)], changed))
		}
		sameSeen(t, append(packets[:len(packets):len(packets)], append(bytes.Clone(last), 0)))
		sameSeen(t, append(packets[:len(packets):len(packets)], append(bytes.Clone(last), 0, 0, 0, 0)))
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
