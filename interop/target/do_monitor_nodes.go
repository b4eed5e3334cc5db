package main

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// nodeEvents turns what the node package tells of nodes into what net_kernel:monitor_nodes/2 with the options [] tells:
// that leaves out hidden ones. The other options come with the cluster services.
type nodeEvents struct {
	subscribed bool
	hidden     map[etf.Atom]bool // connected, while subscribed
	watched    map[etf.Atom]bool // by monitor_node/2, which tells of hidden ones too
}

// doMonitorNodes is net_kernel:monitor_nodes/2.
func (u *puppet) doMonitorNodes(args []etf.Term) (any, error) {
	on, isBool := boolean(args[0])
	if !isBool {
		return etf.Atom("error"), nil
	}
	options, isList := args[1].(etf.List)
	if !isList {
		return failed("invalid_options", args[1]), nil
	}
	if len(options) > 0 {
		return nil, errUndef // later issue: node_type, nodedown_reason, connection_id
	}
	u.MonitorNodes(on)
	u.events.subscribed = on
	u.events.hidden = make(map[etf.Atom]bool)
	for _, name := range u.Node().Nodes(node.Hidden) {
		u.events.hidden[name] = true
	}
	return ok, nil
}

// failed is {error, {What, Term}}.
func failed(what etf.Atom, t etf.Term) etf.Term {
	return etf.Tuple{etf.Atom("error"), etf.Tuple{what, t}}
}

// doMonitorNode is erlang:monitor_node/2.
func (u *puppet) doMonitorNode(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	on, isBool := boolean(args[1])
	if !isAtom || !isBool {
		return nil, errBadarg
	}
	if u.events.watched == nil {
		u.events.watched = make(map[etf.Atom]bool)
	}
	u.events.watched[name] = on
	u.MonitorNode(u.Context(), name, on)
	return true, nil
}

// concerns tells whether a message about a node is one that Erlang would send too. It is true for any other message.
func (e *nodeEvents) concerns(n *node.Node, m node.Message) bool {
	if name, up := m.NodeUp(); up {
		for _, h := range n.Nodes(node.Hidden) {
			if h == name {
				e.hidden[name] = true
				return false
			}
		}
	}
	if name, down := m.NodeDown(); down {
		hidden := e.subscribed && e.hidden[name]
		delete(e.hidden, name)
		if e.watched[name] {
			delete(e.watched, name)
			return true
		}
		return !hidden
	}
	return true
}
