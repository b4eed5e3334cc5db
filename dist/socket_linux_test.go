//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import "testing"

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
