package dist

import (
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Messages are garbage soon after they have come or gone, and Go's collector runs whenever the heap has doubled. A program with
// little else on its heap would collect 200 times a second while large messages pass, which costs more than they do, and
// empties the pools of buffers each time. So when headroomAfter bytes have passed, the process keeps headroomSize bytes that
// nobody touches: they take addresses, but no memory, and the collector, which counts them, lets twice as much pile up.
// (64 KiB binaries from a BEAM: 57 us of CPU each without it and 25 with it, when this was written, and 1 MiB binaries to a BEAM 750 and
// 400; the process has about 50 MB more of resident memory then.)
const (
	headroomAfter = 64 << 20
	headroomSize  = 32 << 20
)

// headroom is of the whole process, as the collector is.
type headroom struct {
	passed atomic.Int64
	once   sync.Once
	bytes  []byte
}

var processHeadroom headroom

// note counts n bytes that have come in, or that go out uncopied.
func (h *headroom) note(n int) {
	if h.passed.Load() < headroomAfter && h.passed.Add(int64(n)) >= headroomAfter {
		h.once.Do(h.take)
	}
}

// take takes the headroom, unless the user has set a limit of memory, to which it would count.
func (h *headroom) take() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		h.bytes = make([]byte, headroomSize)
	}
}
