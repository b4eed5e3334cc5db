package node

import (
	"context"
	"slices"
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// events knows who wants to hear of nodes.
type events struct {
	mu    sync.Mutex
	all   map[*Process]int              // MonitorNodes; as often as it was turned on
	nodes map[etf.Atom]map[*Process]int // MonitorNode, likewise
}

// MonitorNodes has the process told of every connection that comes up or goes, hidden ones included, from now on:
// {nodeup, Node} before anything from the node, {nodedown, Node} after everything from it (net_kernel:monitor_nodes/2 with
// node_type all). Turned on twice, it tells everything twice, until it has been turned off twice.
func (p *Process) MonitorNodes(on bool) {
	e := &p.node.events
	e.mu.Lock()
	if on {
		if e.all == nil {
			e.all = make(map[*Process]int)
		}
		e.all[p]++
	} else if e.all[p]--; e.all[p] <= 0 {
		delete(e.all, p)
	}
	e.mu.Unlock()
	if p.Err() != nil {
		e.forget(p)
	}
}

// MonitorNode has the process told {nodedown, Node}, once, when the connection to a node goes; it sets one up if there is
// none, and when that fails the message comes at once (erlang:monitor_node/2). Each call with true has its own message;
// with false one of them is taken back.
func (p *Process) MonitorNode(ctx context.Context, name etf.Atom, on bool) {
	e := &p.node.events
	e.mu.Lock()
	if on {
		if e.nodes == nil {
			e.nodes = make(map[etf.Atom]map[*Process]int)
		}
		if e.nodes[name] == nil {
			e.nodes[name] = make(map[*Process]int)
		}
		e.nodes[name][p]++
	} else {
		e.release(name, p)
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
		waiting := e.release(name, p)
		e.mu.Unlock()
		if waiting {
			p.deliver(nodeMessage(nodeDown, name))
		}
	}
}

// release takes one monitor of the node away, and reports whether there was one.
func (e *events) release(name etf.Atom, p *Process) bool {
	k := e.nodes[name][p]
	if k > 1 {
		e.nodes[name][p]--
	} else {
		e.drop(name, p)
	}
	return k > 0
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
	for p, k := range e.all {
		who = append(who, slices.Repeat([]*Process{p}, k)...)
	}
	if kind == nodeDown {
		for p, k := range e.nodes[name] {
			who = append(who, slices.Repeat([]*Process{p}, k)...)
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
