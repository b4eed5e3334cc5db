// Package gen speaks the protocol of OTP's behaviours: calls and casts to gen_servers anywhere in the cluster, and servers
// written in Go, which Erlang and Elixir call as they call their own.
//
//	sum, err := gen.Call[int](ctx, n, node.Name{"counter", "iex@localhost"}, etf.Tuple{etf.Atom("add"), etf.Int(2)})
//
//	pid, err := gen.Start(n, &Counter{}, node.Register("counter"))
//
// A server is a process whose goroutine takes one message after the other and hands it to the Server's methods. A
// supervisor restarts servers that fail.
//
// The messages are those of lib/stdlib/src/gen.erl and gen_server.erl.
package gen
