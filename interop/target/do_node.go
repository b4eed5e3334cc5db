package main

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Nodes, connections, and the process that output goes to.
var nodeCommands = map[signature]command{
	{"group_leader", 1}:  (*puppet).doGroupLeader,
	{"nodes", atom}:      (*puppet).doNodes,
	{"nodes", 1}:         (*puppet).doNodes,
	{"connect", 1}:       (*puppet).doConnect,
	{"disconnect", 1}:    (*puppet).doDisconnect,
	{"ping", 1}:          (*puppet).doPing,
	{"monitor_node", 2}:  (*puppet).doMonitorNode,
	{"monitor_nodes", 2}: (*puppet).doMonitorNodes,
}

// The types of erlang:nodes/1. Nodes that are known from pids only are not kept by a Go node.
var nodeTypes = map[etf.Atom]node.NodeType{
	"visible": node.Visible, "hidden": node.Hidden, "connected": node.Connected, "this": node.This,
	"known": node.Known,
}

// doGroupLeader is erlang:group_leader/2 for the puppet itself.
func (u *puppet) doGroupLeader(args []etf.Term) (any, error) {
	leader, isPid := args[0].(etf.Pid)
	if !isPid {
		return nil, errBadarg
	}
	return true, u.SetGroupLeader(leader, u.Self())
}

// doNodes is erlang:nodes/0 and erlang:nodes/1.
func (u *puppet) doNodes(args []etf.Term) (any, error) {
	types := node.Visible
	if len(args) == 1 {
		list, isList := args[0].(etf.List)
		if !isList {
			list = etf.List(args)
		}
		types = 0
		for _, t := range list {
			name, _ := t.(etf.Atom)
			if nodeTypes[name] == 0 {
				return nil, errBadarg
			}
			types |= nodeTypes[name]
		}
		if types == 0 {
			return etf.List{}, nil
		}
	}
	return u.Node().Nodes(types), nil
}

// doConnect is net_kernel:connect_node/1.
func (u *puppet) doConnect(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	if !isAtom {
		return nil, errFunctionClause
	}
	return u.Node().Connect(u.Context(), name) == nil, nil
}

// doDisconnect is erlang:disconnect_node/1.
func (u *puppet) doDisconnect(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	return isAtom && u.Node().Disconnect(name), nil
}

// doPing is net_adm:ping/1.
func (u *puppet) doPing(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	if !isAtom {
		return nil, errFunctionClause
	}
	if u.Node().Ping(u.Context(), name) != nil {
		return etf.Atom("pang"), nil
	}
	return etf.Atom("pong"), nil
}
