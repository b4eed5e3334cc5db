package main

import "slices"

// tags are those of the format, and some that are none.
var tags = []byte{67, 70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114,
	115, 116, 117, 118, 119, 120, 121, 0, 68, 69, 73, 75, 131, 255}

// mutate returns b with one to four faults in it.
func (s *source) mutate(b []byte, other []byte) []byte {
	b = slices.Clone(b)
	for range 1 + s.IntN(4)*s.IntN(2) {
		if len(b) < 2 {
			break
		}
		at := 1 + s.IntN(len(b)-1)
		switch s.IntN(10) {
		case 0:
			b[at] ^= 1 << s.IntN(8)
		case 1:
			b[at] = byte(s.Uint32())
		case 2:
			b[at] = tags[s.IntN(len(tags))]
		case 3: // a length field, perhaps
			b[at] += byte(s.IntN(5) - 2)
		case 4:
			b = slices.Delete(b, at, min(len(b), at+1+s.IntN(4)))
		case 5:
			b = slices.Insert(b, at, s.bytes(1+s.IntN(4))...)
		case 6:
			b = b[:at]
		case 7:
			b = slices.Insert(b, at, tags[s.IntN(len(tags))])
		case 8: // a piece of another term
			if len(other) > 1 {
				from := 1 + s.IntN(len(other)-1)
				to := min(len(other), from+1+s.IntN(30))
				b = slices.Replace(b, at, min(len(b), at+s.IntN(to-from+1)), other[from:to]...)
			}
		case 9: // a piece of its own, moved
			to := min(len(b), at+1+s.IntN(20))
			piece := slices.Clone(b[at:to])
			b = slices.Insert(b, 1+s.IntN(len(b)-1), piece...)
		}
	}
	return b
}
