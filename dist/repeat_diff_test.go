package dist

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// seen is what comes out of packets: with what is remembered of those before, or without.
func seen(packets [][]byte, remember bool) (got []string, err error) {
	in := inbound{conn: &Conn{cfg: Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(s *Signal) {
		copied := *s
		copied.Memo = nil
		payload, options := fmt.Sprintf("%x %q", s.Payload.Bytes, s.Payload.Atoms), fmt.Sprintf("%x %q", s.Options.Bytes, s.Options.Atoms)
		copied.Payload, copied.Options = etf.Raw{}, etf.Raw{}
		if s.Memo != nil && s.Memo != any(fmt.Sprint(copied)) {
			payload = fmt.Sprint("memo of another signal: ", s.Memo)
		}
		s.Memo = fmt.Sprint(copied)
		got = append(got, fmt.Sprintf("%+v %s %s", copied, payload, options))
	}}.withDefaults()}, parts: assembler{maxMessage: 1 << 20, maxOpen: 4, maxBytes: 2 << 20, patience: orphanTime}}
	if remember {
		in.repeats = new(repeats)
	} else {
		in.few = math.MinInt
	}
	for i, p := range packets {
		if len(p) == 0 {
			continue
		}
		if err := in.packet(bytes.Clone(p), i%3 == 0); err != nil {
			return got, err
		}
	}
	return got, nil
}

// sameSeen fails if packets mean something else to who remembers how those before began.
func sameSeen(t *testing.T, packets [][]byte) {
	t.Helper()
	want, wantErr := seen(packets, false)
	got, gotErr := seen(packets, true)
	if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		t.Errorf("error %v, want %v", gotErr, wantErr)
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got) || i >= len(want):
			t.Fatalf("%d signals, want %d", len(got), len(want))
		case got[i] != want[i]:
			t.Fatalf("signal %d is\n%s, want\n%s", i, got[i], want[i])
		}
	}
}

// repeatSeeds are packets with all that may begin one: every operation, new atoms and known ones, long ones, and tuples written as no encoder does.
func repeatSeeds(t testing.TB) [][]byte {
	var packets [][]byte
	e := newEncoder(allFlags)
	for range 3 { // the second time the atoms are known
		for _, s := range signals(t) {
			frame, err := e.frame(nil, &s)
			if err != nil {
				t.Fatal(err)
			}
			packets = append(packets, frame[4:])
		}
	}
	pid := func(ref byte) []byte { return []byte{88, 82, ref, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3} }
	enter := append([]byte{131, 68, 2, 0x88, 0, 0, byte(len(peer))}, peer...)
	enter = append(append(enter, 1, byte(len(self))), self...)
	known := []byte{131, 68, 2, 0, 0, 0, 1}
	for _, control := range [][]byte{
		{104, 3, 97, 22},
		{105, 0, 0, 0, 3, 97, 22},
		append([]byte{104, 3, 110, 22, 0, 22}, make([]byte, 21)...),
		append([]byte{104, 3, 110, 22, 0, byte(OpPayloadExit)}, make([]byte, 21)...),
		append([]byte{104, 3, 110, 6, 0, byte(OpPayloadExit)}, make([]byte, 5)...),
	} {
		control = append(append(control, pid(0)...), pid(1)...)
		packets = append(packets, append(append(bytes.Clone(enter), control...), 97, 1))
		packets = append(packets, append(append(bytes.Clone(known), control...), 97, 1))
		packets = append(packets, append(append(bytes.Clone(known), control...), 255, 1))
		packets = append(packets, append(bytes.Clone(known), control...))
	}
	// The same bytes with other atoms in the same slots, of segments 0 and 3; names by reference and in the tuple.
	send := append(append([]byte{104, 3, 97, 22}, pid(0)...), pid(1)...)
	toName := append(append([]byte{104, 4, 97, 6}, pid(0)...), 119, 0, 82, 1)
	inTuple := append(append([]byte{104, 4, 97, 6}, pid(0)...), 119, 0, 119, 1, 'n')
	for _, control := range [][]byte{send, toName, inTuple} {
		for _, segment := range []byte{0, 3} {
			for _, name := range []string{"a", "b", string(self)} {
				b := append([]byte{131, 68, 2, 0x88 | segment | segment<<4, 0, 0, byte(len(name))}, name...)
				packets = append(packets, append(append(append(b, 1, 2, 'c', name[0]), control...), 82, 1))
				b = append([]byte{131, 68, 2, 0x88 | segment | segment<<4, 1, 0, 0, byte(len(name))}, name...) // long
				packets = append(packets, append(append(append(b, 1, 0, 2, 'd', name[0]), control...), 82, 1))
			}
			packets = append(packets, append(append([]byte{131, 68, 2, segment | segment<<4, 0, 0, 1}, control...), 82, 1))
		}
	}
	return packets
}

// A packet is told by its operation, whichever way that is written: an exit is checked each time it comes.
func TestRepeatedExits(t *testing.T) {
	seeds := repeatSeeds(t)
	first := 3 * len(signals(t))
	for i := first; i < first+20; i += 4 {
		enter, good, bad, short := seeds[i], seeds[i+1], seeds[i+2], seeds[i+3]
		for _, last := range [][]byte{good, bad, short} {
			sameSeen(t, [][]byte{enter, good, good, good, good, last, good})
		}
	}
}

// probe is one who has had packets, and does nothing with them.
func probe(packets [][]byte) *inbound {
	in := &inbound{few: math.MinInt, conn: &Conn{cfg: Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}}.withDefaults()},
		parts: assembler{maxMessage: 1 << 20, maxOpen: 4, maxBytes: 2 << 20, patience: orphanTime}}
	for _, p := range packets {
		if len(p) > 0 {
			in.packet(p, true)
		}
	}
	return in
}

// FuzzRepeats feeds packets again and again, and changed ones between them, to one who remembers how they began and to one who does not.
// The script says which, four bytes a step.
func FuzzRepeats(f *testing.F) {
	seeds := repeatSeeds(f)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		script := make([]byte, 4*rnd.IntN(200))
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		pool := make([][]byte, len(seeds))
		copy(pool, seeds)
		var packets [][]byte
		wrong, next := 0, probe(nil)
		// An error ends a connection, and then the rest of the script would prove nothing: what is wrong is tried as the last packet, and left out.
		feed := func(p []byte) bool {
			if len(p) == 0 {
				return false
			}
			if next.packet(bytes.Clone(p), false) == nil {
				packets = append(packets, p)
				return true
			}
			if wrong++; wrong < 4 {
				sameSeen(t, append(packets[:len(packets):len(packets)], p))
			}
			next = probe(packets)
			return false
		}
		for ; len(script) >= 4 && len(packets) < 500; script = script[4:] {
			p, q := pool[int(script[1])%len(pool)], pool[int(script[2])%len(pool)]
			switch script[0] % 8 {
			case 0: // all, in order: so that the atoms are known
				for _, p := range seeds {
					feed(p)
				}
			case 1, 2, 3: // again, and again after another
				for _, p := range [][]byte{p, p, p, q, p} {
					feed(p)
				}
			default:
				switch b := bytes.Clone(p); script[0] % 8 {
				case 4: // one byte is another
					b[int(script[2])%len(b)] = script[3]
					p = b
				case 5: // shorter
					p = b[:min(len(b), int(script[2]))]
				case 6: // longer
					p = append(b, script[2:4]...)
				case 7: // with the end of another
					k := int(script[3])
					p = append(b[:min(len(b), k)], q[min(len(q), k):]...)
				}
				if feed(p) {
					pool = append(pool, p)
				}
			}
		}
		sameSeen(t, packets)
	})
}
