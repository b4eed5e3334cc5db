//go:build unix && !(linux && (amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64))

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
