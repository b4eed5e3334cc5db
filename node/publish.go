package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

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
	n.server = server
	n.log.Info("embedded EPMD", "port", server.Port())
	return nil
}

func (n *Node) register(ctx context.Context) error {
	alive, _ := splitName(string(n.name))
	info := epmd.Info{Name: alive, Port: n.Port()}
	host := "127.0.0.1"
	if a, ok := n.listener.Addr().(*net.TCPAddr); ok && a.IP.To4() == nil && !a.IP.IsUnspecified() {
		host = "::1" // a machine without IPv4, perhaps; nodes of inet6_tcp do so
	}
	addr := net.JoinHostPort(host, strconv.Itoa(n.cfg.EPMDPort))
	r, err := epmd.Register(ctx, addr, info, epmd.RegisterConfig{Logger: n.log})
	if err != nil {
		return err
	}
	n.registration, n.creation = r, r.Creation()
	return nil
}
