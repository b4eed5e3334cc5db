package pg

import (
	"context"
	"errors"
	"sync"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// scopesOf holds the scopes that run on a node, *Scope by name, so that the functions that it offers find them.
func scopesOf(n *node.Node) *sync.Map {
	type key struct{}
	return n.Value(key{}, func() any { return new(sync.Map) }).(*sync.Map)
}

// offer makes functions of the module pg callable on the node from outside (rpc:call(Node, pg, get_members, [Group])):
// join, leave, get_members, get_local_members, which_groups and which_local_groups, with and without a scope.
func (s *Scope) offer() {
	n := s.node
	scopesOf(n).Store(s.name, s)
	for _, f := range []struct {
		name  etf.Atom
		arity int // without the scope
		run   func(s *Scope, args []etf.Term) (any, error)
		none  func() (any, error) // without such a scope
	}{
		{"get_members", 1, func(s *Scope, args []etf.Term) (any, error) { return pidList(s.Members(args[0])), nil }, nobody},
		{"get_local_members", 1, func(s *Scope, args []etf.Term) (any, error) { return pidList(s.LocalMembers(args[0])), nil }, nobody},
		{"which_groups", 0, func(s *Scope, _ []etf.Term) (any, error) { return append(etf.List{}, s.Groups()...), nil }, badarg},
		{"which_local_groups", 0, func(s *Scope, _ []etf.Term) (any, error) { return append(etf.List{}, s.LocalGroups()...), nil }, badarg},
		{"join", 2, (*Scope).remoteJoin, noproc},
		{"leave", 2, (*Scope).remoteLeave, noproc},
	} {
		for extra := range 2 {
			n.Offer("pg", f.name, f.arity+extra, func(_ context.Context, p *node.Process, args []etf.Raw) (any, error) {
				terms := make([]etf.Term, len(args))
				for i, a := range args {
					var err error
					if terms[i], err = a.Term(); err != nil {
						return nil, err
					}
				}
				name := etf.Term(Default)
				if len(terms) > f.arity {
					name, terms = terms[0], terms[1:]
				}
				atom, _ := name.(etf.Atom)
				there, ok := scopesOf(p.Node()).Load(atom)
				if !ok {
					return f.none()
				}
				return f.run(there.(*Scope), terms)
			})
		}
	}
}

// What OTP's functions come to where the scope's table or process does not exist.
func nobody() (any, error) { return etf.List{}, nil }
func badarg() (any, error) { return nil, &etf.ReasonError{Reason: etf.Atom("badarg")} }
func noproc() (any, error) { return nil, &node.ExitError{Reason: etf.Atom("noproc")} }

func (s *Scope) remoteJoin(args []etf.Term) (any, error) { return s.remoteChange(s.Join, args) }

func (s *Scope) remoteLeave(args []etf.Term) (any, error) { return s.remoteChange(s.Leave, args) }

// remoteChange is pg:join/2 or pg:leave/2, with the result or exception that it has there.
func (s *Scope) remoteChange(change func(any, ...etf.Pid) error, args []etf.Term) (any, error) {
	list, ok := args[1].(etf.List)
	if !ok {
		list = etf.List{args[1]}
	}
	pids := make([]etf.Pid, len(list))
	for i, t := range list {
		if pids[i], ok = t.(etf.Pid); !ok {
			return nil, &etf.ReasonError{Reason: etf.Tuple{etf.Atom("nolocal"), t}}
		}
	}
	switch err := change(args[0], pids...); {
	case err == nil:
		return etf.Atom("ok"), nil
	case errors.Is(err, ErrNotJoined):
		return etf.Atom("not_joined"), nil
	case errors.Is(err, ErrNotLocal):
		for _, p := range pids {
			if p.Node != s.node.Name() {
				return nil, &etf.ReasonError{Reason: etf.Tuple{etf.Atom("nolocal"), p}}
			}
		}
		return nil, &etf.ReasonError{Reason: etf.Tuple{etf.Atom("nolocal"), args[1]}}
	default:
		return nil, err
	}
}
