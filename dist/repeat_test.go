package dist

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestRepeats lets messages of many senders to many receivers come in any order, with new atoms between them that take the slots of others: what
// is remembered of packets must say the same as reading them.
func TestRepeats(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	e := newEncoder(allFlags)
	e.atoms = newSentAtoms()
	var packets [][]byte
	var want []string
	for i := range 3000 {
		s := &Signal{Kind: Send, From: etf.Pid{Node: self, ID: uint32(rnd.IntN(20)), Creation: 1}}
		if rnd.IntN(2) == 0 {
			s.To = etf.Pid{Node: peer, ID: uint32(rnd.IntN(3)), Creation: 2}
		} else {
			s.ToName = etf.Atom(fmt.Sprint("name", rnd.IntN(3)))
		}
		atom := etf.Atom(fmt.Sprint("a", rnd.IntN(3)))
		if rnd.IntN(50) == 0 {
			atom = etf.Atom(fmt.Sprint("new", i))
		}
		b, err := etf.Append(nil, etf.Tuple{atom, etf.Int(i)})
		if err != nil {
			t.Fatal(err)
		}
		s.Payload = etf.Raw{Bytes: b}
		frame, err := e.frame(nil, s)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, frame[4:])
		want = append(want, fmt.Sprint(s.From, s.To, s.ToName, s.Payload))
	}
	memos, i := 0, 0
	in := inbound{conn: &Conn{cfg: Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(s *Signal) {
		if got := fmt.Sprint(s.From, s.To, s.ToName, s.Payload); got != want[i] {
			t.Fatalf("message %d is %s, want %s", i, got, want[i])
		}
		if of, ok := s.Memo.(etf.Pid); ok {
			memos++
			if of != s.From {
				t.Fatalf("message %d of %v has the memo of one of %v", i, s.From, of)
			}
		}
		s.Memo = s.From
		i++
	}}.withDefaults()}}
	for _, b := range packets {
		if err := in.packet(b, false); err != nil {
			t.Fatal(err)
		}
	}
	if i != len(want) || memos == 0 {
		t.Errorf("%d messages of %d came, %d of them remembered", i, len(want), memos)
	}
}
