package node

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// NodeEvents says which connections a process is told of by MonitorNodes, and in which form: the options of
// net_kernel:monitor_nodes/2. Only the messages as terms differ in form. NodeUp and NodeDown tell everything at any rate.
type NodeEvents struct {
	// Types are the nodes to tell of: Visible, Hidden or both (Connected). Zero, the default: visible ones. If it is not zero
	// the message says which type the node is of (option {node_type, Type}).
	Types NodeType
	// Reason adds to a nodedown why (option nodedown_reason).
	Reason bool
	// ConnectionID adds the number of the connection (option connection_id).
	ConnectionID bool
	// Map makes the third element of the messages a map. Without, it is a list, or missing if no option is given.
	Map bool
}

// withDefaults gives options that mean the same the same form, so that they can be compared.
func (w NodeEvents) withDefaults() NodeEvents {
	w.Types &= Connected
	return w
}

// covers tells whether a node is of a type to tell of.
func (w NodeEvents) covers(hidden bool) bool {
	if hidden {
		return w.Types&Hidden != 0
	}
	return w.Types == 0 || w.Types&Visible != 0
}

// NodeEvent is a connection that has come up or gone.
type NodeEvent struct {
	Node   etf.Atom
	Hidden bool
	// ConnectionID tells connections to the same node apart. It is 0 in the nodedown of a connection that never came up.
	ConnectionID uint32
	// Reason is why the connection has gone, nil in a nodeup. OTP's reasons: connection_closed (the peer closed it, or it was
	// cut), disconnect (Node.Disconnect), net_tick_timeout, killed (the peer broke the protocol or has not taken what was sent
	// to it), net_kernel_terminated (this node closes), connection_setup_failed.
	Reason etf.Term
}

// event describes the session to those who hear of nodes.
func (s *session) event(reason etf.Term) NodeEvent {
	return NodeEvent{Node: s.peer, Hidden: s.hidden, ConnectionID: s.id, Reason: reason}
}

// downReason is the reason of a nodedown for the end of a connection.
func (n *Node) downReason(why error) etf.Term {
	protocol := (*dist.ProtocolError)(nil)
	switch {
	case n.ctx.Err() != nil:
		return etf.Atom("net_kernel_terminated")
	case errors.Is(why, dist.ErrDisconnect):
		return etf.Atom("disconnect")
	case errors.Is(why, dist.ErrTickTimeout):
		return etf.Atom("net_tick_timeout")
	case errors.Is(why, dist.ErrNotReading), errors.As(why, &protocol):
		return etf.Atom("killed") // as erts_kill_dist_connection ends it
	}
	return etf.Atom("connection_closed")
}

// term is the message that an event is for who asked for it in this form (dist.c: send_nodes_mon_msgs).
func (w NodeEvents) term(e NodeEvent) etf.Term {
	what := etf.Atom("nodeup")
	if e.Reason != nil {
		what = "nodedown"
	}
	if w == (NodeEvents{}) {
		return etf.Tuple{what, e.Node}
	}
	info := etf.Map{}
	if w.ConnectionID {
		info = append(info, etf.Pair{Key: etf.Atom("connection_id"), Value: etf.Int(e.ConnectionID)})
	}
	if w.Reason && e.Reason != nil {
		info = append(info, etf.Pair{Key: etf.Atom("nodedown_reason"), Value: e.Reason})
	}
	if w.Types != 0 {
		typ := etf.Atom("visible")
		if e.Hidden {
			typ = "hidden"
		}
		info = append(info, etf.Pair{Key: etf.Atom("node_type"), Value: typ})
	}
	if w.Map {
		return etf.Tuple{what, e.Node, info}
	}
	list := make(etf.List, 0, len(info))
	for _, pair := range info {
		list = append(list, etf.Tuple{pair.Key, pair.Value})
	}
	return etf.Tuple{what, e.Node, list}
}

// events knows which processes hear of nodes. What each of them wants it knows itself (interest).
type events struct {
	mu    sync.Mutex
	all   map[*Process]struct{}              // MonitorNodes
	nodes map[etf.Atom]map[*Process]struct{} // MonitorNode
}

// interest is what a process wants to hear of nodes; Process.mu guards it. It changes and the tables of events with it under
// one hold of that lock, and messages come under it, so that none comes after MonitorNodes(false) has returned.
type interest struct {
	all   []subscription
	nodes map[etf.Atom]int // nodedown messages owed by MonitorNode
}

type subscription struct {
	form  NodeEvents
	times int // how often it was turned on
}

// MonitorNodes has the process told of the connections that come up or go from now on, of the types and in the form that w
// asks for; the zero NodeEvents: visible nodes, as {nodeup, Node} and {nodedown, Node} (net_kernel:monitor_nodes/2).
// Turned on twice with the same options everything is told twice; turned off once, with the same options, it ends, and no
// message follows.
//
// {nodeup, Node} comes before anything from the node and when Nodes lists it already; {nodedown, Node} after everything from
// it, all exit signals and ends of monitors included, and before a new connection to it comes up.
func (p *Process) MonitorNodes(on bool, w NodeEvents) {
	w = w.withDefaults()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exited || p.interest == nil && !on {
		return
	}
	in := p.interestLocked()
	k := slices.IndexFunc(in.all, func(s subscription) bool { return s.form == w })
	switch {
	case on && k >= 0:
		in.all[k].times++
	case on:
		in.all = append(in.all, subscription{w, 1})
		p.node.events.add(p, "")
	case k >= 0:
		in.all = slices.Delete(in.all, k, k+1)
		if len(in.all) == 0 {
			p.node.events.remove(p, "")
		}
	}
}

// MonitorNode has the process told {nodedown, Node}, once, when the connection to a node goes; it sets one up if there is
// none, and when that fails the message comes at once (erlang:monitor_node/2). Each call with true has its own message;
// with false one of them is taken back. Of its own node a process hears nothing.
func (p *Process) MonitorNode(ctx context.Context, name etf.Atom, on bool) {
	if name == p.node.name {
		return
	}
	if !on {
		p.mu.Lock()
		p.releaseLocked(name)
		p.mu.Unlock()
		return
	}
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return
	}
	in := p.interestLocked()
	if in.nodes == nil {
		in.nodes = make(map[etf.Atom]int)
	}
	if in.nodes[name]++; in.nodes[name] == 1 {
		p.node.events.add(p, name)
	}
	p.mu.Unlock()
	if err := p.node.connectAuto(ctx, name); err != nil {
		p.mu.Lock()
		ended := p.releaseLocked(name) && p.pushLocked(nodeMessage(NodeEvents{}, NodeEvent{Node: name, Reason: etf.Atom("connection_setup_failed")}), false)
		p.mu.Unlock()
		if ended {
			p.bury(true)
		}
	}
}

func (p *Process) interestLocked() *interest {
	if p.interest == nil {
		p.interest = new(interest)
	}
	return p.interest
}

// releaseLocked takes one monitor of the node away, and reports whether there was one.
func (p *Process) releaseLocked(name etf.Atom) bool {
	if p.interest == nil || p.interest.nodes[name] == 0 {
		return false
	}
	if p.interest.nodes[name]--; p.interest.nodes[name] == 0 {
		delete(p.interest.nodes, name)
		p.node.events.remove(p, name)
	}
	return true
}

// add enters a process that wants to hear of one node or, with the empty name, of all.
func (e *events) add(p *Process, name etf.Atom) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name == "" {
		if e.all == nil {
			e.all = make(map[*Process]struct{})
		}
		e.all[p] = struct{}{}
		return
	}
	if e.nodes == nil {
		e.nodes = make(map[etf.Atom]map[*Process]struct{})
	}
	if e.nodes[name] == nil {
		e.nodes[name] = make(map[*Process]struct{})
	}
	e.nodes[name][p] = struct{}{}
}

func (e *events) remove(p *Process, name etf.Atom) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name == "" {
		delete(e.all, p)
	} else if delete(e.nodes[name], p); len(e.nodes[name]) == 0 {
		delete(e.nodes, name)
	}
}

// forget removes a process that has exited.
func (e *events) forget(p *Process, in *interest) {
	if in == nil {
		return
	}
	if len(in.all) > 0 {
		e.remove(p, "")
	}
	for name := range in.nodes {
		e.remove(p, name)
	}
}

func (e *events) listeners(name etf.Atom) []*Process {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.all
	if name != "" {
		m = e.nodes[name]
	}
	all := make([]*Process, 0, len(m))
	for p := range m {
		all = append(all, p)
	}
	return all
}

// tell tells of a connection: first who monitors that node, then who monitors nodes.
func (e *events) tell(event NodeEvent) {
	if event.Reason != nil {
		for _, p := range e.listeners(event.Node) {
			p.told(func() (ended bool) {
				for p.releaseLocked(event.Node) {
					ended = p.pushLocked(nodeMessage(NodeEvents{}, event), false) || ended
				}
				return ended
			})
		}
	}
	for _, p := range e.listeners("") {
		p.told(func() (ended bool) {
			for _, s := range p.interestLocked().all {
				for range s.times {
					ended = s.form.covers(event.Hidden) && p.pushLocked(nodeMessage(s.form, event), false) || ended
				}
			}
			return ended
		})
	}
}

// told runs f with the lock held; f reports whether the process has ended by a message.
func (p *Process) told(f func() (ended bool)) {
	p.mu.Lock()
	ended := !p.exited && f()
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

func nodeMessage(form NodeEvents, e NodeEvent) Message {
	kind := nodeUp
	if e.Reason != nil {
		kind = nodeDown
	}
	return Message{notice: &notice{kind: kind, event: &nodeNotice{e, form}}}
}

// nodeNotice is an event in the form in which it was asked for.
type nodeNotice struct {
	NodeEvent
	form NodeEvents
}
