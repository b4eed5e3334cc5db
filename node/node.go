package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// Node is a node. All methods may be called concurrently. Two nodes in one Go process share nothing: they see each other
// over sockets only.
type Node struct {
	cfg      Config
	name     etf.Atom
	creation uint32
	flags    handshake.Flags
	log      *slog.Logger
	cookies  cookies
	guard    handshake.Guard
	allowed  allowList
	namer    etf.Atom // who gave us our name, if it was not ours from the start

	listener     net.Listener
	server       *epmd.Server       // the embedded one, or nil
	registration *epmd.Registration // or nil
	entry        io.Closer          // at the Discovery, or nil

	processes     processTable
	names         nameTable
	watchedByName table[watchKey] // of monitors by name, the targets that have lost it
	aliases       aliasTable
	events        events
	functions     functionTable // what peers may run here
	values        sync.Map      // what other packages keep with this node
	refs          atomic.Uint64
	leader        atomic.Pointer[etf.Pid] // of new processes; see SetLeader
	connections   atomic.Uint32           // ids given to sessions
	requests      requestTable
	caller        *Process // in whose name goroutines that are no process send and call

	ctx        context.Context // done when the node closes
	cancel     context.CancelFunc
	goroutines sync.WaitGroup
	finished   chan struct{} // closed when Close is through

	last atomic.Pointer[session] // the connection asked for last

	mu       sync.RWMutex
	closed   bool
	sessions map[etf.Atom]*session        // connections that are up
	leaving  map[etf.Atom]<-chan struct{} // connections that are lost, until everybody has heard
	attempts map[etf.Atom]*attempt        // connections that are being set up
	former   []etf.Atom                   // nodes that were connected, the last one last
	barred   map[etf.Atom]struct{}        // not to be connected to by themselves (AutoConnectOnce)
	given    []givenName                  // names that were given to peers, and are free
	nameless bool                         // the namer is gone

	unfinished []*Process // see finishLater
}

// Start starts a node: it listens, and is registered with an EPMD. The name is "alive@host", or "alive" for a short name
// with this machine's host name. ctx bounds the start only; Close ends the node.
//
// With the alive part "undefined" or none, as of "undefined", "undefined@host" and "@host", the node Config.Namer gives it a
// name on the host and its creation, as with erl -sname undefined. Such a node does not listen, is hidden, and is connected
// to its namer when Start returns. When that connection is lost the name is, too: all connections end, and new ones fail
// with ErrNameLost. (A BEAM node then takes the next name it is given; here pids hold the name of their node.)
func Start(ctx context.Context, name string, cfg Config) (*Node, error) {
	full, err := fullName(name)
	if err != nil {
		return nil, err
	}
	host, asks := asksName(full)
	if asks {
		full, cfg.NoListen = "undefined@"+host, true
	}
	if err := handshake.CheckName(full); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	n := &Node{
		name:     etf.Atom(full),
		finished: make(chan struct{}),
		sessions: make(map[etf.Atom]*session),
		leaving:  make(map[etf.Atom]<-chan struct{}),
		attempts: make(map[etf.Atom]*attempt),
	}
	n.aliases.node, n.requests.node = n, n
	n.cfg = cfg.withDefaults()
	n.log = n.cfg.Logger.With("node", full)
	n.flags = n.cfg.Flags
	if err := n.cookies.init(cfg); err != nil {
		return nil, err
	}
	n.allowed.list = slices.Clone(cfg.Allow)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	up := func() {}
	if asks {
		up, err = n.beNamed(ctx, host)
	} else {
		err = n.listen(ctx)
	}
	if err != nil {
		n.cancel()
		return nil, fmt.Errorf("node: starting %s: %w", full, err)
	}
	n.caller, _ = n.newProcess([]Option{kernelProcess})
	if err := n.startNetKernel(); err != nil {
		n.Close()
		up() // closes the connection
		return nil, err
	}
	up()
	if n.listener != nil {
		n.goroutines.Go(n.accept)
	}
	return n, nil
}

// Name is the full name of the node, "go@localhost".
func (n *Node) Name() etf.Atom { return n.name }

// Hidden tells whether this is a hidden node (Config.Hidden).
func (n *Node) Hidden() bool { return !n.flags.Has(handshake.Published) }

// Creation is the number of this life of the node, part of every pid and reference it makes. EPMD gives it.
func (n *Node) Creation() uint32 { return n.creation }

// Port is the TCP port on which the node takes connections, 0 if it takes none (Config.NoListen) or not over TCP.
func (n *Node) Port() int {
	if a, ok := n.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// Addr is the address at which the node takes connections, nil if it takes none.
func (n *Node) Addr() net.Addr {
	if n.listener == nil {
		return nil
	}
	return n.listener.Addr()
}

// flushTime bounds how long Close waits for a peer to take what has been sent to it.
const flushTime = time.Second

// Close ends the node, as halting a BEAM node does: what has been sent goes out, then peers lose the connection, so that
// links to and monitors of processes here end with noconnection. Processes still alive exit with the reason shutdown. Close
// returns when every goroutine of the node has, those of spawned processes included. It may be called more than once, but
// not from a process of the node.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		<-n.finished
		return nil
	}
	n.closed = true
	var sessions []*session
	for _, s := range n.sessions {
		sessions = append(sessions, s)
	}
	n.mu.Unlock()

	if n.registration != nil {
		n.registration.Close()
	}
	if n.entry != nil {
		if err := n.entry.Close(); err != nil {
			n.log.Warn("the node's entry was not removed", "error", err)
		}
	}
	if n.listener != nil {
		n.listener.Close()
	}
	n.cancel()
	flush, cancel := context.WithTimeout(context.Background(), flushTime)
	for _, s := range sessions {
		s.conn.Flush(flush)
		s.conn.Close()
	}
	cancel()
	for _, s := range sessions {
		<-s.gone
	}
	for _, p := range n.processes.close() {
		p.exit(reasonOf(shutdown))
	}
	n.finishRest()
	n.goroutines.Wait()
	n.finishRest()
	n.mu.RLock()
	server := n.server
	n.mu.RUnlock()
	if server != nil {
		server.Close()
	}
	close(n.finished)
	return nil
}

// kernelProcess marks a process that belongs to the node itself.
func kernelProcess(s *setup) { s.kernel = true }

// spawn runs f in a goroutine that Close waits for, unless the node is closed.
func (n *Node) spawn(f func()) bool {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return false
	}
	n.goroutines.Add(1)
	n.mu.Unlock()
	go func() {
		defer n.goroutines.Done()
		f()
	}()
	return true
}

// newRef makes a reference that this life of the node has not made before. Its first word has 18 bits, as BEAM's have, and its third is 0, unlike
// those of requests.
func (n *Node) newRef() etf.Ref {
	return n.refOf(n.refs.Add(1))
}

const firstWord = 1<<18 - 1

func (n *Node) refOf(u uint64) etf.Ref {
	return etf.Ref{
		Node:     n.name,
		Creation: n.creation,
		Len:      3,
		Words:    [5]uint32{uint32(u & firstWord), uint32(u >> 18), uint32(u >> 50)},
	}
}

// Alive tells whether a process of this node lives (erlang:is_process_alive/1); it is false for a pid of another node.
func (n *Node) Alive(pid etf.Pid) bool { return n.processes.find(n, pid) != nil }

// NewRef makes a reference that is unique in the cluster (erlang:make_ref/0).
func (n *Node) NewRef() etf.Ref { return n.newRef() }
