package rpc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// StartTasks starts a Task.Supervisor, which Elixir programs on other nodes give work to: functions that the node offers.
//
//	rpc.StartTasks(n, node.Register("tasks"))
//
//	iex> Task.Supervisor.async({:tasks, :"go@localhost"}, Math, :add, [1, 2]) |> Task.await()
//
// async, async_nolink, async_stream and start_child work, by module and with captures as &Math.pi/0, and so do children and
// terminate_child; a closure is undef. The exceptions of a task end its process, as in Elixir. Its context is done when who
// waits for its result is gone. A task with restart: :permanent or :transient is started again, unless that happens more
// than three times in five seconds: then the supervisor ends, and all its tasks.
func StartTasks(n gen.Spawner, opts ...node.Option) (etf.Pid, error) {
	return gen.Start(n, &tasks{running: map[etf.Pid]*task{}}, append([]node.Option{node.TrapExit()}, opts...)...)
}

// tasks is the server. The messages are those of Elixir's Task.Supervisor and DynamicSupervisor, 1.10 to 1.20.
type tasks struct {
	running  map[etf.Pid]*task
	restarts []time.Time
}

// task is what a process of a Task.Supervisor has to do (Task.Supervised).
type task struct {
	owner   etf.Pid
	call    mfa  // unless the owner sends it
	waits   bool // for the owner to say where the result goes
	restart etf.Atom
}

// mfa is {Module, Function, Args}.
type mfa struct {
	_                struct{} `etf:",tuple"`
	Module, Function etf.Raw
	Args             etf.Raw
}

func (s *tasks) HandleCall(p *node.Process, from gen.From, request etf.Raw) (any, error) {
	var word etf.Atom
	if request.Decode(&word) == nil {
		return s.answer(word), nil
	}
	var terminate struct {
		_   struct{} `etf:"terminate_child,tuple"`
		Pid etf.Pid
	}
	if request.Decode(&terminate) == nil {
		if s.running[terminate.Pid] == nil {
			return etf.Tuple{etf.Atom("error"), etf.Atom("not_found")}, nil
		}
		delete(s.running, terminate.Pid)
		p.SendExit(terminate.Pid, etf.Atom("shutdown"))
		return etf.Atom("ok"), nil
	}
	var start struct {
		_                 struct{} `etf:"start_task,tuple"`
		Args              []etf.Raw
		Restart, Shutdown etf.Term
	}
	if request.Decode(&start) == nil {
		if t := newTask(start.Args, start.Restart); t != nil {
			pid, err := s.start(p, t)
			if err != nil {
				return nil, err
			}
			return etf.Tuple{etf.Atom("ok"), pid}, nil
		}
	}
	// A DynamicSupervisor ends with what it does not know.
	t, err := request.Term()
	if err != nil {
		return nil, err
	}
	return gen.NoReply, node.Exit(etf.Tuple{etf.Tuple{etf.Atom("bad_call"), t}, etf.List{}})
}

func (s *tasks) answer(word etf.Atom) any {
	n := etf.Int(len(s.running))
	switch word {
	case "which_children":
		list := etf.List{}
		for pid := range s.running {
			list = append(list, etf.Tuple{etf.Atom("undefined"), pid, etf.Atom("worker"), etf.List{etf.Atom("Elixir.Task.Supervised")}})
		}
		return list
	case "count_children":
		return etf.List{property("specs", n), property("active", n), property("supervisors", etf.Int(0)), property("workers", n)}
	}
	return gen.NoReply
}

// newTask reads the arguments of a start_task: [Owner, Callers, MFA] for one whose result nobody waits for,
// [Owner, monitor | nomonitor] and, of Elixir before 1.11, [Owner, Callers, monitor, MFA]. It is nil for others.
func newTask(args []etf.Raw, restart etf.Term) *task {
	var owner struct {
		_          struct{} `etf:",tuple"`
		Node, Name etf.Term
		Pid        etf.Pid
	}
	t := &task{restart: "temporary"}
	if a, ok := restart.(etf.Atom); ok && a != "nil" {
		t.restart = a
	}
	if len(args) < 2 || args[0].Decode(&owner) != nil {
		return nil
	}
	t.owner = owner.Pid
	switch t.waits = len(args) != 3; len(args) {
	case 2:
	case 3, 4:
		if args[len(args)-1].Decode(&t.call) != nil {
			return nil
		}
	default:
		return nil
	}
	return t
}

func (s *tasks) start(p *node.Process, t *task) (etf.Pid, error) {
	q, err := p.Node().Spawn(t.run, node.Linked(p))
	if err != nil {
		return etf.Pid{}, err
	}
	s.running[q.Self()] = t
	return q.Self(), nil
}

// HandleInfo hears of the ends of the tasks.
func (s *tasks) HandleInfo(p *node.Process, m node.Message) error {
	exit, ok := m.Exit()
	t := s.running[exit.From]
	if !ok || t == nil {
		return nil
	}
	delete(s.running, exit.From)
	if t.restart == "temporary" || t.restart == "transient" && orderly(exit.Reason) {
		return nil
	}
	now := time.Now()
	s.restarts = append(slices.DeleteFunc(s.restarts, func(at time.Time) bool { return now.Sub(at) > 5*time.Second }), now)
	if len(s.restarts) > 3 {
		return node.Exit(etf.Atom("shutdown"))
	}
	_, err := s.start(p, t)
	return err
}

// orderly tells the reasons of an end in good order: normal, shutdown, {shutdown, _}.
func orderly(reason etf.Term) bool {
	if t, ok := reason.(etf.Tuple); ok && len(t) == 2 {
		reason = t[0]
		return reason == etf.Term(etf.Atom("shutdown"))
	}
	return reason == etf.Term(etf.Atom("normal")) || reason == etf.Term(etf.Atom("shutdown"))
}

// ownerTime is how long a task waits for its owner to say what to do.
const ownerTime = 5 * time.Second

// run is the process of a task.
func (t *task) run(p *node.Process) error {
	ctx, stop := p.Context(), func() {}
	var o order
	if t.waits {
		var err error
		if o, err = t.await(p); err != nil {
			return err
		}
		ctx, stop = whileAlive(p, t.owner)
	} else {
		o.call = t.call
	}
	defer stop()
	v, e := rawApply(ctx, p, o.call.Module, o.call.Function, o.call.Args)
	switch {
	case e != nil:
		return e
	case o.replyTo == nil:
		return nil
	}
	err := p.SendNoConnect(o.replyTo, struct {
		_     struct{} `etf:",tuple"`
		Ref   etf.Raw
		Value etf.Term
	}{Ref: o.ref, Value: v})
	if errors.Is(err, node.ErrNoConnection) {
		return nil // and nobody who waits for it
	}
	return err
}

// order is what the owner of a task wants of it.
type order struct {
	call    mfa
	ref     etf.Raw
	replyTo any // nil: no reply
}

// await waits for the order: {Owner, Ref, ReplyTo, Callers, MFA}, or {Owner, Ref} where the call is known.
func (t *task) await(p *node.Process) (order, error) {
	ref, err := p.Monitor(t.owner)
	if err != nil {
		return order{}, err
	}
	ctx, cancel := context.WithTimeout(p.Context(), ownerTime)
	defer cancel()
	for m := range p.Inbox(ctx) {
		if down, ok := m.Down(); ok && down.Ref == ref {
			return order{}, node.Exit(etf.Tuple{etf.Atom("shutdown"), down.Reason})
		}
		if o, ok := t.order(m); ok {
			p.Demonitor(ref)
			return o, nil
		}
	}
	if err := p.Err(); err != nil {
		return order{}, err
	}
	return order{}, node.Exit(etf.Atom("timeout"))
}

func (t *task) order(m node.Message) (o order, ok bool) {
	var full struct {
		_       struct{} `etf:",tuple"`
		Owner   etf.Pid
		Ref     etf.Raw
		ReplyTo etf.Term
		Callers etf.Raw
		Call    mfa
	}
	if m.Decode(&full) == nil && full.Owner == t.owner {
		o = order{call: full.Call, ref: full.Ref}
		o.replyTo, ok = destination(full.ReplyTo)
		return o, ok
	}
	var short struct {
		_     struct{} `etf:",tuple"`
		Owner etf.Pid
		Ref   etf.Raw
	}
	if t.call.Args.Bytes != nil && m.Decode(&short) == nil && short.Owner == t.owner {
		return order{call: t.call, ref: short.Ref, replyTo: t.owner}, true
	}
	return o, false
}
