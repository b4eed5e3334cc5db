//go:build unix

package otp

import (
	"crypto/rand"
	"strings"
	"time"
)

// startTimeout bounds the start of anything, and evalTimeout an Eval without a time of its own.
const (
	startTimeout = 40 * time.Second
	evalTimeout  = 30 * time.Second
)

// Options say how a node is started. The zero value is a visible node of a random name and cookie with an EPMD of its
// own.
type Options struct {
	// Name is "a", which means a@127.0.0.1, or a whole node name. It is a long name when its host part has a dot or
	// a colon, else a short name. Empty means a random name on 127.0.0.1.
	Name string

	// Cookie is the cookie; empty means a random one.
	Cookie string

	// EPMDPort is the port of an EPMD that is there already, OTP's or a Go node's. Zero starts OTP's for this node.
	EPMDPort int

	// Hidden starts the node with -hidden.
	Hidden bool

	// NetTickTime is net_ticktime in seconds; zero leaves OTP's default of 60.
	NetTickTime int

	// Args are further arguments of erl (for IEx, of iex), Env further environment variables as KEY=VALUE.
	Args, Env []string
}

// complete fills in what was left empty, but for EPMDPort.
func (o Options) complete() Options {
	if o.Name == "" {
		o.Name = "n" + strings.ToLower(rand.Text()[:8])
	}
	if !strings.Contains(o.Name, "@") {
		o.Name += "@127.0.0.1"
	}
	if o.Cookie == "" {
		o.Cookie = strings.ToLower(rand.Text()[:16])
	}
	return o
}

// long says whether the name is a long one.
func (o Options) long() bool {
	_, host, _ := strings.Cut(o.Name, "@")
	return strings.ContainsAny(host, ".:")
}
