//go:build unix && !(linux && (amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64))

package dist

import (
	"errors"
	"io"
	"net"
	"syscall"
)

func carrierOf(nc net.Conn) carrier {
	c := anyCarrier(nc)
	if rc := rawConn(nc); rc != nil {
		s, w := &socket{rc: rc}, &rawWriter{rc: rc}
		s.do, w.do = s.some, w.some
		c.source, c.inline = s, w.inline
	}
	return c
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

func (s *socket) readIdle(buf *[]byte, limit int, _ expected) (int, error) {
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

// rawWriter carries arguments and results of one write past the closure that RawConn wants, so that none is made per
// message. Its user writes alone (outbox.busy).
type rawWriter struct {
	rc  syscall.RawConn
	v   net.Buffers
	n   int
	err error
	do  func(fd uintptr) bool
	vectored
}

// inline writes what the socket takes without waiting. net.Conn.Write waits, and its deadline would hit other writers.
func (w *rawWriter) inline(v net.Buffers) (int, error) {
	w.v, w.n, w.err = v, 0, nil
	err := w.rc.Write(w.do)
	w.v = nil
	return w.n, errors.Join(err, w.err)
}

// some returns true also when the socket is full: waiting is the writer goroutine's job.
func (w *rawWriter) some(fd uintptr) bool {
	v := w.v
	for len(v) > 0 {
		n, err := w.vectored.some(int(fd), v)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			if !errors.Is(err, syscall.EAGAIN) {
				w.err = err
			}
			return true
		}
		w.n += n
		all := 0
		for len(v) > 0 && all+len(v[0]) <= n {
			all += len(v[0])
			v = v[1:]
		}
		if all < n || len(v) > 0 && n == 0 {
			return true // a part of a slice: the socket is full now
		}
	}
	return true
}
