package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/erlnode/erlnode/handshake"
)

// fullName completes a node name as the user gave it: without a host, this machine's short host name is meant, which is
// what -sname takes. It also takes a name as it is written in Erlang and Elixir: 'a@b' and :"a@b".
func fullName(name string) (string, error) {
	name = strings.TrimPrefix(name, ":")
	if n := len(name); n >= 2 && (name[0] == '\'' || name[0] == '"') && name[n-1] == name[0] {
		name = name[1 : n-1]
	}
	if !strings.Contains(name, "@") {
		host, err := shortHost()
		if err != nil {
			return "", fmt.Errorf("node name %q has no host, and this machine's is not known: %w", name, err)
		}
		name += "@" + host
	}
	if err := handshake.CheckName(name); err != nil {
		return "", usagef("%v", err)
	}
	return name, nil
}

func shortHost() (string, error) {
	host, err := os.Hostname()
	host, _, _ = strings.Cut(host, ".")
	return host, err
}

// isLong tells a long name's host, which -name takes, from a short one's: it has a dot, or is an IPv6 address.
func isLong(host string) bool { return strings.ContainsAny(host, ".:") }

func splitName(name string) (alive, host string) {
	alive, host, _ = strings.Cut(name, "@")
	return alive, host
}

// throwawayName is a name for this side of a connection to the target, one that no other node has. Nodes of short names
// and of long names do not mix, so its host is of the same kind.
func throwawayName(ctx context.Context, target string) (string, error) {
	_, host := splitName(target)
	own, err := ownHost(ctx, host)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("erlnode-%d-%s@%s", os.Getpid(), strings.ToLower(rand.Text()[:6]), own), nil
}

// ownHost is what this machine is called in names of the kind that the target's host is: localhost is always localhost,
// a short name is the short host name, and instead of a long name, which may not be known here, there is the IP address
// from which the target is reached.
func ownHost(ctx context.Context, target string) (string, error) {
	switch {
	case target == "localhost":
		return target, nil
	case !isLong(target):
		return shortHost()
	}
	d := net.Dialer{Timeout: 7 * time.Second}
	c, err := d.DialContext(ctx, "udp", net.JoinHostPort(target, "9")) // looks the host and the route up; sends nothing
	if err != nil {
		return "", err
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	host, _, _ = strings.Cut(host, "%")
	return host, err
}
