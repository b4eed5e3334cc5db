package global

import (
	"context"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Lock is the id of a lock: a resource, and who requests it. Whoever asks with the same requester shares the lock; the others
// do not get it. Both are any terms, given as the names of Register are.
type Lock struct{ Resource, Requester any }

func (l Lock) term() (etf.Term, error) {
	r, err := term(l.Resource)
	if err != nil {
		return nil, err
	}
	q, err := term(l.Requester)
	if err != nil {
		return nil, err
	}
	return etf.Tuple{r, q}, nil
}

// SetLock sets a lock on nodes for a process of this node, and waits until it has it or ctx is done (global:set_lock/2 with
// infinite retries). No nodes are this one and all that are connected and visible. The lock is set on each of them or on
// none; it goes with DelLock on the same nodes, or when p exits.
func (g *Global) SetLock(ctx context.Context, p *node.Process, l Lock, nodes ...etf.Atom) error {
	ok, err := g.setLock(ctx, p, l, -1, nodes)
	if err == nil && !ok {
		err = node.ErrNoProc
	}
	return err
}

// TryLock is SetLock that gives up after as many attempts more than one, and reports whether it has the lock. Between attempts
// it sleeps as OTP does, for a random time of at most 1/4 s, then twice as much each time, up to 8 s.
func (g *Global) TryLock(ctx context.Context, p *node.Process, l Lock, retries int, nodes ...etf.Atom) (bool, error) {
	return g.setLock(ctx, p, l, max(retries, 0), nodes)
}

func (g *Global) setLock(ctx context.Context, p *node.Process, l Lock, retries int, nodes []etf.Atom) (bool, error) {
	id, err := l.term()
	if err != nil {
		return false, err
	}
	if err := p.Err(); err != nil {
		return false, err
	}
	v, err := g.askFor(ctx, p, nodes, func(m *machine, request uint64, nodes []atom) { m.setLock(request, p.Self(), id, nodes, retries) })
	if err != nil {
		return false, fmt.Errorf("global: setting lock %v: %w", id, err)
	}
	return v == etf.Term(atom("true")), nil
}

// DelLock takes a lock back that SetLock has set on the same nodes (global:del_lock/2). One that the process does not have is no error.
func (g *Global) DelLock(ctx context.Context, p *node.Process, l Lock, nodes ...etf.Atom) error {
	id, err := l.term()
	if err != nil {
		return err
	}
	if _, err := g.askFor(ctx, p, nodes, func(m *machine, request uint64, nodes []atom) { m.delLock(request, p.Self(), id, nodes) }); err != nil {
		return fmt.Errorf("global: deleting lock %v: %w", id, err)
	}
	return nil
}

// Trans runs f while it holds a lock on all nodes, or on those given, in the name of a process of its own (global:trans/3): f
// runs nowhere in the cluster at the same time with the same resource. It returns f's error, or why it did not run. When ctx
// is done while f runs the lock is kept until f returns.
func (g *Global) Trans(ctx context.Context, resource any, f func(ctx context.Context) error, nodes ...etf.Atom) error {
	p := g.n.Open()
	defer p.Exit(etf.Atom("normal"))
	if len(nodes) == 0 {
		nodes = g.all()
	}
	l := Lock{resource, p.Self()}
	if err := g.SetLock(ctx, p, l, nodes...); err != nil {
		return err
	}
	defer g.DelLock(context.WithoutCancel(ctx), p, l, nodes...)
	return f(ctx)
}

// Sync waits until this node has the same names as others, or has lost them: those given, or all that are connected and
// visible (global:sync/1).
func (g *Global) Sync(ctx context.Context, nodes ...etf.Atom) error {
	if len(nodes) == 0 {
		nodes = g.n.Nodes(node.Visible)
	}
	if _, err := g.ask(ctx, func(m *machine, id uint64) {
		m.sync(nodes, func() { m.do(finish{id, atom("ok")}) })
	}); err != nil {
		return fmt.Errorf("global: synchronizing: %w", err)
	}
	return nil
}

// Disconnect takes down the connections to all nodes of the cluster without having anybody else leave them, and returns
// which they are (global:disconnect/0).
func (g *Global) Disconnect(ctx context.Context) ([]etf.Atom, error) {
	v, err := g.ask(ctx, func(m *machine, id uint64) { m.leave(id) })
	if err != nil {
		return nil, err
	}
	var nodes []etf.Atom
	list, _ := v.(etf.List)
	for _, t := range list {
		nodes = append(nodes, t.(atom))
	}
	return nodes, nil
}

// all is this node and those that are connected and visible.
func (g *Global) all() []atom { return append([]atom{g.n.Name()}, g.n.Nodes(node.Visible)...) }

// askFor is ask for a process that calls others.
func (g *Global) askFor(ctx context.Context, p *node.Process, nodes []atom, request func(m *machine, id uint64, nodes []atom)) (etf.Term, error) {
	if len(nodes) == 0 {
		nodes = g.all()
	}
	pid := p.Self()
	g.mu.Lock()
	g.callers[pid] = p
	g.uses[pid]++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.uses[pid]--; g.uses[pid] == 0 {
			delete(g.uses, pid)
			delete(g.callers, pid)
		}
	}()
	return g.ask(ctx, func(m *machine, id uint64) { request(m, id, nodes) })
}
