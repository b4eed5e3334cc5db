package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// GroupLeader is the process that the output of this one belongs to. Everyone can change it (SetGroupLeader).
func (p *Process) GroupLeader() etf.Pid {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leader
}

// SetGroupLeader makes leader the group leader of a process, this one or any other (erlang:group_leader/2). It connects to
// the node if need be; the errors are those of Send.
func (p *Process) SetGroupLeader(leader, of etf.Pid) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	s, err := p.reach(p.Context(), of.Node)
	if err != nil {
		return err
	}
	return p.transmit(p.Context(), s, &dist.Signal{Kind: dist.GroupLeader, From: leader, To: of})
}

// SetLeader makes a process the group leader of those that the node makes from now on, and of what goroutines that are no
// process call and spawn elsewhere. Until it is called that is a process of the node which answers nothing.
func (n *Node) SetLeader(leader etf.Pid) {
	n.leader.Store(&leader)
	n.caller.mu.Lock()
	n.caller.leader = leader
	n.caller.mu.Unlock()
}

func (n *Node) defaultLeader() etf.Pid {
	if leader := n.leader.Load(); leader != nil {
		return *leader
	}
	return n.caller.self()
}
