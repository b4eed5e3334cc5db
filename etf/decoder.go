package etf

import (
	"bytes"
	"compress/zlib"
	"io"
	"math"
)

// A Decoder reads terms that follow one another in a stream, each with its version byte, as a file has them to which
// term_to_binary/1 was written again and again. It reads ahead, so others should not read from the stream.
//
// One goroutine uses a Decoder at a time.
type Decoder struct {
	r    io.Reader
	opts []Option
	o    options
	buf  []byte
	pos  int   // of the first byte in buf that is not used up
	base int64 // offset of buf[0] in the stream
	err  error // what ended the stream
}

// defaultSize is Limits.Size unless told.
const defaultSize = 64 << 20

// NewDecoder returns a Decoder of the terms in r. With the option Alias, binaries that it decodes are valid until the next
// call only.
func NewDecoder(r io.Reader, opts ...Option) *Decoder {
	d := &Decoder{r: r, opts: opts}
	for _, opt := range opts {
		opt(&d.o)
	}
	return d
}

// Offset returns how many bytes of the stream have been decoded.
func (d *Decoder) Offset() int64 { return d.base + int64(d.pos) }

// Decode reads the next term and stores it in the value v points to, as Unmarshal does. At the end of the stream it returns
// io.EOF, and where that is in the middle of a term a *SyntaxError that wraps io.ErrUnexpectedEOF.
//
// A term that does not fit v is a *TypeError; the next call reads the next term. So it is with a *LimitError, unless it
// is of the limit Size or Inflated. Every other error stays: where a term is malformed nobody knows where the next one begins. Offsets
// in errors count from the beginning of the stream.
func (d *Decoder) Decode(v any) error {
	if d.err != nil {
		return d.err
	}
	d.base += int64(d.pos)
	d.buf = d.buf[:copy(d.buf, d.buf[d.pos:])]
	d.pos = 0
	if err := d.fill(1); err != nil {
		return d.fail(err)
	}
	if d.buf[0] != Version {
		return d.fail(syntaxf(0, "version byte is %d, want %d", d.buf[0], Version))
	}
	if err := d.fill(2); err != nil {
		return d.fail(err)
	}
	if d.buf[1] == tagCompressed {
		return d.compressed(v)
	}
	s := scanner{pos: 1, left: 1}
	for {
		need, _ := s.run(d.buf)
		if need == 0 {
			break
		}
		if err := d.fill(need); err != nil {
			return d.fail(err)
		}
	}
	if s.left > 0 {
		return d.fail(s.malformed(d.buf))
	}
	d.pos = s.pos
	err := Unmarshal(d.buf[:s.pos], v, d.opts...)
	if _, ok := err.(*SyntaxError); ok {
		return d.fail(err)
	}
	return d.place(err)
}

// compressed decodes a term of which only inflating it shows the end.
func (d *Decoder) compressed(v any) error {
	if err := d.fill(6); err != nil {
		return d.fail(err)
	}
	size := int64(d.buf[2])<<24 | int64(d.buf[3])<<16 | int64(d.buf[4])<<8 | int64(d.buf[5])
	if most := limitOr(d.o.limits.Inflated, defaultInflated, math.MaxInt); size > int64(most) {
		return d.fail(&LimitError{Offset: 2, Limit: "Inflated", Max: most})
	}
	src := &inflating{d: d, pos: 6}
	z, err := zlib.NewReader(src)
	var out bytes.Buffer
	if err == nil {
		out.Grow(int(min(size, 64<<10)))
		_, err = io.Copy(&out, io.LimitReader(z, size+1))
	}
	if src.err != nil && src.err != io.EOF {
		return d.fail(src.err)
	}
	if err != nil {
		return d.fail(badZlib(2, err))
	}
	if int64(out.Len()) != size {
		return d.fail(syntaxf(2, "compressed term declares %d bytes and inflates to other", size))
	}
	d.pos = src.pos
	return markInflated(Raw{Bytes: out.Bytes()}.Decode(v, d.opts...))
}

// inflating is the input of zlib: the bytes of a Decoder, one at a time, so that none is taken from the next term.
type inflating struct {
	d   *Decoder
	pos int
	err error
}

func (in *inflating) ReadByte() (byte, error) {
	if in.pos >= len(in.d.buf) {
		if in.err = in.d.fill(in.pos + 1); in.err != nil {
			if s, ok := in.err.(*SyntaxError); ok && s.Err == io.ErrUnexpectedEOF {
				return 0, io.ErrUnexpectedEOF
			}
			return 0, in.err
		}
	}
	in.pos++
	return in.d.buf[in.pos-1], nil
}

func (in *inflating) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// fill reads until n bytes are in buf. Memory grows with what comes, not with what is claimed.
func (d *Decoder) fill(n int) error {
	if most := limitOr(d.o.limits.Size, defaultSize, math.MaxInt); n > most {
		return &LimitError{Offset: 0, Limit: "Size", Max: most}
	}
	for idle := 0; len(d.buf) < n; {
		if len(d.buf) == cap(d.buf) {
			grown := make([]byte, len(d.buf), max(4096, 2*cap(d.buf)))
			copy(grown, d.buf)
			d.buf = grown
		}
		got, err := d.r.Read(d.buf[len(d.buf):cap(d.buf)])
		if got < 0 || got > cap(d.buf)-len(d.buf) {
			return io.ErrNoProgress
		}
		d.buf = d.buf[:len(d.buf)+got]
		if idle++; got > 0 {
			idle = 0
		}
		switch {
		case len(d.buf) >= n:
		case err == io.EOF && len(d.buf) == 0:
			return io.EOF
		case err == io.EOF:
			return eof(len(d.buf), "term")
		case err != nil:
			return err
		case idle >= 100:
			return io.ErrNoProgress
		}
	}
	return nil
}

// fail ends the stream with err.
func (d *Decoder) fail(err error) error {
	d.err = d.place(err)
	return d.err
}

// place makes the offset in err one in the stream.
func (d *Decoder) place(err error) error {
	switch e := err.(type) {
	case *SyntaxError:
		if !e.Inflated {
			e.Offset += int(d.base)
		}
	case *TypeError:
		if !e.Inflated {
			e.Offset += int(d.base)
		}
	case *LimitError:
		e.Offset += int(d.base)
	}
	return err
}
