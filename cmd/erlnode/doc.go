// Command erlnode is a node of an Erlang cluster on the command line: a demonstration node to talk to from iex and erl,
// and the small tools that Erlang has for scripts (erl_call, epmd -names, epmd, net_adm:ping), without Erlang.
//
//	erlnode serve            a node with processes to call: echo, counter, kv, pubsub
//	erlnode ping NODE        is the node alive, and does it take our cookie
//	erlnode call NODE M F A  call a function on a node
//	erlnode names [HOST]     the nodes that an epmd knows
//	erlnode pg NODE          the process groups that a node knows
//	erlnode epmd             the port mapper alone
//
// Each command has a file of its own, and so has each process of serve, which is also where to look for how a server is
// written: echo.go, counter.go, kv.go, pubsub.go.
package main
