package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// demoServers are the processes of erlnode serve, by the names under which they are registered, here and in the cluster.
var demoServers = []struct {
	name, global etf.Atom
	start        func(n gen.Spawner, opts ...node.Option) (etf.Pid, error)
}{
	{"echo", "", server(func() gen.Server { return echo{} })},
	{"counter", "", server(func() gen.Server { return &counter{} })},
	{"kv", "kv1", server(func() gen.Server { return newKV() })},
	{"pubsub", "ps1", server(func() gen.Server { return newPubSub() })},
	{"agent", "go_agent", func(n gen.Spawner, opts ...node.Option) (etf.Pid, error) {
		return gen.StartAgent(n, etf.Map{}, opts...)
	}},
}

// server starts a new server each time.
func server(make func() gen.Server) func(gen.Spawner, ...node.Option) (etf.Pid, error) {
	return func(n gen.Spawner, opts ...node.Option) (etf.Pid, error) { return gen.Start(n, make(), opts...) }
}

// startDemo starts the servers under a supervisor, which restarts each, empty, when somebody has made it exit.
func startDemo(ctx context.Context, n *erlnode.Node, log *slog.Logger) (supervisor etf.Pid, err error) {
	var children []gen.Child
	for _, s := range demoServers {
		children = append(children, gen.Child{ID: string(s.name), Start: func(sup *node.Process) (etf.Pid, error) {
			pid, err := s.start(n, node.Register(s.name), node.Linked(sup))
			if err == nil && s.global != "" {
				if err := claim(ctx, n, s.global, pid); err != nil {
					log.Warn("not registered in :global", "name", string(s.global), "error", err)
				}
			}
			return pid, err
		}})
	}
	// People are here to make processes exit; only a loop is to end it.
	return gen.StartSupervisor(n, gen.SupervisorConfig{MaxRestarts: 100, Period: time.Second}, children)
}

// claim registers a process in the cluster, unless another node of this kind has been quicker.
func claim(ctx context.Context, n *erlnode.Node, name etf.Atom, pid etf.Pid) error {
	if before, ok := n.Global.Whereis(name); ok && before.Node == n.Name() {
		return n.Global.Reregister(ctx, name, pid) // the one that is being restarted; the news of its end is on the way
	}
	return n.Global.Register(ctx, name, pid)
}
