package main

import (
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// startServers starts the registered processes under a supervisor. The crasher is to be restarted however often it is made
// to crash.
func startServers(n *erlnode.Node) (supervisor etf.Pid, err error) {
	server := func(name string, make func() gen.Server) gen.Child {
		return gen.Child{ID: name, Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(n, make(), node.Linked(sup), node.Register(etf.Atom(name)))
		}}
	}
	return gen.StartSupervisor(n, gen.SupervisorConfig{MaxRestarts: 100_000, Period: time.Second}, []gen.Child{
		{ID: "sink", Shutdown: -1, Modules: []etf.Atom{"target_sink"}, Start: func(sup *node.Process) (etf.Pid, error) { return startSink(n.Node, sup) }},
		server("echo", func() gen.Server { return echo{} }),
		server("order", func() gen.Server { return new(order) }),
		server("crasher", func() gen.Server { return crasher{} }),
		server("puppets", func() gen.Server { return puppets{n.PG, n.Global} }),
	}, node.Register("target"))
}

// functionClause ends a server that does not know a request, as it ends one in Erlang; the stack trace is empty.
func functionClause() error {
	return node.Exit(etf.Tuple{etf.Atom("function_clause"), etf.List{}})
}
