package erlnode

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/pg"
	"github.com/erlnode/erlnode/node/rpc"
)

// Config says how a node behaves; the zero value is OTP's defaults. See node.Config.
type Config = node.Config

// Node is a node with its kernel services running. It has all methods of node.Node.
type Node struct {
	*node.Node

	// PG is the scope of process groups named pg, OTP's default one; pg.Start starts others.
	PG *pg.Scope
}

// Start starts a node: it listens, is registered with the EPMD of this machine or one that it embeds, and answers pings.
// The name is "alive@host", or "alive" with this machine's short host name added. ctx bounds the start only; Close ends the node.
// For now it is a hidden node in any case: a visible one owes its peers an answer to the global name protocol.
//
// With ERLNODE_TRACE set to anything in the environment every signal from and to peers is printed to standard error in
// Erlang syntax.
func Start(ctx context.Context, name string, cfg Config) (*Node, error) {
	if os.Getenv("ERLNODE_TRACE") != "" && cfg.Dist.Trace == nil {
		cfg.Dist.Trace = tracer(name)
	}
	cfg.Hidden = true // until the node serves global: a visible node that does not answer it makes :global.sync() hang on its peers
	n, err := node.Start(ctx, name, cfg)
	if err != nil {
		return nil, err
	}
	if err := rpc.Start(n); err != nil {
		n.Close()
		return nil, err
	}
	groups, err := pg.StartConfig(n, pg.Default, pg.Config{Logger: cfg.Logger})
	if err != nil {
		n.Close()
		return nil, err
	}
	return &Node{Node: n, PG: groups}, nil
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
