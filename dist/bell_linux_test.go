//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"syscall"
	"testing"
	"time"
)

// A bell that is rung ends a wait, also one that begins later, and only one; what comes from the socket ends it too.
func TestBell(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	b := bell{event: -1}
	b.ring() // there is none: nothing happens
	for range 2 {
		if err := b.hang(); err != nil {
			t.Fatal(err)
		}
	}
	defer b.close()

	b.ring()
	b.ring()
	b.wait(pair[0], time.Hour)
	start := time.Now()
	b.wait(pair[0], 20*time.Millisecond)
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("the wait after both rings is over after %v", took)
	}

	go b.ring()
	b.wait(pair[0], time.Hour)

	if _, err := syscall.Write(pair[1], []byte{1}); err != nil {
		t.Fatal(err)
	}
	b.wait(pair[0], time.Hour)
}
