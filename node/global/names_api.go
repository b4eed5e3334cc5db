package global

import (
	"context"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// ErrNameTaken and ErrRegistered are why Register refuses: the name has a process, or the process a name.
var (
	ErrNameTaken  = node.ErrNameTaken
	ErrRegistered = node.ErrRegistered
)

// Register gives a process, of this node or any other, a name in the whole cluster, on all nodes before it returns
// (global:register_name/3). The name goes when the process exits, its node is lost, or by Unregister. It fails with
// ErrNameTaken, and with ErrRegistered for a process that has a name already.
//
// A name is any term: an etf.Term, a Go string, which stands for the atom, or what etf.Marshal takes.
//
// method settles the conflict if two partitions of the cluster join in which the name has different processes; the default
// is RandomExitName. See Resolver. ctx bounds the wait only: a registration under way goes on.
func (g *Global) Register(ctx context.Context, name any, pid etf.Pid, method ...Method) error {
	return g.register(ctx, name, func(m *machine, id uint64, t etf.Term) { m.register(id, t, pid, methodOf(method), false) })
}

// RegisterExternal registers a process of a node without global, as a hidden node or a C node (global:register_name_external/3).
// The process is linked to this node's global_name_server, and loses its name with this node.
func (g *Global) RegisterExternal(ctx context.Context, name any, pid etf.Pid, method ...Method) error {
	return g.register(ctx, name, func(m *machine, id uint64, t etf.Term) { m.register(id, t, pid, methodOf(method), true) })
}

// Reregister is Register that takes the name from whoever has it (global:re_register_name/3).
func (g *Global) Reregister(ctx context.Context, name any, pid etf.Pid, method ...Method) error {
	return g.register(ctx, name, func(m *machine, id uint64, t etf.Term) { m.reregister(id, t, pid, methodOf(method)) })
}

func (g *Global) register(ctx context.Context, name any, ask func(m *machine, id uint64, t etf.Term)) error {
	t, err := term(name)
	if err != nil {
		return err
	}
	answer, err := g.ask(ctx, func(m *machine, id uint64) { ask(m, id, t) })
	switch {
	case err != nil:
		return fmt.Errorf("global: registering %v: %w", t, err)
	case answer == etf.Term(atom("no")):
		return fmt.Errorf("global: %v: %w", t, ErrNameTaken)
	case answer == etf.Term(atom("duplicate")):
		return fmt.Errorf("global: registering %v: %w", t, ErrRegistered)
	}
	return nil
}

// Unregister takes a name away on all nodes. One that nobody has is no error (global:unregister_name/1).
func (g *Global) Unregister(ctx context.Context, name any) error {
	t, err := term(name)
	if err != nil {
		return err
	}
	if _, err = g.ask(ctx, func(m *machine, id uint64) { m.unregister(id, t) }); err != nil {
		return fmt.Errorf("global: unregistering %v: %w", t, err)
	}
	return nil
}

// Whereis returns the process that has a name, as far as this node knows; nobody else is asked (global:whereis_name/1).
func (g *Global) Whereis(name any) (pid etf.Pid, ok bool) {
	t, err := term(name)
	if err != nil {
		return pid, false
	}
	k := key(t)
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.m.where(k)
}

// Names returns the names that this node knows, in no particular order (global:registered_names/0).
func (g *Global) Names() []etf.Term {
	g.mu.RLock()
	defer g.mu.RUnlock()
	names := make([]etf.Term, 0, len(g.m.names))
	for _, n := range g.m.names {
		names = append(names, n.name)
	}
	return names
}

// Name is a destination for messages and calls, {global, Name} in OTP: the process that has the name at that moment. Without
// one there is a node.ErrNoProc.
//
//	gen.Call[int](ctx, n, n.Global.Name("counter"), request)
func (g *Global) Name(name any) Name { return Name{g, name} }

// Name is a global name as a destination. See Global.Name.
type Name struct {
	g    *Global
	name any
}

// Destination finds the process (node.Destination).
func (n Name) Destination() (any, error) {
	if pid, ok := n.g.Whereis(n.name); ok {
		return pid, nil
	}
	return nil, fmt.Errorf("global: nobody is registered as %v: %w", n, node.ErrNoProc)
}

// String is {global,Name}, as OTP writes it.
func (n Name) String() string {
	t, err := term(n.name)
	if err != nil {
		return fmt.Sprintf("{global,%v}", n.name)
	}
	return etf.Tuple{atom("global"), t}.String()
}

// term makes a name of what users give as one.
func term(name any) (etf.Term, error) {
	switch name := name.(type) {
	case string:
		return atom(name), nil
	case etf.Term:
		return name, nil
	}
	b, err := etf.Append(nil, name)
	if err != nil {
		return nil, fmt.Errorf("global: %v is no name: %w", name, err)
	}
	return (etf.Raw{Bytes: b}).Term()
}

// ask makes a request and waits for its answer.
func (g *Global) ask(ctx context.Context, request func(m *machine, id uint64)) (etf.Term, error) {
	var id uint64
	c := make(chan etf.Term, 1)
	g.locked(func() {
		if g.over {
			return
		}
		g.last++
		id = g.last
		g.waiting[id] = c
		g.happenLocked(func(m *machine) { request(m, id) })
	})
	if id == 0 {
		return nil, node.ErrClosed
	}
	select {
	case v := <-c:
		return v, nil
	case <-ctx.Done():
		g.forget(id)
		return nil, context.Cause(ctx)
	case <-g.ctx.Done():
		return nil, node.ErrClosed
	}
}

// forget gives a request up.
func (g *Global) forget(id uint64) {
	g.locked(func() {
		delete(g.waiting, id)
		g.happenLocked(func(m *machine) { m.abandon(id) })
	})
}

func isRefusal(err error) bool { return errors.Is(err, ErrNameTaken) || errors.Is(err, ErrRegistered) }
