package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// Transport carries connections between nodes (OTP: a distribution module, -proto_dist). TCP, TLS and Unix are here; anything
// that makes a net.Conn can be another. Its methods may be called concurrently.
//
// A connection has to be a reliable stream that ends both ways at Close. After the handshake packets have a length of four
// bytes on every carrier. On a *net.TCPConn and a *net.UnixConn messages are written to the socket directly; the Write of
// any other net.Conn is called by one goroutine at a time.
type Transport interface {
	// Listen takes connections for a node, at the address of Config.Listen, or at one of its own choice if that is empty.
	Listen(ctx context.Context, node, addr string) (net.Listener, error)
	// Dial connects to a node at the address that Discovery.Lookup has found.
	Dial(ctx context.Context, node, addr string) (net.Conn, error)
	// HandshakeHeader is how many bytes the length before each message of the handshake has: 2 with OTP's TCP and Unix sockets,
	// 4 with its TLS.
	HandshakeHeader() int
}

// TCP is distribution over plain TCP, the default (-proto_dist inet_tcp, inet6_tcp). Nagle's algorithm is off, as it is by
// default in OTP (dist_nodelay).
type TCP struct {
	// Network is "tcp", "tcp4" or "tcp6". Default "tcp": listening on both families, and dialling whichever address is there.
	Network string
	// Dialer has the options of outgoing connections (inet_dist_connect_options). Default: those of the zero net.Dialer.
	Dialer net.Dialer
	// ListenConfig has the options of the listening socket (inet_dist_listen_options).
	ListenConfig net.ListenConfig
}

func (t TCP) network() string {
	if t.Network == "" {
		return "tcp"
	}
	return t.Network
}

// Listen listens at "host:port", where the port may be a range "min-max" whose first free port is taken
// (inet_dist_listen_min and _max), and the host chooses the interface (inet_dist_use_interface). Default ":0".
func (t TCP) Listen(ctx context.Context, _, addr string) (net.Listener, error) {
	if addr == "" {
		addr = ":0"
	}
	host, ports, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	low, high, err := portRange(ports)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	for port := low; ; port++ {
		l, err := t.ListenConfig.Listen(ctx, t.network(), net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil || !errors.Is(err, syscall.EADDRINUSE) || low == high:
			return l, err
		case port == high:
			return nil, fmt.Errorf("node: all ports from %d to %d are taken: %w", low, high, err)
		}
	}
}

// portRange reads "port" or "min-max".
func portRange(text string) (low, high int, err error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	low, err1 := strconv.Atoi(first)
	high, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || low < 0 || low > high || high > 65535 || isRange && low == 0 {
		return 0, 0, fmt.Errorf("%q is no port and no range of ports min-max", text)
	}
	return low, high, nil
}

// Dial dials.
func (t TCP) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	return t.Dialer.DialContext(ctx, t.network(), addr)
}

// HandshakeHeader is 2.
func (t TCP) HandshakeHeader() int { return 2 }
