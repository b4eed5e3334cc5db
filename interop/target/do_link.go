package main

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Links, monitors and exits.
var linkCommands = map[signature]command{
	{"link", 1}:      (*puppet).doLink,
	{"unlink", 1}:    (*puppet).doUnlink,
	{"monitor", 1}:   (*puppet).doMonitor,
	{"demonitor", 1}: (*puppet).doDemonitor,
	{"trap_exit", 1}: (*puppet).doTrapExit,
	{"exit", 1}:      (*puppet).doExit,
	{"exit", 2}:      (*puppet).doExitOther,
}

// doLink is erlang:link/1. One to a process of this node that is not there raises, unless the caller traps exits.
func (u *puppet) doLink(args []etf.Term) (any, error) {
	pid, isPid := args[0].(etf.Pid)
	if !isPid {
		return nil, errBadarg
	}
	if pid.Node == u.Node().Name() && pid != u.Self() && !u.trapping && !u.alive(pid) {
		return nil, raiseError("noproc")
	}
	return true, unexpected(u.Link(pid))
}

// alive tells whether a process of this node is there: the monitor of one that is not has fired when Monitor returns.
func (u *puppet) alive(pid etf.Pid) bool {
	ref, err := u.Monitor(pid)
	return err == nil && u.Demonitor(ref)
}

// doUnlink is erlang:unlink/1.
func (u *puppet) doUnlink(args []etf.Term) (any, error) {
	pid, isPid := args[0].(etf.Pid)
	if !isPid {
		return nil, errBadarg
	}
	return true, unexpected(u.Unlink(pid))
}

// doMonitor is erlang:monitor/2.
func (u *puppet) doMonitor(args []etf.Term) (any, error) {
	to, valid := destination(args[0])
	if !valid {
		return nil, errBadarg
	}
	ref, err := u.Monitor(to)
	return ref, unexpected(err)
}

// doDemonitor is erlang:demonitor/2 with the option flush. A reference that another node has made is no monitor of ours.
func (u *puppet) doDemonitor(args []etf.Term) (any, error) {
	ref, isRef := args[0].(etf.Ref)
	if !isRef || ref.Node != u.Node().Name() {
		return nil, errBadarg
	}
	u.Demonitor(ref)
	return true, nil
}

// doTrapExit is erlang:process_flag(trap_exit, Bool).
func (u *puppet) doTrapExit(args []etf.Term) (any, error) {
	on, isBool := boolean(args[0])
	if !isBool {
		return nil, errBadarg
	}
	u.trapping = on
	return u.TrapExit(on), nil
}

// doExit is erlang:exit/1.
func (u *puppet) doExit(args []etf.Term) (any, error) { return nil, node.Exit(args[0]) }

// doExitOther is erlang:exit/2, which succeeds whatever becomes of the signal.
func (u *puppet) doExitOther(args []etf.Term) (any, error) {
	pid, isPid := args[0].(etf.Pid)
	if !isPid {
		return nil, errBadarg
	}
	return true, unexpected(u.SendExit(pid, args[1]))
}
