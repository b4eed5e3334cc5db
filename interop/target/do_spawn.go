package main

import (
	"context"
	"errors"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// Processes and calls on other nodes.
var spawnCommands = map[signature]command{
	{"spawn", 5}:                 (*puppet).doSpawn,
	{"spawn_request", 5}:         (*puppet).doSpawnRequest,
	{"spawn_request_abandon", 1}: (*puppet).doSpawnRequestAbandon,
	{"rpc", 5}:                   (*puppet).doRPC,
	{"erpc", 5}:                  (*puppet).doERPC,
}

// offer offers the functions of the module target.
func offer(n *node.Node) {
	n.Offer("target", "echo", 1, func(_ context.Context, _ *node.Process, args []etf.Raw) (any, error) { return args[0], nil })
	rpc.Handle(n, "target", "puppet", func(p *node.Process, owner etf.Pid) error { return (&puppet{owner: owner}).run(p) })
}

// called are the arguments Node, M, F, A of a command.
type called struct {
	on, module, function etf.Atom
	args                 []any
}

func calledOf(args []etf.Term) (c called, ok bool) {
	var ok1, ok2, ok3, ok4 bool
	c.on, ok1 = args[0].(etf.Atom)
	c.module, ok2 = args[1].(etf.Atom)
	c.function, ok3 = args[2].(etf.Atom)
	list, ok4 := args[3].(etf.List)
	for _, t := range list {
		c.args = append(c.args, t)
	}
	return c, ok1 && ok2 && ok3 && ok4
}

// spawnOptions reads the options of erlang:spawn_request/5; ok is false for a bad one, with what was read.
func spawnOptions(list etf.List) (o node.SpawnOptions, ok bool) {
	ok = true
	for _, t := range list {
		switch name, args, _ := split(t); {
		case t == etf.Term(etf.Atom("link")):
			o.Link = true
		case t == etf.Term(etf.Atom("monitor")):
			o.Monitor = true
		case name == "monitor" && len(args) == 1:
			o.Monitor = true
			options, isList := args[0].(etf.List)
			ok = ok && isList
			for _, t := range options {
				mo := monitorOption(t)
				if ok = ok && mo != nil; ok {
					o.MonitorOptions = append(o.MonitorOptions, mo)
				}
			}
		case name == "reply_tag" && len(args) == 1:
			o.ReplyTag = args[0]
		case name == "reply" && len(args) == 1:
			mode, known := replyModes[args[0]]
			o.Reply, ok = mode, ok && known
		default:
			o.More = append(o.More, t)
		}
	}
	return o, ok
}

var replyModes = map[etf.Term]node.ReplyMode{
	etf.Atom("yes"): node.ReplyYes, etf.Atom("no"): node.ReplyNo,
	etf.Atom("error_only"): node.ReplyErrorOnly, etf.Atom("success_only"): node.ReplySuccessOnly,
}

// monitorOption is an option of erlang:monitor/3, nil for none.
func monitorOption(t etf.Term) node.MonitorOption {
	name, args, _ := split(t)
	switch {
	case name == "alias" && len(args) == 1:
		if a, isAtom := args[0].(etf.Atom); isAtom && aliasModes[a] != 0 {
			return aliasModes[a]
		}
	case name == "tag" && len(args) == 1:
		return node.MonitorTag(args[0])
	}
	return nil
}

// doSpawn is erlang:spawn_opt/5. Where there is no node a process here exits at once instead (erts_internal:crasher/6).
func (u *puppet) doSpawn(args []etf.Term) (any, error) {
	c, ok1 := calledOf(args)
	options, ok2 := args[4].(etf.List)
	o, ok3 := spawnOptions(options)
	if !ok1 || !ok2 || !ok3 || o.ReplyTag != nil || o.Reply != node.ReplyYes {
		return nil, errBadarg
	}
	pid, ref, err := u.SpawnOn(u.Context(), c.on, c.module, c.function, c.args, o)
	if e, ok := errors.AsType[*node.SpawnError](err); ok && e.Reason == "badopt" {
		return nil, errBadarg
	}
	for _, why := range []error{node.ErrNoConnection, node.ErrNotSup} {
		if errors.Is(err, why) {
			pid, ref, err = u.SpawnOn(u.Context(), u.Node().Name(), "erlang", "exit", []any{etf.Atom(why.Error())}, o)
		}
	}
	if err != nil {
		return nil, unexpected(err)
	}
	if o.Monitor {
		return etf.Tuple{pid, ref}, nil
	}
	return pid, nil
}

// doSpawnRequest is erlang:spawn_request/5.
func (u *puppet) doSpawnRequest(args []etf.Term) (any, error) {
	c, ok1 := calledOf(args)
	options, ok2 := args[4].(etf.List)
	if !ok1 || !ok2 {
		return nil, errBadarg
	}
	o, ok := spawnOptions(options)
	if !ok {
		o.More = append(o.More, etf.Atom("badopt")) // which the other node refuses
	}
	ref, err := u.SpawnRequest(u.Context(), c.on, c.module, c.function, c.args, o)
	return ref, unexpected(err)
}

// doSpawnRequestAbandon is erlang:spawn_request_abandon/1.
func (u *puppet) doSpawnRequestAbandon(args []etf.Term) (any, error) {
	ref, isRef := args[0].(etf.Ref)
	if !isRef {
		return nil, errBadarg
	}
	return u.SpawnAbandon(ref), nil
}

// call is rpc.Call with a timeout in milliseconds or infinity.
func (u *puppet) call(args []etf.Term) (v etf.Term, err error, ok bool) {
	c, ok := calledOf(args)
	if !ok {
		return nil, nil, false
	}
	ctx := u.Context()
	switch ms := args[4].(type) {
	case etf.Int:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
		defer cancel()
	default:
		if ms != etf.Term(etf.Atom("infinity")) {
			return nil, nil, false
		}
	}
	v, err = rpc.Call[etf.Term](ctx, u.Process, c.on, c.module, c.function, c.args...)
	return v, err, true
}

// doERPC is {return, erpc:call/5}.
func (u *puppet) doERPC(args []etf.Term) (any, error) {
	v, err, ok := u.call(args)
	if !ok {
		return nil, &raised{"error", etf.Tuple{etf.Atom("erpc"), etf.Atom("badarg")}}
	}
	if err == nil {
		return etf.Tuple{etf.Atom("return"), v}, nil
	}
	exception := etf.Atom("exception")
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		switch {
		case e.Class == "throw":
			return nil, &raised{e.Class, e.Reason}
		case e.Class == "exit":
			return nil, &raised{e.Class, etf.Tuple{exception, e.Reason}}
		case e.Stack == nil:
			return nil, &raised{e.Class, e.Reason}
		}
		return nil, &raised{e.Class, etf.Tuple{exception, e.Reason, e.Stack}}
	}
	if e, ok := errors.AsType[*node.ExitError](err); ok {
		return nil, &raised{"exit", etf.Tuple{etf.Atom("signal"), e.Reason}}
	}
	if why := failure(err); why != "" {
		return nil, &raised{"error", etf.Tuple{etf.Atom("erpc"), why}}
	}
	return nil, unexpected(err)
}

// doRPC is rpc:call/5.
func (u *puppet) doRPC(args []etf.Term) (any, error) {
	v, err, ok := u.call(args)
	if !ok {
		return nil, errBadarg
	}
	badrpc := func(reason etf.Term) (any, error) { return etf.Tuple{etf.Atom("badrpc"), reason}, nil }
	exit := etf.Atom("EXIT")
	if name, _, _ := split(v); err == nil && name == exit {
		return badrpc(v)
	}
	if err == nil {
		return v, nil
	}
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		switch {
		case e.Class == "throw":
			if name, _, _ := split(e.Reason); name == exit {
				return badrpc(e.Reason)
			}
			return e.Reason, nil
		case e.Class == "exit":
			return badrpc(etf.Tuple{exit, e.Reason})
		case e.Stack == nil:
			if _, args, ok := split(e.Reason); ok && len(args) == 1 {
				return badrpc(etf.Tuple{exit, args[0]})
			}
		}
		return badrpc(etf.Tuple{exit, etf.Tuple{e.Reason, e.Stack}})
	}
	if e, ok := errors.AsType[*node.ExitError](err); ok {
		return badrpc(etf.Tuple{exit, e.Reason})
	}
	switch why := failure(err); why {
	case "":
		return nil, unexpected(err)
	case "noconnection":
		return badrpc(etf.Atom("nodedown"))
	default:
		return badrpc(why)
	}
}

// failure is what erpc calls a call that did not come to its function.
func failure(err error) etf.Atom {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, node.ErrNoConnection):
		return "noconnection"
	case errors.Is(err, node.ErrNotSup):
		return "notsup"
	}
	return ""
}
