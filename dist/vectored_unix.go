//go:build unix && (!linux || 386 || s390x)

package dist

import (
	"net"
	"syscall"
)

// vectored writes one slice per system call, where writev is not at hand.
type vectored struct{}

func (w *vectored) some(fd int, v net.Buffers) (int, error) {
	n, err := syscall.Write(fd, v[0])
	return max(n, 0), err
}

// scatter reads into one slice per system call.
type scatter struct{}

func (s *scatter) readSome(fd int, a, _ []byte) (int, error) { return syscall.Read(fd, a) }
