package dist

import (
	"net"
	"slices"
	"sync"
)

// batch is bytes in the order in which they go out: frames in buf, and between them slices of payloads that lie elsewhere.
type batch struct {
	buf  []byte
	cuts []cut
	size int      // bytes in all
	ends []*large // the payloads whose last bytes are in it
}

// cut is a slice that goes out before buf[at].
type cut struct {
	at int
	b  []byte
	of *large
}

func (b *batch) empty() bool { return b.size == 0 }

// put appends a slice without copying it.
func (b *batch) put(p []byte, of *large) {
	if len(p) > 0 {
		b.cuts = append(b.cuts, cut{len(b.buf), p, of})
		b.size += len(p)
	}
}

// large is how many bytes of it lie elsewhere.
func (b *batch) large() int {
	if len(b.cuts) == 0 {
		return 0
	}
	return b.size - len(b.buf)
}

// has tells whether there is something of a large message in it.
func (b *batch) has(l *large) bool {
	return slices.ContainsFunc(b.cuts, func(c cut) bool { return c.of == l })
}

// vectors appends to v the slices of what is left of the batch after its first skip bytes.
func (b *batch) vectors(v net.Buffers, skip int) net.Buffers {
	add := func(p []byte) {
		if skip >= len(p) {
			skip -= len(p)
			return
		}
		v = append(v, p[skip:])
		skip = 0
	}
	from := 0
	for _, c := range b.cuts {
		if c.at > from {
			add(b.buf[from:c.at])
			from = c.at
		}
		add(c.b)
	}
	if len(b.buf) > from {
		add(b.buf[from:])
	}
	return v
}

// reset empties the batch.
func (b *batch) reset() {
	if cap(b.buf) > keptBuffer {
		b.buf = nil
	}
	b.buf = b.buf[:0]
	clear(b.cuts)
	b.cuts = b.cuts[:0]
	clear(b.ends)
	b.ends = b.ends[:0]
	b.size = 0
}

// idle is for an empty batch of a connection without traffic. A small buffer stays with it, larger ones go back to where all connections
// take them from.
func (b *batch) idle() {
	if cap(b.buf) > ownBuffer {
		putBuffer(b.buf)
		b.buf = nil
	}
}

const (
	ownBuffer  = 2 << 10
	keptBuffer = 4 << 20 // a buffer larger than that is left to the garbage collector
)

var sendBuffers = sync.Pool{New: func() any { return &sendBuffer{make([]byte, 0, 32<<10)} }}

type sendBuffer struct{ b []byte }

var emptyBuffers = sync.Pool{New: func() any { return new(sendBuffer) }}

func takeBuffer() []byte {
	p := sendBuffers.Get().(*sendBuffer)
	b := p.b[:0]
	p.b = nil
	emptyBuffers.Put(p)
	return b
}

func putBuffer(b []byte) {
	if cap(b) <= keptBuffer {
		p := emptyBuffers.Get().(*sendBuffer)
		p.b = b
		sendBuffers.Put(p)
	}
}
