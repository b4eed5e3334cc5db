package main

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node/global"
)

// Names and locks of the cluster: functions of the module global.
var globalCommands = map[signature]command{
	{"global_register", 1}:      (*puppet).doGlobalRegister,
	{"global_register", 2}:      (*puppet).doGlobalRegister,
	{"global_reregister", 1}:    (*puppet).doGlobalReregister,
	{"global_register_ext", 2}:  (*puppet).doGlobalRegisterExternal,
	{"global_unregister", 1}:    (*puppet).doGlobalUnregister,
	{"global_whereis", 1}:       (*puppet).doGlobalWhereis,
	{"global_names", atom}:      (*puppet).doGlobalNames,
	{"global_set_lock", 3}:      (*puppet).doGlobalSetLock,
	{"global_del_lock", 2}:      (*puppet).doGlobalDelLock,
	{"global_sync", atom}:       (*puppet).doGlobalSync,
	{"global_disconnect", atom}: (*puppet).doGlobalDisconnect,
}

// doGlobalRegister is global:register_name/2,3 for the puppet itself; a method is one of OTP's, by its name, or the target's own:
// keep_last.
func (u *puppet) doGlobalRegister(args []etf.Term) (any, error) {
	var method []global.Method
	if len(args) == 2 {
		name, isAtom := args[1].(etf.Atom)
		if !isAtom {
			return nil, errBadarg
		}
		if name == "keep_last" {
			method = append(method, u.global.Resolver(name, keepLast))
		} else {
			method = append(method, etf.Export{Module: "global", Function: name, Arity: 3})
		}
	}
	return answered(u.global.Register(u.Context(), args[0], u.Self(), method...))
}

func keepLast(_ context.Context, _ etf.Term, a, b etf.Pid) etf.Pid {
	if a.Node > b.Node {
		return a
	}
	return b
}

func (u *puppet) doGlobalReregister(args []etf.Term) (any, error) {
	return answered(u.global.Reregister(u.Context(), args[0], u.Self()))
}

// doGlobalRegisterExternal is global:register_name_external/2 for any process.
func (u *puppet) doGlobalRegisterExternal(args []etf.Term) (any, error) {
	pid, isPid := args[1].(etf.Pid)
	if !isPid {
		return nil, errFunctionClause
	}
	return answered(u.global.RegisterExternal(u.Context(), args[0], pid))
}

// answered is what register_name returns.
func answered(err error) (any, error) {
	switch {
	case err == nil:
		return etf.Atom("yes"), nil
	case errors.Is(err, global.ErrNameTaken), errors.Is(err, global.ErrRegistered):
		return etf.Atom("no"), nil
	}
	return nil, unexpected(err)
}

func (u *puppet) doGlobalUnregister(args []etf.Term) (any, error) {
	return etf.Atom("ok"), unexpected(u.global.Unregister(u.Context(), args[0]))
}

func (u *puppet) doGlobalWhereis(args []etf.Term) (any, error) {
	if pid, ok := u.global.Whereis(args[0]); ok {
		return pid, nil
	}
	return etf.Atom("undefined"), nil
}

func (u *puppet) doGlobalNames([]etf.Term) (any, error) { return etf.List(u.global.Names()), nil }

// doGlobalSetLock is global:set_lock/3.
func (u *puppet) doGlobalSetLock(args []etf.Term) (any, error) {
	l, nodes, ok := lockArgs(args)
	if !ok {
		return nil, errFunctionClause
	}
	if len(nodes) == 0 {
		return true, nil
	}
	switch retries := args[2].(type) {
	case etf.Int:
		set, err := u.global.TryLock(u.Context(), u.Process, l, int(retries), nodes...)
		return set, unexpected(err)
	case etf.Atom:
		if retries == "infinity" {
			return true, unexpected(u.global.SetLock(u.Context(), u.Process, l, nodes...))
		}
	}
	return nil, errFunctionClause
}

// doGlobalDelLock is global:del_lock/2.
func (u *puppet) doGlobalDelLock(args []etf.Term) (any, error) {
	l, nodes, ok := lockArgs(args)
	if !ok {
		return nil, errFunctionClause
	}
	return true, unexpected(u.global.DelLock(u.Context(), u.Process, l, nodes...))
}

// lockArgs reads a lock id and a list of nodes.
func lockArgs(args []etf.Term) (l global.Lock, nodes []etf.Atom, ok bool) {
	id, isTuple := args[0].(etf.Tuple)
	list, isList := args[1].(etf.List)
	if !isTuple || !isList || len(id) != 2 {
		return l, nil, false
	}
	for _, t := range list {
		name, isAtom := t.(etf.Atom)
		if !isAtom {
			return l, nil, false
		}
		nodes = append(nodes, name)
	}
	return global.Lock{Resource: id[0], Requester: id[1]}, nodes, true
}

// doGlobalSync is global:sync/0.
func (u *puppet) doGlobalSync([]etf.Term) (any, error) {
	return etf.Atom("ok"), unexpected(u.global.Sync(u.Context()))
}

// doGlobalDisconnect is global:disconnect/0.
func (u *puppet) doGlobalDisconnect([]etf.Term) (any, error) {
	nodes, err := u.global.Disconnect(u.Context())
	return nodes, unexpected(err)
}
