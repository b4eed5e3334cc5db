package handshake

import (
	"errors"
	"strings"
	"testing"
)

// nameless is a node that asks for a name, namer one that gives names.
func nameless() Config {
	c := goNode()
	c.Name, c.Host, c.Creation, c.Flags = "", "vm", 0, Default|Published
	return c
}

func namer() Config {
	c := iexNode()
	c.Flags |= NameMe | Published
	return c
}

// The whole conversation, byte by byte: host and flag, name, challenges.
func TestNaming(t *testing.T) {
	in, ac := NewInitiator(nameless(), "iex@localhost"), NewAcceptor(namer())
	step, err := ac.Receive(in.Start().Send[0])
	if err != nil || step.Ask != AskName || ac.Host() != "vm" || ac.Peer() != "" || !ac.Hidden() {
		t.Fatalf("%+v, %v, host %q, peer %q", step, err, ac.Host(), ac.Peer())
	}
	step, err = ac.Name("1D8YOHB1A7T4U@vm", 0x6b00c00d)
	if err != nil || len(step.Send) != 2 || string(step.Send[0]) != "snamed:\x00\x101D8YOHB1A7T4U@vm\x6b\x00\xc0\x0d" {
		t.Fatalf("%q, %v", step.Send, err)
	}
	m, err := parseChallenge("", step.Send[1])
	if err != nil || !m.flags.Has(NameMe) || m.flags.Has(Published) {
		t.Errorf("the namer offers %v, %v", m.flags, err)
	}
	if s, err := in.Receive(step.Send[0]); err != nil || len(s.Send) > 0 {
		t.Fatal(s, err)
	}
	reply, err := in.Receive(step.Send[1])
	if err != nil {
		t.Fatal(err)
	}
	ack, err := ac.Receive(reply.Send[0])
	if err != nil || !ack.Done {
		t.Fatal(ack, err)
	}
	if last, err := in.Receive(ack.Send[0]); err != nil || !last.Done {
		t.Fatal(last, err)
	}
	r := in.Result()
	if r.Named != "1D8YOHB1A7T4U@vm" || r.NamedCreation != 0x6b00c00d || r.Peer != "iex@localhost" || !r.Hidden || r.Dynamic {
		t.Errorf("initiator: %+v", r)
	}
	r = ac.Result()
	if r.Peer != "1D8YOHB1A7T4U@vm" || r.Creation != 0x6b00c00d || !r.Dynamic || !r.Hidden || r.Named != "" {
		t.Errorf("acceptor: %+v", r)
	}
}

func TestNamingRefused(t *testing.T) {
	ac := NewAcceptor(namer())
	ac.Receive(nameBody("vm", Default|NameMe))
	if step, err := ac.Decide(StatusNotAllowed); !errors.Is(err, ErrNotAllowed) || string(step.Send[0]) != "snot_allowed" {
		t.Errorf("%q, %v", step.Send, err)
	}
	ac = NewAcceptor(namer())
	ac.Receive(nameBody("vm", Default|NameMe))
	if step, err := ac.Decide(StatusOK); err == nil || len(step.Send) > 0 {
		t.Errorf("ok without a name: %q, %v", step.Send, err)
	}
	ac = NewAcceptor(namer())
	if step, err := ac.Receive(nameBody("v m", Default|NameMe)); err == nil || string(step.Send[0]) != "snot_allowed" {
		t.Errorf("an illegal host: %q, %v", step.Send, err)
	}
	ac = NewAcceptor(namer())
	ac.Receive(nameBody("go@vm", Default))
	if _, err := ac.Name("a@vm", 5); err == nil {
		t.Error("a node that has a name got another")
	}
	for status, says := range map[string]string{
		"nok":                                  "status \"nok\"",
		"ok":                                   "status \"ok\"",
		"not_allowed":                          "not allowed",
		"named:":                               "bytes wanted",
		"named:\x00\x04a@vm\x00\x00\x00":       "bytes wanted",
		"named:\x00\x04a@vm\x00\x00\x00\x00":   "creation 0",
		"named:\x00\x04a@vx\x00\x00\x00\x05":   "not on our host",
		"named:\x00\x06a b@vm\x00\x00\x00\x05": "before the '@'",
		"named:\x00\x03@vm\x00\x00\x00\x05":    "nothing before",
	} {
		in := NewInitiator(nameless(), "iex@localhost")
		in.Start()
		if _, err := in.Receive(append([]byte{'s'}, status...)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", status, err, says)
		}
	}
}

// What hidden nodes of each release offer and demand: erts_internal:get_dflags() of OTP 23.2.6, 25.2.3, 27.3.4 and 29.1.1.
func TestReleases(t *testing.T) {
	words := map[int]Flags{23: 0x1_01df7fbc, 25: 0xd_07df7fbc, 27: 0xd_07df7fbc, 29: 0x6d_07df7fbc}
	demands := map[int]Flags{23: 0x50184, 25: 0x1070f94, 27: 0x4_03070f94, 29: 0x4_03070f94}
	if demands[23] != Mandatory23 || demands[25] != Mandatory25 || demands[27] != Mandatory26 {
		t.Error("the mandatory sets are not the releases'")
	}
	for release, word := range words {
		for asking, demand := range demands {
			refused := word.Missing(demand) != 0
			if want := release == 23 && asking >= 27; refused != want {
				t.Errorf("OTP %d refuses OTP %d: %v, for %v", asking, release, refused, word.Missing(demand))
			}
			if missing := Default.Missing(demand); missing != 0 {
				t.Errorf("OTP %d refuses us, for %v", asking, missing)
			}
		}
		if unknown := word.String(); strings.Contains(unknown, "0x") {
			t.Errorf("OTP %d: %s", release, unknown)
		}
		if missing := word.Missing(Mandatory23); missing != 0 {
			t.Errorf("we refuse OTP %d, for %v", release, missing)
		}
	}
	for f, want := range map[Flags][2]bool{ // accepted by 25, by 26 to 29
		Mandatory25Digest:                   {true, false},
		Mandatory25Digest | UnlinkID | V4NC: {true, true},
		Mandatory25:                         {true, false},
		Mandatory23:                         {false, false},
	} {
		if got := [2]bool{f.Missing(Mandatory25) == 0, f.Missing(Mandatory26) == 0}; got != want {
			t.Errorf("%v: %v, want %v", f, got, want)
		}
	}
}
