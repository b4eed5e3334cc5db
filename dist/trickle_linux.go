//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// trickle sees when a peer sends one small message after the other, so fast that each has its own read, and nothing is answered. A BEAM node does, which
// writes every message by itself. Then whoever reads is woken for each, which costs him and the sender more than the messages do, so he sleeps a
// little before he reads again. Whatever comes alone, or is answered, is not delayed.
type trickle struct {
	written atomic.Uint32 // times that something was sent
	before  uint32        // of them, at the last read
	last    time.Time
	streak  int
	slept   bool
}

const (
	// trickleAfter is how many short reads, each within trickleGap of the one before, make a stream.
	trickleAfter = 16
	trickleGap   = 30 * time.Microsecond
	// trickleSleep is how long the reader sleeps then; Linux makes 0.25 to 0.26 ms of it. While he sleeps nothing is acknowledged: what the peer writes beyond its
	// congestion window joins what waits in its socket, which costs it less than a packet.
	trickleSleep = 200 * time.Microsecond
	// trickleLeast is how much has to come in that time for the stream to go on.
	trickleLeast = 512
	trickleShort = 8 << 10
)

// wait is called before a read of at most limit bytes. Behind something long that is little, and says nothing of what the peer sends.
func (p *trickle) wait(limit int) {
	if limit < readBuffer {
		p.streak = 0
	}
	if p.streak < trickleAfter {
		return
	}
	if p.written.Load() != p.before {
		p.streak = 0
		return
	}
	runtime.Gosched() // whoever has got something runs first
	p.slept = true
	sleep := syscall.NsecToTimespec(int64(trickleSleep))
	syscall.Nanosleep(&sleep, nil)
}

// came notes a read of n bytes.
func (p *trickle) came(n int) {
	now, written := time.Now(), p.written.Load()
	switch {
	case n >= trickleShort && !p.slept, written != p.before:
		p.streak = 0
	case p.slept && n < trickleLeast, !p.slept && now.Sub(p.last) > trickleGap:
		p.streak = 0
	case p.streak < trickleAfter:
		p.streak++
	}
	p.last, p.before, p.slept = now, written, false
}
