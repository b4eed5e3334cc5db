package node

import (
	"context"
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// events knows who wants to hear of nodes.
type events struct {
	mu    sync.Mutex
	all   map[*Process]struct{}              // MonitorNodes
	nodes map[etf.Atom]map[*Process]struct{} // MonitorNode
}

// MonitorNodes has the process told of every connection that comes up or goes, hidden ones included, from now on:
// {nodeup, Node} before anything from the node, {nodedown, Node} after everything from it (net_kernel:monitor_nodes/2 with
// node_type all).
func (p *Process) MonitorNodes(on bool) {
	e := &p.node.events
	e.mu.Lock()
	if on {
		if e.all == nil {
			e.all = make(map[*Process]struct{})
		}
		e.all[p] = struct{}{}
	} else {
		delete(e.all, p)
	}
	e.mu.Unlock()
	if p.Err() != nil {
		e.forget(p)
	}
}

// MonitorNode has the process told {nodedown, Node}, once, when the connection to a node goes; it sets one up if there is
// none, and when that fails the message comes at once (erlang:monitor_node/2). With false it takes that back.
func (p *Process) MonitorNode(ctx context.Context, name etf.Atom, on bool) {
	e := &p.node.events
	e.mu.Lock()
	if on {
		if e.nodes == nil {
			e.nodes = make(map[etf.Atom]map[*Process]struct{})
		}
		if e.nodes[name] == nil {
			e.nodes[name] = make(map[*Process]struct{})
		}
		e.nodes[name][p] = struct{}{}
	} else {
		e.drop(name, p)
	}
	e.mu.Unlock()
	if !on {
		return
	}
	if p.Err() != nil {
		e.forget(p)
		return
	}
	if err := p.node.Connect(ctx, name); err != nil {
		e.mu.Lock()
		_, waiting := e.nodes[name][p]
		e.drop(name, p)
		e.mu.Unlock()
		if waiting {
			p.deliver(nodeMessage(nodeDown, name))
		}
	}
}

func (e *events) drop(name etf.Atom, p *Process) {
	delete(e.nodes[name], p)
	if len(e.nodes[name]) == 0 {
		delete(e.nodes, name)
	}
}

// forget removes a process that has exited.
func (e *events) forget(p *Process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.all, p)
	for name := range e.nodes {
		e.drop(name, p)
	}
}

func (e *events) tell(kind noticeKind, name etf.Atom) {
	e.mu.Lock()
	var who []*Process
	for p := range e.all {
		who = append(who, p)
	}
	if kind == nodeDown {
		for p := range e.nodes[name] {
			who = append(who, p)
		}
		delete(e.nodes, name)
	}
	e.mu.Unlock()
	for _, p := range who {
		p.deliver(nodeMessage(kind, name))
	}
}

func nodeMessage(kind noticeKind, name etf.Atom) Message {
	return Message{notice: &notice{kind: kind, name: Name{Node: name}}}
}
