// Package pg is OTP's pg: named groups of processes, which every node that runs the same scope knows in full.
//
// A scope is a process registered under its name; erlnode.Start starts the scope "pg". The scopes of one name on
// connected nodes, BEAM or Go, find each other and tell each other their own members: what a process joins on one node all
// others see, and the members of a node are gone everywhere as soon as it, its scope or the process itself is. A group
// exists while it has members, its name is any term, and a process is a member as often as it has joined.
//
//	n, err := erlnode.Start(ctx, "go@localhost", erlnode.Config{})
//	err = n.PG.Join("chat", p.Self())             // pg:join(<<"chat">>, Pid)
//	for _, pid := range n.PG.Members("chat") {     // pg:get_members(<<"chat">>)
//		p.Send(pid, "hello")
//	}
//	rooms, err := pg.Start(n, "rooms")             // pg:start_link(rooms)
//
// Phoenix.PubSub stands on pg: a process that joins the group 'Elixir.MyApp.PubSub.Adapter' of the scope
// 'Elixir.Phoenix.PubSub' gets every broadcast as {forward_to_local, Topic, Message, Dispatcher}, and whoever sends that to
// the group's members broadcasts.
//
// Membership is eventually consistent, as in OTP: there is no order between what different nodes say.
//
// # On the wire
//
// Two versions of the protocol exist (PROTOCOL.md, 6.4; pg.erl, data_publisher.erl), and a scope that is told something
// of the wrong one may crash: those of OTP 25 and earlier take version 0 only, those of OTP 26 to 28 also take the
// announcement of version 1, and OTP 29 speaks both. So this package speaks version 0 to everybody who has not announced
// version 1 himself, and updates only to who has been told everything before. What it does not understand it drops.
//
// A scope looks for its kind on visible nodes, as OTP's does. On a hidden node, for which OTP's does not look, it looks for
// its kind on all nodes that are connected, and so is a full member too. Since nobody tells a hidden node of scopes that are
// started later, it asks the nodes on which it has found none again, at intervals that grow from 0.1 to 30 seconds.
package pg
