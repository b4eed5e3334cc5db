// Package global is OTP's global: names and locks of the whole cluster, the same on every node of it, and the mesh of
// connections that keeps it whole.
//
// A [Global] belongs to a node. It is the process global_name_server that peers address, and speaks with theirs: protocol
// version 8, and 5 to 7 as OTP 23 and early releases of OTP 25 do. When two visible nodes connect, each locks the nodes it
// knows, they exchange their names, settle conflicts, and tell the others, who connect to each other. A name is registered
// on all of them under one lock.
//
//	err := n.Global.Register(ctx, "counter", pid)                      // :global.register_name(:counter, pid)
//	sum, err := gen.Call[int](ctx, n, n.Global.Name("counter"), 2)     // GenServer.call({:global, :counter}, 2)
//
// When a connection between two nodes of the cluster is lost, all others leave both, so that no partitions overlap (kernel
// parameter prevent_overlapping_partitions); see Config.
//
// A Go node is in no global group (kernel parameter global_groups). Nodes with groups leave it out of their names and locks, as
// they do with a BEAM node without groups; the connection stays, and nobody here waits for them.
//
// The protocol is a state machine without IO ([machine.go]); the rest carries out what it asks for.
//
// Source: global.erl of OTP 23 to 29.
package global
