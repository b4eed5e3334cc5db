package epmd

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// ServerConfig says how a server runs. The zero value is an epmd as it starts without options.
type ServerConfig struct {
	// Port to listen on. 0 means Port(); a negative one any free port, the same for all addresses.
	Port int
	// Addresses are the IP addresses to listen on, at most 14; the loopback ones, 127.0.0.1 and ::1, come to
	// them by themselves. None means all addresses of the machine. (epmd -address)
	Addresses []string
	// PacketTimeout is how long a connection that is not a node's may last: its request must have come as a
	// whole by then. 0 means 60 s, a negative one for ever. (epmd -packet_timeout)
	PacketTimeout time.Duration
	// DelayAccept is waited before a connection is taken, DelayWrite before an answer is written, to try clients on a busy epmd.
	// (epmd -delay_accept, -delay_write)
	DelayAccept, DelayWrite time.Duration
	// Listeners, if there are any, are listened on instead of Port and Addresses; the server closes them. Port then is what it
	// says its port is. (epmd -systemd)
	Listeners []net.Listener
	// RelaxedCommandCheck lets Kill end an epmd that has live nodes, and allows Stop. (epmd -relaxed_command_check)
	RelaxedCommandCheck bool
	// MaxConns is how many connections, those of nodes included, are open at the same time; others are closed at
	// once. Half of them are for this machine only, so that others cannot keep its nodes from registering. 0 means
	// 1000, about as many as the original can have.
	MaxConns int
	// Logger hears complaints at Warn, registrations and requests at Debug, connections at Debug-4. nil: nobody does.
	Logger *slog.Logger
	// Debug gets the lines that "epmd -debug" prints, DebugLevel is how many times -debug is given, at most 3.
	// The lines are written one at a time. nil: nothing is printed. With a DebugLevel only 5 unregistered names are remembered
	// instead of 1000.
	Debug      io.Writer
	DebugLevel int
}

// FromEnv returns the configuration that the environment describes to the original: ERL_EPMD_PORT,
// ERL_EPMD_ADDRESS (addresses separated by commas or blanks) and ERL_EPMD_RELAXED_COMMAND_CHECK (set to
// anything).
func FromEnv() ServerConfig {
	_, relaxed := os.LookupEnv("ERL_EPMD_RELAXED_COMMAND_CHECK")
	return ServerConfig{
		Port:                Port(),
		Addresses:           SplitAddresses(os.Getenv("ERL_EPMD_ADDRESS")),
		RelaxedCommandCheck: relaxed,
	}
}

// SplitAddresses splits a list of addresses, as of ERL_EPMD_ADDRESS, at commas and blanks.
func SplitAddresses(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

const (
	defaultPacketTimeout = 60 * time.Second
	defaultMaxConns      = 1000
)

// Server is an epmd. Its methods may be called concurrently.
//
// A connection costs it a goroutine and, until its request has come, a buffer for the longest request. A
// registered node costs its entry; names that are no longer registered are remembered up to 1000.
type Server struct {
	cfg       ServerConfig
	port      int
	listeners []net.Listener
	wg        sync.WaitGroup // accept loops and connections
	stopping  chan struct{}  // closed when no more connections are taken

	mu     sync.Mutex // not held while anything is printed or written
	names  registry
	conns  map[int]net.Conn // by fd
	remote int              // how many of them are from other machines
	closed bool

	debugMu sync.Mutex
}

// Listen starts an epmd. If another one has the port, errors.Is(err, syscall.EADDRINUSE) holds.
func Listen(cfg ServerConfig) (*Server, error) {
	s := newServer(cfg)
	s.announce("epmd running - daemon = 0")
	if err := s.listen(); err != nil {
		return nil, err
	}
	for _, l := range s.listeners {
		s.wg.Go(func() { s.accept(l) })
	}
	s.printf(2, "entering the main select() loop")
	return s, nil
}

func newServer(cfg ServerConfig) *Server {
	if cfg.PacketTimeout == 0 {
		cfg.PacketTimeout = defaultPacketTimeout
	}
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = defaultMaxConns
	}
	cfg.DebugLevel = min(cfg.DebugLevel, 3)
	s := &Server{cfg: cfg, conns: make(map[int]net.Conn), stopping: make(chan struct{})}
	if cfg.DebugLevel > 0 {
		s.names.keep = maxRememberedDebug
	}
	return s
}

// Port returns the port the server listens on.
func (s *Server) Port() int { return s.port }

// Addr returns the address at which programs of this machine reach the server, as Register and Lookup take it.
func (s *Server) Addr() string {
	a := s.listeners[0].Addr().(*net.TCPAddr).AddrPort() // loopback, or all addresses
	switch {
	case !a.Addr().IsUnspecified():
	case a.Addr().Is4():
		a = netip.AddrPortFrom(loopback4, a.Port())
	default:
		a = netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
	}
	return a.String()
}

// Done returns a channel that is closed when the server stops: after Close, or when a client has killed it.
func (s *Server) Done() <-chan struct{} { return s.stopping }

// Close stops the server, closes all connections, and with them ends all registrations, and waits until its
// goroutines are gone. It always returns nil; the second call does nothing.
func (s *Server) Close() error {
	s.stop()
	s.wg.Wait()
	return nil
}

// stop is Close without the wait, for the goroutine of a connection.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	close(s.stopping)
	for _, l := range s.listeners {
		l.Close()
	}
	for _, c := range s.conns {
		c.Close()
	}
}

// accept takes connections from l until it is closed.
func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		select {
		case <-s.stopping:
			if err == nil {
				c.Close()
			}
			return
		default:
		}
		if err != nil {
			// Out of file descriptors, as a rule. The connection stays in the queue; there is nothing to do but
			// to wait.
			s.printf(0, "error in accept: %v", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.stopping:
			}
			continue
		}
		if !s.delay(s.cfg.DelayAccept) {
			c.Close()
			return
		}
		s.wg.Go(func() { s.serve(c, isLocal(c)) })
	}
}

// delay waits, and reports false if the server stops meanwhile.
func (s *Server) delay(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stopping:
		return false
	}
}

// open numbers a connection with the lowest number free, as a file descriptor would be: 0, 1 and 2 are taken, and
// the listeners have the next ones.
func (s *Server) open(c net.Conn, local bool) (fd int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd = 3 + len(s.listeners)
	for s.conns[fd] != nil {
		fd++
	}
	if s.closed || len(s.conns) >= s.cfg.MaxConns || !local && s.remote >= (s.cfg.MaxConns+1)/2 {
		return fd, false
	}
	s.conns[fd] = c
	if !local {
		s.remote++
	}
	return fd, true
}

func (s *Server) close(fd int, c net.Conn, local bool) {
	s.printf(2, "closing connection on file descriptor %d", fd)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, fd)
	if !local {
		s.remote--
	}
	c.Close()
}

// isLocal reports whether a connection is from this machine, as far as its addresses tell
// (EP:conn_local_peer_check).
func isLocal(c net.Conn) bool {
	remote, ok1 := c.RemoteAddr().(*net.TCPAddr)
	local, ok2 := c.LocalAddr().(*net.TCPAddr)
	return ok1 && ok2 && sameMachine(remote.AddrPort().Addr(), local.AddrPort().Addr())
}

func sameMachine(remote, local netip.Addr) bool {
	remote, local = remote.Unmap().WithZone(""), local.Unmap().WithZone("")
	return remote.IsLoopback() || remote.IsValid() && remote == local
}
