//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64

package dist

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func carrierOf(nc net.Conn) carrier {
	if s := socketOf(nc); s != nil {
		return carrier{source: s, inline: s.inline, waitOut: s.waitOut, close: s.Close, waitSoon: s.waitSoon, stir: s.stir, yield: yield, pace: &s.pace}
	}
	return anyCarrier(nc)
}

// socket is a TCP or Unix socket that the runtime's poller does not watch: that would wake a thread for whatever comes, also when the
// goroutine that reads is there to see it. Where nothing is expected soon the socket is waited for through a gate, as with the
// runtime's poller; where the answer to what was just sent is, in the system call.
type socket struct {
	use     sync.RWMutex // held for reading by system calls on fd, for writing to close it
	fd      int          // -1 when it is closed
	in      gate
	late    late // what was waited for in the system call
	later   late // what was waited for awake
	trickle trickle
	scatter
	vectored // of who writes
	pace     pace
	bell

	outMu sync.Mutex
	out   gate // opened when the socket is full for the first time
}

// socketOf takes over the socket of nc, and returns nil for any other carrier. A type that embeds a socket may have methods of its
// own, so only the sockets themselves count.
func socketOf(nc net.Conn) *socket {
	rc := rawConn(nc)
	if rc == nil {
		return nil
	}
	s := &socket{fd: -1, bell: bell{event: -1}}
	s.pace.window = s.window
	err := rc.Control(func(fd uintptr) {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
		if errno == 0 {
			s.fd = int(n)
		}
	})
	if err != nil || s.fd < 0 {
		return nil
	}
	// From now on every call says itself whether it waits.
	wait := syscall.NsecToTimeval(int64(soonAfter))
	err = errors.Join(syscall.SetNonblock(s.fd, false), syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait),
		s.in.open(s.fd, syscall.EPOLLIN|syscall.EPOLLRDHUP))
	syscall.SetsockoptInt(s.fd, syscall.IPPROTO_TCP, tcpNotSentLowat, mostUnsent) // fails for a Unix socket
	if err != nil {
		syscall.SetNonblock(s.fd, true)
		syscall.Close(s.fd)
		return nil
	}
	nc.Close() // the socket lives on as fd
	return s
}

// mostUnsent is how much a socket takes beyond what is on its way to the peer. Linux would take up to 4 MiB, as the peer takes less than it is
// given: all of that a small message would wait for, and it has left the caches when it is sent.
const (
	mostUnsent      = 384 << 10
	tcpNotSentLowat = 25 // TCP_NOTSENT_LOWAT
)

// Close ends whatever waits. What has been written is still sent.
func (s *socket) Close() error {
	s.use.RLock()
	if s.fd < 0 {
		s.use.RUnlock()
		return net.ErrClosed
	}
	syscall.Shutdown(s.fd, syscall.SHUT_RDWR)
	s.use.RUnlock()
	s.in.close()
	s.outMu.Lock()
	s.out.close()
	s.outMu.Unlock()
	s.use.Lock()
	defer s.use.Unlock()
	if s.fd < 0 {
		return net.ErrClosed
	}
	fd := s.fd
	s.fd = -1
	s.bell.close()
	drain(fd)
	return syscall.Close(fd)
}

// drain throws away what has come: a socket that is closed with something unread resets the connection, and the peer may lose what was
// written last.
func drain(fd int) {
	b := buffers.Get().(*[readBuffer]byte)
	defer buffers.Put(b)
	for range 64 {
		if n, err := new(scatter).receive(fd, b[:], nil, false); n <= 0 || err != nil {
			return
		}
	}
}

func (s *socket) Read(b []byte) (int, error) { return s.readTwo(b, nil) }

func (s *socket) readTwo(a, b []byte) (int, error) {
	for {
		n, err := s.some(a, b, false)
		if err != syscall.EAGAIN {
			return n, err
		}
		if err := s.in.wait(); err != nil {
			return 0, err
		}
	}
}

func (s *socket) readIdle(buf *[]byte, limit int, next expected) (int, error) {
	s.trickle.wait(limit)
	n, err := s.readIdly(buf, limit, next)
	s.trickle.came(n)
	return n, err
}

func (s *socket) readIdly(buf *[]byte, limit int, next expected) (int, error) {
	if next != sometime && *buf != nil && s.late.tries() {
		n, err := s.waitHere(buf, limit, nil, next)
		if s.late.came(err != syscall.EAGAIN) {
			return n, err
		}
	}
	for tries := 0; ; tries++ {
		switch {
		case tries == 1 && next == sometime && *buf != nil:
			runtime.Gosched() // to let them run who have got what was read: meanwhile more may come
		case tries > 0:
			if *buf != nil {
				buffers.Put((*[readBuffer]byte)(*buf))
				*buf = nil
			}
			if err := s.in.wait(); err != nil {
				return 0, err
			}
		}
		if *buf == nil {
			*buf = buffers.Get().(*[readBuffer]byte)[:]
		}
		n, err := s.some((*buf)[:limit], nil, false)
		if err != syscall.EAGAIN {
			return n, err
		}
	}
}

// late remembers that what was expected soon came late, or not at all: then the next times it is not waited for, the more the longer that goes
// on. It would keep a processor, and the thread of the runtime that watches those, busy for nothing.
type late struct{ skip, backoff uint8 }

// tries tells whether it is worth while to wait.
func (l *late) tries() bool {
	if l.skip > 0 {
		l.skip--
		return false
	}
	return true
}

// came notes whether something came in time, and returns that.
func (l *late) came(inTime bool) bool {
	if inTime {
		l.backoff = 0
	} else {
		l.backoff = min(2*l.backoff+1, 63)
		l.skip = l.backoff
	}
	return inTime
}

// waitSoon waits for what is expected soon, in the system call.
func (s *socket) waitSoon(buf *[]byte, limit int, w Caller) (int, error) {
	s.trickle.wait(limit)
	n, err := s.waitHere(buf, limit, w, inReply)
	s.trickle.came(n)
	return n, err
}

func (s *socket) waitHere(buf *[]byte, limit int, w Caller, next expected) (int, error) {
	defer waiters.Add(-1)
	if int(waiters.Add(1)) >= runtime.GOMAXPROCS(0) {
		return 0, syscall.EAGAIN
	}
	if *buf == nil {
		*buf = buffers.Get().(*[readBuffer]byte)[:]
	}
	b := (*buf)[:limit]
	if n, err := s.waitAwake(b, w, next); err != syscall.EAGAIN {
		return n, err
	}
	if w == nil {
		return s.some(b, nil, true)
	}
	if s.hang() != nil {
		return 0, syscall.EAGAIN
	}
	s.asleep.Store(true)
	defer s.asleep.Store(false)
	if w.Answered() {
		return 0, syscall.EAGAIN
	}
	s.doze()
	return s.some(b, nil, false)
}

// waitAwake looks for what is expected, again and again.
func (s *socket) waitAwake(buf []byte, w Caller, next expected) (int, error) {
	limit := yieldFor
	awake := next == inReply && s.later.tries()
	if awake {
		limit = awakeFor
	}
	for start := time.Now(); ; yield() {
		n, err := s.some(buf, nil, false)
		stirred := err == syscall.EAGAIN && w != nil && w.Answered()
		if err == syscall.EAGAIN && !stirred && time.Since(start) < limit {
			continue
		}
		if awake && !stirred {
			s.later.came(err != syscall.EAGAIN)
		}
		return n, err
	}
}

// hang prepares doze.
func (s *socket) hang() error {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.fd < 0 {
		return net.ErrClosed
	}
	return s.bell.hang()
}

// doze waits until there is something to read, or the bell rings, or soonAfter.
func (s *socket) doze() {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.fd >= 0 {
		s.bell.wait(s.fd, soonAfter)
	}
}

// stir ends a wait that can be ended.
func (s *socket) stir() {
	if !s.asleep.Load() {
		return
	}
	s.use.RLock()
	defer s.use.RUnlock()
	s.bell.ring()
}

// some reads what there is, or fails with EAGAIN, at once or after soonAfter.
func (s *socket) some(a, b []byte, wait bool) (int, error) {
	s.use.RLock()
	defer s.use.RUnlock()
	for {
		if s.fd < 0 {
			return 0, net.ErrClosed
		}
		switch n, err := s.receive(s.fd, a, b, wait); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// soonAfter is how long a reader waits in the system call for what it expects soon. Linux rounds it up to its tick, 1 to 10 ms.
const soonAfter = time.Millisecond

// yieldFor is how long a reader that expects something soon lets others have its processor before it sleeps. A peer on the same processor
// answers within that time, at the price of one switch there and back; to sleep, and to be woken from another processor, takes
// longer than a short call. The parts of a call of a BEAM node come one by one in that time, too.
const yieldFor = 5 * time.Microsecond

// awakeFor is the same for who expects an answer, or the next request of one who has been answered, while these come in that time. With 5 and 20 µs
// a ping-pong with a BEAM node was slower, with 80 one between two Go nodes (make bench-cluster WORK=ping).
const awakeFor = 40 * time.Microsecond

// waiters counts the goroutines of this process that wait in such a system call. Each of them keeps a processor from the others, so
// there are fewer of them than processors. It is no state of any node: like the runtime's scheduler it belongs to the machine.
var waiters atomic.Int32

// inline writes what the socket takes at once. One goroutine at a time may write.
func (s *socket) inline(v net.Buffers) (n int, err error) {
	s.use.RLock()
	defer s.use.RUnlock()
	for len(v) > 0 {
		if s.fd < 0 {
			return n, net.ErrClosed
		}
		s.trickle.written.Add(1)
		k, err := s.send(s.fd, v)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return n, nil
		case err != nil:
			return n, err
		}
		n += k
		for len(v) > 0 && k >= len(v[0]) {
			k -= len(v[0])
			v = v[1:]
		}
		if k > 0 {
			return n, nil // a part of a slice: the socket is full now
		}
	}
	return n, nil
}

// waitOut waits for the socket to take more.
func (s *socket) waitOut() error {
	s.outMu.Lock()
	if s.out.file == nil {
		s.use.RLock()
		err := net.ErrClosed
		if s.fd >= 0 {
			err = s.out.open(s.fd, syscall.EPOLLOUT)
		}
		s.use.RUnlock()
		if err != nil {
			s.outMu.Unlock()
			return err
		}
	}
	s.outMu.Unlock()
	return s.out.wait()
}

// gate is where a goroutine waits for a socket: an epoll instance of its own, which holds nothing but the socket and is what the runtime's
// poller watches. So the poller hears of the socket while somebody waits at the gate, and only then.
type gate struct {
	file   *os.File
	rc     syscall.RawConn
	socket int
	events uint32
	armed  bool
	err    error
	do     func(uintptr) bool
}

func (g *gate) open(socket int, events uint32) error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	event := syscall.EpollEvent{Events: oneShot, Fd: int32(socket)}
	err = errors.Join(syscall.EpollCtl(fd, syscall.EPOLL_CTL_ADD, socket, &event), syscall.SetNonblock(fd, true))
	if err != nil {
		syscall.Close(fd)
		return err
	}
	file := os.NewFile(uintptr(fd), "gate")
	if g.rc, err = file.SyscallConn(); err != nil {
		file.Close()
		return err
	}
	g.file, g.socket, g.events, g.do = file, socket, events, g.look
	return nil
}

const oneShot = syscall.EPOLLONESHOT

func (g *gate) close() {
	if g.file != nil {
		g.file.Close()
	}
}

// wait returns when the socket is ready. One goroutine at a time may wait.
func (g *gate) wait() error {
	g.armed, g.err = false, nil
	if err := g.rc.Read(g.do); err != nil {
		return net.ErrClosed
	}
	return g.err
}

// look opens the gate, and then tells whether the socket has come through.
func (g *gate) look(fd uintptr) bool {
	if !g.armed {
		g.armed = true
		event := syscall.EpollEvent{Events: g.events | oneShot, Fd: int32(g.socket)}
		g.err = syscall.EpollCtl(int(fd), syscall.EPOLL_CTL_MOD, g.socket, &event)
		return g.err != nil
	}
	var events [1]syscall.EpollEvent
	n, err := syscall.EpollWait(int(fd), events[:], 0)
	if err != nil && err != syscall.EINTR {
		g.err = err
	}
	return n > 0 || g.err != nil
}
