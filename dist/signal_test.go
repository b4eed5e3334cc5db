package dist

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
	"github.com/google/go-cmp/cmp"
)

const (
	self etf.Atom = "go@vm"
	peer etf.Atom = "n29@vm"
)

var (
	here  = etf.Pid{Node: self, ID: 7, Serial: 1, Creation: 5}
	there = etf.Pid{Node: peer, ID: 0x5c, Serial: 0, Creation: 0x6b00c7b4}
	third = etf.Pid{Node: "other@vm", ID: 3, Creation: 9}
	mine  = etf.Ref{Node: self, Creation: 5, Len: 3, Words: [5]uint32{1, 2, 3}}
	yours = etf.Ref{Node: peer, Creation: 0x6b00c7b4, Len: 5, Words: [5]uint32{1, 2, 3, 4, 5}}

	allFlags = handshake.Default.Expand()
	plain    = allFlags &^ (handshake.Fragments | handshake.DistHdrAtomCache)
)

func raw(t testing.TB, v any) etf.Raw {
	t.Helper()
	b, err := etf.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return etf.Raw{Bytes: b}
}

func hexBytes(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// appendFrame writes a signal as one whole frame of a connection's beginning.
func appendFrame(b []byte, s *Signal, flags handshake.Flags) ([]byte, error) {
	e := newEncoder(flags)
	return e.frame(b, s)
}

func (e *encoder) frame(b []byte, s *Signal) ([]byte, error) {
	var m message
	if _, ok, err := m.prepare(s, e.flags, nil, false); err != nil || !ok {
		return b, err
	}
	if m.plain != nil {
		s = m.plain
	}
	return e.append(b, s, &m), nil
}

// plainSignal writes out the atoms of what has arrived.
func plainSignal(t testing.TB, s Signal) Signal {
	t.Helper()
	for _, r := range []*etf.Raw{&s.Payload, &s.Options} {
		b, err := plainBytes(*r)
		if err != nil {
			t.Fatal(err)
		}
		*r = etf.Raw{Bytes: b}
	}
	return s
}

// receive runs packets (without their length) through the receiving half of a connection, without a socket.
func receive(flags handshake.Flags, packets ...[]byte) (got []Signal, err error) {
	in := inbound{
		conn: &Conn{cfg: Config{Self: self, Peer: peer, Flags: flags, Handle: func(s *Signal) { got = append(got, *s) }}.withDefaults()},
	}
	in.parts = assembler{maxMessage: 1 << 20, maxOpen: 4, maxBytes: 1 << 21}
	for _, b := range packets {
		if err = in.packet(b, false); err != nil {
			break
		}
	}
	return got, err
}

// What OTP 29 sent for {x,'gox@vm'} ! {hello,[foo],hello} under each of the three combinations of flags.
func TestGoldenRegSend(t *testing.T) {
	hello := etf.Tuple{etf.Atom("hello"), etf.List{etf.Atom("foo")}, etf.Atom("hello")}
	const from = "5877066e323940766d 0000005c 00000000 6b00c7b4"
	tests := []struct {
		name    string
		flags   handshake.Flags
		packets []string
		want    []etf.Term
		from    etf.Pid
	}{
		{"pass-through", plain,
			[]string{"70 83 68046106" + from + "7700 770178 83 6803 770568656c6c6f 6c00000001 7703666f6f 6a 770568656c6c6f"},
			[]etf.Term{hello}, there},
		{"fragments only", plain | handshake.Fragments,
			[]string{"83 44 00 68046106" + from + "7700 770178 6803 770568656c6c6f 6c00000001 7703666f6f 6a 770568656c6c6f"},
			[]etf.Term{hello}, there},
		{"atom cache", allFlags,
			[]string{
				"83 44 05 | 8cca09 | 87 06 6e323940766d | 0500 | f4 01 78 | 40 05 68656c6c6f | 2d 03 666f6f |" +
					"6804 6106 58 5200 00000066 00000000 6b00c7b4 5201 5202 | 6803 5203 6c00000001 5204 6a 5203",
				"83 44 05 | 044209 | 87 | 05 | f4 | 40 | 2e 03 626172 |" +
					"6804 6106 58 5200 00000066 00000000 6b00c7b4 5201 5202 | 6802 5203 5204",
				// The same header again, no new entry in it this time.
				"83 44 05 | 044201 | 87 | 05 | f4 | 40 | 2e | 6804 6106 58 5200 00000066 00000000 6b00c7b4 5201 5202 | 6802 5203 5204",
				"83 44 05 | 044201 | 87 | 05 | f4 | 40 | 2e | 6804 6106 58 5200 00000066 00000000 6b00c7b4 5201 5202 | 6802 5204 5203",
			},
			[]etf.Term{
				hello,
				etf.Tuple{etf.Atom("hello"), etf.Atom("bar")},
				etf.Tuple{etf.Atom("hello"), etf.Atom("bar")},
				etf.Tuple{etf.Atom("bar"), etf.Atom("hello")},
			},
			etf.Pid{Node: peer, ID: 0x66, Creation: 0x6b00c7b4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var packets [][]byte
			for _, p := range tt.packets {
				packets = append(packets, hexBytes(t, p))
			}
			got, err := receive(tt.flags, packets...)
			if err != nil {
				t.Fatal(err)
			}
			var terms []etf.Term
			for _, s := range got {
				if s.Kind != Send || s.Op != OpRegSend || s.From != tt.from || s.ToName != "x" {
					t.Errorf("got %v", &s)
				}
				term, err := s.Payload.Term()
				if err != nil {
					t.Fatal(err)
				}
				terms = append(terms, term)
			}
			if d := cmp.Diff(tt.want, terms); d != "" {
				t.Error(d)
			}
		})
	}
}

// signals holds one of each kind, as the peer would send it to us.
func signals(t testing.TB) []Signal {
	reason := raw(t, etf.Tuple{etf.Atom("shutdown"), etf.Int(1)})
	return []Signal{
		{Kind: Send, From: there, To: here, Payload: raw(t, "to a pid")},
		{Kind: Send, From: there, ToName: "echo", Payload: raw(t, "to a name")},
		{Kind: Send, From: there, ToRef: mine, Payload: raw(t, "to an alias")},
		{Kind: Send, From: there, To: here, Payload: raw(t, "to a pid"), Priority: true},
		{Kind: Send, From: there, ToName: "echo", Payload: raw(t, "to a name"), Priority: true},
		{Kind: Send, From: there, ToRef: mine, Payload: raw(t, "to an alias"), Priority: true},
		{Kind: Link, From: there, To: here},
		{Kind: Unlink, From: there, To: here, ID: 1 << 63},
		{Kind: UnlinkAck, From: there, To: here, ID: 1},
		{Kind: Exit, From: there, To: here, Payload: reason},
		{Kind: Exit2, From: there, To: here, Payload: reason},
		{Kind: Exit2, From: there, To: here, Payload: reason, Priority: true},
		{Kind: Exit2, From: there, ToRef: mine, Payload: reason},
		{Kind: Exit2, From: there, ToRef: mine, Payload: reason, Priority: true},
		{Kind: Monitor, From: there, To: here, Ref: yours},
		{Kind: Monitor, From: there, ToName: "net_kernel", Ref: yours},
		{Kind: Demonitor, From: there, To: here, Ref: yours},
		{Kind: Demonitor, From: there, ToName: "net_kernel", Ref: yours},
		{Kind: Down, From: there, To: here, Ref: mine, Payload: reason},
		{Kind: Down, FromName: "echo", To: here, Ref: mine, Payload: reason},
		{Kind: GroupLeader, From: third, To: here},
		{Kind: SpawnRequest, From: there, Ref: yours, Leader: third, Module: "erpc", Function: "execute_call", Arity: 4,
			Options: raw(t, etf.List{etf.Atom("monitor")}), Payload: raw(t, etf.List{etf.Int(1)})},
		{Kind: SpawnReply, To: here, Ref: mine, From: there, Linked: true, Monitored: true},
		{Kind: SpawnReply, To: here, Ref: mine, FromName: "notsup"},
	}
}

// arrivesAs is what a peer with these flags gets of a signal; false if ERTS would not send it either.
func arrivesAs(s Signal, flags handshake.Flags) (Signal, bool) {
	alias, altact := flags.Has(handshake.Alias), flags.Has(handshake.AltactSig)
	if !altact {
		s.Priority = false
	}
	switch s.Kind {
	case Send:
		if s.ToRef.Len != 0 {
			return s, alias
		}
		if s.To.Node != "" && !s.Priority && !flags.Has(handshake.SendSender) {
			s.From = etf.Pid{} // SEND does not say
		}
	case Exit2:
		if s.ToRef.Len != 0 {
			return s, alias && altact
		}
	case Unlink:
		if !flags.Has(handshake.UnlinkID) {
			s.ID = 0
		}
	case UnlinkAck:
		return s, flags.Has(handshake.UnlinkID)
	case Monitor, Demonitor, Down:
		return s, flags.Has(handshake.DistMonitor | handshake.DistMonitorName)
	}
	return s, true
}

// combinations calls f with every combination of the flags that change what a signal looks like.
func combinations(f func(handshake.Flags)) {
	bits := []handshake.Flags{handshake.Fragments, handshake.DistHdrAtomCache, handshake.Alias, handshake.AltactSig, handshake.UnlinkID,
		handshake.ExitPayload, handshake.SendSender, handshake.DistMonitorName}
	var all handshake.Flags
	for _, b := range bits {
		all |= b
	}
	for i := range 1 << len(bits) {
		flags := handshake.Default.Expand() &^ all
		for k, b := range bits {
			if i>>k&1 != 0 {
				flags |= b
			}
		}
		f(flags)
	}
}

// Every kind survives the way through its bytes, under all the flags that change them.
func TestSignalRoundTrip(t *testing.T) {
	combinations(func(flags handshake.Flags) {
		for _, s := range signals(t) {
			want, sent := arrivesAs(s, flags)
			if understood(&s, flags) != sent {
				if s.Kind == UnlinkAck {
					continue // the node never makes one for such a peer
				}
				t.Fatalf("%v with %v: understood is %v", &s, flags, !sent)
			}
			if !sent {
				continue
			}
			// Twice: with a cache the second refers to what the first has entered.
			e := newEncoder(flags)
			var packets [2][]byte
			for i := range packets {
				b, err := e.frame(nil, &s)
				if err != nil {
					t.Fatalf("%v: %v", &s, err)
				}
				packets[i] = b[4:]
			}
			got, err := receive(flags, packets[:]...)
			if err != nil || len(got) != 2 {
				t.Fatalf("%v: %v %v", &s, got, err)
			}
			for _, g := range got {
				g = plainSignal(t, g)
				g.Op = 0
				if d := cmp.Diff(want, g); d != "" {
					t.Errorf("%v with %v:\n%s", &s, flags, d)
				}
			}
		}
	})
}

// The operation is the one that ERTS would choose (erts_dsig_send_msg, erts_dsig_send_exit2 and their kin in dist.c of OTP 28).
func TestOperations(t *testing.T) {
	const alias, altact = handshake.Alias, handshake.AltactSig
	reason := raw(t, "r")
	for _, tt := range []struct {
		s     Signal
		flags handshake.Flags
		want  Op
	}{
		{Signal{Kind: Send, From: here, To: there, Payload: reason}, allFlags, OpSendSender},
		{Signal{Kind: Send, From: here, To: there, Payload: reason}, allFlags &^ handshake.SendSender, OpSend},
		{Signal{Kind: Send, From: here, To: there, Payload: reason, Priority: true}, allFlags, OpAltactSigSend},
		{Signal{Kind: Send, From: here, To: there, Payload: reason, Priority: true}, allFlags &^ altact, OpSendSender},
		{Signal{Kind: Send, From: here, ToName: "x", Payload: reason}, allFlags, OpRegSend},
		{Signal{Kind: Send, From: here, ToName: "x", Payload: reason, Priority: true}, allFlags, OpAltactSigSend},
		{Signal{Kind: Send, From: here, ToName: "x", Payload: reason, Priority: true}, allFlags &^ altact, OpRegSend},
		{Signal{Kind: Send, From: here, ToRef: yours, Payload: reason}, allFlags, OpAltactSigSend},
		{Signal{Kind: Send, From: here, ToRef: yours, Payload: reason}, allFlags &^ altact, OpAliasSend},
		{Signal{Kind: Send, From: here, ToRef: yours, Payload: reason}, allFlags &^ alias, 0},
		{Signal{Kind: Exit, From: here, To: there, Payload: reason}, allFlags, OpPayloadExit},
		{Signal{Kind: Exit, From: here, To: there, Payload: reason}, allFlags &^ handshake.ExitPayload, OpExit},
		{Signal{Kind: Exit2, From: here, To: there, Payload: reason}, allFlags, OpPayloadExit2},
		{Signal{Kind: Exit2, From: here, To: there, Payload: reason}, allFlags &^ handshake.ExitPayload, OpExit2},
		{Signal{Kind: Exit2, From: here, To: there, Payload: reason, Priority: true}, allFlags &^ handshake.ExitPayload, OpAltactSigSend},
		{Signal{Kind: Exit2, From: here, To: there, Payload: reason, Priority: true}, allFlags &^ altact, OpPayloadExit2},
		{Signal{Kind: Exit2, From: here, ToRef: yours, Payload: reason}, allFlags, OpAltactSigSend},
		{Signal{Kind: Exit2, From: here, ToRef: yours, Payload: reason}, allFlags &^ altact, 0},
		{Signal{Kind: Down, From: here, To: there, Ref: yours, Payload: reason}, allFlags, OpPayloadMonPExit},
		{Signal{Kind: Down, From: here, To: there, Ref: yours, Payload: reason}, allFlags &^ handshake.ExitPayload, OpMonitorPExit},
		{Signal{Kind: Down, From: here, To: there, Ref: yours, Payload: reason}, allFlags &^ handshake.DistMonitorName, 0},
		{Signal{Kind: Monitor, From: here, To: there, Ref: mine}, allFlags &^ handshake.DistMonitor, 0},
		{Signal{Kind: Unlink, From: here, To: there, ID: 1}, allFlags, OpUnlinkID},
		{Signal{Kind: Unlink, From: here, To: there, ID: 1}, allFlags &^ handshake.UnlinkID, OpUnlink},
	} {
		var got Op
		if understood(&tt.s, tt.flags) {
			e := newEncoder(tt.flags)
			r := etf.NewReader(etf.Raw{Bytes: e.control(&tt.s)})
			r.Tuple()
			op, _ := r.Uint()
			got = Op(op)
		}
		if got != tt.want {
			t.Errorf("%v: %v, want %v", &tt.s, got, tt.want)
		}
	}
}

// The operation follows the flags, and a token makes no difference to what arrives.
func TestForms(t *testing.T) {
	pid := func(p etf.Pid) etf.Term { return p }
	token := etf.Tuple{etf.Int(1), etf.Int(0), etf.Int(2), there, etf.Int(1)}
	none := etf.Atom("")
	msg, reason := etf.Atom("msg"), etf.Atom("reason")
	i := func(n int) etf.Term { return etf.Int(n) }
	tests := []struct {
		control etf.Tuple
		payload etf.Term
		want    Signal
	}{
		{etf.Tuple{i(2), none, pid(here)}, msg, Signal{Kind: Send, To: here}},
		{etf.Tuple{i(12), none, pid(here), token}, msg, Signal{Kind: Send, To: here}},
		{etf.Tuple{i(23), pid(there), pid(here), token}, msg, Signal{Kind: Send, From: there, To: here}},
		{etf.Tuple{i(16), pid(there), none, etf.Atom("a"), token}, msg, Signal{Kind: Send, From: there, ToName: "a"}},
		{etf.Tuple{i(34), pid(there), mine, token}, msg, Signal{Kind: Send, From: there, ToRef: mine}},
		{etf.Tuple{i(37), i(4), pid(there), mine}, msg, Signal{Kind: Send, From: there, ToRef: mine}},
		{etf.Tuple{i(37), i(9), pid(there), etf.Atom("a")}, msg, Signal{Kind: Send, From: there, ToName: "a", Priority: true}},
		{etf.Tuple{i(37), i(2), pid(there), pid(here), token}, msg, Signal{Kind: Send, From: there, To: here}},
		{etf.Tuple{i(37), i(17), pid(there), pid(here)}, reason, Signal{Kind: Exit2, From: there, To: here, Priority: true}},
		{etf.Tuple{i(37), i(23), pid(there), mine, token}, reason, Signal{Kind: Exit2, From: there, ToRef: mine, Priority: true}},
		{etf.Tuple{i(37), i(1 << 20), pid(there), pid(here), i(1), i(2)}, msg, Signal{Kind: Send, From: there, To: here}}, // of the future
		{etf.Tuple{i(3), pid(there), pid(here), reason}, nil, Signal{Kind: Exit, From: there, To: here, Payload: raw(t, reason)}},
		{etf.Tuple{i(13), pid(there), pid(here), token, reason}, nil, Signal{Kind: Exit, From: there, To: here, Payload: raw(t, reason)}},
		{etf.Tuple{i(25), pid(there), pid(here), token}, reason, Signal{Kind: Exit, From: there, To: here}},
		{etf.Tuple{i(8), pid(there), pid(here), reason}, nil, Signal{Kind: Exit2, From: there, To: here, Payload: raw(t, reason)}},
		{etf.Tuple{i(18), pid(there), pid(here), token, reason}, nil, Signal{Kind: Exit2, From: there, To: here, Payload: raw(t, reason)}},
		{etf.Tuple{i(27), pid(there), pid(here), token}, reason, Signal{Kind: Exit2, From: there, To: here}},
		{etf.Tuple{i(21), pid(there), pid(here), mine, reason}, nil, Signal{Kind: Down, From: there, To: here, Ref: mine, Payload: raw(t, reason)}},
		{etf.Tuple{i(32), mine, pid(here), i(2), pid(there), token}, nil, Signal{Kind: SpawnReply, Ref: mine, To: here, From: there, Monitored: true}},
		{etf.Tuple{i(30), yours, pid(there), pid(third), etf.Tuple{etf.Atom("m"), etf.Atom("f"), i(0)}, etf.List{}, token}, etf.List{},
			Signal{Kind: SpawnRequest, Ref: yours, From: there, Leader: third, Module: "m", Function: "f", Options: raw(t, etf.List{})}},
	}
	for _, tt := range tests {
		b := append([]byte{112, 131}, raw(t, tt.control).Bytes...)
		if tt.payload != nil {
			tt.want.Payload = raw(t, tt.payload)
			b = append(append(b, 131), tt.want.Payload.Bytes...)
		}
		got, err := receive(plain, b)
		if err != nil || len(got) != 1 {
			t.Errorf("%v: %v %v", tt.control, got, err)
			continue
		}
		tt.want.Op = Op(tt.control[0].(etf.Int))
		if d := cmp.Diff(tt.want, got[0]); d != "" {
			t.Errorf("%v:\n%s", tt.control, d)
		}
	}
	b := append([]byte{112, 131}, raw(t, etf.Tuple{etf.Int(4), there, here}).Bytes...)
	if got, err := receive(plain&^handshake.UnlinkID, b); err != nil || got[0].Kind != Unlink {
		t.Errorf("UNLINK of an old peer: %v %v", got, err)
	}
}

// What ERTS closes a connection for, so do we, and the error says where and why (dist.c:erts_net_message).
func TestViolations(t *testing.T) {
	frame := func(control etf.Term, payload ...etf.Term) []byte {
		b := append([]byte{112, 131}, raw(t, control).Bytes...)
		for _, p := range payload {
			b = append(append(b, 131), raw(t, p).Bytes...)
		}
		return b
	}
	i := func(n int) etf.Term { return etf.Int(n) }
	tests := []struct {
		name   string
		packet []byte
		want   string
	}{
		{"no tuple", frame(etf.Atom("x")), "control message"},
		{"empty tuple", frame(etf.Tuple{}), "{}"},
		{"operation is no integer", frame(etf.Tuple{etf.Atom("x")}), "operation"},
		{"unknown operation", frame(etf.Tuple{i(5)}), "unknown operation 5"},
		{"operation of the future", frame(etf.Tuple{i(38), there, here}), "unknown operation 38"},
		{"huge operation", frame(etf.Tuple{i(1<<31 - 1)}), "unknown operation"},
		{"negative operation", frame(etf.Tuple{i(-1)}), "operation"},
		{"wrong arity", frame(etf.Tuple{i(1), there}), "LINK, byte"},
		{"UNLINK from OTP 26", frame(etf.Tuple{i(4), there, here}), "UNLINK_ID"},
		{"link in another node's name", frame(etf.Tuple{i(1), third, here}), "is of another node"},
		{"link to another node", frame(etf.Tuple{i(1), there, third}), "is not of this node"},
		{"exit in another node's name", frame(etf.Tuple{i(24), third, here}, etf.Atom("r")), "is of another node"},
		{"exit2 in another node's name", frame(etf.Tuple{i(26), third, here}, etf.Atom("r")), "is of another node"},
		{"monitor in our name", frame(etf.Tuple{i(19), here, here, yours}), "is of another node"},
		{"monitor without reference", frame(etf.Tuple{i(19), there, here, i(1)}), "MONITOR_P"},
		{"unlink id 0", frame(etf.Tuple{i(35), i(0), there, here}), "unlink id 0"},
		{"payload missing", frame(etf.Tuple{i(22), there, here}), "payload is missing"},
		{"altact alias and name", frame(etf.Tuple{i(37), i(12), there, mine}, i(1)), "both ALIAS and NAME"},
		{"altact negative flags", frame(etf.Tuple{i(37), i(-1), there, here}, i(1)), "ALTACT_SIG_SEND"},
		{"altact token missing", frame(etf.Tuple{i(37), i(2), there, here}, i(1)), "no token"},
		{"spawn without MFA", frame(etf.Tuple{i(29), yours, there, third, etf.Tuple{i(1)}, etf.List{}}, etf.List{}), "{Module, Function, Arity}"},
		{"spawn with a huge arity", frame(etf.Tuple{i(29), yours, there, third, etf.Tuple{etf.Atom("m"), etf.Atom("f"), i(1 << 28)}, etf.List{}}, etf.List{}), "arity"},
		{"no version byte", []byte{112, 104, 1}, "131"},
		{"no version byte before the payload", append(frame(etf.Tuple{i(22), there, here}), 97, 1), "131"},
		{"one byte", []byte{112}, "middle of the header"},
		{"control tuple cut", frame(etf.Tuple{i(1), there, here})[:20], "LINK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := receive(plain, tt.packet)
			if err == nil {
				t.Fatalf("taken as %v", got)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), string(peer)) || !strings.Contains(err.Error(), "byte ") {
				t.Errorf("error %q lacks %q, the peer or the byte", err, tt.want)
			}
		})
	}
}

func ExampleSignal_String() {
	s := Signal{Kind: Send, From: etf.Pid{Node: "iex@vm", ID: 110}, ToName: "echo", Payload: etf.Raw{Bytes: etf.AppendAtom(nil, "hello")}}
	fmt.Println(&s)
	// Output: SEND #Pid<iex@vm.110.0/0> -> echo: hello
}
