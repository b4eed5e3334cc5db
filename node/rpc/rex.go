package rpc

import (
	"context"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// rex is the server of the module rpc, registered as rex on every node: block_call, and all that peers without SPAWN_REQUEST
// and C nodes ask for. What it does not know it leaves without an answer, as OTP's does (rpc:handle_call/3 and its kin).
type rex struct {
	running map[etf.Ref]replyFunc // calls, by the monitor of the process that runs them
}

// replyFunc gives the reply of a call to who has asked.
type replyFunc func(p *node.Process, reply etf.Term)

// HandleCall answers {call, M, F, A, GroupLeader} later and {block_call, …} now.
func (r *rex) HandleCall(p *node.Process, from gen.From, request etf.Raw) (any, error) {
	var c rexCallMessage
	if request.Decode(&c) != nil {
		return gen.NoReply, nil
	}
	switch c.Kind {
	case "call":
		r.start(p, c, from.Pid, func(p *node.Process, reply etf.Term) { gen.Reply(p, from, reply) })
	case "block_call":
		before := p.GroupLeader()
		defer p.SetGroupLeader(before, p.Self())
		ctx, stop := whileAlive(p, from.Pid)
		defer stop()
		return c.execute(ctx, p, from.Pid), nil
	}
	return gen.NoReply, nil
}

// HandleCast takes {cast, M, F, A, GroupLeader}.
func (r *rex) HandleCast(p *node.Process, request etf.Raw) error {
	var c rexCallMessage
	if request.Decode(&c) != nil || c.Kind != "cast" {
		return nil
	}
	p.Node().Spawn(func(q *node.Process) error {
		c.execute(q.Context(), q, q.Self())
		return nil
	})
	return nil
}

// HandleInfo takes the plain messages {From, Request}.
func (r *rex) HandleInfo(p *node.Process, m node.Message) error {
	if down, ok := m.Down(); ok {
		if reply := r.running[down.Ref]; reply != nil {
			delete(r.running, down.Ref)
			if down.Reason != etf.Term(etf.Atom("normal")) {
				reply(p, badrpc(down.Reason))
			}
		}
		return nil
	}
	var plain struct {
		_       struct{} `etf:",tuple"`
		From    etf.Pid
		Request etf.Raw
	}
	if m.IsNotice() || m.Decode(&plain) != nil {
		return nil
	}
	var word etf.Atom
	if plain.Request.Decode(&word) == nil {
		if word == "features_request" {
			p.SendNoConnect(plain.From, etf.Tuple{etf.Atom("features_reply"), p.Node().Name(), etf.List{etf.Atom("erpc")}})
		}
		return nil
	}
	var send struct {
		_       struct{} `etf:",tuple"`
		Kind    etf.Atom
		Name    etf.Term
		Message etf.Raw
	}
	if plain.Request.Decode(&send) == nil {
		r.send(p, plain.From, send.Kind, send.Name, send.Message)
		return nil
	}
	// A C node calls this way.
	var c rexCallMessage
	if plain.Request.Decode(&c) == nil && c.Kind == "call" {
		r.start(p, c, plain.From, func(p *node.Process, reply etf.Term) {
			p.SendNoConnect(plain.From, etf.Tuple{rexName, reply})
		})
	}
	return nil
}

// send is {sbcast, Name, Message} and {send, Name, Message}. It says {nonexisting_name, Name} where sending fails.
func (r *rex) send(p *node.Process, from etf.Pid, kind etf.Atom, name etf.Term, message etf.Raw) {
	if kind != "sbcast" && kind != "send" {
		return
	}
	v := any(message)
	if kind == "send" {
		t, err := message.Term()
		if err != nil {
			return
		}
		v = etf.Tuple{from, t}
	}
	var answer etf.Term = p.Node().Name()
	if to, ok := destination(name); !ok || p.SendNoConnect(to, v) != nil && isName(to) {
		answer = etf.Tuple{etf.Atom("nonexisting_name"), name}
	} else if kind == "send" {
		return // it is up to the receiver to answer
	}
	p.SendNoConnect(from, etf.Tuple{rexName, p.Node().Name(), answer})
}

func isName(to any) bool {
	_, ok := to.(etf.Atom)
	return ok
}

// start runs a call in a process of its own, which replies.
func (r *rex) start(p *node.Process, c rexCallMessage, caller etf.Pid, reply replyFunc) {
	ready := make(chan struct{})
	q, err := p.Node().Spawn(func(q *node.Process) error {
		<-ready
		ctx, stop := whileAlive(q, caller)
		defer stop()
		v := c.execute(ctx, q, caller)
		if err := q.Err(); err != nil {
			return err // rex tells the caller
		}
		reply(q, v)
		return nil
	})
	if err != nil {
		close(ready)
		reply(p, badrpc(etf.Atom("system_limit")))
		return
	}
	defer close(ready)
	ref, err := p.Monitor(q)
	if err != nil {
		return
	}
	if r.running == nil {
		r.running = make(map[etf.Ref]replyFunc)
	}
	r.running[ref] = reply
}

// rexCallMessage is {call | block_call | cast, Module, Function, Args, GroupLeader}.
type rexCallMessage struct {
	_                struct{} `etf:",tuple"`
	Kind             etf.Atom
	Module, Function etf.Raw
	Args             etf.Raw
	Leader           etf.Term
}

// execute runs the call in the name of p, and returns what the caller gets (rpc:execute_call/3).
func (c *rexCallMessage) execute(ctx context.Context, p *node.Process, caller etf.Pid) etf.Term {
	if e := c.setLeader(p, caller); e != nil {
		return badrpc(etf.Tuple{e.Reason, e.Stack})
	}
	v, e := apply(ctx, p, c.Module, c.Function, c.Args)
	switch {
	case e == nil:
		return v
	case e.Class == "throw":
		return e.Reason
	case e.Class == "exit" || argError(e):
		return badrpc(e.Reason)
	}
	return badrpc(etf.Tuple{e.Reason, e.Stack})
}

// badrpc is {badrpc, {'EXIT', Reason}}.
func badrpc(reason etf.Term) etf.Term {
	return etf.Tuple{etf.Atom("badrpc"), etf.Tuple{etf.Atom("EXIT"), reason}}
}

// whileAlive is the context of a call: done when the process that runs it exits, or the caller.
func whileAlive(p *node.Process, caller etf.Pid) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(p.Context())
	// The function begins when the caller is watched: a monitor that is set up after the connection was lost would make
	// another one, over which the caller is alive.
	watched := make(chan struct{})
	_, err := p.Node().Spawn(func(watch *node.Process) error {
		_, err := watch.Monitor(caller)
		close(watched)
		if err != nil {
			return err
		}
		if _, err := watch.Receive(ctx); err == nil {
			cancel(node.ErrAbandoned)
		}
		return nil
	})
	if err == nil {
		<-watched
	}
	return ctx, func() { cancel(nil) }
}
