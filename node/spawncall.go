package node

import (
	"context"
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// SpawnWait spawns a process on a node, this one too, and waits for its end: the reason with which it exits comes back
// undecoded, and its bytes are the caller's. It is what erpc:call is made of, and needs no mailbox.
//
// The errors are a *SpawnError, a *ConnectError if there is no connection, and the cause of ctx, after which the process is no
// longer monitored. When the connection is lost while the process runs the reason is noconnection.
func (p *Process) SpawnWait(ctx context.Context, on, module, function etf.Atom, args []any) (reason etf.Raw, err error) {
	if err := p.begin(); err != nil {
		return etf.Raw{}, err
	}
	defer p.end()
	buf := takeBuffer()
	if buf.b, err = appendArgs(buf.b, args); err != nil {
		buf.release()
		return etf.Raw{}, err
	}
	c := &spawnCall{request: request{ref: p.node.newRef(), answer: make(chan answer, 1), spawned: true}, on: on}
	sig := &dist.Signal{Kind: dist.SpawnRequest, From: p.pid, Ref: c.ref, Leader: p.GroupLeader(), Module: module, Function: function,
		Arity: len(args), Options: monitorOption, Payload: etf.Raw{Bytes: buf.b}}
	defer buf.releaseAfter(sig)
	if on == p.node.name {
		return p.spawnWaitHere(ctx, c, sig)
	}
	s, err := p.reach(ctx, on)
	switch {
	case err != nil:
		return etf.Raw{}, err
	case !s.conn.Flags().Has(handshake.Spawn):
		return etf.Raw{}, &SpawnError{on, notsup}
	}
	p.node.aliases.add(c.ref, aliased{request: &c.request, session: s})
	defer p.node.aliases.remove(c.ref)
	if !s.addSpawn(c.ref, c) {
		return etf.Raw{}, &ConnectError{string(on), ErrNoConnection}
	}
	s.calls.Add(1)
	defer s.calls.Add(-1)
	if err := p.transmit(ctx, s, sig); err != nil {
		s.takeSpawn(c.ref)
		return etf.Raw{}, err
	}
	a := p.await(ctx, &c.request)
	if !a.down {
		c.abandon(p, s)
	}
	return a.reply, a.err
}

var monitorOption = etf.Raw{Bytes: etf.AppendNil(etf.AppendAtom(etf.AppendListHeader(nil, 1), "monitor"))}

// SpawnWait is Process.SpawnWait for a goroutine that is no process.
func (n *Node) SpawnWait(ctx context.Context, on, module, function etf.Atom, args []any) (reason etf.Raw, err error) {
	return n.caller.SpawnWait(ctx, on, module, function, args)
}

// spawnCall is a SpawnWait under way. It is in the table of its session as a request, whose monitor is that of the process.
type spawnCall struct {
	request
	on etf.Atom

	mu        sync.Mutex
	pid       etf.Pid // once the peer has said so
	abandoned bool
}

// lost does nothing: the request is told, as every other.
func (c *spawnCall) lost() {}

func (c *spawnCall) replied(sig *dist.Signal, s *session) {
	if sig.FromName != "" {
		c.put(c.ref, answer{err: &SpawnError{c.on, sig.FromName}, down: true})
		return
	}
	c.mu.Lock()
	c.pid = sig.From
	late := c.abandoned
	c.mu.Unlock()
	if late {
		s.post(&dist.Signal{Kind: dist.Demonitor, From: sig.To, To: sig.From, Ref: c.ref})
	}
}

func (c *spawnCall) abandon(p *Process, s *session) {
	c.mu.Lock()
	c.abandoned = true
	pid := c.pid
	c.mu.Unlock()
	if pid != (etf.Pid{}) {
		s.post(&dist.Signal{Kind: dist.Demonitor, From: p.pid, To: pid, Ref: c.ref})
	}
}

func (p *Process) spawnWaitHere(ctx context.Context, c *spawnCall, sig *dist.Signal) (etf.Raw, error) {
	child, err := p.node.newProcess([]Option{func(s *setup) {
		s.leader, s.initial = sig.Leader, mfa{sig.Module, sig.Function, sig.Arity}
	}})
	if err != nil {
		return etf.Raw{}, &SpawnError{c.on, "system_limit"}
	}
	wanted, abandon := context.WithCancelCause(child.Context())
	k := p.node.watchKey(nil, &c.ref)
	child.watch(k, watcher{request: &c.request, abandon: abandon})
	child.start(wanted, etf.Raw{Bytes: append([]byte(nil), sig.Payload.Bytes...)})
	a := p.await(ctx, &c.request)
	if !a.down {
		child.unwatch(k, etf.Pid{})
	}
	return a.reply, a.err
}

// SpawnCast asks a node, this one too, for a process and wants to hear nothing of it (erlang:spawn_request/5 with
// {reply, no}). A nil error says that the request is on its way. It fails as SpawnWait does before that.
func (p *Process) SpawnCast(ctx context.Context, on, module, function etf.Atom, args []any) error {
	if on == p.node.name {
		_, err := p.SpawnRequest(ctx, on, module, function, args, SpawnOptions{Reply: ReplyNo})
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	buf := takeBuffer()
	var err error
	if buf.b, err = appendArgs(buf.b, args); err != nil {
		buf.release()
		return err
	}
	sig := &dist.Signal{Kind: dist.SpawnRequest, From: p.pid, Ref: p.node.newRef(), Leader: p.GroupLeader(),
		Module: module, Function: function, Arity: len(args), Payload: etf.Raw{Bytes: buf.b}}
	defer buf.releaseAfter(sig)
	s, err := p.reach(ctx, on)
	switch {
	case err != nil:
		return err
	case !s.conn.Flags().Has(handshake.Spawn):
		return &SpawnError{on, notsup}
	}
	// The peer replies all the same; a reply to no request is dropped.
	return p.transmit(ctx, s, sig)
}

// SpawnCast is Process.SpawnCast for a goroutine that is no process.
func (n *Node) SpawnCast(ctx context.Context, on, module, function etf.Atom, args []any) error {
	return n.caller.SpawnCast(ctx, on, module, function, args)
}

// NewRef makes a reference that is unique in the cluster (erlang:make_ref/0).
func (p *Process) NewRef() etf.Ref { return p.node.newRef() }
