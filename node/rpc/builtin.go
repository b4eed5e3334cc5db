package rpc

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// builtin is a built-in function: from its arguments as terms, whose number is right, to its result. errBadArg becomes its badarg.
type builtin func(ctx context.Context, p *node.Process, args []etf.Term) (any, error)

var errBadArg = errors.New("badarg")

type offered struct {
	module, function etf.Atom
	arity            int
	f                builtin
}

// builtins are the functions that peers and their tools expect of every node.
var builtins = []offered{
	{"erlang", "node", 0, bifNode},
	{"erlang", "self", 0, bifSelf},
	{"erlang", "nodes", 0, bifNodes},
	{"erlang", "nodes", 1, bifNodes},
	{"erlang", "is_alive", 0, func(context.Context, *node.Process, []etf.Term) (any, error) { return true, nil }},
	{"erlang", "whereis", 1, bifWhereis},
	{"erlang", "registered", 0, bifRegistered},
	{"erlang", "processes", 0, bifProcesses},
	{"erlang", "is_process_alive", 1, bifIsProcessAlive},
	{"erlang", "process_info", 1, bifProcessInfo},
	{"erlang", "process_info", 2, bifProcessInfo},
	{"erlang", "group_leader", 0, bifGroupLeader},
	{"erlang", "group_leader", 2, bifSetGroupLeader},
	{"erlang", "send", 2, bifSend},
	{"erlang", "exit", 1, bifExit},
	{"erlang", "error", 1, bifError},
	{"erlang", "throw", 1, bifThrow},
	{"erlang", "system_info", 1, bifSystemInfo},
	{"erlang", "memory", 0, bifMemory},
	{"erlang", "memory", 1, bifMemory},
	{"erlang", "function_exported", 3, bifFunctionExported},
	{"code", "ensure_loaded", 1, codeAnswer(etf.Tuple{etf.Atom("error"), etf.Atom("nofile")})},
	{"code", "is_loaded", 1, codeAnswer(etf.Atom("false"))},
	{"code", "which", 1, codeAnswer(etf.Atom("non_existing"))},
	{"timer", "sleep", 1, bifSleep},
	{"lists", "reverse", 1, bifReverse},
	{"Elixir.Node", "self", 0, bifNode},
	{"Elixir.Node", "list", 0, bifNodes},
	{"Elixir.Node", "list", 1, bifNodes},
	{"Elixir.Process", "alive?", 1, bifIsProcessAlive},
	{"Elixir.Process", "whereis", 1, bifElixirWhereis},
	{"Elixir.Process", "list", 0, bifProcesses},
	{"Elixir.Function", "identity", 1, func(_ context.Context, _ *node.Process, args []etf.Term) (any, error) { return args[0], nil }},
}

func handleBuiltins(n Offerer) {
	for _, b := range append([]offered{{"erlang", "statistics", 1, newStatistics().get}}, builtins...) {
		n.Offer(b.module, b.function, b.arity, func(ctx context.Context, p *node.Process, raw []etf.Raw) (any, error) {
			args, err := termsOf(raw)
			if err != nil {
				return nil, err
			}
			v, err := b.f(ctx, p, args)
			if err == errBadArg {
				return nil, node.BadArg(b.module, b.function, args...)
			}
			return v, err
		})
	}
	n.Offer("erlang", "apply", 2, applyFun)
	n.Offer("erlang", "apply", 3, applyFunction)
}

// codeAnswer is what the module code says of every module: there are none. A shell that is to run here (erl -remsh, iex --remsh)
// asks, and gives up with a plain message.
func codeAnswer(answer etf.Term) builtin {
	return func(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
		if _, isAtom := args[0].(etf.Atom); !isAtom {
			return nil, errBadArg
		}
		return answer, nil
	}
}

// termsOf decodes the arguments of a function.
func termsOf(raw []etf.Raw) ([]etf.Term, error) {
	args := make([]etf.Term, len(raw))
	for i := range raw {
		var err error
		if args[i], err = raw[i].Term(); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// applyFunction is erlang:apply/3.
func applyFunction(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
	v, e := rawApply(ctx, p, args[0], args[1], args[2])
	if e != nil {
		return nil, e
	}
	return v, nil
}

// applyFun is erlang:apply/2. An export fun is the function that it names. A closure is code of a module that a Go node does not
// have: undef, as on a BEAM node without the module (error_handler:undefined_lambda/3).
func applyFun(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
	terms := node.ArgTerms(args)
	list, isList := terms[1].(etf.List)
	_, err := node.ArgList(args[1])
	if err != nil && !isList {
		return nil, node.BadArg("erlang", "apply", terms...)
	}
	above := etf.Tuple{etf.Atom("erlang"), etf.Atom("apply"), etf.Int(2), etf.List{}}
	switch f := terms[0].(type) {
	case etf.Export:
		if int(f.Arity) != len(list) {
			return nil, &Error{Class: "error", Reason: etf.Tuple{etf.Atom("badarity"), etf.Tuple{f, list}}, Stack: etf.List{above}}
		}
		raws, err := node.ArgList(args[1])
		if err != nil {
			return nil, err
		}
		v, err := p.Apply(ctx, f.Module, f.Function, raws)
		if e, ok := errors.AsType[*Error](err); ok && e.Class == "error" {
			if stack, ok := e.Stack.(etf.List); ok && len(stack) == 0 {
				return nil, &Error{Class: e.Class, Reason: e.Reason, Stack: etf.List{above}}
			}
		}
		return v, err
	case *etf.Fun:
		if int(f.Arity) != len(list) {
			return nil, &Error{Class: "error", Reason: etf.Tuple{etf.Atom("badarity"), etf.Tuple{f, list}}, Stack: etf.List{above}}
		}
		return nil, &Error{Class: "error", Reason: etf.Atom("undef"), Stack: etf.List{etf.Tuple{f, list, etf.List{}}}}
	}
	return nil, &Error{Class: "error", Reason: etf.Tuple{etf.Atom("badfun"), terms[0]}, Stack: etf.List{above}}
}

func bifNode(_ context.Context, p *node.Process, _ []etf.Term) (any, error) {
	return p.Node().Name(), nil
}

func bifSelf(_ context.Context, p *node.Process, _ []etf.Term) (any, error) { return p.Self(), nil }

var nodeTypes = map[etf.Term]node.NodeType{
	etf.Atom("visible"):   node.Visible,
	etf.Atom("hidden"):    node.Hidden,
	etf.Atom("connected"): node.Connected,
	etf.Atom("this"):      node.This,
	etf.Atom("known"):     node.This | node.Connected,
}

// bifNodes is erlang:nodes/0 and nodes/1, whose argument is a type or a list of types.
func bifNodes(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	types := node.Visible
	if len(args) == 1 {
		list, ok := args[0].(etf.List)
		if !ok {
			list = etf.List(args)
		}
		types = 0
		for _, t := range list {
			a, ok := t.(etf.Atom)
			if !ok || nodeTypes[a] == 0 {
				return nil, errBadArg
			}
			types |= nodeTypes[a]
		}
		if types == 0 {
			return etf.List{}, nil
		}
	}
	return p.Node().Nodes(types), nil
}

func bifWhereis(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	name, ok := args[0].(etf.Atom)
	if !ok {
		return nil, errBadArg
	}
	if pid, ok := p.Node().Whereis(name); ok {
		return pid, nil
	}
	return etf.Atom("undefined"), nil
}

func bifElixirWhereis(ctx context.Context, p *node.Process, args []etf.Term) (any, error) {
	v, err := bifWhereis(ctx, p, args)
	if v == any(etf.Atom("undefined")) {
		return nil, nil
	}
	return v, err
}

func bifRegistered(_ context.Context, p *node.Process, _ []etf.Term) (any, error) {
	names := p.Node().Registered()
	slices.Sort(names)
	return names, nil
}

func bifProcesses(_ context.Context, p *node.Process, _ []etf.Term) (any, error) {
	return p.Node().Processes(), nil
}

// bifIsProcessAlive takes pids of this node only, as erlang:is_process_alive/1 does.
func bifIsProcessAlive(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	pid, ok := args[0].(etf.Pid)
	if !ok || pid.Node != p.Node().Name() {
		return nil, errBadArg
	}
	return p.Node().Alive(pid), nil
}

func bifGroupLeader(_ context.Context, p *node.Process, _ []etf.Term) (any, error) {
	return p.GroupLeader(), nil
}

func bifSetGroupLeader(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	leader, ok1 := args[0].(etf.Pid)
	of, ok2 := args[1].(etf.Pid)
	if !ok1 || !ok2 {
		return nil, errBadArg
	}
	p.SetGroupLeader(leader, of)
	return true, nil
}

// bifSend is erlang:send/2: the message is the result, whether it arrives or not, but for a name here that nobody has.
func bifSend(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	to, ok := destination(args[0])
	if !ok || p.Send(to, args[1]) != nil && isName(to) {
		return nil, errBadArg
	}
	return args[1], nil
}

func bifExit(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
	return nil, &Error{Class: "exit", Reason: args[0]}
}

func bifError(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
	return nil, &Error{Class: "error", Reason: args[0], Stack: etf.List{}}
}

func bifThrow(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
	return nil, &Error{Class: "throw", Reason: args[0]}
}

func bifFunctionExported(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	m, ok1 := args[0].(etf.Atom)
	f, ok2 := args[1].(etf.Atom)
	n, ok3 := args[2].(etf.Int)
	if !ok1 || !ok2 || !ok3 || n < 0 {
		return nil, errBadArg
	}
	return p.Node().Offers(m, f, int(min(n, math.MaxInt32))), nil
}

// bifSleep is timer:sleep/1. It ends at once when the process does, or nobody waits for it.
func bifSleep(ctx context.Context, _ *node.Process, args []etf.Term) (any, error) {
	var wake <-chan time.Time
	switch ms := args[0].(type) {
	case etf.Int:
		if ms < 0 || ms > math.MaxUint32 {
			return nil, timeoutValue
		}
		timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
		defer timer.Stop()
		wake = timer.C
	case etf.Atom:
		if ms != "infinity" {
			return nil, timeoutValue
		}
	default:
		return nil, timeoutValue
	}
	select {
	case <-wake:
		return etf.Atom("ok"), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var timeoutValue = &Error{Class: "error", Reason: etf.Atom("timeout_value")}

func bifReverse(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
	list, ok := args[0].(etf.List)
	if !ok {
		return nil, &Error{Class: "error", Reason: etf.Atom("function_clause"),
			Stack: etf.List{etf.Tuple{etf.Atom("lists"), etf.Atom("reverse"), etf.List(args), etf.List{}}}}
	}
	list = slices.Clone(list)
	slices.Reverse(list)
	return list, nil
}
