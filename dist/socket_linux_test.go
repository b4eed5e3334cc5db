//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"syscall"
	"testing"
)

func TestLate(t *testing.T) {
	var l late
	waits := func(inTime bool) (skipped int) {
		for !l.tries() {
			skipped++
		}
		l.came(inTime)
		return skipped
	}
	for i, want := range []int{0, 1, 3, 7, 15, 31, 63, 63} {
		if n := waits(false); n != want {
			t.Errorf("late for the time %d: skipped %d before, want %d", i, n, want)
		}
	}
	waits(true)
	if n := waits(true); n != 0 {
		t.Errorf("skipped %d after one that came in time", n)
	}
}

type answered bool

func (a answered) Answered() bool { return bool(a) }
func (a answered) Alone() bool    { return true }

// Who waits awake takes what comes, and stops when somebody else has answered. What does not come in time is waited for awake less often.
func TestWaitAwake(t *testing.T) {
	a, b := tcpPair(t)
	s := socketOf(a)
	defer s.Close()
	buf := make([]byte, 100)
	is := func(skip, backoff uint8) {
		t.Helper()
		if want := (late{skip, backoff}); s.later != want {
			t.Errorf("later is %+v, want %+v", s.later, want)
		}
	}
	wait := func(w Caller, next expected, n int) {
		t.Helper()
		if got, err := s.waitAwake(buf, w, next); max(got, 0) != n || (err == nil) != (n > 0) || err != nil && err != syscall.EAGAIN {
			t.Errorf("%d bytes, %v, want %d", got, err, n)
		}
	}
	send := func(n int) {
		t.Helper()
		if _, err := b.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := s.in.wait(); err != nil {
			t.Fatal(err)
		}
	}
	wait(nil, soon, 0)
	is(0, 0)
	wait(nil, inReply, 0)
	is(1, 1)
	wait(nil, inReply, 0) // not awake
	is(0, 1)
	wait(answered(true), inReply, 0)
	is(0, 1) // it has come, if not from the peer
	send(3)
	wait(answered(false), inReply, 3)
	is(0, 0)
}
