package epmd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// DefaultPort is the port of epmd where ERL_EPMD_PORT does not name another.
const DefaultPort = 4369

// Port returns the port of epmd on this machine and all others: the value of ERL_EPMD_PORT, or DefaultPort if
// that is not set or not a number from 1 to 65535.
func Port() int {
	p, err := strconv.Atoi(strings.TrimSpace(os.Getenv("ERL_EPMD_PORT")))
	if err != nil || p < 1 || p > 65535 {
		return DefaultPort
	}
	return p
}

// Addr returns the address of the epmd on a host, for the functions of this package: host and Port. A host of "" is
// 127.0.0.1, where nodes register.
func Addr(host string) string {
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(Port()))
}

// NodeType says what kind of node is registered. epmd stores it and makes nothing of it.
type NodeType byte

const (
	Normal NodeType = 77 // 'M'; BEAM nodes are Normal also when they are hidden
	Hidden NodeType = 72 // 'H'; C nodes
)

// String returns "normal", "hidden" or the number.
func (t NodeType) String() string {
	switch t {
	case Normal:
		return "normal"
	case Hidden:
		return "hidden"
	}
	return strconv.Itoa(int(t))
}

// Info is what epmd knows of a node.
type Info struct {
	// Name is the part of the node's name before the '@': 1 to 255 characters, without NUL. epmd does not
	// answer for names of more than 254.
	Name string
	// Port is the one the node listens on for connections of other nodes, 0 to 65535.
	Port int
	Type NodeType
	// Protocol is 0: TCP over IPv4 (or IPv6; nobody looks).
	Protocol byte
	// HighVersion and LowVersion are the versions of the distribution protocol the node speaks. BEAM nodes say
	// 6 and 5. OTP 23 and 24 begin with an outdated handshake when HighVersion is less than 6.
	HighVersion, LowVersion uint16
	// Extra is kept by epmd as it is, at most 1020 bytes. BEAM nodes have none.
	Extra []byte
}

// NameEntry is a line of the answer to Names.
type NameEntry struct {
	Name string
	Port int
}

// DumpEntry is a line of the answer to Dump.
type DumpEntry struct {
	Name   string
	Port   int
	FD     int  // the connection of the node, as the epmd numbers them
	Active bool // registered; otherwise only remembered, for its creation
}

// Errors of this package, for errors.Is. What is returned names the epmd and the node.
var (
	// ErrNotRegistered: the epmd does not know the name.
	ErrNotRegistered = errors.New("no such name")
	// ErrDuplicateName: the epmd refused the registration. It does not say why; nearly always the name is taken
	// by a live node.
	ErrDuplicateName = errors.New("the name is taken, or not acceptable")
	// ErrLiveNodes: epmd does not stop while nodes are registered.
	ErrLiveNodes = errors.New("nodes are registered")
	// ErrRefused: the epmd closed the connection without an answer, as it does with requests that are malformed or
	// not allowed: from another machine, or a Stop without -relaxed_command_check.
	ErrRefused = errors.New("closed without an answer")
)

// The clock of BEAM nodes (erl_epmd.erl), and ours: they try again every 2 s.
const (
	requestTimeout = 10 * time.Second
	retryInterval  = 500 * time.Millisecond
	firstRetry     = 100 * time.Millisecond
)

// Error says what was asked of which epmd, and how it failed.
type Error struct {
	Op   string // "lookup", "register", …
	Name string // of the node, if the request has one
	Addr string // of the epmd
	Err  error
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("epmd %s: %s: %v", e.Addr, e.Op, e.Err)
	}
	return fmt.Sprintf("epmd %s: %s %q: %v", e.Addr, e.Op, e.Name, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
