package dist

import (
	"math/bits"
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// payloads is memory of large payloads that their receivers have given back, by the length of its size in bits.
var payloads [32]sync.Pool

// Release gives the memory of a payload that was received back, so that the next large one need not take new memory: fresh memory
// costs more than reading a large message into it. Only who holds the payload alone may call it, once, and nobody may use the bytes
// afterwards, nor anything that was decoded from them without copying (etf.Decoder with Alias, the binaries of a Term). It need not be
// called: the garbage collector takes what is not released. Small payloads are none of its business, and are left alone.
func Release(payload etf.Raw) {
	n := cap(payload.Bytes)
	if k := bits.Len(uint(n)); n > readBuffer && k < len(payloads) {
		b := payload.Bytes[:0] // in here, because it is on the heap
		payloads[k].Put(&b)
	}
}

// takePayload returns empty memory for at least n bytes, n more than readBuffer. A payload that is released is shorter than what was
// taken for it, by its header and control tuple: there is some to spare, so that the same memory serves many messages.
func takePayload(n int) []byte {
	if k := bits.Len(uint(n)); k < len(payloads) {
		if p, ok := payloads[k].Get().(*[]byte); ok && cap(*p) >= n {
			return *p
		}
	}
	const page = 8 << 10
	return make([]byte, 0, (n+readAhead+page-1)&^(page-1))
}
