package main

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// Sending, calling, and aliases.
var messageCommands = map[signature]command{
	{"send", 2}:          (*puppet).doSend,
	{"call", 3}:          (*puppet).doCall,
	{"cast", 2}:          (*puppet).doCast,
	{"alias", 1}:         (*puppet).doAlias,
	{"monitor_alias", 2}: (*puppet).doMonitorAlias,
	{"unalias", 1}:       (*puppet).doUnalias,
	{"fill", 1}:          (*puppet).doFill,
}

const ok etf.Atom = "ok"

// doSend is erlang:send/2.
func (u *puppet) doSend(args []etf.Term) (any, error) {
	to, valid := destination(args[0])
	if ref, isRef := args[0].(etf.Ref); isRef {
		to, valid = ref, true
	}
	if !valid {
		return nil, errBadarg
	}
	err := u.Send(to, args[1])
	if errors.Is(err, node.ErrNoProc) {
		return nil, errBadarg // a name on this node that nobody has
	}
	return ok, unexpected(err)
}

// doCall is gen_server:call/3.
func (u *puppet) doCall(args []etf.Term) (any, error) {
	exit := func(reason etf.Term) (any, error) {
		call := etf.Tuple{etf.Atom("gen_server"), etf.Atom("call"), etf.List{args[0], args[1], args[2]}}
		return nil, &raised{"exit", etf.Tuple{reason, call}}
	}
	to, valid := destination(args[0])
	ctx, cancel, timed := timeout(u.Context(), args[2])
	defer cancel()
	if !valid || !timed { // a stack trace is all that Erlang has more
		return exit(etf.Tuple{etf.Atom("function_clause"), etf.List{}})
	}
	if args[0] == etf.Term(u.Self()) {
		return exit(etf.Atom("calling_self"))
	}
	reply, err := gen.Call[etf.Raw](ctx, u, to, args[1])
	ended := (*node.ExitError)(nil)
	switch {
	case err == nil:
		return replied{Reply: reply}, nil
	case ctx.Err() != nil:
		return exit(etf.Atom("timeout"))
	case errors.Is(err, node.ErrNoConnection):
		return exit(etf.Tuple{etf.Atom("nodedown"), nodeOf(to)})
	case errors.As(err, &ended):
		return exit(ended.Reason)
	}
	return nil, unexpected(err)
}

// replied is {reply, Reply}.
type replied struct {
	_     struct{} `etf:"reply,tuple"`
	Reply etf.Raw
}

// timeout makes a context of a timeout in milliseconds, or of infinity.
func timeout(parent context.Context, t etf.Term) (ctx context.Context, cancel context.CancelFunc, ok bool) {
	if ms, isInt := t.(etf.Int); isInt && ms >= 0 && ms < 1<<32 {
		ctx, cancel = context.WithTimeout(parent, time.Duration(ms)*time.Millisecond)
		return ctx, cancel, true
	}
	ctx, cancel = context.WithCancel(parent)
	return ctx, cancel, t == etf.Term(etf.Atom("infinity"))
}

func nodeOf(to any) etf.Atom {
	switch to := to.(type) {
	case etf.Pid:
		return to.Node
	case node.Name:
		return to.Node
	}
	return ""
}

// doCast is gen_server:cast/2, which succeeds whatever becomes of the message.
func (u *puppet) doCast(args []etf.Term) (any, error) {
	to, valid := destination(args[0])
	if !valid {
		return nil, errFunctionClause
	}
	err := gen.Cast(u.Context(), u, to, args[1])
	if errors.Is(err, node.ErrNoProc) {
		return ok, nil
	}
	return ok, unexpected(err)
}

// doAlias is erlang:alias/1.
func (u *puppet) doAlias(args []etf.Term) (any, error) {
	options, isList := args[0].(etf.List)
	if !isList {
		return nil, errBadarg
	}
	mode := node.AliasExplicit
	for _, o := range options {
		switch o {
		case etf.Term(etf.Atom("explicit_unalias")):
			mode = node.AliasExplicit | mode&node.AliasPriority
		case etf.Term(etf.Atom("reply")):
			mode = node.AliasReply | mode&node.AliasPriority
		case etf.Term(etf.Atom("priority")):
			mode |= node.AliasPriority
		default:
			return nil, errBadarg
		}
	}
	return u.Alias(mode), nil
}

var aliasModes = map[etf.Atom]node.AliasMode{
	"explicit_unalias": node.AliasExplicit, "demonitor": node.AliasDemonitor, "reply_demonitor": node.AliasReplyDemonitor,
}

// doMonitorAlias is erlang:monitor/3 with the option {alias, Mode}.
func (u *puppet) doMonitorAlias(args []etf.Term) (any, error) {
	to, valid := destination(args[0])
	name, _ := args[1].(etf.Atom)
	mode, known := aliasModes[name]
	if !valid || !known {
		return nil, errBadarg
	}
	ref, err := u.Monitor(to, mode)
	return ref, unexpected(err)
}

// doUnalias is erlang:unalias/1.
func (u *puppet) doUnalias(args []etf.Term) (any, error) {
	ref, isRef := args[0].(etf.Ref)
	if !isRef {
		return nil, errBadarg
	}
	return u.Unalias(ref), nil
}

const maxFill = 1 << 30

// doFill keeps a binary. It is written, so that the memory is really taken.
func (u *puppet) doFill(args []etf.Term) (any, error) {
	size, isInt := args[0].(etf.Int)
	switch {
	case !isInt || size < 0:
		return nil, errBadarg
	case size > maxFill:
		return nil, raiseError("system_limit")
	}
	u.filled = bytes.Repeat([]byte{0xff}, int(size))
	return ok, nil
}
