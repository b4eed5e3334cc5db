package main

import (
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// demoServers are the processes of erlnode serve, by the names under which they are registered.
var demoServers = []struct {
	name  etf.Atom
	start func() gen.Server
}{
	{"echo", func() gen.Server { return echo{} }},
	{"counter", func() gen.Server { return &counter{} }},
	{"kv", func() gen.Server { return newKV() }},
	{"pubsub", func() gen.Server { return newPubSub() }},
}

// startDemo starts the servers under a supervisor, which restarts each, empty, when somebody has made it exit.
func startDemo(n *erlnode.Node) (supervisor etf.Pid, err error) {
	var children []gen.Child
	for _, s := range demoServers {
		children = append(children, gen.Child{ID: string(s.name), Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(n, s.start(), node.Register(s.name), node.Linked(sup))
		}})
	}
	// People are here to make processes exit; only a loop is to end it.
	return gen.StartSupervisor(n, gen.SupervisorConfig{MaxRestarts: 100, Period: time.Second}, children)
}
