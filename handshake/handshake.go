package handshake

import (
	"crypto/rand"
	"encoding/binary"
)

// Config is what a node says of itself and demands of others. One value may serve any number of handshakes at
// once if its functions may be called concurrently. The machines keep a copy.
type Config struct {
	// Name is our full node name. CheckName must hold for it; a name that fails goes out as it is and is refused.
	Name string
	// Host is for an initiator without a Name: it asks the peer for one on this host, Result.Named, as erl -sname undefined
	// does. Creation is not used then, and the node is hidden.
	Host string
	// Creation is the number of this life of our node, as epmd gave it. It is never 0 for a running node.
	Creation uint32
	// Flags are offered to the peer; 0 means Default. With NameMe an acceptor gives names to peers that ask for one
	// (AskName), and without it refuses them. NameMe goes out only where a name is asked for or given, and then instead of
	// Published (dist_util:publish_flag).
	Flags Flags
	// Require is what the peer must offer; 0 means Mandatory23. The peer has demands of its own, on Flags.
	Require Flags
	// Cookie returns the cookie for a peer, in both directions (OTP: auth:get_cookie). It is called once per
	// handshake, when the peer's name is known. A nil function and an empty cookie refuse every peer.
	Cookie func(peer string) string
	// Challenge draws a challenge; nil means crypto/rand. A challenge that can be guessed lets a peer in
	// without the cookie.
	Challenge func() uint32
	// Guard, shared by all handshakes of a node, refuses a peer that hands one of our own open challenges back
	// to us for an answer. nil means that only challenges of the same handshake are compared.
	Guard *Guard
}

func (c *Config) flags() Flags {
	if c.Flags == 0 {
		return Default
	}
	return c.Flags &^ NameMe
}

// namingFlags are the flags towards a peer that names us or that we name.
func (c *Config) namingFlags() Flags { return c.flags()&^Published | NameMe }

// givesNames tells whether an acceptor names peers.
func (c *Config) givesNames() bool { return c.Flags.Has(NameMe) }

func (c *Config) require() Flags {
	if c.Require == 0 {
		return Mandatory23
	}
	return c.Require
}

// draw draws a challenge.
func (c *Config) draw() uint32 {
	if c.Challenge != nil {
		return c.Challenge()
	}
	var b [4]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return binary.BigEndian.Uint32(b[:])
}

// challenge draws one that differs from the peer's, so that our own answer can never be the answer to it.
func (c *Config) challenge(theirs uint32) uint32 {
	ours := c.draw()
	if ours == theirs {
		ours ^= 1
	}
	return ours
}

// Result is what a finished handshake has found out.
type Result struct {
	Peer      string // the full name of the peer
	PeerFlags Flags  // as the peer sent them
	Flags     Flags  // what the connection may use: what both offered, after Expand on each side
	Creation  uint32 // the peer's; 0 when it did not tell (version 5) or does not know (some C nodes)
	Version   int    // 6, or 5 for the exchange of OTP 22 and older
	Dynamic   bool   // the peer asked for its name and was given Peer, with Creation (acceptor)

	// Named and NamedCreation are what the peer has made us be, if Config.Host asked for that (initiator).
	Named         string
	NamedCreation uint32

	Hidden bool // one of the two did not offer Published: the connection is in neither's nodes(visible)
}

// Step is what a machine wants done. First all of Send is to be written, also when an error came with the step;
// then, if Done is set, the connection is up and its framing changes; otherwise Ask is to be answered if there
// is one, and if not the next message is to be received.
type Step struct {
	Send [][]byte // message bodies, without their length; the caller's to keep
	Ask  Ask
	Done bool
}

// Ask is a question to the owner of the connection. Until it is answered, a received message is an error.
type Ask int

const (
	// AskNothing: receive the next message.
	AskNothing Ask = iota
	// AskStatus (acceptor): the peer has told its name, see Acceptor.Peer. May it connect? Answer by Decide.
	AskStatus
	// AskName (acceptor): the peer has no name and asks for one on the host Acceptor.Host. Answer by Name, or by Decide with
	// StatusNotAllowed.
	AskName
	// AskWanted (initiator): the peer believes that an older connection from us is up. Answer by Wanted: true
	// if our attempt is still on and we know of no such connection, as after a restart.
	AskWanted
	// AskReplace (acceptor): a peer that was told StatusAlive has proved that it knows the cookie. Take the old
	// connection to it down, wait until that is done, and answer by Replaced.
	AskReplace
)

// String returns the name of the constant.
func (a Ask) String() string {
	switch a {
	case AskNothing:
		return "AskNothing"
	case AskStatus:
		return "AskStatus"
	case AskName:
		return "AskName"
	case AskWanted:
		return "AskWanted"
	case AskReplace:
		return "AskReplace"
	}
	return "Ask(?)"
}

// Status is the acceptor's answer to the peer's name (OTP: dist_util:mark_pending, net_kernel's accept_pending).
type Status string

const (
	// StatusOK: go on.
	StatusOK Status = "ok"
	// StatusOKSimultaneous: go on; our own attempt to connect to the peer is given up for it. See Simultaneous.
	StatusOKSimultaneous Status = "ok_simultaneous"
	// StatusNok: our own attempt to connect to the peer wins; also the answer to a name that is illegal or our own.
	StatusNok Status = "nok"
	// StatusNotAllowed: the peer may not connect, or lacks a flag that we require.
	StatusNotAllowed Status = "not_allowed"
	// StatusAlive: a connection to the peer stands already. The peer says whether it wants the new one
	// nevertheless.
	StatusAlive Status = "alive"
)

// Simultaneous reports whether our own attempt wins when two nodes connect to each other at the same time: ours
// does if our name is the greater one, by code points. The node with the greater name answers StatusNok to the
// peer's attempt; the other one gives up its own and answers StatusOKSimultaneous. An attempt that has not yet
// sent its name yields always. (OTP: net_kernel, accept_pending.)
func Simultaneous(self, peer string) bool { return self > peer }
