package handshake

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// goNode and iexNode are the sides of most tests.
func goNode() Config {
	return Config{
		Name:      "go@localhost",
		Creation:  0x60000001,
		Flags:     Default,
		Cookie:    func(string) string { return "secret" },
		Challenge: func() uint32 { return 1111 },
	}
}

func iexNode() Config {
	return Config{
		Name:      "iex@localhost",
		Creation:  0x6b00c00d,
		Flags:     0xd07df7fbd, // OTP 25
		Require:   Mandatory25,
		Cookie:    func(string) string { return "secret" },
		Challenge: func() uint32 { return 2222 },
	}
}

// conversation lets two machines talk to the end of both, and keeps what was said.
type conversation struct {
	in           *Initiator
	ac           *Acceptor
	status       Status // the answer to AskStatus
	wanted       bool   // the answer to AskWanted
	said         []string
	inErr, acErr error
	inDone       bool
	acDone       bool
	replaced     bool // AskReplace was asked
	old          bool // the initiator takes the acceptor for one of version 5
}

func (c *conversation) run(t *testing.T) {
	t.Helper()
	start := c.in.Start
	if c.old {
		start = c.in.StartOld
	}
	toAcceptor := start().Send
	for len(toAcceptor) > 0 {
		var toInitiator [][]byte
		for _, m := range toAcceptor {
			c.said = append(c.said, "> "+show(m))
			step, err := c.ac.Receive(m)
			toInitiator = append(toInitiator, step.Send...)
			for err == nil && step.Ask != AskNothing {
				switch step.Ask {
				case AskStatus:
					step, err = c.ac.Decide(c.status)
				case AskReplace:
					c.replaced = true
					step, err = c.ac.Replaced()
				default:
					t.Fatalf("the acceptor asks %v", step.Ask)
				}
				toInitiator = append(toInitiator, step.Send...)
			}
			c.acDone = c.acDone || step.Done
			if err != nil {
				c.acErr = err
				break
			}
		}
		toAcceptor = nil
		for _, m := range toInitiator {
			c.said = append(c.said, "< "+show(m))
			step, err := c.in.Receive(m)
			if err == nil && step.Ask == AskWanted {
				step, err = c.in.Wanted(c.wanted)
			}
			toAcceptor = append(toAcceptor, step.Send...)
			c.inDone = c.inDone || step.Done
			if err != nil {
				c.inErr = err
				break
			}
		}
	}
}

// show is a message in short.
func show(m []byte) string {
	if m[0] == tagStatus {
		return string(m)
	}
	return string(m[:1])
}

func TestConversations(t *testing.T) {
	tests := []struct {
		name         string
		status       Status
		wanted       bool
		said         string
		inErr, acErr error
		replaced     bool
		old          bool
	}{
		{name: "ok", status: StatusOK, said: "> N < sok < N > r < a"},
		{name: "ok_simultaneous", status: StatusOKSimultaneous, said: "> N < sok_simultaneous < N > r < a"},
		{name: "nok", status: StatusNok, said: "> N < snok", inErr: ErrNok, acErr: ErrNok},
		{name: "not_allowed", status: StatusNotAllowed, said: "> N < snot_allowed", inErr: ErrNotAllowed, acErr: ErrNotAllowed},
		{name: "alive, wanted", status: StatusAlive, wanted: true, said: "> N < salive > strue < N > r < a", replaced: true},
		{name: "alive, not wanted", status: StatusAlive, said: "> N < salive > sfalse", inErr: ErrAlive, acErr: ErrAlive},
		{name: "old, ok", old: true, status: StatusOK, said: "> n < sok < N > c > r < a"},
		{name: "old, ok_simultaneous", old: true, status: StatusOKSimultaneous, said: "> n < sok_simultaneous < N > c > r < a"},
		{name: "old, nok", old: true, status: StatusNok, said: "> n < snok", inErr: ErrNok, acErr: ErrNok},
		{name: "old, alive, wanted", old: true, status: StatusAlive, wanted: true, said: "> n < salive > strue < N > c > r < a", replaced: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := conversation{in: NewInitiator(goNode(), "iex@localhost"), ac: NewAcceptor(iexNode()), status: tt.status, wanted: tt.wanted, old: tt.old}
			c.run(t)
			if got := strings.Join(c.said, " "); got != tt.said {
				t.Errorf("said %s\nwant %s", got, tt.said)
			}
			if !errors.Is(c.inErr, tt.inErr) || !errors.Is(c.acErr, tt.acErr) {
				t.Errorf("errors %v and %v, want %v and %v", c.inErr, c.acErr, tt.inErr, tt.acErr)
			}
			ok := tt.inErr == nil
			if c.inDone != ok || c.acDone != ok {
				t.Errorf("done: %v and %v, want %v", c.inDone, c.acDone, ok)
			}
			if c.replaced != tt.replaced {
				t.Errorf("AskReplace: %v, want %v", c.replaced, tt.replaced)
			}
			if !ok {
				if c.in.Result() != (Result{}) || c.ac.Result() != (Result{}) {
					t.Errorf("results %+v and %+v of nothing", c.in.Result(), c.ac.Result())
				}
				return
			}
			common := Default.Expand() & Flags(0xd07df7fbd).Expand()
			if got, want := c.in.Result(), (Result{Peer: "iex@localhost", PeerFlags: 0xd07df7fbd, Flags: common,
				Creation: 0x6b00c00d, Version: 6, Hidden: true}); got != want {
				t.Errorf("initiator: %+v\nwant %+v", got, want)
			}
			if got, want := c.ac.Result(), (Result{Peer: "go@localhost", PeerFlags: Default, Flags: common,
				Creation: 0x60000001, Version: 6, Hidden: true}); got != want {
				t.Errorf("acceptor: %+v\nwant %+v", got, want)
			}
			if common.Has(AltactSig) || !common.Has(Alias|Handshake23) {
				t.Errorf("negotiated %v", common)
			}
		})
	}
}

// Each side checks the other's flags, by its own demands.
func TestFlagsBothWays(t *testing.T) {
	tests := []struct {
		name       string
		in, ac     Flags // offered
		inReq      Flags
		acReq      Flags
		inMissing  Flags // what the initiator misses
		acMissing  Flags
		said       string
		negotiated Flags
	}{
		{name: "digest to 25", in: Mandatory25Digest, ac: Default, acReq: Mandatory25, said: "> N < sok < N > r < a",
			negotiated: Mandatory25 | Mandatory25Digest},
		{name: "digest to 26", in: Mandatory25Digest, ac: Default, acReq: Mandatory26, acMissing: V4NC | UnlinkID,
			said: "> N < snot_allowed"},
		{name: "digest of 26", in: Mandatory25Digest | V4NC | UnlinkID, ac: Default, acReq: Mandatory26, said: "> N < sok < N > r < a",
			negotiated: Mandatory26 | Mandatory25Digest},
		{name: "all bits but no digest", in: Mandatory26, ac: Default, acReq: Mandatory26, said: "> N < sok < N > r < a",
			negotiated: Mandatory26},
		{name: "no flags", in: Published, ac: Default, acMissing: Mandatory23, said: "> N < snot_allowed"},
		{name: "from the acceptor", in: Default, ac: Mandatory25, inReq: Mandatory26, inMissing: V4NC | UnlinkID, said: "> N < sok < N"},
		{name: "acceptor without version 6", in: Default, ac: Mandatory23, inMissing: Handshake23, said: "> N < sok < N"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := goNode(), iexNode()
			a.Flags, a.Require, b.Flags, b.Require = tt.in, tt.inReq, tt.ac, tt.acReq
			c := conversation{in: NewInitiator(a, b.Name), ac: NewAcceptor(b), status: StatusOK}
			c.run(t)
			if got := strings.Join(c.said, " "); got != tt.said {
				t.Errorf("said %s\nwant %s", got, tt.said)
			}
			check := func(side string, err error, peer string, missing Flags) {
				var fe *FlagsError
				switch {
				case missing == 0 && errors.As(err, &fe), missing != 0 && !errors.As(err, &fe):
					t.Errorf("%s: %v", side, err)
				case missing != 0 && (*fe != FlagsError{peer, missing} || !strings.Contains(err.Error(), missing.String())):
					t.Errorf("%s: %v, want %v missing of %s", side, err, missing, peer)
				}
			}
			check("initiator", c.inErr, b.Name, tt.inMissing)
			check("acceptor", c.acErr, a.Name, tt.acMissing)
			if got := c.in.Result().Flags; got != tt.negotiated {
				t.Errorf("negotiated %v\nwant %v", got, tt.negotiated)
			}
		})
	}
}

func TestCookies(t *testing.T) {
	tests := []struct {
		name         string
		in, ac       func(peer string) string
		inErr, acErr bool
	}{
		{name: "same", in: func(string) string { return "a" }, ac: func(string) string { return "a" }},
		{name: "different", in: func(string) string { return "a" }, ac: func(string) string { return "b" }, acErr: true},
		{name: "of the peer", in: func(p string) string { return map[string]string{"iex@localhost": "x"}[p] },
			ac: func(p string) string { return map[string]string{"go@localhost": "x"}[p] }},
		{name: "empty initiator", in: func(string) string { return "" }, ac: func(string) string { return "" }, inErr: true, acErr: true},
		{name: "none", inErr: true, acErr: true},
		{name: "Latin-1", in: func(string) string { return "kött" }, ac: func(string) string { return "k\xf6tt" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := goNode(), iexNode()
			a.Cookie, b.Cookie = tt.in, tt.ac
			c := conversation{in: NewInitiator(a, b.Name), ac: NewAcceptor(b), status: StatusOK}
			c.run(t)
			var ce *CookieError
			if got := errors.As(c.acErr, &ce) && ce.Peer == a.Name && ce.None == strings.Contains(ce.Error(), "no cookie is set"); got != tt.acErr {
				t.Errorf("acceptor: %v", c.acErr)
			}
			// An acceptor without a cookie does not get as far as to challenge anybody.
			if tt.inErr && c.inDone || !tt.inErr && !tt.acErr && !c.inDone {
				t.Errorf("initiator: %v", c.inErr)
			}
		})
	}
}

// The recorded handshake of two nodes of OTP 25 (captures/00), and the messages of OTP 29 (PROTOCOL, Appendix B).
func TestRecordedHandshake(t *testing.T) {
	const (
		sendName      = "4e 0000000d07df7fbd 6b00c00d 0007 65636f61 40766d"
		sendStatus    = "736f6b"
		sendChallenge = "4e 0000000d07df7fbd a4ba5b22 6b00bff6 0007 65636f62 40766d"
		sendReply     = "72 88978266 ea71404d5d10b1798543f684768837e6"
		sendAck       = "61 bcdbded003a37a81ae1bec2b602a0487"
	)
	node := func(name string, creation, challenge uint32) Config {
		return Config{Name: name, Creation: creation, Flags: 0xd07df7fbd, Cookie: func(string) string { return "ecocookie" },
			Challenge: func() uint32 { return challenge }}
	}
	sends := func(what string, step Step, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var got []string
		for _, m := range step.Send {
			got = append(got, hex.EncodeToString(m))
		}
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], " ", "")
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s sends\n%v, want\n%v", what, got, want)
		}
	}
	in := NewInitiator(node("ecoa@vm", 1795211277, 2291630694), "ecob@vm")
	sends("Start", in.Start(), nil, sendName)
	step, err := in.Receive(unhex(t, sendStatus))
	sends("status", step, err)
	step, err = in.Receive(unhex(t, sendChallenge))
	sends("challenge", step, err, sendReply)
	step, err = in.Receive(unhex(t, sendAck))
	sends("ack", step, err)
	if want := (Result{Peer: "ecob@vm", PeerFlags: 0xd07df7fbd, Flags: 0xd07df7fbd, Creation: 1795211254, Version: 6, Hidden: false}); !step.Done || in.Result() != want {
		t.Errorf("initiator: %+v, %+v", step, in.Result())
	}

	ac := NewAcceptor(node("ecob@vm", 1795211254, 2763676450))
	step, err = ac.Receive(unhex(t, sendName))
	sends("name", step, err)
	if step.Ask != AskStatus || ac.Peer() != "ecoa@vm" || ac.Hidden() {
		t.Errorf("asks %v of %q", step.Ask, ac.Peer())
	}
	step, err = ac.Decide(StatusOK)
	sends("Decide", step, err, sendStatus, sendChallenge)
	step, err = ac.Receive(unhex(t, sendReply))
	sends("reply", step, err, sendAck)
	if want := (Result{Peer: "ecoa@vm", PeerFlags: 0xd07df7fbd, Flags: 0xd07df7fbd, Creation: 1795211277, Version: 6, Hidden: false}); !step.Done || ac.Result() != want {
		t.Errorf("acceptor: %+v, %+v", step, ac.Result())
	}
}

func TestDigest(t *testing.T) {
	for challenge, want := range map[uint32]string{
		12345:      "d6b0ab7f1c8ab8f514db9a6d85de160a",
		4294967295: "beec35cc2e8e170d9c45291c5c1eb475",
	} {
		if got := digest("abc", challenge); hex.EncodeToString(got[:]) != want {
			t.Errorf("challenge %d: %x, want %s", challenge, got, want)
		}
	}
}

// A challenge is drawn for each handshake anew: PEERS, section 5, EL 3.
func TestChallengesAreFresh(t *testing.T) {
	seen := make(map[uint32]bool)
	for range 64 {
		cfg := iexNode()
		cfg.Challenge = nil
		ac := NewAcceptor(cfg)
		ac.Receive(NewInitiator(goNode(), cfg.Name).Start().Send[0])
		step, err := ac.Decide(StatusOK)
		if err != nil {
			t.Fatal(err)
		}
		seen[binary.BigEndian.Uint32(step.Send[1][9:])] = true
	}
	if len(seen) < 63 {
		t.Errorf("%d different challenges in 64 handshakes", len(seen))
	}
}

func TestSimultaneous(t *testing.T) {
	// The names are those of erl_distribution_wb_SUITE.
	tests := []struct {
		self, peer string
		want       bool
	}{
		{"A@vm", "zzzzzzzzzz@vm", false},
		{"zzzzzzzzzz@vm", "A@vm", true},
		{"a@vm", "aa@vm", false}, // '@' comes before the letters and after the digits
		{"a@vm", "A@vm", true},
		{"a@vm", "a0@vm", true},
	}
	for _, tt := range tests {
		if got := Simultaneous(tt.self, tt.peer); got != tt.want {
			t.Errorf("%s dials, %s does: %v", tt.self, tt.peer, got)
		}
		if Simultaneous(tt.self, tt.peer) == Simultaneous(tt.peer, tt.self) {
			t.Errorf("%s and %s agree on nobody", tt.self, tt.peer)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	if got := AppendFrame([]byte("x"), []byte("sok")); string(got) != "x\x00\x03sok" {
		t.Errorf("%q", got)
	}
	if got := AppendFrame32([]byte("x"), []byte("sok")); string(got) != "x\x00\x00\x00\x03sok" {
		t.Errorf("%q", got)
	}
	if got := AppendFrame([]byte("x"), make([]byte, 65536)); string(got) != "x" {
		t.Errorf("a body of 64 KiB: %d bytes", len(got))
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Two nodes in one program shake hands over anything that carries bytes.
func Example() {
	dialler := NewInitiator(Config{Name: "go@localhost", Creation: 1, Cookie: func(string) string { return "secret" }}, "iex@localhost")
	listener := NewAcceptor(Config{Name: "iex@localhost", Creation: 2, Cookie: func(string) string { return "secret" }})

	listener.Receive(dialler.Start().Send[0]) // our name; it asks whether we may
	step, _ := listener.Decide(StatusOK)
	dialler.Receive(step.Send[0])             // "ok"
	reply, _ := dialler.Receive(step.Send[1]) // its challenge
	ack, _ := listener.Receive(reply.Send[0]) // our proof, and our challenge
	last, err := dialler.Receive(ack.Send[0]) // its proof
	fmt.Println(ack.Done, last.Done, err)
	fmt.Println(dialler.Result().Peer, listener.Result().Peer, listener.Result().Flags.Has(Spawn))
	// Output:
	// true true <nil>
	// iex@localhost go@localhost true
}
