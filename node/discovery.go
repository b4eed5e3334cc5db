package node

import (
	"context"
	"io"
	"net"
)

// Discovery is how a node is found by others and finds them (OTP: -epmd_module). Without one it is EPMD, by Config.EPMD.
// Package discovery has others. Its methods may be called concurrently.
//
// A Discovery with the method ListenAddr() string says by it where a node without Config.Listen listens.
type Discovery interface {
	// Register makes a node known that takes connections at an address. It returns the creation of this life of the node, 0 for
	// one that the node draws itself, and what ends the entry, when the node closes; nil for nothing.
	Register(ctx context.Context, node string, addr net.Addr) (creation uint32, entry io.Closer, err error)
	// Lookup finds the address to dial for a node, as Transport.Dial takes it.
	Lookup(ctx context.Context, node string) (addr string, err error)
}

// discovery returns what Config.Discovery or the transport has, nil for EPMD.
func (c *Config) discovery() Discovery {
	if c.Discovery != nil {
		return c.Discovery
	}
	d, _ := c.Transport.(Discovery)
	return d
}

// enter makes the node known by its Discovery.
func (n *Node) enter(ctx context.Context, d Discovery) (err error) {
	if n.creation, n.entry, err = d.Register(ctx, string(n.name), n.listener.Addr()); err != nil {
		return err
	}
	if n.creation == 0 {
		n.creation = randomCreation()
	}
	return nil
}
