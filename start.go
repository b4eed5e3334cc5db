package erlnode

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/global"
	"github.com/erlnode/erlnode/node/pg"
	"github.com/erlnode/erlnode/node/rpc"
	"github.com/erlnode/erlnode/node/user"
)

// Config says how a node behaves; the zero value is OTP's defaults. See node.Config.
type Config = node.Config

// Node is a node with its kernel services running. It has all methods of node.Node.
type Node struct {
	*node.Node

	// Global has the names and locks of the cluster. A hidden node has those of its own only.
	Global *global.Global
	// PG is the scope of process groups named pg, OTP's default one; pg.Start starts others.
	PG *pg.Scope
}

// Start starts a node: it listens, is registered with the EPMD of this machine or one that it embeds, and answers pings.
// The name is "alive@host", or "alive" with this machine's short host name added. ctx bounds the start only; Close ends the node.
// It is visible, as a BEAM node is, unless Config.Hidden says otherwise: it joins the cluster of the first visible node that it
// is connected to, connects to all of its nodes, and shares their global names.
//
// It serves :rpc, :erpc and Node.spawn with what rpc.Handle and Node.Offer offer (package node/rpc), and has a process user, which
// prints on Config.Output what is called elsewhere in this node's name (package node/user).
//
// With ERLNODE_TRACE set to anything in the environment every signal from and to peers is printed to standard error in
// Erlang syntax.
func Start(ctx context.Context, name string, cfg Config) (*Node, error) {
	if os.Getenv("ERLNODE_TRACE") != "" && cfg.Dist.Trace == nil {
		cfg.Dist.Trace = tracer(name)
	}
	n, err := node.Start(ctx, name, cfg)
	if err != nil {
		return nil, err
	}
	// global comes first: a visible node that does not answer it makes :global.sync() hang on its peers.
	names, err := global.Start(n, global.Config{
		NoConnectAll: cfg.NoConnectAll, AllowOverlap: cfg.AllowOverlappingPartitions, Logger: cfg.Logger})
	if err != nil {
		n.Close()
		return nil, err
	}
	if err := rpc.Start(n); err != nil {
		n.Close()
		return nil, err
	}
	if err := user.Start(n, user.Config{Out: cfg.Output, In: cfg.Input, Logger: cfg.Logger}); err != nil {
		n.Close()
		return nil, err
	}
	groups, err := pg.StartConfig(n, pg.Default, pg.Config{Logger: cfg.Logger})
	if err != nil {
		n.Close()
		return nil, err
	}
	return &Node{Node: n, Global: names, PG: groups}, nil
}

// tracer prints signals to standard error, a line each.
func tracer(name string) func(received bool, s *dist.Signal) {
	var mu sync.Mutex
	return func(received bool, s *dist.Signal) {
		arrow := "->"
		if received {
			arrow = "<-"
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(os.Stderr, name, arrow, s)
	}
}
