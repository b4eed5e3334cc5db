package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// SpawnOptions are the options of erlang:spawn_request/5. The zero value is a process that is neither linked nor monitored.
type SpawnOptions struct {
	Link    bool // link the new process with this one
	Monitor bool // monitor it; the reference of the request is that of the monitor
	// LinkOptions and MonitorOptions are options of Process.Link and Process.Monitor, and have Link and Monitor follow. With an
	// AliasMode the reference is an alias as well, from the answer on.
	LinkOptions    []LinkOption
	MonitorOptions []MonitorOption
	// Leader is the group leader of the new process. Zero: that of this process.
	Leader etf.Pid
	// More are further options, as terms, that the other node is to judge: {priority, high}, {min_heap_size, 1000}.
	More []etf.Term

	Reply    ReplyMode // which answers become messages; SpawnRequest only
	ReplyTag any       // their first element, anything that etf.Marshal takes; nil is spawn_reply. SpawnRequest only
}

// ReplyMode says which answers to a spawn request become messages (the option reply of erlang:spawn_request/5).
type ReplyMode uint8

// The modes.
const (
	ReplyYes         ReplyMode = iota // all
	ReplyNo                           // none
	ReplyErrorOnly                    // that there is no process
	ReplySuccessOnly                  // that there is one
)

// SpawnError says why a node has not spawned a process. noconnection is an ErrNoConnection and notsup an ErrNotSup.
type SpawnError struct {
	Node   etf.Atom
	Reason etf.Atom // badopt, system_limit, noconnection, notsup; others as the peer gives them
}

func (e *SpawnError) Error() string {
	return fmt.Sprintf("node: spawning on %s: %s", string(e.Node), string(e.Reason))
}

// Is makes errors.Is find ErrNoConnection and ErrNotSup.
func (e *SpawnError) Is(target error) bool {
	return target == ErrNoConnection && e.Reason == noconnection || target == ErrNotSup && e.Reason == notsup
}

// ErrNotSup says that a peer cannot do what is asked of it: it has not negotiated the capability.
var ErrNotSup = errors.New("notsup")

const notsup etf.Atom = "notsup"

// SpawnRequest asks a node, this one too, for a process that runs Module:Function(Args…) (erlang:spawn_request/5). args are
// Terms or any Go values that etf.Marshal takes. The answer comes as a message, see Message.SpawnReply: {spawn_reply, Ref,
// ok, Pid}, or {spawn_reply, Ref, error, Reason} with a Reason of SpawnError's. When it says ok, link and monitor are there.
//
// SpawnRequest connects to the node if need be, and waits for that and while the connection takes nothing, until ctx is done.
// It fails only for arguments that cannot be encoded, for ctx, and when the process has exited: whatever else goes wrong is
// an answer.
func (p *Process) SpawnRequest(ctx context.Context, on, module, function etf.Atom, args []any, o SpawnOptions) (etf.Ref, error) {
	tag := etf.Raw{Bytes: etf.AppendAtom(nil, "spawn_reply")}
	if o.ReplyTag != nil {
		b, err := etf.Append(nil, o.ReplyTag)
		if err != nil {
			return etf.Ref{}, err
		}
		tag.Bytes = b
	}
	r, err := p.spawnRequest(ctx, on, module, function, args, o, func(r *spawnRequest, pid etf.Pid, why etf.Atom) Message {
		return Message{origin: &origin{from: pid}, notice: &notice{kind: spawnReplied, ref: r.ref, spawn: &spawnNotice{tag: tag, on: on, why: why}}}
	})
	if err != nil {
		return etf.Ref{}, err
	}
	return r.ref, nil
}

// SpawnOn spawns a process on a node and waits for its pid (erlang:spawn_opt/5, spawn/4, spawn_link/4, spawn_monitor/4). ref is that
// of the monitor if one is asked for. The errors are a *SpawnError, a *ConnectError, the cause of ctx, after which the process
// is given up as by SpawnAbandon, and those of SpawnRequest.
//
//	pid, ref, err := p.SpawnOn(ctx, "iex@host", "timer", "sleep", []any{1000}, node.SpawnOptions{Monitor: true})
func (p *Process) SpawnOn(ctx context.Context, on, module, function etf.Atom, args []any, o SpawnOptions) (pid etf.Pid, ref etf.Ref, err error) {
	type result struct {
		pid etf.Pid
		why etf.Atom
	}
	o.Reply = ReplyYes
	results := make(chan result, 1)
	r, err := p.spawnRequest(ctx, on, module, function, args, o, func(r *spawnRequest, pid etf.Pid, why etf.Atom) Message {
		results <- result{pid, why}
		return Message{}
	})
	if err != nil {
		return pid, ref, err
	}
	select {
	case res := <-results:
		if res.why != "" {
			if r.err != nil {
				return pid, ref, r.err
			}
			return pid, ref, &SpawnError{on, res.why}
		}
		if r.monitor != nil {
			ref = r.ref
		}
		return res.pid, ref, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-p.Done():
		err = p.Err()
	}
	if !p.SpawnAbandon(r.ref) { // it has come after all
		if res := <-results; res.why == "" {
			p.Demonitor(r.ref)
			if r.link != nil {
				p.Unlink(res.pid)
				p.SendExit(res.pid, etf.Atom("abandoned"))
			}
		}
	}
	return pid, ref, err
}

// SpawnAbandon gives up a spawn request whose answer has not come: none will. The process may still be made; it then loses its
// monitor, and with Link it gets an exit signal with the reason abandoned. SpawnAbandon reports false if there is no such
// request, or its answer is there already (erlang:spawn_request_abandon/1).
func (p *Process) SpawnAbandon(ref etf.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.spawns[ref]
	if r != nil {
		r.abandoned = true
		delete(p.spawns, ref)
	}
	return r != nil
}

// spawnRequest is a spawn request that has not been answered.
type spawnRequest struct {
	process *Process
	ref     etf.Ref
	on      etf.Atom
	link    *link    // that it is to have, or nil
	monitor *monitor // likewise
	reply   ReplyMode
	err     error // why there is no connection
	// answer makes the message that tells the process; none if it is the zero Message. It is called at most once, with the
	// lock of the process held.
	answer    func(r *spawnRequest, pid etf.Pid, why etf.Atom) Message
	abandoned bool // of the process, under its lock
}

func (p *Process) spawnRequest(ctx context.Context, on, module, function etf.Atom, args []any, o SpawnOptions,
	answer func(*spawnRequest, etf.Pid, etf.Atom) Message) (*spawnRequest, error) {
	list, err := appendArgs(nil, args)
	if err != nil {
		return nil, err
	}
	if !etf.ValidAtom(module) || !etf.ValidAtom(function) || len(args) > maxArgs {
		return nil, fmt.Errorf("node: %v:%v/%d is no function", module, function, len(args))
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	defer p.end()
	r := &spawnRequest{process: p, ref: p.node.newRef(), on: on, reply: o.Reply, answer: answer}
	if o.Link || len(o.LinkOptions) > 0 {
		r.link = &link{active: true}
		for _, lo := range o.LinkOptions {
			lo.link(r.link)
		}
	}
	if o.Monitor || len(o.MonitorOptions) > 0 {
		if r.monitor, err = newMonitor(o.MonitorOptions); err != nil {
			return nil, err
		}
	}
	options, err := r.options(o.More)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.spawns == nil {
		p.spawns = make(map[etf.Ref]*spawnRequest)
	}
	p.spawns[r.ref] = r
	leader := p.leader
	p.mu.Unlock()
	if o.Leader != (etf.Pid{}) {
		leader = o.Leader
	}
	sig := &dist.Signal{Kind: dist.SpawnRequest, From: p.pid, Ref: r.ref, Leader: leader, Module: module, Function: function,
		Arity: len(args), Options: options, Payload: etf.Raw{Bytes: list}}
	if on == p.node.name {
		p.node.spawnHere(r, sig)
		return r, nil
	}
	s, err := p.reach(ctx, on)
	switch {
	case err != nil:
	case !s.conn.Flags().Has(handshake.Spawn):
		r.refused(notsup)
		return r, nil
	case !s.addSpawn(r.ref, r):
		err = &ConnectError{string(on), ErrNoConnection}
	default:
		err = p.transmit(ctx, s, sig)
		if err != nil && s.takeSpawn(r.ref) == nil {
			return r, nil // the loss of the connection has answered
		}
	}
	switch {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		p.SpawnAbandon(r.ref)
		return nil, context.Cause(ctx)
	}
	r.err = err
	r.refused(noconnection)
	return r, nil
}

// options are those that the other node has to know. What it does not know it refuses, also in vain: {monitor, Options}.
func (r *spawnRequest) options(more []etf.Term) (etf.Raw, error) {
	var list etf.List
	if r.link != nil {
		list = append(list, etf.Atom("link"))
	}
	if r.monitor != nil {
		list = append(list, etf.Atom("monitor"))
	}
	b, err := etf.AppendTerm(nil, append(list, more...))
	return etf.Raw{Bytes: b}, err
}

// appendArgs appends the list of arguments.
func appendArgs(dst []byte, args []any) ([]byte, error) {
	if len(args) == 0 {
		return etf.AppendNil(dst), nil
	}
	dst = etf.AppendListHeader(dst, len(args))
	for i, a := range args {
		var err error
		if dst, err = etf.Append(dst, a); err != nil {
			return dst, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return etf.AppendNil(dst), nil
}

// spawnHere makes the process that a process of this node asks this node for.
func (n *Node) spawnHere(r *spawnRequest, sig *dist.Signal) {
	if _, ok := parseSpawnOptions(sig.Options); !ok {
		r.refused("badopt")
		return
	}
	child, err := n.newProcess([]Option{func(s *setup) {
		s.leader, s.initial = sig.Leader, mfa{sig.Module, sig.Function, sig.Arity}
		if r.link != nil {
			s.linked = r.process
		}
	}})
	if err != nil {
		r.refused("system_limit")
		return
	}
	ctx := child.Context()
	if r.monitor != nil {
		var abandon context.CancelCauseFunc
		ctx, abandon = context.WithCancelCause(ctx)
		child.watch(n.watchKey(nil, &r.ref), watcher{pid: sig.From, abandon: abandon})
	}
	r.accepted(child.pid, nil, false, r.monitor != nil) // a link is there already
	child.start(ctx, sig.Payload)
}
