package dist

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/google/go-cmp/cmp"
)

// newEntry and oldEntry describe the references of a header.
type ref struct {
	slot int
	atom string
	old  bool
}

// header writes a distribution header as a sender would, with short or long lengths.
func header(long bool, refs ...ref) []byte {
	b := []byte{byte(len(refs))}
	if len(refs) == 0 {
		return b
	}
	flags := make([]byte, len(refs)/2+1)
	set := func(i int, nibble byte) { flags[i/2] |= nibble << (4 * (i & 1)) }
	for i, r := range refs {
		nibble := byte(r.slot >> 8)
		if !r.old {
			nibble |= 8
		}
		set(i, nibble)
	}
	if long {
		set(len(refs), 1)
	}
	b = append(b, flags...)
	for _, r := range refs {
		b = append(b, byte(r.slot))
		if r.old {
			continue
		}
		if long {
			b = append(b, byte(len(r.atom)>>8))
		}
		b = append(append(b, byte(len(r.atom))), r.atom...)
	}
	return b
}

func TestAtomCache(t *testing.T) {
	long := strings.Repeat("é", 255)
	var c atomCache
	var many []ref
	for i := range 255 {
		many = append(many, ref{slot: 2047 - i, atom: fmt.Sprint("a", i)})
	}
	steps := []struct {
		name string
		b    []byte
		want []etf.Atom
	}{
		{"none", header(false), nil},
		{"odd number, new", header(false, ref{slot: 0, atom: "a"}), []etf.Atom{"a"}},
		{"even number, one old", header(false, ref{slot: 0, old: true}, ref{slot: 0x7ff, atom: "b"}), []etf.Atom{"a", "b"}},
		{"repeated", header(false, ref{slot: 0, old: true}, ref{slot: 0x7ff, old: true}), []etf.Atom{"a", "b"}},
		{"repeated again", header(false, ref{slot: 0, old: true}, ref{slot: 0x7ff, old: true}), []etf.Atom{"a", "b"}},
		{"slot overwritten", header(false, ref{slot: 0, atom: "c"}), []etf.Atom{"c"}},
		{"after the overwriting", header(false, ref{slot: 0, old: true}, ref{slot: 0x7ff, old: true}), []etf.Atom{"c", "b"}},
		{"long, odd", header(true, ref{slot: 5, atom: long}), []etf.Atom{etf.Atom(long)}},
		{"long, even", header(true, ref{slot: 5, old: true}, ref{slot: 6, atom: ""}), []etf.Atom{etf.Atom(long), ""}},
		{"full", header(false, many...), func() (a []etf.Atom) {
			for _, r := range many {
				a = append(a, etf.Atom(r.atom))
			}
			return a
		}()},
	}
	for _, s := range steps {
		n, got, err := c.read(append(s.b, "behind"...))
		if err != nil || n != len(s.b) {
			t.Fatalf("%s: length %d of %d, %v", s.name, n, len(s.b), err)
		}
		if d := cmp.Diff(s.want, got); d != "" {
			t.Errorf("%s: %s", s.name, d)
		}
	}
	// Every proper beginning of a header is an error, not a panic.
	b := header(true, ref{slot: 5, atom: long}, ref{slot: 6, atom: "x"})
	for i := range b {
		if _, _, err := new(atomCache).read(b[:i]); err == nil {
			t.Errorf("%d of %d bytes were enough", i, len(b))
		}
	}
	for name, b := range map[string][]byte{
		"empty slot":         header(false, ref{slot: 77, old: true}),
		"empty segment":      header(false, ref{slot: 0x377, old: true}),
		"not UTF-8":          header(false, ref{slot: 1, atom: "\xff"}),
		"256 characters":     header(true, ref{slot: 1, atom: strings.Repeat("x", 256)}),
		"longer than it is":  append(header(true, ref{slot: 1})[:3], 1, 0xff, 0xff, 'x'),
		"shorter than flags": {255, 0},
	} {
		if _, _, err := new(atomCache).read(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestReadPacketErrors(t *testing.T) {
	for _, tt := range []struct {
		b         []byte
		fragments bool
		want      string
	}{
		{[]byte{131}, true, "middle"},
		{[]byte{112, 131, 104}, true, "no version byte"},
		{[]byte{131, 71, 0}, true, "unknown kind 71"},
		{[]byte{131, 104, 3}, true, "unknown kind 104"},
		{append([]byte{131, 69}, make([]byte, 17)...), false, "not negotiated"},
		{append([]byte{131, 69}, make([]byte, 15)...), true, "middle"},
		{append([]byte{131, 69}, make([]byte, 17)...), true, "number 0"},
	} {
		if _, err := readPacket(tt.b, true, tt.fragments, new(atomCache)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("% x: %v, want %q", tt.b, err, tt.want)
		}
	}
}

// fragment cuts control and payload as ERTS does: the control tuple and the atoms in the first part.
func fragment(seq uint64, head, control, payload []byte, sizes ...int) (packets [][]byte) {
	word := func(u uint64) []byte {
		return []byte{byte(u >> 56), byte(u >> 48), byte(u >> 40), byte(u >> 32), byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)}
	}
	for i, size := range sizes {
		kind := byte(nextPart)
		if i == 0 {
			kind = firstPart
		}
		b := append([]byte{131, kind}, word(seq)...)
		b = append(b, word(uint64(len(sizes)-i))...)
		if i == 0 {
			b = append(append(b, head...), control...)
		}
		if i == len(sizes)-1 {
			size = len(payload)
		}
		packets = append(packets, append(b, payload[:size]...))
		payload = payload[size:]
	}
	return packets
}

// Two fragmented messages and a whole one, interleaved; the atoms of each are those of its own first part.
func TestFragmentsInterleaved(t *testing.T) {
	control := append([]byte{104, 3, 97, 22}, etf.AppendPid(etf.AppendPid(nil, there), here)...)
	payload := func(last byte) []byte { // {cached, <<…>>}
		b := append([]byte{104, 2, 82, 0}, etf.AppendBinary(nil, bytes.Repeat([]byte{last}, 1000))...)
		return b
	}
	one := fragment(7, header(false, ref{slot: 1, atom: "one"}), control, payload(1), 0, 1, 500, 0)
	two := fragment(8, header(false, ref{slot: 1, atom: "two"}), control, payload(2), 300, 0)
	whole := append(append([]byte{131, 68}, header(false, ref{slot: 1, old: true})...), append(control, 104, 1, 82, 0)...)
	single := fragment(9, header(false, ref{slot: 1, atom: "single"}), control, []byte{82, 0}, 0)
	got, err := receive(allFlags, one[0], two[0], one[1], whole, one[2], two[1], single[0], one[3])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got {
		term, err := s.Payload.Term()
		if err != nil {
			t.Fatal(err)
		}
		if tuple, ok := term.(etf.Tuple); ok {
			names = append(names, fmt.Sprintf("%v %d", tuple[0], len(tuple)))
		} else {
			names = append(names, term.String())
		}
	}
	if d := cmp.Diff([]string{"two 1", "two 2", "single", "one 2"}, names); d != "" {
		t.Error(d)
	}
}

// A process that exits in the middle of a message: an EXIT or MONITOR_P_EXIT may overtake the rest (OTP 25 to 29, when the reason is an
// atom), which is completed all the same.
func TestRestOfDeadSender(t *testing.T) {
	other := here
	other.ID++
	to := func(pid etf.Pid) []byte {
		return append([]byte{104, 3, 97, 22}, etf.AppendPid(etf.AppendPid(nil, there), pid)...)
	}
	payload := etf.AppendBinary(nil, make([]byte, 1000))
	first := fragment(7, header(false), to(here), payload, 600, 300, 0)
	second := fragment(8, header(false), to(other), payload, 600, 300, 0)
	for name, end := range map[string][]byte{
		"EXIT": append([]byte{131, 68, 0, 104, 3, 97, 24}, etf.AppendAtom(etf.AppendPid(etf.AppendPid(nil, there), here), "boom")...),
		"MONITOR_P_EXIT": append([]byte{131, 68, 0, 104, 4, 97, 28}, etf.AppendAtom(etf.AppendRef(etf.AppendPid(etf.AppendPid(nil, there), here),
			etf.Ref{Node: here.Node, Creation: 1, Words: [5]uint32{1, 2, 3}, Len: 3}), "boom")...),
	} {
		got, err := receive(allFlags, first[0], second[0], first[1], end, second[1], first[2], second[2])
		if err != nil {
			t.Fatal(name, err)
		}
		var said []string
		for _, s := range got {
			said = append(said, fmt.Sprintf("%v to %d", s.Kind, s.To.ID))
		}
		if len(said) != 3 || !strings.HasSuffix(said[0], fmt.Sprintf("EXIT to %d", here.ID)) ||
			said[1] != fmt.Sprintf("SEND to %d", here.ID) || said[2] != fmt.Sprintf("SEND to %d", other.ID) {
			t.Errorf("%s: %v", name, said)
		}
	}
}

// What the peer never finishes of dead senders (OTP 23.2 does not) takes no memory for long, and nobody's place: it is given up when
// nothing of it has come for a while, or when others need the room. What a living process has begun is kept.
func TestOrphans(t *testing.T) {
	const size = 1000
	now := time.Now()
	a := assembler{maxMessage: 2 * size, maxOpen: 4, maxBytes: 4 * size, patience: time.Minute}
	sequence := uint64(0)
	begin := func(from uint32) error {
		pid := there
		pid.ID = from
		sequence++
		return a.start(sequence, 3, &Signal{Kind: Send, From: pid, ToName: "x"}, make([]byte, size))
	}
	exits := func(from uint32) {
		pid := there
		pid.ID = from
		a.ended(&Signal{Kind: Exit, From: pid, To: here}, now)
		a.ended(&Signal{Kind: Down, From: pid, To: here}, now) // the second changes nothing
	}
	check := func(open, orphans, dropped int) {
		t.Helper()
		if bytes := size * (open - dropped); len(a.open) != open || a.orphans != orphans || a.dropped != dropped || a.bytes != bytes {
			t.Fatalf("%d open, %d orphans, %d dropped, %d bytes; want %d, %d, %d, %d", len(a.open), a.orphans, a.dropped, a.bytes, open, orphans, dropped, bytes)
		}
	}
	part := func(sequence, part uint64, n int) (done bool) {
		t.Helper()
		if _, err := a.next(sequence, part, n); err != nil {
			t.Fatal(err)
		}
		return a.complete(sequence) != nil
	}

	// One that lives, and many that die, one after the other.
	if err := begin(1); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(100) {
		if err := begin(2 + i); err != nil {
			t.Fatal(i, err)
		}
		exits(2 + i)
		now = now.Add(time.Millisecond) // so that there is an oldest
	}
	check(8, 3, 4) // of the dropped ones as many numbers as messages may be open
	// What comes of one that is dropped is thrown away, of one that was forgotten it is an error; an orphan is completed.
	var given uint64
	for s, p := range a.open {
		if p.fate == dropped {
			given = s
		}
	}
	if part(given, 2, 10) || part(given, 1, 10) {
		t.Error("a message that was given up came")
	}
	check(7, 3, 3)
	if part(sequence, 2, 0) || !part(sequence, 1, 0) {
		t.Error("an orphan was not completed")
	}
	check(6, 2, 3)
	if _, err := a.next(2, 2, 10); err == nil {
		t.Error("no error for a message that was forgotten")
	}

	// With time: not while parts come, and not while the sender lives.
	now = now.Add(50 * time.Second)
	a.expire(now)
	check(6, 2, 3)
	part(sequence-1, 2, 0)
	now = now.Add(20 * time.Second)
	a.expire(now)
	check(6, 1, 4)
	now = now.Add(59 * time.Second)
	a.expire(now)
	check(6, 1, 4)
	now = now.Add(20 * time.Second)
	a.expire(now)
	check(5, 0, 4)
	if part(1, 2, 10) || !part(1, 1, 10) {
		t.Error("the message of the living one was not completed")
	}

	// A new message under the number of one that was given up.
	for s := range a.open {
		if err := a.start(s, 2, &Signal{Kind: Send, From: there, To: here}, nil); err != nil || !part(s, 1, 10) {
			t.Error(err)
		}
	}
	if len(a.open) != 0 || a.bytes != 0 || a.orphans != 0 || a.dropped != 0 {
		t.Errorf("left behind: %+v", a)
	}

	// Where all live there is no room.
	for i := range uint32(4) {
		if err := begin(1000 + i); err != nil {
			t.Fatal(err)
		}
	}
	if err := begin(1004); err == nil || !strings.Contains(err.Error(), "more than 4") {
		t.Error(err)
	}
	// An orphan makes room for the bytes of others too, but not for its own.
	exits(1000)
	exits(1001)
	if _, err := a.next(sequence-1, 2, size); err != nil { // of 1003
		t.Error(err)
	}
	if a.dropped != 1 || a.orphans != 1 {
		t.Error(a.dropped, a.orphans)
	}
}

func TestFragmentViolations(t *testing.T) {
	control := append([]byte{104, 3, 97, 22}, etf.AppendPid(etf.AppendPid(nil, there), here)...)
	link := append([]byte{104, 3, 97, 1}, etf.AppendPid(etf.AppendPid(nil, there), here)...)
	payload := etf.AppendBinary(nil, make([]byte, 2000))
	p := fragment(7, header(false), control, payload, 10, 10, 10, 0)
	for name, tt := range map[string]struct {
		packets [][]byte
		want    string
	}{
		"unknown sequence": {[][]byte{p[1]}, "unknown sequence 7"},
		"part left out":    {[][]byte{p[0], p[2]}, "where 3 was due"},
		"part repeated":    {[][]byte{p[0], p[1], p[1]}, "where 2 was due"},
		"opened twice":     {[][]byte{p[0], p[0]}, "open already"},
		"no payload":       {fragment(7, header(false), link, payload, 10, 0), "no payload"},
		"too many": {[][]byte{p[0], fragment(8, header(false), control, payload, 10, 0)[0], fragment(9, header(false), control, payload, 10, 0)[0],
			fragment(10, header(false), control, payload, 10, 0)[0], fragment(11, header(false), control, payload, 10, 0)[0]}, "more than 4"},
		"too long":     {fragment(7, header(false), control, make([]byte, 2<<20), 1<<19, 1<<19, 1<<19, 0), "longer than"},
		"too much all": {append(fragment(7, header(false), control, make([]byte, 2<<20), 1<<20, 0)[:1], append(fragment(8, header(false), control, make([]byte, 2<<20), 1<<20, 0)[:1], fragment(9, header(false), control, make([]byte, 2<<20), 1<<20, 0)[:1]...)...), "hold more than"},
	} {
		if _, err := receive(allFlags, tt.packets...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestTicker(t *testing.T) {
	type ask struct {
		read, written uint64
		waiting       bool
		send, timeout bool
	}
	for name, asks := range map[string][]ask{
		"silent peer": {{send: true}, {written: 4, send: true}, {written: 8, send: true}, {written: 12, send: true, timeout: true}},
		"any byte counts": {{send: true}, {written: 4, send: true}, {written: 8, send: true}, {read: 1, written: 12, send: true},
			{read: 1, written: 16, send: true}, {read: 1, written: 20, send: true}, {read: 1, written: 24, send: true},
			{read: 1, written: 28, send: true, timeout: true}},
		"we write":       {{written: 1}, {read: 4, written: 2}, {read: 8, written: 2, send: true}},
		"output waiting": {{waiting: true}, {waiting: true}, {waiting: true}, {waiting: true, timeout: true}},
	} {
		k := ticker{intensity: 4}
		for i, a := range asks {
			if send, timeout := k.tick(a.read, a.written, a.waiting); send != a.send || timeout != a.timeout {
				t.Errorf("%s, interval %d: send %v timeout %v", name, i, send, timeout)
			}
		}
	}
}

func FuzzPackets(f *testing.F) {
	for _, s := range signals(f) {
		for _, flags := range []bool{false, true} {
			fl := plain
			if flags {
				fl = allFlags
			}
			b, err := appendFrame(nil, &s, fl)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(flags, b[4:])
		}
	}
	f.Add(true, hexBytes(f, "8344058cca0987066e323940766d0500f4017840"+"0568656c6c6f2d03666f6f6804610658520000000066000000006b00c7b452015202680352036c0000000152046a5203"))
	f.Fuzz(func(t *testing.T, header bool, b []byte) {
		flags := plain
		if header {
			flags = allFlags
		}
		got, err := receive(flags, b, b)
		if err != nil && !strings.Contains(err.Error(), string(peer)) {
			t.Errorf("error without the peer: %v", err)
		}
		for _, s := range got {
			// What was taken can be sent on, and its text can be printed.
			if _, err := appendFrame(nil, &s, flags); err != nil && s.Payload.Atoms == nil && s.Options.Atoms == nil {
				if _, derr := s.Payload.Term(); derr == nil {
					t.Errorf("%v: %v", &s, err)
				}
			}
			_ = s.String()
		}
	})
}

// The limits of the default configuration leave room for fragmented messages, also where an int has 32 bits.
func TestRoomForFragments(t *testing.T) {
	for _, most := range []int{0, 1 << 30, math.MaxInt} {
		in := newInbound(&Conn{cfg: Config{MaxMessage: most}.withDefaults()})
		if in.parts.maxBytes < in.parts.maxMessage-1 {
			t.Errorf("with MaxMessage %d fragments may hold %d bytes, and one message %d", most, in.parts.maxBytes, in.parts.maxMessage)
		}
	}
}
