package handshake

import (
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// nameBody is an 'N' that introduces a node.
func nameBody(node string, flags Flags) []byte {
	return name{flags: flags, creation: 7, node: node}.appendTo(nil)
}

// oldNameBody is an 'n', as OTP 22 sends it, and 23 and 24 where they do not know better.
func oldNameBody(node string, flags uint32) []byte {
	b := []byte{'n', 0, 5, byte(flags >> 24), byte(flags >> 16), byte(flags >> 8), byte(flags)}
	return append(b, node...)
}

func TestAcceptorNames(t *testing.T) {
	long := strings.Repeat("n", 254) + "@h"
	tests := []struct {
		name string
		body []byte
		says string // the refusal, in text
		err  any    // pointer to the type of error
		text string
	}{
		{"OTP 25", nameBody("iex@localhost", 0xd07df7fbd), "", nil, ""},
		{"with bytes after the name", append(nameBody("iex@localhost", Default), "later"...), "", nil, ""},
		{"255 characters", nameBody(long[1:], Default), "", nil, ""},
		{"Latin-1 host", nameBody("iex@höst", Default), "", nil, ""},
		{"a blank before the '@'", nameBody("i ex@localhost", Default), "snok", new(*NameError), "before the '@'"},
		{"a dot before the '@'", nameBody("i.ex@localhost", Default), "snok", new(*NameError), "before the '@'"},
		{"a blank after the '@'", nameBody("iex@local host", Default), "snok", new(*NameError), "after the '@'"},
		{"a line feed", nameBody("iex@local\nhost", Default), "snok", new(*NameError), "after the '@'"},
		{"our own name", nameBody("go@localhost", Default), "snok", new(*NameError), "our own"},
		{"no '@'", nameBody("iex", Default), "", new(*NameError), "alive@host"},
		{"two '@'", nameBody("iex@local@host", Default), "", new(*NameError), "alive@host"},
		{"no host", nameBody("iex@", Default), "", new(*NameError), "alive@host"},
		{"no alive part", nameBody("@localhost", Default), "", new(*NameError), "alive@host"},
		{"no name", nameBody("", Default), "", new(*NameError), "alive@host"},
		{"256 characters", nameBody(long, Default), "", new(*NameError), "alive@host"},
		{"asks for a name", nameBody("localhost", Default|NameMe), "snot_allowed", new(*StatusError), "@localhost was answered"},
		{"asks for a name and has one", nameBody("iex@localhost", Default|NameMe), "", new(*NameError), "alive@host"},
		{"asks for a name without a host", nameBody("", Default|NameMe), "", new(*NameError), "alive@host"},
		{"lacks flags", nameBody("iex@localhost", Published|UTF8Atoms|BigCreation), "snot_allowed", new(*FlagsError),
			"iex@localhost cannot handle EXTENDED_REFERENCES|NEW_FUN_TAGS|EXTENDED_PIDS_PORTS"},

		// PEERS, section 5: each of these ended a whole node of another implementation.
		{"empty", nil, "", new(*MessageError), "unknown peer: name message, offset 0: 1 bytes wanted, 0 left"},
		{"a tag only", []byte("N"), "", new(*MessageError), "offset 1: 8 bytes wanted, 0 left"},
		{"name length over the end", []byte("N\x00\x00\x00\x0d\x07\xdf\x7f\xbd\x00\x00\x00\x01\x00\xffiex@localhost"), "", new(*MessageError),
			"offset 15: 255 bytes wanted, 13 left"},
		{"name length 65535", []byte("N\x00\x00\x00\x0d\x07\xdf\x7f\xbd\x00\x00\x00\x01\xff\xff"), "", new(*MessageError), "65535 bytes wanted"},
		{"cut off in the flags", []byte("N\x00\x00\x00\x0d\x07\xdf\x7f"), "", new(*MessageError), "offset 1"},
		{"cut off in the creation", []byte("N\x00\x00\x00\x0d\x07\xdf\x7f\xbd\x00\x00"), "", new(*MessageError), "offset 9"},
		{"a status", []byte("sok"), "", new(*MessageError), `starts with 's'`},
		{"HTTP", []byte("GET / HTTP/1.1"), "", new(*MessageError), `starts with 'G'`},
		{"'n' without flags", []byte("n\x00\x05\x00"), "", new(*MessageError), "offset 3: 4 bytes wanted"},
		{"'n' without a name", oldNameBody("", 0xffffffff), "", new(*NameError), "alive@host"},
		{"'n' that asks for a name", oldNameBody("localhost", 0xffffffff), "", new(*NameError), "alive@host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ac := NewAcceptor(goNode())
			step, err := ac.Receive(tt.body)
			if tt.err == nil {
				if err != nil || step.Ask != AskStatus || len(step.Send) != 0 || ac.Peer() == "" {
					t.Fatalf("%+v, %v", step, err)
				}
				return
			}
			if err == nil || !errors.As(err, tt.err) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %T %v, want %T with %q", err, err, tt.err, tt.text)
			}
			var says string
			for _, m := range step.Send {
				says += string(m)
			}
			if says != tt.says || step.Ask != AskNothing || step.Done {
				t.Errorf("says %q (%+v), want %q", says, step, tt.says)
			}
			// It is over, and stays so.
			if step, again := ac.Receive(nameBody("iex@localhost", Default)); again != err || len(step.Send) != 0 {
				t.Errorf("afterwards: %+v, %v", step, again)
			}
			if _, again := ac.Decide(StatusOK); again != err {
				t.Errorf("afterwards: %v", again)
			}
			if _, again := ac.Replaced(); again != err {
				t.Errorf("afterwards: %v", again)
			}
		})
	}
}

// steps drives an acceptor to a state.
func acceptorAt(t *testing.T, cfg Config, status Status, bodies ...[]byte) *Acceptor {
	t.Helper()
	ac := NewAcceptor(cfg)
	for _, b := range bodies {
		step, err := ac.Receive(b)
		if err == nil && step.Ask == AskStatus {
			_, err = ac.Decide(status)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return ac
}

// proof is the digest of the test nodes' cookie.
func proof(challenge uint32) [16]byte { return digest("secret", challenge) }

func TestAcceptorReplies(t *testing.T) {
	hello := nameBody("iex@localhost", Default)
	good := replyBody(5, proof(1111))
	tests := []struct {
		name   string
		status Status
		bodies [][]byte // good ones before it
		body   []byte
		err    any
		text   string
	}{
		{"a good reply", StatusOK, nil, good, nil, ""},
		{"one bit off", StatusOK, nil, append(good[:len(good)-1:len(good)-1], good[len(good)-1]^1), new(*CookieError), "iex@localhost has another cookie"},
		{"zeros", StatusOK, nil, replyBody(5, [16]byte{}), new(*CookieError), ""},
		{"a digest over the peer's own challenge", StatusOK, nil, replyBody(5, proof(5)), new(*CookieError), ""},
		{"no cookie", StatusOK, nil, replyBody(5, digest("", 1111)), new(*CookieError), ""},
		{"raw bytes of the challenge", StatusOK, nil, replyBody(5, digest("secret\x00\x00\x04\x57", 0)), new(*CookieError), ""},
		{"too short", StatusOK, nil, good[:20], new(*MessageError), "challenge reply message, offset 5: 16 bytes wanted, 15 left"},
		{"too long", StatusOK, nil, append(good[:21:21], 0), new(*MessageError), "offset 21: 1 bytes too many"},
		{"a challenge only", StatusOK, nil, good[:5], new(*MessageError), "offset 5"},
		{"empty", StatusOK, nil, nil, new(*MessageError), ""},
		{"an ack", StatusOK, nil, ackBody(proof(1111)), new(*MessageError), `starts with 'a'`},
		{"the name again", StatusOK, nil, hello, new(*MessageError), `starts with 'N'`},
		{"a complement that nobody asked for", StatusOK, nil, []byte("c\x00\x00\x00\x0f\x00\x00\x00\x07"), new(*MessageError), `starts with 'c'`},
		{"a reply before the status reply", StatusAlive, nil, good, new(*MessageError), "status reply message"},
		{"strue", StatusAlive, nil, []byte("strue"), nil, ""},
		{"sfalse", StatusAlive, nil, []byte("sfalse"), new(*StatusError), "a connection is already up"},
		{"sTRUE", StatusAlive, nil, []byte("sTRUE"), new(*StatusError), `answered status "TRUE"`},
		{"strue and more", StatusAlive, nil, []byte("strue "), new(*StatusError), `"true "`},
		{"a long status", StatusAlive, nil, []byte("s" + strings.Repeat("x", 60000)), new(*StatusError), "xxx…"},
		{"after alive", StatusAlive, [][]byte{[]byte("strue")}, good, nil, ""},
		{"after alive, wrong", StatusAlive, [][]byte{[]byte("strue")}, replyBody(5, proof(5)), new(*CookieError), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ac := acceptorAt(t, goNode(), tt.status, append([][]byte{hello}, tt.bodies...)...)
			step, err := ac.Receive(tt.body)
			if tt.err == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.As(err, tt.err) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %T %v, want %T with %q", err, err, tt.err, tt.text)
			}
			if len(step.Send) != 0 || step.Done || ac.Result() != (Result{}) {
				t.Errorf("nevertheless %+v, %+v", step, ac.Result())
			}
			if len(err.Error()) > 300 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

// What the owner of the connection must not do, and the peer while a question is open.
func TestAcceptorOutOfTurn(t *testing.T) {
	hello := nameBody("iex@localhost", Default)
	tests := []struct {
		name string
		do   func(ac *Acceptor) (Step, error)
	}{
		{"a message while AskStatus is open", func(ac *Acceptor) (Step, error) { ac.Receive(hello); return ac.Receive(hello) }},
		{"Decide at the beginning", func(ac *Acceptor) (Step, error) { return ac.Decide(StatusOK) }},
		{"Decide twice", func(ac *Acceptor) (Step, error) { ac.Receive(hello); ac.Decide(StatusOK); return ac.Decide(StatusOK) }},
		{"Replaced at the beginning", func(ac *Acceptor) (Step, error) { return ac.Replaced() }},
		{"Replaced before the reply", func(ac *Acceptor) (Step, error) {
			ac.Receive(hello)
			ac.Decide(StatusAlive)
			ac.Receive([]byte("strue"))
			return ac.Replaced()
		}},
		{"a message while AskReplace is open", func(ac *Acceptor) (Step, error) {
			ac.Receive(hello)
			ac.Decide(StatusAlive)
			ac.Receive([]byte("strue"))
			if step, _ := ac.Receive(replyBody(5, proof(1111))); step.Ask != AskReplace || len(step.Send) != 0 || step.Done {
				t.Errorf("%+v", step)
			}
			return ac.Receive(replyBody(5, proof(1111)))
		}},
		{"a message after the last", func(ac *Acceptor) (Step, error) {
			ac.Receive(hello)
			ac.Decide(StatusOK)
			ac.Receive(replyBody(5, proof(1111)))
			return ac.Receive(hello)
		}},
		{"Close, and on", func(ac *Acceptor) (Step, error) { ac.Receive(hello); ac.Close(); return ac.Decide(StatusOK) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ac := NewAcceptor(goNode())
			step, err := tt.do(ac)
			var me *MessageError
			if !errors.As(err, &me) || len(step.Send) != 0 || step.Done {
				t.Errorf("%+v, %v", step, err)
			}
			if ac.Result() != (Result{}) {
				t.Errorf("result %+v", ac.Result())
			}
		})
	}
	ac := NewAcceptor(goNode())
	ac.Receive(hello)
	if step, err := ac.Decide("perhaps"); err == nil || len(step.Send) != 0 {
		t.Errorf("a status of our own making: %+v, %v", step, err)
	}
}

// The peers that begin with 'n'.
func TestAcceptorOldName(t *testing.T) {
	const (
		otp22 = 0x00df7fbd // without HANDSHAKE_23, BIG_CREATION included
		otp23 = 0x03df7fbd
	)
	cfg := goNode()
	cfg.Flags |= Published
	newChallenge := "4e 0000006d07df7fbd 00000457 60000001 000c 676f406c6f63616c686f7374"
	oldChallenge := "6e 0005 07df7fbd 00000457 676f406c6f63616c686f7374"
	tests := []struct {
		name      string
		flags     uint32
		require   Flags
		status    Status
		challenge string
		then      []string // hexadecimal; the reply comes after them
		want      Result
		err       any
		says      string // with the error
	}{
		{name: "OTP 23", flags: otp23, challenge: newChallenge, then: []string{"63 0000000d 6b00c00d"},
			want: Result{Peer: "iex@localhost", PeerFlags: 0xd03df7fbd, Flags: 0xd03df7fbd, Creation: 0x6b00c00d, Version: 6}},
		{name: "OTP 23, alive", flags: otp23, status: StatusAlive, challenge: newChallenge, then: []string{"63 0000000d 6b00c00d"},
			want: Result{Peer: "iex@localhost", PeerFlags: 0xd03df7fbd, Flags: 0xd03df7fbd, Creation: 0x6b00c00d, Version: 6}},
		{name: "OTP 23 where 26 is required", flags: otp23, require: Mandatory26, challenge: newChallenge, then: []string{"63 0000000d 6b00c00d"},
			want: Result{Peer: "iex@localhost", PeerFlags: 0xd03df7fbd, Flags: 0xd03df7fbd, Creation: 0x6b00c00d, Version: 6}},
		{name: "the complement lacks V4_NC", flags: otp23, require: Mandatory26, challenge: newChallenge, then: []string{"63 00000001 6b00c00d"},
			err: new(*FlagsError), says: "snot_allowed"},
		{name: "no complement", flags: otp23, challenge: newChallenge, err: new(*MessageError)},
		{name: "complement too short", flags: otp23, challenge: newChallenge, then: []string{"63 0000000d 6b00c0"}, err: new(*MessageError)},
		{name: "complement too long", flags: otp23, challenge: newChallenge, then: []string{"63 0000000d 6b00c00d 00"}, err: new(*MessageError)},
		{name: "OTP 22", flags: otp22, challenge: oldChallenge,
			want: Result{Peer: "iex@localhost", PeerFlags: otp22, Flags: otp22, Version: 5}},
		{name: "OTP 22 with a complement", flags: otp22, challenge: oldChallenge, then: []string{"63 0000000d 6b00c00d"}, err: new(*MessageError)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := cfg
			cfg.Require = tt.require
			ac := NewAcceptor(cfg)
			step, err := ac.Receive(oldNameBody("iex@localhost", tt.flags))
			if err != nil {
				t.Fatal(err)
			}
			if tt.status == StatusAlive {
				ac.Decide(StatusAlive)
				step, err = ac.Receive([]byte("strue"))
			} else {
				step, err = ac.Decide(StatusOK)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := hex.EncodeToString(step.Send[len(step.Send)-1]), strings.ReplaceAll(tt.challenge, " ", ""); got != want {
				t.Errorf("challenge %s\nwant      %s", got, want)
			}
			var messages [][]byte
			for _, h := range tt.then {
				messages = append(messages, unhex(t, h))
			}
			for _, m := range append(messages, replyBody(5, proof(1111))) {
				if step, err = ac.Receive(m); err != nil {
					break
				}
			}
			if tt.err != nil {
				if !errors.As(err, tt.err) {
					t.Errorf("got %T %v, want %T", err, err, tt.err)
				}
				if tt.says != "" && (len(step.Send) != 1 || string(step.Send[0]) != tt.says) {
					t.Errorf("says %q, want %q", step.Send, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if step.Ask == AskReplace {
				step, err = ac.Replaced()
			}
			if !step.Done || err != nil || ac.Result() != tt.want {
				t.Errorf("%+v, %v\ngot  %+v\nwant %+v", step, err, ac.Result(), tt.want)
			}
		})
	}
	// The demands on the low word are made before anything else.
	ac := NewAcceptor(cfg)
	step, err := ac.Receive(oldNameBody("iex@localhost", uint32(Published|Handshake23)))
	var fe *FlagsError
	if !errors.As(err, &fe) || fe.Missing != Mandatory23 || len(step.Send) != 1 || string(step.Send[0]) != "snot_allowed" {
		t.Errorf("%+v, %v", step, err)
	}
}

func TestLost(t *testing.T) {
	ok, hello := []byte("sok"), challengeBody("iex@localhost", Default, 5)
	name := nameBody("iex@localhost", Default)
	cfg := goNode()
	cfg.Guard = new(Guard)
	timeout := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	tests := []struct {
		name   string
		lost   func(error) error
		err    error
		text   string
		cookie bool
	}{
		{"before the name", NewAcceptor(cfg).Lost, io.EOF, "handshake: unknown peer: connection lost before the name message: EOF", false},
		{"before the reply", acceptorAt(t, cfg, StatusOK, name).Lost, io.EOF, "iex@localhost: connection lost before the challenge reply message", false},
		{"before the status", initiatorAt(t, cfg).Lost, io.EOF, "iex@localhost: connection lost before the status message: EOF", false},
		{"before the challenge", initiatorAt(t, cfg, ok).Lost, timeout, "before the challenge message: read: i/o timeout", false},
		{"before the ack", initiatorAt(t, cfg, ok, hello).Lost, io.EOF, "another cookie", true},
		{"before the ack, reset", initiatorAt(t, cfg, ok, hello).Lost, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "another cookie", true},
		{"before the ack, silence", initiatorAt(t, cfg, ok, hello).Lost, timeout, "before the challenge ack message", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.lost(tt.err)
			var le *LostError
			if !errors.As(err, &le) || !errors.Is(err, tt.err) || le.Cookie != tt.cookie || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %q", err, tt.text)
			}
			if again := tt.lost(io.EOF); again != io.EOF {
				t.Errorf("the second time: %v", again)
			}
		})
	}
	if len(cfg.Guard.open) != 0 {
		t.Errorf("open challenges: %v", cfg.Guard.open)
	}
	if err := NewAcceptor(cfg).Lost(nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
}
