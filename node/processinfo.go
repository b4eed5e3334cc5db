package node

import (
	"github.com/erlnode/erlnode/etf"
)

// ProcessInfo is what a process looks like from outside, at one moment (erlang:process_info/1).
type ProcessInfo struct {
	Pid         etf.Pid
	Name        etf.Atom  // empty: not registered
	Initial     etf.Tuple // {Module, Function, Arity} that it began with; {erlang, apply, 2} for a Go function
	Parent      etf.Pid   // see Process.Parent
	GroupLeader etf.Pid
	TrapExit    bool
	Messages    []Message // in the mailbox
	Links       []etf.Pid
	Monitors    []etf.Term // whom it monitors: pids, and {Name, Node} where it does by name
	MonitoredBy []etf.Pid
}

// ProcessInfo describes a process of this node; ok is false if there is none with that pid. It copies the lists, so it costs
// what they are long.
func (n *Node) ProcessInfo(pid etf.Pid) (info ProcessInfo, ok bool) {
	p := n.processes.find(n, pid)
	if p == nil {
		return info, false
	}
	p.box.taking.Lock()
	defer p.box.taking.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exited {
		return info, false
	}
	info = ProcessInfo{Pid: pid, Name: p.name, Parent: p.parent, GroupLeader: p.leader, TrapExit: p.trapExit,
		Initial:  etf.Tuple{p.initial.module, p.initial.function, etf.Int(p.initial.arity)},
		Messages: p.box.all()}
	for l := range p.links.all() {
		if l.active {
			info.Links = append(info.Links, l.from)
		}
	}
	for _, m := range p.monitors {
		if m.byName() {
			info.Monitors = append(info.Monitors, etf.Tuple{m.name.Name, m.name.Node})
		} else {
			info.Monitors = append(info.Monitors, m.pid)
		}
	}
	for _, w := range p.watchers {
		by := w.pid
		if w.request != nil {
			by = n.caller.pid
		}
		info.MonitoredBy = append(info.MonitoredBy, by)
	}
	return info, true
}

// Processes returns the pids of the processes that live on this node, in no particular order (erlang:processes/0).
func (n *Node) Processes() []etf.Pid {
	var all []etf.Pid
	for _, p := range n.processes.all() {
		all = append(all, p.pid)
	}
	return all
}
