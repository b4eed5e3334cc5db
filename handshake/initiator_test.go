package handshake

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// initiatorAt drives an initiator that has dialled iex@localhost to a state.
func initiatorAt(t *testing.T, cfg Config, bodies ...[]byte) *Initiator {
	t.Helper()
	in := NewInitiator(cfg, "iex@localhost")
	in.Start()
	for _, b := range bodies {
		if _, err := in.Receive(b); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func challengeBody(node string, flags Flags, challenge_ uint32) []byte {
	return challenge{flags: flags, challenge: challenge_, creation: 9, node: node}.appendTo(nil)
}

func oldChallengeBody(node string, flags Flags, challenge_ uint32) []byte {
	return challenge{old: true, flags: flags, challenge: challenge_, node: node}.appendTo(nil)
}

func TestInitiatorReceives(t *testing.T) {
	ok := []byte("sok")
	hello := challengeBody("iex@localhost", Default, 5)
	tests := []struct {
		name   string
		before [][]byte
		body   []byte
		err    any
		text   string
	}{
		{"ok", nil, ok, nil, ""},
		{"nok", nil, []byte("snok"), new(*StatusError), "the peer's own attempt"},
		{"not_allowed", nil, []byte("snot_allowed"), new(*StatusError), "iex@localhost answered status \"not_allowed\""},
		{"named", nil, []byte("snamed:\x00\x05a@vm1\x00\x00\x00\x01"), new(*StatusError), "which we did not ask for"},
		{"named, cut off", nil, []byte("snamed:"), new(*StatusError), "which we did not ask for"},
		{"unknown", nil, []byte("smaybe"), new(*StatusError), `"maybe"`},
		{"empty status", nil, []byte("s"), new(*StatusError), `""`},
		{"ok and more", nil, []byte("sok "), new(*StatusError), `"ok "`},
		{"a long status", nil, []byte("s" + strings.Repeat("\xff", 60000)), new(*StatusError), ""},
		{"empty", nil, nil, new(*MessageError), "iex@localhost: status message, offset 0"},
		{"the challenge without a status", nil, hello, new(*MessageError), `starts with 'N'`},

		{"challenge", [][]byte{ok}, hello, nil, ""},
		{"challenge with bytes after it", [][]byte{ok}, append(hello[:len(hello):len(hello)], "later"...), nil, ""},
		{"of another node", [][]byte{ok}, challengeBody("evil@localhost", Default, 5), new(*NameError), `"evil@localhost": answers where iex@localhost was dialled`},
		{"of another case", [][]byte{ok}, challengeBody("IEX@localhost", Default, 5), new(*NameError), ""},
		{"without a name", [][]byte{ok}, challengeBody("", Default, 5), new(*NameError), ""},
		{"name length over the end", [][]byte{ok}, hello[:len(hello)-1], new(*MessageError), "offset 19: 13 bytes wanted, 12 left"},
		{"cut off in the challenge", [][]byte{ok}, hello[:11], new(*MessageError), "challenge message, offset 9"},
		{"a tag only", [][]byte{ok}, []byte("N"), new(*MessageError), "offset 1"},
		{"status again", [][]byte{ok}, ok, new(*MessageError), `starts with 's'`},
		{"lacks flags", [][]byte{ok}, challengeBody("iex@localhost", Handshake23|Published, 5), new(*FlagsError), "iex@localhost cannot handle EXTENDED_REFERENCES|"},
		{"version 6 without its flag", [][]byte{ok}, challengeBody("iex@localhost", Mandatory23, 5), new(*FlagsError), "cannot handle HANDSHAKE_23"},
		{"old challenge", [][]byte{ok}, oldChallengeBody("iex@localhost", Mandatory23, 5), nil, ""},
		{"old challenge of a new node", [][]byte{ok}, oldChallengeBody("iex@localhost", Mandatory25, 5), new(*MessageError), "version 5"},
		{"old challenge, flags", [][]byte{ok}, oldChallengeBody("iex@localhost", Published, 5), new(*FlagsError), ""},
		{"old challenge, cut off", [][]byte{ok}, []byte("n\x00\x05\x00\x00\x00\x00\x00"), new(*MessageError), "offset 7"},

		{"ack", [][]byte{ok, hello}, ackBody(proof(1111)), nil, ""},
		{"one bit off", [][]byte{ok, hello}, ackBody(func() [16]byte { p := proof(1111); p[0] ^= 128; return p }()), new(*CookieError), "iex@localhost has another cookie"},
		{"our own digest sent back", [][]byte{ok, hello}, ackBody(proof(5)), new(*CookieError), ""},
		{"too short", [][]byte{ok, hello}, []byte("a"), new(*MessageError), "challenge ack message, offset 1: 16 bytes wanted, 0 left"},
		{"too long", [][]byte{ok, hello}, append(ackBody(proof(1111)), 0), new(*MessageError), "offset 17"},
		{"not_allowed where the ack was expected", [][]byte{ok, hello}, []byte("snot_allowed"), new(*MessageError), `starts with 's'`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := initiatorAt(t, goNode(), tt.before...)
			step, err := in.Receive(tt.body)
			if tt.err == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.As(err, tt.err) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %T %v, want %T with %q", err, err, tt.err, tt.text)
			}
			if len(step.Send) != 0 || step.Done || in.Result() != (Result{}) {
				t.Errorf("nevertheless %+v, %+v", step, in.Result())
			}
			if len(err.Error()) > 500 || !strings.Contains(err.Error(), "iex@localhost") && !strings.Contains(err.Error(), "node name") {
				t.Errorf("error %q", err)
			}
			if _, again := in.Receive(ok); again != err {
				t.Errorf("afterwards: %v", again)
			}
			if _, again := in.Wanted(true); again != err {
				t.Errorf("afterwards: %v", again)
			}
		})
	}
}

func TestInitiatorOldAcceptor(t *testing.T) {
	in := initiatorAt(t, goNode(), []byte("sok"), oldChallengeBody("iex@localhost", Mandatory23|Published, 5))
	step, err := in.Receive(ackBody(proof(1111)))
	want := Result{Peer: "iex@localhost", PeerFlags: Mandatory23 | Published, Flags: Mandatory23, Version: 5, Hidden: true}
	if err != nil || !step.Done || in.Result() != want {
		t.Errorf("%+v, %v\ngot  %+v\nwant %+v", step, err, in.Result(), want)
	}
}

// Towards an acceptor of version 5 that is known as one: nothing goes out that it could not read.
func TestInitiatorOldPeer(t *testing.T) {
	in := NewInitiator(goNode(), "iex@localhost")
	step := in.StartOld()
	if got, want := hex.EncodeToString(step.Send[0]), "6e000507df7fbc676f406c6f63616c686f7374"; got != want || len(step.Send) != 1 {
		t.Errorf("starts with %s, want %s", got, want)
	}
	if again := in.Start(); len(again.Send) != 0 {
		t.Errorf("the second start sends %q", again.Send)
	}
	in.Receive([]byte("sok"))
	step, err := in.Receive(oldChallengeBody("iex@localhost", Mandatory23|Published, 5))
	if err != nil || len(step.Send) != 1 || step.Send[0][0] != tagReply {
		t.Errorf("answers the challenge with %q, %v", step.Send, err)
	}
	step, err = in.Receive(ackBody(proof(1111)))
	want := Result{Peer: "iex@localhost", PeerFlags: Mandatory23 | Published, Flags: Mandatory23, Version: 5, Hidden: true}
	if err != nil || !step.Done || in.Result() != want {
		t.Errorf("%+v, %v\ngot  %+v\nwant %+v", step, err, in.Result(), want)
	}
	// A name is asked for in version 6 only.
	cfg := goNode()
	cfg.Name, cfg.Host = "", "localhost"
	if step := NewInitiator(cfg, "iex@localhost").StartOld(); step.Send[0][0] != tagName {
		t.Errorf("asks for a name by %q", step.Send[0])
	}
}

func TestInitiatorOutOfTurn(t *testing.T) {
	tests := []struct {
		name string
		do   func(in *Initiator) (Step, error)
	}{
		{"a message before Start", func(in *Initiator) (Step, error) { return in.Receive([]byte("sok")) }},
		{"Wanted at the beginning", func(in *Initiator) (Step, error) { in.Start(); return in.Wanted(true) }},
		{"a message while AskWanted is open", func(in *Initiator) (Step, error) {
			in.Start()
			if step, err := in.Receive([]byte("salive")); step.Ask != AskWanted || err != nil {
				t.Errorf("%+v, %v", step, err)
			}
			return in.Receive(challengeBody("iex@localhost", Default, 5))
		}},
		{"Close, and on", func(in *Initiator) (Step, error) { in.Start(); in.Close(); return in.Receive([]byte("sok")) }},
		{"a message after the last", func(in *Initiator) (Step, error) {
			in.Start()
			in.Receive([]byte("sok"))
			in.Receive(challengeBody("iex@localhost", Default, 5))
			in.Receive(ackBody(proof(1111)))
			in.Close() // harmless
			if in.Result().Peer == "" {
				t.Error("no result")
			}
			return in.Receive([]byte("sok"))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := NewInitiator(goNode(), "iex@localhost")
			step, err := tt.do(in)
			var me *MessageError
			if !errors.As(err, &me) || me.Peer != "iex@localhost" || len(step.Send) != 0 || step.Done {
				t.Errorf("%+v, %v", step, err)
			}
		})
	}
	in := NewInitiator(goNode(), "iex@localhost")
	in.Start()
	if step := in.Start(); len(step.Send) != 0 {
		t.Errorf("the second Start sends %q", step.Send)
	}
}

// A node with a name does not ask for one, whatever its owner offers.
func TestInitiatorNeverAsksForName(t *testing.T) {
	cfg := goNode()
	cfg.Flags |= NameMe
	m, err := parseName(NewInitiator(cfg, "iex@localhost").Start().Send[0])
	if err != nil || m.flags.Has(NameMe) {
		t.Errorf("offers %v, %v", m.flags, err)
	}
}
