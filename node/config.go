package node

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/handshake"
)

// Config says how a node behaves. The zero value is a node as erl -sname starts one: OTP's defaults everywhere, the user's
// cookie file, the EPMD that runs.
type Config struct {
	// Cookie is the shared secret. Empty: the one of ~/.erlang.cookie, which is created if it is missing (see CookieFile).
	Cookie string
	// Cookies are the secrets shared with single nodes, by full name, in both directions (erl -setcookie Node Cookie).
	Cookies map[string]string
	// Allow lists who may connect to this node and be connected to: full names, "host", or "alive@". Empty: everybody who
	// knows the cookie (net_kernel:allow/1). See Node.Allow.
	Allow []string
	// AutoConnect says whether sending to a node that is not connected connects to it (kernel parameter dist_auto_connect).
	AutoConnect AutoConnect
	// Namer is the node that gives this one its name, when Start is called with a name that begins with "undefined" or "@";
	// see Start. Otherwise it does not count.
	Namer string

	// Hidden makes a hidden node (erl -hidden): its connections are in nobody's nodes(), neither its own nor the peers', and
	// the peers' global, pg and monitors of visible nodes leave it alone. A node that is not hidden owes its peers the
	// answers of global's name server; package erlnode gives them. NoListen implies Hidden.
	Hidden bool

	// NoConnectAll keeps a visible node out of the mesh of all visible nodes, and out of their global (kernel parameter
	// connect_all false). It counts where global runs, as it does in package erlnode.
	NoConnectAll bool
	// AllowOverlappingPartitions turns off that all nodes leave two that have lost each other (kernel parameter
	// prevent_overlapping_partitions false). It has to be the same on all nodes, and counts where NoConnectAll does.
	AllowOverlappingPartitions bool

	EPMD     EPMDMode // default EPMDAuto
	EPMDPort int      // of this machine's and every other EPMD; default ERL_EPMD_PORT, else 4369

	// Transport carries the connections. Default TCP{}.
	Transport Transport
	// Discovery is how the node is found and finds others. Default: EPMD, by the two fields above, or the Transport itself if it
	// is one.
	Discovery Discovery
	// Listen is the address for connections of peers, as Transport.Listen takes it. For TCP and TLS that is "host:port" or
	// "host:min-max"; default ":0": every interface, any port.
	Listen string
	// NoListen makes a node that takes no connections and is registered nowhere, for programs that only call others
	// (erl -dist_listen false). It is hidden. Listen and EPMD do not count then.
	NoListen bool
	// Resolve finds the address to dial for a node. Default: that of the Discovery. It may be called concurrently.
	Resolve func(ctx context.Context, node string) (addr string, err error)
	// SetupTime bounds each step of a connection's set-up: looking up and dialling, then every message of the handshake.
	// Default 7 s (net_setuptime).
	SetupTime time.Duration

	// Flags are the capabilities offered to peers. Default handshake.Default and NameMe: the node gives names to those that
	// ask for one, as erl -sname undefined does. Fewer make the node do without. Published is set and cleared by Hidden.
	Flags handshake.Flags
	// Require is what peers must offer. Default handshake.Mandatory23; peers of OTP 25 and later have all of Mandatory25.
	Require handshake.Flags
	// Dist holds net_ticktime, net_tickintensity and the limits of every connection. Names, flags and Handle are set here.
	Dist dist.Config

	// Output is where code prints that this node has called or spawned anywhere, and Input what it reads: the process user, if
	// it runs, as it does in package erlnode. Default: os.Stdout, and nothing to read.
	Output io.Writer
	Input  io.Reader

	Logger *slog.Logger // default: discards. Connections come and go at Info, failures are Warn, panics of processes Error
}

// EPMDMode says which EPMD the node registers with.
type EPMDMode uint8

// The modes.
const (
	EPMDAuto     EPMDMode = iota // the one that runs on EPMDPort, else one that this node embeds and others may use; also later, when none runs any more
	EPMDExternal                 // the one that runs; without it Start fails
	EPMDEmbedded                 // one that this node embeds; Start fails if the port is taken
	EPMDNone                     // none: the node is not found by name, and its creation is random
)

func (c Config) withDefaults() Config {
	c.EPMDPort = cmp.Or(c.EPMDPort, epmd.Port())
	c.SetupTime = cmp.Or(c.SetupTime, 7*time.Second)
	c.Hidden = c.Hidden || c.NoListen
	c.Flags = cmp.Or(c.Flags, handshake.Default|handshake.NameMe) | handshake.Published
	if c.Hidden {
		c.Flags &^= handshake.Published
	}
	if c.Transport == nil {
		c.Transport = TCP{}
	}
	d := c.discovery()
	if l, ok := d.(interface{ ListenAddr() string }); ok && c.Listen == "" {
		c.Listen = l.ListenAddr()
	}
	if c.Resolve == nil && d != nil {
		c.Resolve = d.Lookup
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
