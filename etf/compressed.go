package etf

import (
	"bytes"
	"compress/zlib"
	"io"
	"math"
)

// deflateRatio is more than zlib ever gains: about 1032 to 1.
const deflateRatio = 1040

// inflate returns the bare term inside a compressed one, and how many bytes of data its zlib stream took. data starts
// behind the tag 80, at the declared size.
func inflate(data []byte, at int, lim Limits) (inner []byte, used int, err error) {
	if len(data) < 4 {
		return nil, 0, eof(at+len(data), "compressed term")
	}
	size := int64(data[0])<<24 | int64(data[1])<<16 | int64(data[2])<<8 | int64(data[3])
	if most := limitOr(lim.Inflated, defaultInflated, math.MaxInt); size > int64(most) {
		return nil, 0, &LimitError{Offset: at, Limit: "Inflated", Max: most}
	}
	if size > int64(len(data))*deflateRatio {
		return nil, 0, syntaxf(at, "%d bytes cannot inflate to the declared %d", len(data)-4, size)
	}
	src := bytes.NewReader(data[4:]) // a ByteReader: zlib takes no more than its stream
	z, err := zlib.NewReader(src)
	if err != nil {
		return nil, 0, badZlib(at, err)
	}
	// Memory grows with what really comes out, not with what was declared.
	var out bytes.Buffer
	out.Grow(int(min(size, 64<<10)))
	n, err := io.Copy(&out, io.LimitReader(z, size+1))
	if err != nil {
		return nil, 0, badZlib(at, err)
	}
	if n != size {
		return nil, 0, syntaxf(at, "compressed term declares %d bytes and inflates to other", size)
	}
	return out.Bytes(), len(data) - src.Len(), nil
}

func badZlib(at int, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SyntaxError{Offset: at, Msg: "compressed term: " + err.Error(), Err: err}
}

// markInflated says in err that its offset counts in the inflated bytes.
func markInflated(err error) error {
	switch e := err.(type) {
	case *SyntaxError:
		e.Inflated = true
	case *TypeError:
		e.Inflated = true
	}
	return err
}
