package etf

import (
	"encoding/binary"
	"math"
	"math/big"
	"unicode/utf8"
)

// appendTag32 appends a tag and a number of four bytes, in one go.
func appendTag32(dst []byte, tag byte, n uint32) []byte {
	return append(dst, tag, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendTupleHeader appends the header of a tuple. The caller then appends arity terms.
func AppendTupleHeader(dst []byte, arity int) []byte {
	if arity <= 255 {
		return append(dst, tagSmallTuple, byte(arity))
	}
	return binary.BigEndian.AppendUint32(append(dst, tagLargeTuple), uint32(arity))
}

// AppendListHeader appends the header of a list of one or more elements. The caller then appends n terms and a tail,
// which is AppendNil's unless the list is to be improper. An empty list is AppendNil's alone.
func AppendListHeader(dst []byte, n int) []byte {
	return appendTag32(dst, tagList, uint32(n))
}

// AppendNil appends [].
func AppendNil(dst []byte) []byte { return append(dst, tagNil) }

// AppendMapHeader appends the header of a map. The caller then appends n times a key and a value. Keys must be
// distinct: a BEAM node closes the connection on a map with a duplicate key.
func AppendMapHeader(dst []byte, n int) []byte {
	return appendTag32(dst, tagMap, uint32(n))
}

// AppendAtom appends an atom, which must be a ValidAtom. What is longer than 255 characters is cut there, so that the
// bytes stay a term; Append and AppendTerm report it instead.
func AppendAtom(dst []byte, a Atom) []byte {
	if len(a) <= 255 {
		dst = append(dst, tagSmallAtomUTF, byte(len(a)))
		return append(dst, a...)
	}
	if len(a) > maxAtomChars*utf8.UTFMax {
		a = cut(a)
	}
	dst = append(dst, tagAtomUTF8, byte(len(a)>>8), byte(len(a)))
	return append(dst, a...)
}

func cut(a Atom) Atom {
	n := 0
	for i := range a {
		if n++; n > maxAtomChars {
			return a[:i]
		}
	}
	return a
}

// AppendBool appends the atom true or false.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, tagSmallAtomUTF, 4, 't', 'r', 'u', 'e')
	}
	return append(dst, tagSmallAtomUTF, 5, 'f', 'a', 'l', 's', 'e')
}

// AppendInt appends an integer in the form that OTP chooses: one byte, four bytes, or a big.
func AppendInt(dst []byte, i int64) []byte {
	switch {
	case uint64(i) <= 255:
		return append(dst, tagSmallInt, byte(i))
	case int64(int32(i)) == i:
		return appendTag32(dst, tagInt, uint32(i))
	case i < 0:
		return appendMagnitude(dst, 1, -uint64(i))
	}
	return appendMagnitude(dst, 0, uint64(i))
}

// AppendUint is AppendInt for unsigned integers.
func AppendUint(dst []byte, u uint64) []byte {
	if u <= math.MaxInt64 {
		return AppendInt(dst, int64(u))
	}
	return appendMagnitude(dst, 0, u)
}

func appendMagnitude(dst []byte, sign byte, u uint64) []byte {
	at := len(dst)
	dst = append(dst, tagSmallBig, 0, sign)
	for ; u != 0; u >>= 8 {
		dst = append(dst, byte(u))
	}
	dst[at+1] = byte(len(dst) - at - 3)
	return dst
}

// appendBig appends an integer of any size that has an encoding; the caller has checked that.
func appendBig(dst []byte, i *big.Int) []byte {
	if i.IsInt64() {
		return AppendInt(dst, i.Int64())
	}
	var sign byte
	if i.Sign() < 0 {
		sign = 1
	}
	n := (i.BitLen() + 7) / 8
	if n <= 255 {
		dst = append(dst, tagSmallBig, byte(n), sign)
	} else {
		dst = append(binary.BigEndian.AppendUint32(append(dst, tagLargeBig), uint32(n)), sign)
	}
	words := i.Bits()
	if wordBytes == 8 {
		for ; n >= 8; n -= 8 {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(words[0]))
			words = words[1:]
		}
	}
	for _, w := range words {
		for b := 0; b < wordBytes && n > 0; b++ {
			dst = append(dst, byte(w))
			w >>= 8
			n--
		}
	}
	return dst
}

const wordBytes = (32 << (^big.Word(0) >> 63)) / 8

// AppendFloat appends a float, which must be finite: there is no other in Erlang.
func AppendFloat(dst []byte, f float64) []byte {
	u := math.Float64bits(f)
	return append(dst, tagNewFloat, byte(u>>56), byte(u>>48), byte(u>>40), byte(u>>32), byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
}

// AppendBinary appends a binary. It has at most 4 GiB.
func AppendBinary(dst, b []byte) []byte {
	return append(appendTag32(dst, tagBinary, uint32(len(b))), b...)
}

// AppendString appends a binary with the bytes of s.
func AppendString(dst []byte, s string) []byte {
	return append(appendTag32(dst, tagBinary, uint32(len(s))), s...)
}

// long is from where on copying takes so long that it matters how it is done, or whether.
const long = 64 << 10

// pieceOfLong is how much is copied at once.
const pieceOfLong = 256 << 10

// copyLong is append for what may be long. From a MiB on Go's copying goes past the caches (runtime.memmove), and whoever reads the copy
// next, as the system call does that sends it, waits for memory: so it is made in pieces, if there is room.
func copyLong(dst, b []byte) []byte {
	if cap(dst)-len(dst) >= len(b) {
		for ; len(b) > pieceOfLong; b = b[pieceOfLong:] {
			dst = append(dst, b[:pieceOfLong]...)
		}
	}
	return append(dst, b...)
}

// AppendPid appends a pid.
func AppendPid(dst []byte, p Pid) []byte {
	if n := len(p.Node); n <= 255 {
		dst = append(append(dst, tagNewPid, tagSmallAtomUTF, byte(n)), p.Node...)
		return append(dst, byte(p.ID>>24), byte(p.ID>>16), byte(p.ID>>8), byte(p.ID),
			byte(p.Serial>>24), byte(p.Serial>>16), byte(p.Serial>>8), byte(p.Serial),
			byte(p.Creation>>24), byte(p.Creation>>16), byte(p.Creation>>8), byte(p.Creation))
	}
	dst = AppendAtom(append(dst, tagNewPid), p.Node)
	dst = binary.BigEndian.AppendUint32(dst, p.ID)
	dst = binary.BigEndian.AppendUint32(dst, p.Serial)
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

// AppendPort appends a port. Numbers of up to 28 bits get the form that every release since OTP 23 takes, and that OTP
// 24 and 25 send; larger ones get V4_PORT_EXT, which OTP 23 does not know.
func AppendPort(dst []byte, p Port) []byte {
	if p.ID < 1<<28 {
		dst = AppendAtom(append(dst, tagNewPort), p.Node)
		dst = binary.BigEndian.AppendUint32(dst, uint32(p.ID))
	} else {
		dst = AppendAtom(append(dst, tagV4Port), p.Node)
		dst = binary.BigEndian.AppendUint64(dst, p.ID)
	}
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

// AppendRef appends a reference. Its Len is 1 to 5; another is taken for the nearest of these.
func AppendRef(dst []byte, r Ref) []byte {
	n := min(max(r.Len, 1), maxRefWords)
	dst = AppendAtom(append(dst, tagNewerRef, 0, n), r.Node)
	dst = binary.BigEndian.AppendUint32(dst, r.Creation)
	for _, w := range r.Words[:n] {
		dst = binary.BigEndian.AppendUint32(dst, w)
	}
	return dst
}
