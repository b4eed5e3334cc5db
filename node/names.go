package node

import (
	"fmt"
	"sync/atomic"

	"github.com/erlnode/erlnode/etf"
)

// Register gives the process a name on its node, by which it can be sent to and monitored until it exits or Unregister.
// It fails with ErrNameTaken, with ErrRegistered for a process that has a name, with the process's *ExitError, and for
// the name undefined. As in Erlang the empty atom is a name like any other.
func (p *Process) Register(name etf.Atom) error {
	if name == "undefined" {
		return fmt.Errorf("node: a process cannot be named %v", name)
	}
	p.mu.Lock()
	err := p.errLocked()
	if err == nil && p.named {
		err = fmt.Errorf("%w: %v", ErrRegistered, p.name)
	}
	if err == nil {
		p.name, p.named = name, true
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	if !p.node.names.add(name, p) {
		p.mu.Lock()
		p.name, p.named = "", false
		p.mu.Unlock()
		return fmt.Errorf("%w: %v", ErrNameTaken, name)
	}
	if err := p.Err(); err != nil { // it exited in between
		p.node.unname(name, p)
		return err
	}
	return nil
}

// Unregister takes a name away from the process that has it. It fails with ErrNoProc if none has.
func (n *Node) Unregister(name etf.Atom) error {
	p := n.names.get(name)
	if p == nil || !n.unname(name, p) {
		return fmt.Errorf("node: %v: %w", name, ErrNoProc)
	}
	p.mu.Lock()
	p.name, p.named = "", false
	p.mu.Unlock()
	return nil
}

// Name is the name under which the process is registered on its node, empty if it has none, or that one.
func (p *Process) Name() etf.Atom {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.name
}

// Whereis returns the process that is registered under the name on this node.
func (n *Node) Whereis(name etf.Atom) (pid etf.Pid, ok bool) {
	if p := n.names.get(name); p != nil {
		return p.pid, true
	}
	return etf.Pid{}, false
}

// Registered returns the names that processes of this node have.
func (n *Node) Registered() []etf.Atom {
	n.names.mu.RLock()
	defer n.names.mu.RUnlock()
	all := make([]etf.Atom, 0, len(n.names.m))
	for name := range n.names.m {
		all = append(all, name)
	}
	return all
}

// nameTable holds the registered names.
type nameTable struct {
	table[etf.Atom]
	lost atomic.Uint64 // how many have been lost so far; it grows while mu is held
}

// found is the process that was found by its name last, as long as no name is lost. It belongs to who reads a connection: most of what comes
// for names comes for the same one.
type found struct {
	name    etf.Atom
	process *Process
	lost    uint64
}

// get looks a name up; nil: nobody has it.
func (f *found) get(t *nameTable, name etf.Atom) *Process {
	lost := t.lost.Load() // before: what is lost meanwhile counts as later
	if f.process == nil || f.name != name || f.lost != lost {
		*f = found{name, t.get(name), lost}
	}
	return f.process
}

// registered is who has the name that a signal is for, which came over s or, if that is nil, from this node.
func (n *Node) registered(name etf.Atom, s *session) *Process {
	if s == nil {
		return n.names.get(name)
	}
	return s.found.get(&n.names, name)
}

// unname removes the name if it is p's.
func (n *Node) unname(name etf.Atom, p *Process) bool {
	p.rename()
	n.names.mu.Lock()
	defer n.names.mu.Unlock()
	if n.names.m[name] != p {
		return false
	}
	delete(n.names.m, name)
	n.names.lost.Add(1)
	return true
}
