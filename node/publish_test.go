package node

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/erlnode/erlnode/epmd"
)

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// registered waits until exactly these nodes are registered at an EPMD.
func registered(t *testing.T, port int, want ...epmd.NameEntry) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		names, err := epmd.Names(t.Context(), fmt.Sprintf("127.0.0.1:%d", port))
		found := map[epmd.NameEntry]bool{}
		for _, e := range names {
			found[e] = true
		}
		all := len(names) == len(want)
		for _, w := range want {
			all = all && found[w]
		}
		if err == nil && all {
			return
		}
		last = fmt.Sprint(names, err)
	}
	t.Fatalf("registered are %s, want %v", last, want)
}

// The node that embeds the EPMD ends: another takes over, within two seconds, and both of the rest are registered there.
func TestEPMDSucceeded(t *testing.T) {
	port := freePort(t)
	start := func(name string, mode EPMDMode) *Node {
		n, err := Start(t.Context(), name, Config{Cookie: "c", EPMDPort: port, EPMD: mode, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		return n
	}
	a, b, c := start("a@localhost", EPMDAuto), start("b@localhost", EPMDAuto), start("c@localhost", EPMDExternal)
	registered(t, port, epmd.NameEntry{Name: "a", Port: a.Port()}, epmd.NameEntry{Name: "b", Port: b.Port()}, epmd.NameEntry{Name: "c", Port: c.Port()})
	life := b.Creation()
	a.Close()
	begin := time.Now()
	registered(t, port, epmd.NameEntry{Name: "b", Port: b.Port()}, epmd.NameEntry{Name: "c", Port: c.Port()})
	if d := time.Since(begin); d > 3*time.Second { // 1.7 s where there is time
		t.Errorf("both registered again after %v", d)
	}
	if b.Creation() != life {
		t.Error("the creation has changed")
	}
	if err := c.Ping(t.Context(), "b@localhost"); err != nil {
		t.Error(err)
	}
	if _, err := Start(t.Context(), "b@localhost", Config{Cookie: "c", EPMDPort: port, EPMD: EPMDExternal}); !errors.Is(err, epmd.ErrDuplicateName) {
		t.Error(err)
	}
	// Killed by a client, it comes back too.
	b.server.Close()
	registered(t, port, epmd.NameEntry{Name: "b", Port: b.Port()}, epmd.NameEntry{Name: "c", Port: c.Port()})
}

// A range of ports of which all are taken says which.
func TestPortRangeFull(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	next, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port+1))
	if err == nil {
		defer next.Close()
	}
	_, err = TCP{}.Listen(t.Context(), "", fmt.Sprintf("127.0.0.1:%d-%d", port, port+1))
	if want := fmt.Sprintf("all ports from %d to %d are taken", port, port+1); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
