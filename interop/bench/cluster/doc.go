// Command cluster measures the same work on pairs of nodes, side by side in one run: make bench-cluster.
//
// A pair is a driver, which sends and calls, and a server on another node, each a process of its own. The drivers are a
// BEAM node (cluster.erl) and a Go node (gopeer.go, godriver.go); the servers are these two, a node of ergo, a C program on OTP's
// erl_interface (c/echo.c; the BEAM sends a C node no monitors, so that a call is one message each way), and a Go program that
// answers calls by hand, without a node (handcut.go), which is the floor of the protocol; once more as one that cannot be monitored (BEAM-unwatched), like
// the C node. Raw TCP without any protocol (raw.go)
// is the floor of the socket. ergo, which OTP 26 and later refuse, is driven by the first release that it works with.
//
// Each piece of work is done for a part of a second by every pair in turn, and that in several rounds; the figures are
// medians of the rounds. Ratios are to the BEAM pair of the same release. The driver takes the time, with its own
// clock, from the first message to the moment when the last has been answered or counted: floods and streams end with the
// receiver's count, which has to be all that was sent. A lost connection ends when the processes on both sides have heard of it. CPU
// time is that of the driver's and the server's process, user and system, from the process's clock, and for a lost connection that of
// setting up the links and monitors too; memory is the most that the process had resident meanwhile (VmHWM).
// With -cpu it also prints what one operation costs each side, in context switches and system calls too. -work and -pair take a
// part of it all:
//
//	go run . -otp /tmp/otps/29/bin -rounds 3 -work call1,flood -pair beam-beam,beam-go -cpu
//
// With -profile it leaves a CPU profile of each Go node in a folder, which has to be there.
//
// At the end, once: what 1,000 connections and 1,000,000 processes take of one node (scale.go).
//
// When a peer ends or does not answer, the program says so with what the peer printed (a Go peer prints its goroutines), and ends;
// the peers end with it in any case.
//
// This program runs itself again for the Go peers: cluster -peer KIND -name NODE. A peer prints "ready RELEASE", and then
// takes a command a line on its standard input and answers "ok NAME=NUMBER …", among which are ops and ns, or "error …":
//
//	connect NODE                           and do not give up
//	call NODE small|map|kib CALLERS MS     gen_server calls of the server's process echo
//	latencies                              p50 and p99 of the calls made last, in ns
//	ping NODE MS                           plain messages to pong and back
//	flood NODE tuple|map SENDERS MS        plain messages to sink1 … sink8, or maps to mapsink, which takes them apart
//	stream NODE BYTES MS                   binaries to sink1
//	mixed NODE BYTES MS                    calls while binaries go to sink1 over the same connection; ops are the binaries
//	drop NODE N                            N monitors and N links, then the connection is cut: until all here have heard; at: when
//	heard                                  for a server: when the last there had heard
//	global NODE… MS                        names registered one after the other in a cluster with these nodes
//	pg NODE MS                             groups joined, until NODE has the last
//	forget                                 ends the processes of global and pg, until nobody knows of them
//	collect                                garbage
//	state                                  bytes in use, after a collection, and goroutines or processes
//	crowd NODE N                           N nodes, connected to NODE (Go only)
//	processes open|spawn N                 N processes and a message to each
package main
