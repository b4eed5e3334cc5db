// Command target is the Go side of the interop target: registered servers (echo, sink, order, crasher, puppets) and puppets,
// processes under remote control, the same that interop/erl/target.erl offers on a BEAM node. The tests of package
// interop drive both from a BEAM node, and the outcomes must be equal.
//
//	go run ./interop/target -name go@127.0.0.1 -cookie secret
//
// It prints "ready NAME port PORT" when a peer can connect, logs to standard error, and leaves with status 0 on SIGTERM.
//
// Each server is a file of its own. The commands of a puppet are in do_*.go, by what they are about.
package main
