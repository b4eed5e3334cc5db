package pg

import (
	"errors"
	"fmt"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// ErrNotJoined says that none of the processes that are to leave a group is in it.
var ErrNotJoined = errors.New("not joined")

// ErrNotLocal says that a process is not of this node: only the scope of its own node can make it a member.
var ErrNotLocal = errors.New("not a process of this node")

// Join makes processes of this node members of a group (pg:join/3), each as often as it is given, also if it is one
// already. The name of the group is an etf.Term or any Go value that etf.Marshal takes: a Go string is a binary.
//
// When Join returns, the processes are members here and all peers are on the way to be told. A process that has exited
// joins too, and leaves at once. ErrNotLocal names a pid of another node; then nobody has joined. Join waits while a
// connection to a peer takes nothing.
func (s *Scope) Join(group any, pids ...etf.Pid) error {
	name, k, err := s.own(group, pids)
	if err != nil || len(pids) == 0 {
		return err
	}
	pids = slices.Clone(pids)
	return s.change(func() error {
		s.m.join(k, name, pids)
		return nil
	})
}

// Leave takes processes of this node out of a group (pg:leave/3), once for each time they are given; who has joined more
// often stays a member. It fails with ErrNotJoined if none of them is in the group.
func (s *Scope) Leave(group any, pids ...etf.Pid) error {
	_, k, err := s.own(group, pids)
	if err != nil {
		return err
	}
	return s.change(func() error {
		if !s.m.leave(k, pids) {
			return fmt.Errorf("pg: leaving %v: %w", group, ErrNotJoined)
		}
		return nil
	})
}

// own checks the arguments of Join and Leave.
func (s *Scope) own(group any, pids []etf.Pid) (name etf.Term, k string, err error) {
	self := s.Self()
	for _, p := range pids {
		if p.Node != self.Node || p.Creation != self.Creation {
			return nil, "", fmt.Errorf("pg: %v: %w", p, ErrNotLocal)
		}
	}
	if name, err = toTerm(group); err != nil {
		return nil, "", err
	}
	k, err = key(name)
	return name, k, err
}

// change is happen, unless the scope has ended.
func (s *Scope) change(f func() error) (err error) {
	s.happen(func() {
		if err = s.errEnded(); err == nil {
			err = f()
		}
	})
	return err
}

func (s *Scope) errEnded() error {
	select {
	case <-s.ended:
		return ErrClosed
	default:
		return nil
	}
}

// Members returns the members of a group on all nodes, the latest first here, each as often as it has joined
// (pg:get_members/2). Nobody else has the slice. It is empty if there is no such group.
func (s *Scope) Members(name any) []etf.Pid {
	return s.look(name, func(g *group) []etf.Pid { return g.all })
}

// LocalMembers returns those members of a group that are processes of this node (pg:get_local_members/2).
func (s *Scope) LocalMembers(name any) []etf.Pid {
	return s.look(name, func(g *group) []etf.Pid { return g.local })
}

func (s *Scope) look(name any, list func(*group) []etf.Pid) []etf.Pid {
	t, err := toTerm(name)
	if err != nil {
		return nil
	}
	k, err := key(t)
	if err != nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if g := s.m.groups[k]; g != nil {
		return newest(list(g))
	}
	return nil
}

// Groups returns the names of all groups, in no particular order (pg:which_groups/1).
func (s *Scope) Groups() []etf.Term {
	return s.names(func(g *group) bool { return true })
}

// LocalGroups returns the names of the groups that have members on this node, in no particular order
// (pg:which_local_groups/1).
func (s *Scope) LocalGroups() []etf.Term {
	return s.names(func(g *group) bool { return len(g.local) > 0 })
}

func (s *Scope) names(take func(*group) bool) []etf.Term {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []etf.Term
	for _, g := range s.m.groups {
		if take(g) {
			names = append(names, g.name)
		}
	}
	return names
}
