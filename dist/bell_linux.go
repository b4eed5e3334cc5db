//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// bell wakes a thread that waits for a socket in a system call, for something that does not come from there.
type bell struct {
	asleep atomic.Bool // somebody waits, or is about to: the bell is worth ringing
	event  int         // an eventfd, -1 before asleep is set for the first time, and after the end
}

// hang makes sure that there is one.
func (b *bell) hang() error {
	if b.event >= 0 {
		return nil
	}
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return errno
	}
	b.event = int(fd)
	return nil
}

func (b *bell) ring() {
	if b.event >= 0 {
		one := [8]byte{0: 1, 7: 1} // in either order of bytes
		syscall.Write(b.event, one[:])
	}
}

func (b *bell) close() {
	if b.event >= 0 {
		syscall.Close(b.event)
		b.event = -1
	}
}

// wait returns when the socket is readable, the bell has been rung since the last time, or the time is over. One at a time may wait.
func (b *bell) wait(socket int, limit time.Duration) {
	type pollFd struct {
		fd              int32
		wanted, readied int16
	}
	fds := [2]pollFd{{int32(socket), pollIn, 0}, {int32(b.event), pollIn, 0}}
	ts := syscall.NsecToTimespec(int64(limit))
	n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), uintptr(len(fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if int(n) > 0 && fds[1].readied != 0 {
		var count [8]byte
		syscall.Read(b.event, count[:])
	}
}

const pollIn = 1
