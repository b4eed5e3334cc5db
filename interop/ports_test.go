//go:build unix

package interop

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// fourPorts finds four free ports in a row, and takes the first.
func fourPorts(t *testing.T) (low int) {
	t.Helper()
	for range 20 {
		low = otp.FreePort(t)
		var taken []net.Listener
		for port := low; port < low+4 && port < 65536; port++ {
			l, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
			if err != nil {
				break
			}
			taken = append(taken, l)
		}
		for i, l := range taken {
			if i > 0 || len(taken) < 4 {
				l.Close()
			}
		}
		if len(taken) == 4 {
			t.Cleanup(func() { taken[0].Close() })
			return low
		}
	}
	t.Fatal("no four free ports in a row")
	return 0
}

// Two BEAM nodes and two Go nodes have the same range of ports (inet_dist_listen_min, inet_dist_listen_max; Config.Listen), the first of which
// somebody else has: each takes the first that is free, and they reach each other. Who comes when all are taken is told so.
func TestListenRange(t *testing.T) {
	install := otp.Find(t)
	epmd := install.EPMD(t)
	low := fourPorts(t)
	listen := func(c *node.Config) { c.Listen = fmt.Sprintf(":%d-%d", low, low+3) }
	args := append([]string{"-kernel", "inet_dist_listen_min", fmt.Sprint(low), "inet_dist_listen_max", fmt.Sprint(low + 3)}, alone...)

	g := plainNode(t, "go@127.0.0.1", epmd, listen)
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: epmd, Args: args})
	h := plainNode(t, "go2@127.0.0.1", epmd, listen)
	if got := beam.Eval(t, `{port, P, _} = erl_epmd:port_please("beam", {127,0,0,1}), P.`); g.Port() != low+1 || got != fmt.Sprint(low+2) || h.Port() != low+3 {
		t.Errorf("the nodes are at %d, %s, %d, not at %d and the two after it", g.Port(), got, h.Port(), low+1)
	}
	if err := g.Ping(t.Context(), "beam@127.0.0.1"); err != nil {
		t.Error(err)
	}
	if got := beam.Eval(t, "net_adm:ping('go2@127.0.0.1')."); got != "pong" {
		t.Error(got)
	}
	if err := h.Ping(t.Context(), "go@127.0.0.1"); err != nil {
		t.Error(err)
	}

	cfg := node.Config{Cookie: cookie, EPMDPort: epmd}
	listen(&cfg)
	if n, err := node.Start(t.Context(), "late@127.0.0.1", cfg); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), fmt.Sprintf("from %d to %d", low, low+3)) {
		t.Errorf("in a range that is full: %v", err)
		if err == nil {
			n.Close()
		}
	}
	if n, err := install.StartErl(t.Context(), otp.Options{Name: "late", Cookie: cookie, EPMDPort: epmd, Args: args}); err == nil {
		n.Close()
		t.Error("a BEAM node started in a range that is full")
	}
}
