// Command cluster measures the same work on pairs of nodes, side by side in one run: make bench-cluster.
//
// A pair is a driver, which sends and calls, and a server on another node, each a process of its own. The drivers are a
// BEAM node (cluster.erl) and a Go node (gopeer.go); the servers are these two, a node of ergo, a C program on OTP's
// erl_interface (c/echo.c), and a Go program that answers calls by hand, without a node (handcut.go), which is the floor of
// the protocol. Raw TCP without any protocol (raw.go) is the floor of the socket.
//
// Each piece of work is done for a part of a second by every pair in turn, and that in several rounds; the figures are
// medians of the rounds. Ratios are to the BEAM pair of the same release. The driver takes the time, with its own
// clock, from the first message to the moment when the last has been answered or counted: floods and streams end with the
// receiver's count, so that nothing is left in buffers. CPU time is that of the driver's and the server's process, user and
// system, from the process's clock; memory is the most that the process ever had resident (VmHWM). With -cpu it also prints what one
// operation costs each side, in context switches and system calls too. -work and -pair take a part of it all:
//
//	go run . -otp /tmp/otps/29/bin -rounds 3 -work call1,flood -pair beam-beam,beam-go -cpu
//
// This program runs itself again for the Go peers: cluster -peer KIND -name NODE. A peer prints "ready RELEASE", and a driver then
// takes a command a line on its standard input and answers "OPERATIONS NANOSECONDS P50 P99", or "error …":
//
//	call NODE small|map|kib CALLERS MS     gen_server calls of the server's process echo
//	ping NODE MS                           plain messages to pong and back
//	flood NODE tuple|map SENDERS MS        plain messages to sink1 … sink8, or maps to mapsink, which takes them apart
//	stream NODE BYTES MS                   binaries to sink1
//	mixed NODE BYTES MS                    calls while binaries go to sink1 over the same connection
//	latencies                              P50 and P99 of the calls made last
//	drop NODE N                            N monitors and N links, then the connection is cut: until all have heard
//	pg NODE N                              memberships, until NODE has the last
//	state, crowd, processes                for -scale: what connections and processes take (Go only)
package main
