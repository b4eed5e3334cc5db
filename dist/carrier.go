package dist

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// carrier is what carries a connection.
type carrier struct {
	source
	inline func(net.Buffers) (int, error) // writes what is taken at once; nil if the carrier cannot tell
	// One of the two is there: write writes everything, and may use up the slices' headers; waitOut waits for what inline writes to be taken.
	write   func(net.Buffers) (int, error)
	waitOut func() error
	close   func() error
	// waitSoon reads up to limit bytes into *buf that come within about a millisecond; nil if the carrier cannot. With a Caller it waits only while
	// he is not answered, and stir says that he may be.
	waitSoon func(buf *[]byte, limit int, w Caller) (int, error)
	stir     func()
	yield    func() // lets another thread have the processor; nil where nobody knows how
	pace     pacer  // nil where nobody knows whether the peer is behind
}

// pacer is for who writes large payloads.
type pacer interface {
	wrote(n int) // bytes of them
	wait()       // a little, if the peer is behind
}

// source is where bytes come from.
type source interface {
	io.Reader
	// readTwo reads into a and what comes after that into b, as much as there is.
	readTwo(a, b []byte) (int, error)
	// readIdle reads up to limit bytes into *buf, which is nil again while nothing comes, unless something is expected soon.
	readIdle(buf *[]byte, limit int, next expected) (int, error)
}

// anyCarrier is a net.Conn of any kind.
func anyCarrier(nc net.Conn) carrier {
	return carrier{source: anySource{nc, readBuffer}, close: nc.Close, write: func(v net.Buffers) (int, error) {
		n, err := v.WriteTo(nc)
		return int(n), err
	}}
}

type anySource struct {
	io.Reader
	size int
}

func (s anySource) readTwo(a, _ []byte) (int, error) { return s.Read(a) }

func (s anySource) readIdle(buf *[]byte, limit int, _ expected) (int, error) {
	if *buf == nil {
		*buf = make([]byte, s.size)
	}
	return s.Read((*buf)[:min(limit, s.size)])
}

// counted counts for the ticker, also the bytes of a packet that is still incomplete.
type counted struct {
	source
	n *atomic.Uint64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.source.Read(b)
	c.n.Add(uint64(n))
	return n, err
}

func (c counted) readTwo(a, b []byte) (int, error) {
	n, err := c.source.readTwo(a, b)
	c.n.Add(uint64(n))
	return n, err
}

func (c counted) readIdle(buf *[]byte, limit int, next expected) (int, error) {
	n, err := c.source.readIdle(buf, limit, next)
	c.n.Add(uint64(n))
	return n, err
}

// buffers are shared by the connections that have something to read.
var buffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// rawConn returns what allows to call the socket of nc itself, nil for other carriers (TLS, a pipe). A type that embeds a socket has a
// SyscallConn too, and may have a Write of its own, so only the sockets themselves count.
func rawConn(nc net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}
