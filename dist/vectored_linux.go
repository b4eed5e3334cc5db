package dist

import (
	"net"
	"runtime"
	"syscall"
	"unsafe"
)

const maxVectors = 32 // slices in one system call

// vectored writes several slices with one system call. The standard library has writev only in net.Buffers, which waits.
type vectored struct {
	iov [maxVectors]syscall.Iovec
}

// some writes as many of the slices as the socket takes at once.
func (w *vectored) some(fd int, v net.Buffers) (int, error) {
	if len(v) == 1 {
		n, err := syscall.Write(fd, v[0])
		return max(n, 0), err
	}
	k := min(len(v), maxVectors)
	for i, b := range v[:k] {
		w.iov[i].Base = unsafe.SliceData(b)
		w.iov[i].SetLen(len(b))
	}
	n, _, errno := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&w.iov[0])), uintptr(k))
	runtime.KeepAlive(v)
	clear(w.iov[:k])
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// scatter reads into two slices with one system call.
type scatter struct {
	iov [2]syscall.Iovec
}

func (s *scatter) readSome(fd int, a, b []byte) (int, error) {
	if len(b) == 0 {
		return syscall.Read(fd, a)
	}
	s.iov[0].Base, s.iov[1].Base = unsafe.SliceData(a), unsafe.SliceData(b)
	s.iov[0].SetLen(len(a))
	s.iov[1].SetLen(len(b))
	n, _, errno := syscall.Syscall(syscall.SYS_READV, uintptr(fd), uintptr(unsafe.Pointer(&s.iov[0])), 2)
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	clear(s.iov[:])
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
