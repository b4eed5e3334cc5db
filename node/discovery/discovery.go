package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/node"
)

// Port is the same port for every node: one per host, found by nothing but the name of its host (-erl_epmd_port, kernel
// parameter erl_epmd_node_listen_port). The node listens there, too, unless Config.Listen says otherwise. Nothing is
// registered, and the node draws its creation.
type Port uint16

// ListenAddr is ":port".
func (p Port) ListenAddr() string { return ":" + strconv.Itoa(int(p)) }

// Register does nothing.
func (p Port) Register(context.Context, string, net.Addr) (uint32, io.Closer, error) {
	return 0, nil, nil
}

// Lookup returns the host of the name and the port.
func (p Port) Lookup(_ context.Context, name string) (string, error) {
	host, err := hostOf(name)
	return net.JoinHostPort(host, strconv.Itoa(int(p))), err
}

// ErrUnknown says that a node is not known. Another way to find nodes may know it.
var ErrUnknown = errors.New("discovery: no such node")

// Static is a table of addresses, "host:port" by full node name. Nothing is registered. It must not change while nodes use it.
type Static map[string]string

// Register does nothing.
func (s Static) Register(context.Context, string, net.Addr) (uint32, io.Closer, error) {
	return 0, nil, nil
}

// Lookup finds a name in the table, or fails with ErrUnknown.
func (s Static) Lookup(_ context.Context, name string) (string, error) {
	addr, ok := s[name]
	if !ok {
		return "", fmt.Errorf("%w: %s is not in the table", ErrUnknown, name)
	}
	return addr, nil
}

// Func is a function that finds the address of a node. Nothing is registered.
type Func func(ctx context.Context, node string) (addr string, err error)

// Register does nothing.
func (f Func) Register(context.Context, string, net.Addr) (uint32, io.Closer, error) {
	return 0, nil, nil
}

// Lookup calls the function.
func (f Func) Lookup(ctx context.Context, node string) (string, error) { return f(ctx, node) }

// EPMD is OTP's port mapper, one on every host. Unlike package node's own use of it, it never starts one, and it can be one of
// several ways in First. A registered node is registered again when its EPMD has been away.
type EPMD struct {
	// Port of the EPMD of every host; default ERL_EPMD_PORT, else 4369.
	Port int
	// Config has the callbacks of the registration.
	Config epmd.RegisterConfig
}

func (e EPMD) addr(host string) string {
	port := e.Port
	if port == 0 {
		port = epmd.Port()
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// Register enters a node at the EPMD of this machine.
func (e EPMD) Register(ctx context.Context, name string, addr net.Addr) (uint32, io.Closer, error) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return 0, nil, fmt.Errorf("discovery: EPMD knows TCP ports only, not %v", addr)
	}
	alive, _, _ := strings.Cut(name, "@")
	r, err := epmd.Register(ctx, e.addr("127.0.0.1"), epmd.Info{Name: alive, Port: tcp.Port}, e.Config)
	if err != nil {
		return 0, nil, err
	}
	return r.Creation(), r, nil
}

// Lookup asks the EPMD on the host of the name. A node that it does not know is ErrUnknown.
func (e EPMD) Lookup(ctx context.Context, name string) (string, error) {
	host, err := hostOf(name)
	if err != nil {
		return "", err
	}
	alive, _, _ := strings.Cut(name, "@")
	info, err := epmd.Lookup(ctx, e.addr(host), alive)
	switch {
	case errors.Is(err, epmd.ErrNotRegistered):
		return "", fmt.Errorf("%w: %w", ErrUnknown, err)
	case err != nil:
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(info.Port)), nil
}

// First is several ways to find a node: the first that knows it counts. A node is registered with each. A creation that one of
// them gives is the node's, the first one's if there are several.
type First []node.Discovery

// ListenAddr is that of the first that has one.
func (f First) ListenAddr() string {
	for _, d := range f {
		if l, ok := d.(interface{ ListenAddr() string }); ok {
			return l.ListenAddr()
		}
	}
	return ""
}

// Register registers with each. When one fails, the entries made before are closed again.
func (f First) Register(ctx context.Context, name string, addr net.Addr) (uint32, io.Closer, error) {
	var creation uint32
	var all closers
	for _, d := range f {
		c, entry, err := d.Register(ctx, name, addr)
		if err != nil {
			all.Close()
			return 0, nil, err
		}
		if creation == 0 {
			creation = c
		}
		if entry != nil {
			all = append(all, entry)
		}
	}
	return creation, all, nil
}

// Lookup asks one after the other. When none knows the node the error has what each of them says.
func (f First) Lookup(ctx context.Context, name string) (string, error) {
	var all []error
	for _, d := range f {
		addr, err := d.Lookup(ctx, name)
		if err == nil || ctx.Err() != nil {
			return addr, err
		}
		all = append(all, err)
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	return "", errors.Join(all...)
}

type closers []io.Closer

func (c closers) Close() error {
	var all []error
	for _, one := range c {
		all = append(all, one.Close())
	}
	return errors.Join(all...)
}

func hostOf(name string) (string, error) {
	_, host, ok := strings.Cut(name, "@")
	if !ok || host == "" {
		return "", fmt.Errorf("discovery: node name %q has no host", name)
	}
	return host, nil
}
