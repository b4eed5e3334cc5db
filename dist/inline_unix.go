//go:build unix

package dist

import (
	"errors"
	"net"
	"syscall"
)

// inlineWriter returns a function that writes to the socket of nc what it takes without waiting, or nil for a carrier
// that is no socket (TLS, a pipe): net.Conn.Write waits, and its deadline would hit other writers.
func inlineWriter(nc net.Conn) func(net.Buffers) (int, error) {
	rc := rawConn(nc)
	if rc == nil {
		return nil
	}
	w := &rawWriter{}
	w.do = w.write
	return func(v net.Buffers) (int, error) {
		w.v, w.n, w.err = v, 0, nil
		err := rc.Write(w.do)
		w.v = nil
		return w.n, errors.Join(err, w.err)
	}
}

// rawWriter carries arguments and results of one write past the closure that RawConn wants, so that none is made per
// message. Its user writes alone (outbox.busy).
type rawWriter struct {
	v   net.Buffers
	n   int
	err error
	do  func(fd uintptr) bool
	vectored
}

// write returns true also when the socket is full: waiting is the writer goroutine's job.
func (w *rawWriter) write(fd uintptr) bool {
	v := w.v
	for len(v) > 0 {
		n, err := w.some(int(fd), v)
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
