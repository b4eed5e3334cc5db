package main

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node/pg"
)

// Process u.groups.
var pgCommands = map[signature]command{{"pg", 2}: (*puppet).doPG}

// doPG is apply(pg, Fun, Args), where self stands for the puppet.
func (u *puppet) doPG(args []etf.Term) (any, error) {
	fun, _ := args[0].(etf.Atom)
	list, isList := args[1].(etf.List)
	if !isList {
		return nil, errBadarg
	}
	list = append(etf.List(nil), list...)
	for i, a := range list {
		if a == etf.Term(etf.Atom("self")) {
			list[i] = u.Self()
		}
	}
	switch (signature{fun, len(list)}) {
	case signature{"join", 2}:
		return u.pgChange(u.groups.Join, list)
	case signature{"leave", 2}:
		return u.pgChange(u.groups.Leave, list)
	case signature{"get_members", 1}:
		return pids(u.groups.Members(list[0])), nil
	case signature{"get_local_members", 1}:
		return pids(u.groups.LocalMembers(list[0])), nil
	case signature{"which_groups", 0}:
		return append(etf.List{}, u.groups.Groups()...), nil
	case signature{"monitor", 1}:
		ref, members, err := u.groups.MonitorTo(u.Process, list[0])
		return etf.Tuple{ref, pids(members)}, unexpected(err)
	case signature{"monitor_scope", 0}:
		ref, all, err := u.groups.MonitorScopeTo(u.Process)
		byName := etf.Map{}
		for _, m := range all {
			byName = append(byName, etf.Pair{Key: m.Group, Value: pids(m.Pids)})
		}
		return etf.Tuple{ref, byName}, unexpected(err)
	case signature{"demonitor", 1}:
		ref, isRef := list[0].(etf.Ref)
		if !isRef || !u.groups.Demonitor(ref) {
			return false, nil
		}
		return ok, nil
	}
	return nil, errUndef
}

// pgChange is pg:join/2 or pg:leave/2.
func (u *puppet) pgChange(change func(any, ...etf.Pid) error, args etf.List) (any, error) {
	list, isList := args[1].(etf.List)
	if !isList {
		list = etf.List{args[1]}
	}
	members := make([]etf.Pid, len(list))
	for i, t := range list {
		pid, isPid := t.(etf.Pid)
		if !isPid || pid.Node != u.Node().Name() {
			if !isList && !isPid {
				return nil, errFunctionClause
			}
			return nil, &raised{"error", etf.Tuple{etf.Atom("nolocal"), t}}
		}
		members[i] = pid
	}
	switch err := change(args[0], members...); {
	case errors.Is(err, pg.ErrNotJoined):
		return etf.Atom("not_joined"), nil
	case err != nil:
		return nil, unexpected(err)
	}
	return ok, nil
}

func pids(list []etf.Pid) etf.List {
	terms := make(etf.List, len(list))
	for i, p := range list {
		terms[i] = p
	}
	return terms
}
