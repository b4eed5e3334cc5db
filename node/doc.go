// Package node is a node of an Erlang cluster: its processes and their names, its connections, and the signals that go
// between them, links, monitors, aliases and exits, with the meaning that they have on a BEAM node.
//
//	n, err := node.Start(ctx, "go@localhost", node.Config{Cookie: "secret"})
//	p := n.Open()
//	err = p.Send(node.Name{"echo", "iex@localhost"}, etf.Tuple{p.Self(), etf.Atom("hello")})
//	msg, err := p.Receive(ctx)
//
// A process here is an identity with a mailbox, links and monitors (Process). Open makes one that any goroutine may use;
// Spawn makes one with a goroutine of its own. Neither has to exist to call a server: Node.Request, which gen.Call stands
// on, needs no mailbox.
//
// Everything that one process does to another is a dist.Signal, and Node.receive is where each of them takes effect,
// whether it comes from a connection or from this node. Nothing there waits: the goroutine that reads a connection runs it.
//
// Locks, in the order in which they are taken: Node.mu (names of peers and their state), session.mu, Process.mu (two
// processes: the lower pid first), the tables. None is held while a signal takes effect, user code runs, or the network is
// waited for; Process.mu alone is held while a signal is put into a connection's buffer (and so, if it is set, while
// dist.Config.Trace prints it), where the order with others of the same process matters.
//
// The meaning of signals follows the Erlang Reference Manual ("Processes") and erts/emulator/beam/erl_proc_sig_queue.c;
// connections follow lib/kernel/src/net_kernel.erl and dist_util.erl.
package node
