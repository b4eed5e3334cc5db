package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// client is a node of ours that lives for one command, and the node that it is for.
type client struct {
	*erlnode.Node
	target etf.Atom
}

// clientFlags are the flags of the commands that talk to a node.
type clientFlags struct {
	cookie   string
	name     string
	address  string
	epmdPort int
	timeout  time.Duration
	conn     connectionFlags
	output   io.Writer // what is called prints here; default os.Stdout
}

func (f *clientFlags) register(cmd *cobra.Command, timeout time.Duration) {
	cmd.Flags().StringVar(&f.cookie, "cookie", "", "`COOKIE` of the node (default: that of ~/.erlang.cookie)")
	cmd.Flags().StringVar(&f.name, "name", "", "`NAME` of this side (default: one that nobody has)")
	cmd.Flags().StringVar(&f.address, "address", "", "`[HOST:]PORT` of the node itself, for a node that no epmd knows")
	cmd.Flags().DurationVar(&f.timeout, "timeout", timeout, "how long to wait, a `TIME` as 500ms or 10s; 0: as long as it takes")
	epmdPortFlag(cmd, &f.epmdPort)
	f.conn.register(cmd)
}

func epmdPortFlag(cmd *cobra.Command, port *int) {
	cmd.Flags().IntVar(port, "epmd-port", 0, "`PORT` of epmd (default: ERL_EPMD_PORT, else 4369)")
}

// context bounds one exchange with the node by the timeout.
func (f *clientFlags) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("no answer within %v", f.timeout))
}

// start starts the node for a command. It does not connect yet.
func (f *clientFlags) start(ctx context.Context, target string) (*client, error) {
	target, err := fullName(target)
	if err != nil {
		return nil, err
	}
	c := &client{target: etf.Atom(target)}
	resolve, port, err := f.resolver(target)
	if err != nil {
		return nil, err
	}
	transport, err := f.conn.transport(false)
	if err != nil {
		return nil, err
	}
	finds, err := f.conn.discovery()
	if err != nil {
		return nil, err
	}
	name := f.name
	if name == "" {
		if name, err = throwawayName(ctx, target); err != nil {
			e := &unreachable{node: target, reason: err.Error(), err: err}
			e.host(err)
			return nil, e
		}
	}
	cfg := erlnode.Config{
		Cookie:    f.cookie,
		Hidden:    true,
		NoListen:  true,
		Output:    f.output,
		EPMDPort:  port,
		Transport: transport,
		Discovery: finds,
		Resolve:   resolve,
	}
	if c.Node, err = erlnode.Start(ctx, name, cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// resolver returns how the address of the target is found, nil for the usual way by the epmd on the given port.
func (f *clientFlags) resolver(target string) (resolve func(context.Context, string) (string, error), port int, err error) {
	if port, err = checkPort("--epmd-port", f.epmdPort, epmd.Port()); err != nil || f.address == "" {
		return nil, port, err
	}
	_, host := splitName(target)
	addr := f.address
	if !strings.Contains(addr, ":") {
		addr = net.JoinHostPort(host, addr)
	}
	if _, p, err := net.SplitHostPort(addr); err != nil || !isPort(p) {
		return nil, port, usagef("--address %q is no [HOST:]PORT", f.address)
	}
	return staticAddress(addr), port, nil
}

// isUp tells whether there is a connection to the target.
func (c *client) isUp() bool { return slices.Contains(c.Nodes(node.Connected), c.target) }

// connect connects to the target, or explains why it cannot.
func (c *client) connect(ctx context.Context) error {
	return c.explain(ctx, c.Connect(ctx, c.target))
}

// explain says what an error of a request to the target means for the user.
func (c *client) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), context.Canceled):
		return errors.New("interrupted")
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", string(c.target), context.Cause(ctx))
	}
	if explained := explain(err, string(c.target)); explained != err {
		return explained
	}
	if errors.Is(err, node.ErrNoConnection) {
		return fmt.Errorf("the connection to %s was lost", string(c.target))
	}
	return err
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n < 1<<16
}

// checkPort returns a port given by a flag, or the default for 0.
func checkPort(flag string, port, byDefault int) (int, error) {
	if port < 0 || port > 1<<16-1 {
		return 0, usagef("%s %d is no port: 1 to 65535", flag, port)
	}
	if port == 0 {
		return byDefault, nil
	}
	return port, nil
}
