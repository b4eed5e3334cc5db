//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// pace sees to it that a stream of large payloads does not fill the peer's socket, which Linux lets grow to tens of MiB: small messages would wait
// behind all that, and it has left the caches when the peer reads it. How much the peer has not read yet shows in the window that it advertises. It does
// that with each packet it acknowledges, and often not when it reads: so who writes naps for a moment and then goes on in any case, a piece at a time.
type pace struct {
	window func() (uint32, bool) // of the peer, behind what it has acknowledged; not ok if the system does not tell
	sent   atomic.Int64          // since the last look

	mu   sync.Mutex
	most uint32 // the window when nothing was unread, as far as that was seen of late
	off  bool   // the system does not tell
}

const (
	paceEvery  = 256 << 10 // how much is written between two looks
	paceUnread = 1 << 20   // from where on to nap
	// paceNap is how long; Linux makes 0.154 to 0.158 ms of it. A peer that reads 3 GB a second has read half of paceUnread then.
	paceNap = 100 * time.Microsecond
	// paceForget is how slowly the largest window is forgotten, as a part of the difference: one that has become smaller for another reason than
	// unread bytes costs naps for 200 MiB or so at most.
	paceForget = 256
)

func (p *pace) wrote(n int) { p.sent.Add(int64(n)) }

// wait is for one goroutine at a time: what others write meanwhile makes them wait the next time.
func (p *pace) wait() {
	if p.sent.Load() < paceEvery || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	if p.off {
		return
	}
	p.sent.Store(0)
	window, ok := p.window()
	if p.off = !ok; ok && p.behind(window) {
		nap := syscall.NsecToTimespec(int64(paceNap))
		syscall.Nanosleep(&nap, nil)
	}
}

// behind tells by the peer's window whether much is unread.
func (p *pace) behind(window uint32) bool {
	if window >= p.most {
		p.most = window
		return false
	}
	unread := p.most - window
	p.most -= unread / paceForget
	return unread > paceUnread
}

// window is pace.window; not ok of a Unix socket, and before Linux 5.4.
func (s *socket) window() (window uint32, ok bool) {
	const at = 228 // tcpi_snd_wnd in struct tcp_info (linux/tcp.h)
	var info [at + 4]byte
	size := uint32(len(info))
	s.use.RLock()
	defer s.use.RUnlock()
	if s.fd < 0 {
		return 0, false
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(s.fd), syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	runtime.KeepAlive(&info)
	return binary.NativeEndian.Uint32(info[at:]), errno == 0 && size == uint32(len(info))
}
