//go:build unix

package dist

import (
	"errors"
	"net"
	"syscall"
)

// inlineWriter returns a function that writes to the socket of nc what it takes without waiting, or nil for a carrier
// that is no socket (TLS, a pipe): net.Conn.Write waits, and its deadline would hit other writers. A type that embeds a
// socket has a SyscallConn too, and may have a Write of its own, so only the sockets themselves count.
func inlineWriter(nc net.Conn) func([]byte) (int, error) {
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
	w := &rawWriter{}
	w.do = w.write
	return func(b []byte) (int, error) {
		w.b, w.n, w.err = b, 0, nil
		if err := rc.Write(w.do); err != nil {
			return 0, err
		}
		return w.n, w.err
	}
}

// rawWriter carries arguments and results of one write past the closure that RawConn wants, so that none is made per
// message. Its user writes alone (outbox.busy).
type rawWriter struct {
	b   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

func (w *rawWriter) write(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), w.b)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n < 0 {
			n = 0
		}
		w.n = n
		if !errors.Is(err, syscall.EAGAIN) {
			w.err = err
		}
		w.b = nil
		return true // also when the socket is full: waiting is the writer goroutine's job
	}
}
