//go:build unix

package dist

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// socketSource returns the source for a socket, or nil for any other carrier.
func socketSource(nc net.Conn) source {
	rc := rawConn(nc)
	if rc == nil {
		return nil
	}
	s := &socket{rc: rc}
	s.do = s.some
	return s
}

// rawConn returns what allows to call the socket of nc itself. A type that embeds a socket has a SyscallConn too, and may
// have a Write of its own, so only the sockets themselves count.
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

// socket reads from a socket without net.Conn.Read: several slices at once, and without a buffer while there is nothing. Its fields
// carry arguments and results past the closure that RawConn wants.
type socket struct {
	rc    syscall.RawConn
	do    func(fd uintptr) bool
	a, b  []byte
	idle  *[]byte
	limit int
	n     int
	err   error
	lend  *[readBuffer]byte
	scatter
}

func (s *socket) Read(b []byte) (int, error) { return s.readTwo(b, nil) }

func (s *socket) readTwo(a, b []byte) (int, error) {
	s.a, s.b, s.idle = a, b, nil
	return s.read()
}

func (s *socket) readIdle(buf *[]byte, limit int) (int, error) {
	s.idle, s.limit = buf, limit
	return s.read()
}

func (s *socket) read() (int, error) {
	s.n, s.err = 0, nil
	err := s.rc.Read(s.do)
	s.a, s.b = nil, nil
	if s.err == nil {
		s.err = err
	}
	return s.n, s.err
}

// some reads what there is. It returns false to wait for more.
func (s *socket) some(fd uintptr) bool {
	if s.idle != nil {
		if *s.idle == nil {
			s.lend = buffers.Get().(*[readBuffer]byte)
			*s.idle = s.lend[:]
		}
		s.a, s.b = (*s.idle)[:s.limit], nil
	}
	for {
		n, err := s.readSome(int(fd), s.a, s.b)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			if s.idle != nil {
				*s.idle = nil
				buffers.Put(s.lend)
				s.a, s.lend = nil, nil
			}
			return false
		case err != nil:
			s.err = err
		case n == 0:
			s.err = io.EOF
		default:
			s.n = n
		}
		return true
	}
}
