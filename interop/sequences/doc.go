// Command sequences compares a Go node with a BEAM node under random commands: make fuzz-dist COUNT=20000 SEED=1 OTP=29.
//
// A sequence is some ten commands for puppets (see interop/target) of two nodes: links, monitors, exits, aliases, names,
// messages, disconnects. One of the nodes is a BEAM node, the other is the target, once a BEAM node too and once a Go node;
// the BEAM driver that sends the commands waits after each one until everything has come to rest. What the puppets answered,
// what reached them, and how they ended is the trace, in which pids and references have names; the two traces must be equal.
//
// A difference is looked at again, with more time after each command: one that does not come back was a race between the
// harness and a node, and only counted. One that does is made smaller, command by command, as long as it stays, and printed
// with both traces and the seed that makes the same sequence again.
package main
