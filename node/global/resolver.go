package global

import (
	"context"
	"fmt"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// A Method settles the conflict when two partitions join in which a name has different processes. It is a function of three
// arguments, Name, Pid1 and Pid2, which returns the process that keeps the name, as etf.Export or *etf.Fun; it is called once,
// on the node of the process that is registered in one of the partitions: so the function has to be there. Those of a
// Go node are made by Resolver, or are offered by node.Offer.
type Method = etf.Term

// The methods of OTP, which are on every node.
var (
	// RandomExitName keeps one process and kills the other. It is the default.
	RandomExitName = etf.Export{Module: "global", Function: "random_exit_name", Arity: 3}
	// RandomNotifyName keeps one process and sends {global_name_conflict, Name} to the other.
	RandomNotifyName = etf.Export{Module: "global", Function: "random_notify_name", Arity: 3}
	// NotifyAllName takes the name from both and sends each {global_name_conflict, Name, OtherPid}.
	NotifyAllName = etf.Export{Module: "global", Function: "notify_all_name", Arity: 3}
)

func methodOf(method []Method) etf.Term {
	if len(method) == 0 {
		return RandomExitName
	}
	return method[0]
}

// resolverModule is the module under which resolvers in Go are offered.
const resolverModule = "erlnode_global"

// Resolver makes a method of a Go function. keep is the one of the two processes that has the name from now on; with neither
// of them nobody has. It is for names of processes on this node. The function's name is one of the node: a second Resolver of
// the same name takes its place.
func (g *Global) Resolver(function etf.Atom, f func(ctx context.Context, name etf.Term, a, b etf.Pid) (keep etf.Pid)) Method {
	g.n.Offer(resolverModule, function, 3, func(ctx context.Context, _ *node.Process, args []etf.Raw) (any, error) {
		var name etf.Term
		var a, b etf.Pid
		if err := decode(args, &name, &a, &b); err != nil {
			return nil, err
		}
		if keep := f(ctx, name, a, b); keep == a || keep == b {
			return keep, nil
		}
		return atom("none"), nil
	})
	return etf.Export{Module: resolverModule, Function: function, Arity: 3}
}

// settle has a conflict settled where our process is. Not ok means that nobody could be asked.
func (g *Global) settle(a resolve) (t etf.Term, ok bool) {
	if a.node == g.n.Name() {
		return g.resolveIt(g.ctx, g.p, a.method, a.name, a.theirs, a.ours), true
	}
	// rpc:call of global:resolve_it/4. Every release answers it by way of rex.
	t, err := gen.Call[etf.Term](g.ctx, g.p, node.At("rex", a.node), etf.Tuple{atom("call"), atom("global"), atom("resolve_it"),
		etf.List{a.method, a.name, a.theirs, a.ours}, g.p.GroupLeader()})
	if err != nil {
		g.log.Info("global: conflict cannot be settled", "name", a.name.String(), "peer", string(a.node), "error", err)
		return nil, false
	}
	if bad, isTuple := t.(etf.Tuple); isTuple && len(bad) == 2 && bad[0] == etf.Term(atom("badrpc")) {
		g.log.Info("global: conflict cannot be settled", "name", a.name.String(), "peer", string(a.node), "badrpc", bad[1].String())
		return nil, false
	}
	return t, true
}

// resolveIt runs a method on this node (global:resolve_it/4).
func (g *Global) resolveIt(ctx context.Context, p *node.Process, method, name etf.Term, a, b etf.Pid) etf.Term {
	m, ok := method.(etf.Export)
	if fun, isFun := method.(*etf.Fun); isFun && fun.Module == "global" && fun.Arity == 3 {
		m, ok = RandomExitName, true // the only one that OTP makes a closure of
	}
	if !ok || m.Arity != 3 {
		return etf.Tuple{atom("EXIT"), etf.Tuple{atom("undef"), etf.List{}}}
	}
	keep, other := a, b
	if a.Node >= b.Node {
		keep, other = b, a
	}
	switch m {
	case RandomExitName:
		g.log.Info("global: name conflict", "name", name.String(), "terminating", other.String())
		g.later(other.Node, func() { g.p.SendExit(other, atom("kill")) })
		return keep
	case RandomNotifyName:
		g.notify(other, etf.Tuple{atom("global_name_conflict"), name})
		return keep
	case NotifyAllName:
		g.notify(a, etf.Tuple{atom("global_name_conflict"), name, b})
		g.notify(b, etf.Tuple{atom("global_name_conflict"), name, a})
		return atom("none")
	}
	args, err := encode(name, a, b)
	if err != nil {
		return atom("none")
	}
	v, err := p.Apply(ctx, m.Module, m.Function, args)
	if err == nil {
		var t etf.Term
		if t, err = term(v); err == nil {
			return t
		}
	}
	return etf.Tuple{atom("EXIT"), etf.Binary(fmt.Sprint(err))}
}

// notify sends to a process of a conflict, whose node need not be connected to this one.
func (g *Global) notify(to etf.Pid, msg etf.Term) {
	g.later(to.Node, func() {
		if err := g.p.SendContext(g.ctx, to, msg); err != nil {
			g.log.Info("global: name conflict not told", "to", to.String(), "error", err)
		}
	})
}

// later has something done that may have to connect to a node, and does not wait for it, as what is sent from a BEAM node does
// not. The answer of a method must not wait: a node of OTP that hears of the outcome while this one is connecting to it takes
// the name away again (its restart_connect), when the init_connect_ack comes after the outcome.
func (g *Global) later(peer atom, do func()) {
	if peer == g.n.Name() {
		do()
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.lane(peer, func() {
			g.awaitNode(peer)
			do()
		})
	}
}

// joinTime is how long the join that a conflict belongs to may take to connect its nodes.
const joinTime = time.Second

// awaitNode waits until there is a connection to a node, which the join brings: one that we make meanwhile may come up there just when the
// outcome comes.
func (g *Global) awaitNode(peer atom) {
	p := g.n.Open()
	defer p.Exit(nil)
	p.MonitorNodes(true, node.NodeEvents{Types: node.Connected})
	if g.n.ConnectionID(peer) != 0 {
		return
	}
	ctx, cancel := context.WithTimeout(g.ctx, joinTime)
	defer cancel()
	for m := range p.Inbox(ctx) {
		if up, ok := m.NodeUp(); ok && up.Node == peer {
			return
		}
	}
}

// offer offers what peers call of the module global.
func (g *Global) offer() {
	g.n.Offer("global", "resolve_it", 4, func(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
		var method, name etf.Term
		var a, b etf.Pid
		if err := decode(args, &method, &name, &a, &b); err != nil {
			return nil, err
		}
		return g.resolveIt(ctx, p, method, name, a, b), nil
	})
	g.n.Offer("global", "registered_names", 0, func(context.Context, *node.Process, []etf.Raw) (any, error) {
		return etf.List(g.Names()), nil
	})
	g.n.Offer("global", "whereis_name", 1, func(_ context.Context, _ *node.Process, args []etf.Raw) (any, error) {
		var name etf.Term
		if err := decode(args, &name); err != nil {
			return nil, err
		}
		if pid, ok := g.Whereis(name); ok {
			return pid, nil
		}
		return atom("undefined"), nil
	})
	for function, change := range map[atom]func(context.Context, any, etf.Pid, ...Method) error{
		"register_name": g.Register, "re_register_name": g.Reregister, "register_name_external": g.RegisterExternal,
	} {
		for _, arity := range []int{2, 3} {
			g.n.Offer("global", function, arity, func(ctx context.Context, _ *node.Process, args []etf.Raw) (any, error) {
				var name etf.Term
				var pid etf.Pid
				method := make([]etf.Term, 1)
				if err := decode(args, append([]any{&name, &pid}, &method[0])[:len(args)]...); err != nil {
					return nil, err
				}
				return yesOrNo(change(ctx, name, pid, method[:len(args)-2]...))
			})
		}
	}
	for _, function := range []atom{"unregister_name", "unregister_name_external"} {
		g.n.Offer("global", function, 1, func(ctx context.Context, _ *node.Process, args []etf.Raw) (any, error) {
			var name etf.Term
			if err := decode(args, &name); err != nil {
				return nil, err
			}
			return atom("ok"), g.Unregister(ctx, name)
		})
	}
	g.n.Offer("global", "sync", 0, func(ctx context.Context, _ *node.Process, _ []etf.Raw) (any, error) {
		return atom("ok"), g.Sync(ctx)
	})
	g.n.Offer("global", "send", 2, func(_ context.Context, p *node.Process, args []etf.Raw) (any, error) {
		var name, msg etf.Term
		if err := decode(args, &name, &msg); err != nil {
			return nil, err
		}
		pid, ok := g.Whereis(name)
		if !ok {
			return nil, &node.Exception{Class: "exit", Reason: etf.Tuple{atom("badarg"), etf.Tuple{name, msg}}}
		}
		return pid, p.Send(pid, msg)
	})
	g.n.Offer("global", "info", 0, func(context.Context, *node.Process, []etf.Raw) (any, error) {
		g.mu.RLock()
		defer g.mu.RUnlock()
		return g.m.state(), nil
	})
}

// yesOrNo is the answer of register_name.
func yesOrNo(err error) (any, error) {
	switch {
	case err == nil:
		return atom("yes"), nil
	case isRefusal(err):
		return atom("no"), nil
	}
	return nil, err
}

func decode(args []etf.Raw, into ...any) error {
	for i, v := range into {
		if err := args[i].Decode(v); err != nil {
			return err
		}
	}
	return nil
}

func encode(terms ...etf.Term) ([]etf.Raw, error) {
	args := make([]etf.Raw, len(terms))
	for i, t := range terms {
		b, err := etf.AppendTerm(nil, t)
		if err != nil {
			return nil, err
		}
		args[i].Bytes = b
	}
	return args, nil
}
