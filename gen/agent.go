package gen

import (
	"context"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// StartAgent starts a process that keeps a state, as Elixir's Agent.start does, and serves the functions of Elixir's Agent:
//
//	pid, err := gen.StartAgent(n, map[string]int{"a": 1}, node.Register("settings"))
//
//	Agent.get({:settings, :"go@host"}, Map, :get, ["a"])
//	Agent.get({:settings, :"go@host"}, &Function.identity/1)
//	Agent.update({:settings, :"go@host"}, Map, :put, ["b", 2])
//
// The state is anything that etf.Marshal takes. The functions that it is given to run on the node of the agent, so they are
// those that the node offers (node.Node.Offer); package rpc offers Function.identity, the usual ones of Map and maps, and a few
// of erlang. An anonymous function has its code elsewhere: it is undef. What cannot be run, or raises, ends the agent, as it
// does in Elixir, and its state is gone; a supervisor starts it anew.
func StartAgent(n Spawner, state any, opts ...node.Option) (etf.Pid, error) {
	t, err := asTerm(state)
	if err != nil {
		return etf.Pid{}, err
	}
	return Start(n, &agent{state: t}, opts...)
}

// MFA is a function and the arguments that follow those which its caller gives it: {Module, Function, Args}.
type MFA struct {
	_                struct{} `etf:",tuple"`
	Module, Function etf.Atom
	Args             []any
}

// AgentGet asks an agent, in Go or in Elixir, for what a function makes of its state (Agent.get/2): etf.Export, MFA, or a
// closure that came from a node of the agent's release. It fails as Call does; a function that raises ends the agent.
func AgentGet[R any](ctx context.Context, c Caller, agent, fun any) (R, error) {
	return Call[R](ctx, c, agent, tuple2{etf.Atom("get"), fun})
}

// AgentUpdate replaces an agent's state by what the function makes of it (Agent.update/2).
func AgentUpdate(ctx context.Context, c Caller, agent, fun any) error {
	_, err := Call[etf.Raw](ctx, c, agent, tuple2{etf.Atom("update"), fun})
	return err
}

// AgentGetAndUpdate does both: the function makes {Reply, State} of the state (Agent.get_and_update/2).
func AgentGetAndUpdate[R any](ctx context.Context, c Caller, agent, fun any) (R, error) {
	return Call[R](ctx, c, agent, tuple2{etf.Atom("get_and_update"), fun})
}

// AgentCast is AgentUpdate that waits for nothing (Agent.cast/2).
func AgentCast(ctx context.Context, c Caller, agent, fun any) error {
	return Cast(ctx, c, agent, tuple2{etf.Atom("cast"), fun})
}

// agent is the server of Elixir's Agent.Server.
type agent struct{ state etf.Term }

func (a *agent) HandleCall(p *node.Process, _ From, request etf.Raw) (any, error) {
	op, fun, err := agentRequest(request)
	if err != nil {
		return nil, err
	}
	switch op {
	case "get":
		return orExit(a.run(p, fun))
	case "update":
		next, err := orExit(a.run(p, fun))
		if err != nil {
			return nil, err
		}
		a.state = next.(etf.Term)
		return ok, nil
	case "get_and_update":
		result, err := orExit(a.run(p, fun))
		if err != nil {
			return nil, err
		}
		pair, isTuple := result.(etf.Tuple)
		if !isTuple || len(pair) != 2 {
			return nil, node.Exit(etf.Tuple{etf.Atom("bad_return_value"), result.(etf.Term)})
		}
		a.state = pair[1]
		return pair[0], nil
	}
	return nil, errFunctionClause
}

func (a *agent) HandleCast(p *node.Process, request etf.Raw) error {
	op, fun, err := agentRequest(request)
	if err != nil {
		return err
	}
	if op != "cast" {
		return errFunctionClause
	}
	next, err := orExit(a.run(p, fun))
	if err != nil {
		return err
	}
	a.state = next.(etf.Term)
	return nil
}

// State is what the agent keeps.
func (a *agent) State() any { return a.state }

// SetState takes any term.
func (a *agent) SetState(state etf.Raw) error {
	t, err := state.Own().Term()
	if err == nil {
		a.state = t
	}
	return err
}

var errFunctionClause = node.Exit(etf.Tuple{etf.Atom("function_clause"), etf.List{}})

// agentRequest reads {Operation, Function}. The terms are the agent's own from then on.
func agentRequest(request etf.Raw) (op etf.Atom, fun etf.Term, err error) {
	t, err := request.Own().Term()
	if err != nil {
		return "", nil, err
	}
	pair, isTuple := t.(etf.Tuple)
	if !isTuple || len(pair) != 2 {
		return "", nil, errFunctionClause
	}
	op, _ = pair[0].(etf.Atom)
	return op, pair[1], nil
}

// run applies a function, or {M, F, Args} with the state before the arguments.
func (a *agent) run(p *node.Process, fun etf.Term) (etf.Term, *node.Exception) {
	if t, isTuple := fun.(etf.Tuple); isTuple && len(t) == 3 {
		module, isAtom1 := t[0].(etf.Atom)
		function, isAtom2 := t[1].(etf.Atom)
		args, isList := t[2].(etf.List)
		if !isAtom1 || !isAtom2 || !isList {
			return nil, &node.Exception{Class: "error", Reason: etf.Atom("badarg"), Stack: etf.List{}}
		}
		return applyMFA(p.Context(), p, module, function, append(etf.List{a.state}, args...))
	}
	return applyFun(p.Context(), p, fun, etf.List{a.state})
}

// orExit is how an exception in a callback ends a gen_server.
func orExit(t etf.Term, exc *node.Exception) (any, error) {
	switch {
	case exc == nil:
		return t, nil
	case exc.Class == "exit":
		return nil, node.Exit(exc.Reason)
	case exc.Class == "throw":
		return nil, node.Exit(etf.Tuple{etf.Atom("bad_return_value"), exc.Reason})
	}
	stack := exc.Stack
	if stack == nil {
		stack = etf.List{}
	}
	return nil, node.Exit(etf.Tuple{exc.Reason, stack})
}
