package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/erlnode/erlnode/epmd"
)

// listen takes connections and makes the node known, so that its creation is known too.
func (n *Node) listen(ctx context.Context) (err error) {
	if n.cfg.NoListen {
		n.creation = randomCreation()
		return nil
	}
	if n.listener, err = n.cfg.Transport.Listen(ctx, string(n.name), n.cfg.Listen); err != nil {
		return err
	}
	if err := n.publish(ctx); err != nil {
		n.listener.Close()
		if n.server != nil {
			n.server.Close()
		}
		return err
	}
	return nil
}

// publish registers the node by its Discovery or with the EPMD that the mode asks for.
func (n *Node) publish(ctx context.Context) error {
	if d := n.cfg.discovery(); d != nil {
		return n.enter(ctx, d)
	}
	switch n.cfg.EPMD {
	case EPMDNone:
		n.creation = randomCreation()
		return nil
	case EPMDEmbedded:
		if err := n.embed(); err != nil {
			return err
		}
		return n.register(ctx)
	case EPMDExternal:
		return n.register(ctx)
	}
	err := n.register(ctx)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	embedErr := n.embed()
	if embedErr != nil && !errors.Is(embedErr, syscall.EADDRINUSE) {
		return embedErr
	}
	if err := n.register(ctx); err != nil { // the port may be taken because another node has been faster
		return errors.Join(err, embedErr)
	}
	return nil
}

// randomCreation is for a node that no EPMD gives one. 0 to 3 are those of old.
func randomCreation() uint32 { return rand.Uint32N(1<<32-4) + 4 }

func (n *Node) embed() error {
	cfg := epmd.FromEnv()
	cfg.Port = n.cfg.EPMDPort
	cfg.Logger = n.log
	server, err := epmd.Listen(cfg)
	if err != nil {
		return err
	}
	n.mu.Lock()
	closed := n.closed
	if !closed {
		n.server = server
	}
	n.mu.Unlock()
	if closed {
		server.Close()
		return ErrClosed
	}
	n.log.Info("embedded EPMD", "port", server.Port())
	return nil
}

// epmdGrace is how long a lost EPMD may take to come back before a node with EPMDAuto embeds one in its place. Nodes of BEAM
// try every 2 s.
const epmdGrace = time.Second

// succeedEPMD is called while the EPMD is away, and puts one of our own in its place: the one that is gone may have been
// embedded in a node that has ended, and others would wait for ever. Of several nodes the first gets the port.
func (n *Node) succeedEPMD(err error, since time.Duration) {
	if since < epmdGrace || !errors.Is(err, syscall.ECONNREFUSED) {
		return
	}
	n.mu.RLock()
	old := n.server
	n.mu.RUnlock()
	if old != nil {
		old.Close() // it was killed by a client
	}
	if err := n.embed(); err != nil && !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, ErrClosed) {
		n.log.Warn("no EPMD runs, and none can be embedded", "error", err)
	}
}

func (n *Node) register(ctx context.Context) error {
	alive, _ := splitName(string(n.name))
	info := epmd.Info{Name: alive, Port: n.Port()}
	host := "127.0.0.1"
	if a, ok := n.listener.Addr().(*net.TCPAddr); ok && a.IP.To4() == nil && !a.IP.IsUnspecified() {
		host = "::1" // a machine without IPv4, perhaps; nodes of inet6_tcp do so
	}
	addr := net.JoinHostPort(host, strconv.Itoa(n.cfg.EPMDPort))
	cfg := epmd.RegisterConfig{Logger: n.log}
	if n.cfg.EPMD == EPMDAuto {
		cfg.Failed = n.succeedEPMD
	}
	r, err := epmd.Register(ctx, addr, info, cfg)
	if err != nil {
		return err
	}
	n.registration, n.creation = r, r.Creation()
	return nil
}
