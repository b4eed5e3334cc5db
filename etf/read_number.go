package etf

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"strconv"
)

// Int reads an integer of any tag. One that does not fit int64 is a *TypeError.
func (r *Reader) Int() (int64, error) {
	if r.left() >= 2 && r.data[r.pos] == tagSmallInt {
		i := int64(r.data[r.pos+1])
		r.pos += 2
		return i, nil
	}
	if r.left() >= 5 && r.data[r.pos] == tagInt {
		i := int64(int32(r.u32(r.pos + 1)))
		r.pos += 5
		return i, nil
	}
	neg, mag, next, err := r.magnitude()
	if err != nil {
		return 0, err
	}
	u, ok := smallMagnitude(mag)
	switch {
	case ok && !neg && u <= math.MaxInt64:
		r.pos = next
		return int64(u), nil
	case ok && neg && u <= 1<<63:
		r.pos = next
		return -int64(u), nil
	}
	return 0, &TypeError{Offset: r.pos, Found: r.describe(), Want: "integer of 64 bits"}
}

// Uint reads an integer of any tag. One that is negative or does not fit uint64 is a *TypeError.
func (r *Reader) Uint() (uint64, error) {
	if r.left() >= 2 && r.data[r.pos] == tagSmallInt {
		u := uint64(r.data[r.pos+1])
		r.pos += 2
		return u, nil
	}
	if r.left() >= 5 && r.data[r.pos] == tagInt && r.data[r.pos+1] < 0x80 {
		u := uint64(r.u32(r.pos + 1))
		r.pos += 5
		return u, nil
	}
	neg, mag, next, err := r.magnitude()
	if err != nil {
		return 0, err
	}
	if u, ok := smallMagnitude(mag); ok && (!neg || u == 0) {
		r.pos = next
		return u, nil
	}
	return 0, &TypeError{Offset: r.pos, Found: r.describe(), Want: "unsigned integer of 64 bits"}
}

// BigInt reads an integer of any tag and size.
func (r *Reader) BigInt() (*big.Int, error) {
	i := new(big.Int)
	if err := r.bigInt(i); err != nil {
		return nil, err
	}
	return i, nil
}

// bigInt is BigInt into an integer that is there, in the memory that it has.
func (r *Reader) bigInt(i *big.Int) error {
	neg, mag, next, err := r.magnitude()
	if err != nil {
		return err
	}
	r.pos = next
	setBig(i, neg, mag)
	return nil
}

// Float reads a float: NEW_FLOAT_EXT, or the text form that minor version 0 had.
func (r *Reader) Float() (float64, error) {
	if r.left() < 1 {
		return 0, eof(r.pos, "float")
	}
	switch r.data[r.pos] {
	case tagNewFloat:
		if r.left() < 9 {
			return 0, eof(len(r.data), "float")
		}
		f := math.Float64frombits(r.u64(r.pos + 1))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return 0, syntaxf(r.pos, "float is not finite")
		}
		r.pos += 9
		return f, nil
	case tagFloat:
		if r.left() < 32 {
			return 0, eof(len(r.data), "float")
		}
		f, ok := textFloat(r.data[r.pos+1 : r.pos+32])
		if !ok {
			return 0, syntaxf(r.pos, "malformed float text")
		}
		r.pos += 32
		return f, nil
	}
	return 0, r.mismatch("float")
}

// textFloat reads what "%.20e" printed, padded with zero bytes.
func textFloat(b []byte) (float64, bool) {
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	rest := b
	if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	// Digits, a point, digits: ParseFloat wants neither the point nor digits on both sides, and also takes names,
	// hexadecimal and underscores.
	whole := digits(rest)
	if whole == 0 || whole == len(rest) || rest[whole] != '.' {
		return 0, false
	}
	rest = rest[whole+1:]
	frac := digits(rest)
	if frac == 0 || frac < len(rest) && rest[frac] != 'e' && rest[frac] != 'E' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// magnitude finds the sign and the little-endian magnitude of the integer at the cursor, without high zero bytes.
// The magnitude aliases the input, or is a few new bytes.
func (r *Reader) magnitude() (neg bool, mag []byte, next int, err error) {
	if r.left() < 1 {
		return false, nil, 0, eof(r.pos, "integer")
	}
	var n, start int
	switch r.data[r.pos] {
	case tagSmallInt:
		if r.left() < 2 {
			return false, nil, 0, eof(len(r.data), "integer")
		}
		n, start = 1, r.pos+1
	case tagInt:
		if r.left() < 5 {
			return false, nil, 0, eof(len(r.data), "integer")
		}
		i := int64(int32(r.u32(r.pos + 1)))
		u := uint64(i)
		if i < 0 {
			u = uint64(-i)
		}
		return i < 0, trimHigh(binary.LittleEndian.AppendUint64(nil, u)), r.pos + 5, nil
	case tagSmallBig:
		if r.left() < 3 {
			return false, nil, 0, eof(len(r.data), "integer")
		}
		n, start = int(r.data[r.pos+1]), r.pos+3
		neg = r.data[r.pos+2] != 0
	case tagLargeBig:
		if r.left() < 6 {
			return false, nil, 0, eof(len(r.data), "integer")
		}
		u := r.u32(r.pos + 1)
		if u > maxBigBytes {
			return false, nil, 0, syntaxf(r.pos, "integer of %d bytes, the most is %d", u, maxBigBytes)
		}
		n, start = int(u), r.pos+6
		neg = r.data[r.pos+5] != 0
	default:
		return false, nil, 0, r.mismatch("integer")
	}
	if n > len(r.data)-start {
		return false, nil, 0, eof(len(r.data), "integer")
	}
	return neg, trimHigh(r.data[start : start+n]), start + n, nil
}

func trimHigh(mag []byte) []byte {
	for len(mag) > 0 && mag[len(mag)-1] == 0 {
		mag = mag[:len(mag)-1]
	}
	return mag
}

func smallMagnitude(mag []byte) (uint64, bool) {
	if len(mag) > 8 {
		return 0, false
	}
	var u uint64
	for i, b := range mag {
		u |= uint64(b) << (8 * i)
	}
	return u, true
}

// newBig returns an integer with room for n bytes, both in one piece of memory.
func newBig(n int) *big.Int {
	switch n = (n + wordBytes - 1) / wordBytes; {
	case n <= 4:
		b := new(struct {
			i     big.Int
			words [4]big.Word
		})
		return b.i.SetBits(b.words[:0])
	case n <= 32:
		b := new(struct {
			i     big.Int
			words [32]big.Word
		})
		return b.i.SetBits(b.words[:0])
	}
	return new(big.Int)
}

// setBig sets i to a little-endian magnitude without high zeros.
func setBig(i *big.Int, neg bool, mag []byte) {
	n := (len(mag) + wordBytes - 1) / wordBytes
	words := i.Bits()[:0]
	if cap(words) < n {
		words = make([]big.Word, 0, n)
	}
	for len(mag) >= wordBytes {
		if wordBytes == 8 {
			words = append(words, big.Word(binary.LittleEndian.Uint64(mag)))
		} else {
			words = append(words, big.Word(binary.LittleEndian.Uint32(mag)))
		}
		mag = mag[wordBytes:]
	}
	if len(mag) > 0 {
		var w big.Word
		for j, b := range mag {
			w |= big.Word(b) << (8 * j)
		}
		words = append(words, w)
	}
	i.SetBits(words)
	if neg {
		i.Neg(i)
	}
}
