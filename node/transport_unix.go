package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Unix is distribution over Unix sockets on one machine, as OTP's example erl_uds_dist does it: a node listens at a path that
// is its name without the host. It is its own Discovery: no EPMD is needed, and none is used.
type Unix struct {
	// Dir is the folder of the sockets. Default: the current one.
	Dir string
}

func (u Unix) path(node string) string {
	alive, _ := splitName(node)
	return filepath.Join(u.Dir, alive)
}

// Listen listens at a path, by default the node's own. A socket there that nobody listens on any more is removed.
func (u Unix) Listen(ctx context.Context, node, addr string) (net.Listener, error) {
	if addr == "" {
		addr = u.path(node)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	c, dialErr := u.Dial(ctx, node, addr)
	switch {
	case dialErr == nil:
		c.Close()
		return nil, fmt.Errorf("%s: another node listens there: %w", addr, err)
	case !errors.Is(dialErr, syscall.ECONNREFUSED): // no socket, or not ours to say
		return nil, err
	}
	if err := os.Remove(addr); err != nil {
		return nil, err
	}
	return lc.Listen(ctx, "unix", addr)
}

// Dial connects to the socket at a path.
func (u Unix) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", addr)
}

// HandshakeHeader is 2.
func (u Unix) HandshakeHeader() int { return 2 }

// Register leaves the creation to the node: the socket is all there is to be found.
func (u Unix) Register(context.Context, string, net.Addr) (uint32, io.Closer, error) {
	return 0, nil, nil
}

// Lookup returns the path of a node's socket.
func (u Unix) Lookup(_ context.Context, node string) (string, error) {
	if alive, _ := splitName(node); strings.ContainsAny(alive, `/\`) {
		return "", fmt.Errorf("%q is no name of a socket", alive)
	}
	return u.path(node), nil
}
