//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"testing"
	"time"
)

// TestTrickle: only a stream of short reads that nothing is sent between makes the reader sleep before it reads again.
func TestTrickle(t *testing.T) {
	sleeps := func(p *trickle) bool {
		p.wait(readBuffer)
		return p.slept
	}
	streaming := func() *trickle {
		p := new(trickle)
		for range trickleAfter {
			p.last = time.Now()
			p.came(60)
		}
		return p
	}
	if p := streaming(); !sleeps(p) {
		t.Error("no sleep in a stream")
	} else if p.came(trickleLeast); !sleeps(p) {
		t.Error("no sleep after much has come in the last one")
	} else if p.came(60); sleeps(p) {
		t.Error("sleep though little has come in the last one")
	}
	for what, end := range map[string]func(*trickle){
		"an answer":   func(p *trickle) { p.written.Add(1) },
		"a pause":     func(p *trickle) { p.last = time.Now().Add(-2 * trickleGap); p.came(60) },
		"a long read": func(p *trickle) { p.last = time.Now(); p.came(trickleShort) },
		"nothing":     func(p *trickle) { *p = trickle{} },
		"a long one":  func(p *trickle) { p.wait(readAhead) },
	} {
		p := streaming()
		if end(p); sleeps(p) {
			t.Errorf("sleep after %s", what)
		}
	}
}
