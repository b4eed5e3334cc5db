//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// What is unread is what the window has lost, until that has been so for long.
func TestPaceBehind(t *testing.T) {
	var p pace
	const mib = 1 << 20
	for i, x := range []struct {
		window uint32
		behind bool
	}{{3 * mib, false}, {3 * mib, false}, {2 * mib, false}, {2*mib - 100_000, true}, {0, true}, {3 * mib, false}, {6 * mib, false}, {3 * mib, true}} {
		if got := p.behind(x.window); got != x.behind {
			t.Errorf("look %d: window %d, behind %v", i, x.window, got)
		}
	}
	looks := 0
	for p.behind(3 * mib) {
		looks++
	}
	if looks < 100 || looks > 1000 {
		t.Errorf("a smaller window counts as bytes unread for %d looks", looks)
	}
}

// The window of a peer that does not read becomes smaller by what it has not read; a Unix socket has none.
func TestWindow(t *testing.T) {
	a, b := tcpPair(t)
	s := socketOf(a)
	defer s.Close()
	if _, ok := s.window(); !ok {
		t.Skip("the system does not tell the window")
	}
	var most, last uint32
	for end := time.Now().Add(10 * time.Second); last == 0 || last > most/4; { // it grows first
		if _, err := s.inline(net.Buffers{make([]byte, 16<<10)}); err != nil {
			t.Fatal(err)
		}
		if last, _ = s.window(); time.Now().After(end) {
			t.Fatalf("the window is %d still, and was %d at most", last, most)
		}
		most = max(most, last)
	}
	b.Close()
	s.Close()
	if _, ok := s.window(); ok {
		t.Error("a closed socket has a window")
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	u := socketOf(x)
	defer u.Close()
	u.pace.wrote(paceEvery)
	u.pace.wait()
	if !u.pace.off {
		t.Error("a Unix socket has a window")
	}
}
