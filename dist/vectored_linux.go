//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"net"
	"runtime"
	"syscall"
	"unsafe"
)

const maxVectors = 32 // slices in one system call

// vectored sends several slices with one system call, without waiting. The standard library has that only in net.Buffers, which waits.
type vectored struct {
	iov [maxVectors]syscall.Iovec
	msg syscall.Msghdr
}

// send sends as many of the slices as the socket takes at once.
func (w *vectored) send(fd int, v net.Buffers) (int, error) {
	const flags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL
	var n uintptr
	var errno syscall.Errno
	if len(v) == 1 {
		n, _, errno = syscall.Syscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(v[0]))), uintptr(len(v[0])), flags, 0, 0)
	} else {
		k := min(len(v), maxVectors)
		for i, b := range v[:k] {
			w.iov[i].Base = unsafe.SliceData(b)
			w.iov[i].SetLen(len(b))
		}
		w.msg.Iov = &w.iov[0]
		setLength(&w.msg.Iovlen, k)
		n, _, errno = syscall.Syscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&w.msg)), flags)
		clear(w.iov[:k])
	}
	runtime.KeepAlive(v)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// setLength sets a field whose type is another where words have 32 bits.
func setLength[T uint32 | uint64](field *T, n int) { *field = T(n) }

// scatter receives into two slices with one system call.
type scatter struct {
	iov [2]syscall.Iovec
	msg syscall.Msghdr
}

// receive takes what there is. If there is nothing it waits for the time that was set for the socket (receiveTimeout), or not at all.
func (s *scatter) receive(fd int, a, b []byte, wait bool) (int, error) {
	flags := uintptr(syscall.MSG_DONTWAIT)
	if wait {
		flags = 0
	}
	var n uintptr
	var errno syscall.Errno
	if len(b) == 0 {
		n, _, errno = syscall.Syscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(len(a)), flags, 0, 0)
	} else {
		s.iov[0].Base, s.iov[1].Base = unsafe.SliceData(a), unsafe.SliceData(b)
		s.iov[0].SetLen(len(a))
		s.iov[1].SetLen(len(b))
		s.msg.Iov = &s.iov[0]
		s.msg.Iovlen = 2
		n, _, errno = syscall.Syscall(syscall.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&s.msg)), flags)
		clear(s.iov[:])
		runtime.KeepAlive(b)
	}
	runtime.KeepAlive(a)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// yield lets another thread have the processor.
func yield() { syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
