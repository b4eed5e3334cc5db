// Package user is what a Go node has for a terminal: the process user, which is the group leader of all that the node starts, here
// and on other nodes, and logger_proxy, to which other nodes send what they log for it.
//
// What Erlang and Elixir code prints that a Go program has called comes out on an io.Writer, and what it reads comes from an
// io.Reader: IO.puts/1, IO.inspect/1, IO.gets/1, io:format/2 and their kin. And a BEAM node may run the same functions here:
// what Node.spawn(:"go@host", IO, :puts, ["hi"]) prints appears in its own shell, by way of the group leader that it sends
// along.
//
// Protocol: "The Erlang I/O Protocol" in the STDLIB User's Guide; lib/kernel/src/group.erl; logger_proxy.erl.
package user
