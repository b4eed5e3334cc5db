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
