package handshake

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// Causes of a StatusError, for errors.Is.
var (
	// ErrNok: the peer connects to us itself, and its attempt wins. Close this connection and wait for that one.
	ErrNok = errors.New("the peer's own attempt to connect wins")
	// ErrNotAllowed: the peer or we do not allow the connection, or a mandatory flag is missing.
	ErrNotAllowed = errors.New("not allowed")
	// ErrAlive: one connection between the two nodes stands, and the attempt for another was given up.
	ErrAlive = errors.New("a connection is already up")
)

// StatusError ends a handshake whose status message was not a yes.
type StatusError struct {
	Peer   string // the other node
	Status string // as it was on the wire; a long one is cut
	Sent   bool   // we sent it; otherwise the peer did
}

func (e *StatusError) Error() string {
	verb := "answered"
	if e.Sent {
		verb = "was answered"
	}
	s := fmt.Sprintf("handshake: %s %s status %q", who(e.Peer), verb, e.Status)
	if strings.HasPrefix(e.Status, statusNamed) {
		return s + ": it gave us a name, which we did not ask for"
	}
	if cause := e.Unwrap(); cause != nil {
		return s + ": " + cause.Error()
	}
	return s
}

// Unwrap returns ErrNok, ErrNotAllowed, ErrAlive, or nil for a status that nobody knows.
func (e *StatusError) Unwrap() error {
	switch Status(e.Status) {
	case StatusNok:
		return ErrNok
	case StatusNotAllowed:
		return ErrNotAllowed
	case StatusAlive:
		return ErrAlive
	}
	return nil
}

// FlagsError says that the peer lacks flags which Config.Require demands.
type FlagsError struct {
	Peer    string
	Missing Flags
}

func (e *FlagsError) Error() string {
	return fmt.Sprintf("handshake: %s cannot handle %v", who(e.Peer), e.Missing)
}

// CookieError says that the peer's digest is not the one of our cookie for it, or that we have no cookie for it.
// A peer finds the same of us by closing the connection; see LostError.
type CookieError struct {
	Peer string
	None bool // Config.Cookie gave none
}

func (e *CookieError) Error() string {
	if e.None {
		return fmt.Sprintf("handshake: no cookie is set for %s", who(e.Peer))
	}
	return fmt.Sprintf("handshake: %s has another cookie than we have for it", who(e.Peer))
}

// LostError says that the connection was lost during the handshake. It is made by Lost.
type LostError struct {
	Peer string // "" while the peer has not told its name
	What string // the message that was expected, as in MessageError
	Err  error  // of the transport
	// Cookie is set when the peer closed the connection after we had sent our digest. That is how a node
	// refuses a wrong cookie; it says nothing (OTP: dist_util:recv_challenge_reply and recv_challenge_ack).
	Cookie bool
}

func (e *LostError) Error() string {
	s := fmt.Sprintf("handshake: %s: connection lost before the %s message: %v", who(e.Peer), e.What, e.Err)
	if e.Cookie {
		s += " (it may have another cookie for us than we have for it)"
	}
	return s
}

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

// NameError says that a node has a name it must not have: illegal, our own, or not that of the node which was
// dialled.
type NameError struct {
	Peer string // the name that came, or our own
	Why  string
}

func (e *NameError) Error() string { return fmt.Sprintf("handshake: node name %q: %s", e.Peer, e.Why) }

// MessageError says that a message is malformed or out of turn.
type MessageError struct {
	Peer   string // "" while the peer has not told its name
	What   string // the message that was expected: "name", "status", "challenge", …
	Offset int    // into the body of the message
	Why    string
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("handshake: %s: %s message, offset %d: %s", who(e.Peer), e.What, e.Offset, e.Why)
}

func who(peer string) string {
	if peer == "" {
		return "unknown peer"
	}
	return peer
}

// closed reports whether err of a transport says that the peer has closed the connection.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
