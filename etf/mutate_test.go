package etf_test

import (
	"math/rand/v2"
	"slices"
)

// mutator puts faults into bytes, as interop/etf does, with pieces of what it has seen.
type mutator struct {
	*rand.Rand
	last []byte
}

func newMutator(seed uint64) *mutator { return &mutator{Rand: rand.New(rand.NewPCG(seed, 2))} }

// mutate returns data with one or two faults in it.
func (m *mutator) mutate(data []byte) []byte {
	b := slices.Clone(data)
	for range 1 + m.IntN(2) {
		if len(b) < 3 {
			break
		}
		at := 1 + m.IntN(len(b)-1)
		switch m.IntN(6) {
		case 0:
			b[at] ^= 1 << m.IntN(8)
		case 1:
			b[at] = "abcdghijklmnqstvwMFXYZxrpC"[m.IntN(26)]
		case 2: // a length field, perhaps
			b[at] += byte(m.IntN(5) - 2)
		case 3:
			b = slices.Delete(b, at, min(len(b), at+1+m.IntN(3)))
		case 4: // a piece of its own in another place: keys that are there twice
			to := min(len(b), at+1+m.IntN(12))
			piece := slices.Clone(b[at:to])
			at = 1 + m.IntN(len(b)-1)
			b = slices.Replace(b, at, min(len(b), at+len(piece)), piece...)
		case 5:
			if len(m.last) > 2 {
				from := 1 + m.IntN(len(m.last)-2)
				piece := m.last[from:min(len(m.last), from+1+m.IntN(16))]
				b = slices.Replace(b, at, min(len(b), at+m.IntN(len(piece)+1)), piece...)
			}
		}
	}
	m.last = data
	return b
}
