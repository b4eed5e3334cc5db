package global

import (
	"context"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// groups is the process global_group of a node without global groups (kernel parameter global_groups). A node with groups asks
// every other that connects for its group, and has those that are not in the same one leave its names and locks, while
// the connection stays. A Go node is in no group, so all nodes with groups do so.
type groups struct{ g *Global }

// HandleCall answers what global_group asks of its own process.
func (s groups) HandleCall(p *node.Process, _ gen.From, request etf.Raw) (any, error) {
	t, err := request.Term()
	if err != nil {
		return nil, err
	}
	if name, ok := t.(etf.Atom); ok {
		if f, ok := groupFunctions[name]; ok {
			return f(s.g), nil
		}
	}
	return etf.Tuple{etf.Atom("illegal_message"), t}, nil
}

// HandleCast refuses the configuration of a node that compares its group with this one's (global_group:sync/0).
func (s groups) HandleCast(p *node.Process, request etf.Raw) error {
	t, err := request.Term()
	if err != nil {
		return nil
	}
	tuple, _ := t.(etf.Tuple)
	f := fields{tuple}
	if !f.tagged("conf_check", 7) && !f.tagged("conf_check", 8) || f.atom(2) == "" {
		return nil
	}
	peer, from := f.atom(2), tuple[3]
	var to any = node.At("global_group_check", peer)
	if session, isTuple := from.(etf.Tuple); isTuple && len(session) == 2 { // since OTP 25
		if pid, isPid := session[0].(etf.Pid); isPid {
			to = pid
		}
	}
	s.exclude(p, peer)
	p.SendNoConnect(node.At("global_group", peer), etf.Tuple{atom("disconnect_node"), p.Self().Node})
	p.SendNoConnect(to, etf.Tuple{atom("config_error"), tuple[1], from, p.Self().Node})
	return nil
}

// HandleInfo is told by a node with groups that this one is in none of its.
func (s groups) HandleInfo(p *node.Process, msg node.Message) error {
	if msg.IsNotice() {
		return nil
	}
	t, err := msg.Term()
	if err != nil {
		return nil
	}
	tuple, _ := t.(etf.Tuple)
	if f := (fields{tuple}); f.tagged("disconnect_node", 2) {
		s.exclude(p, f.atom(1))
	}
	return nil
}

// exclude goes through the mailbox of global_name_server, which has been told there that the node is up.
func (s groups) exclude(p *node.Process, peer atom) {
	p.Send(s.g.p.Self(), etf.Tuple{atom("group_nodedown"), peer, atom("undefined")})
}

// groupFunctions are functions of global_group without arguments.
var groupFunctions = map[atom]func(*Global) etf.Term{
	"get_own_nodes":             func(*Global) etf.Term { return etf.List{} },
	"get_own_nodes_with_errors": func(*Global) etf.Term { return etf.Tuple{atom("ok"), atom("all")} },
	"global_groups":             func(*Global) etf.Term { return atom("undefined") },
	"group_configured":          func(*Global) etf.Term { return atom("false") },
	"sync":                      func(*Global) etf.Term { return atom("ok") },
	"own_nodes": func(g *Global) etf.Term {
		list := etf.List{}
		for _, n := range g.all() {
			list = append(list, n)
		}
		return list
	},
	"info": func(*Global) etf.Term {
		list := etf.List{etf.Tuple{atom("state"), atom("no_conf")}}
		for _, k := range []atom{"own_group_name", "own_group_nodes", "synced_nodes", "sync_error", "no_contact", "other_groups", "monitoring"} {
			list = append(list, etf.Tuple{k, etf.List{}})
		}
		return list
	},
}

func (g *Global) offerGroups() {
	for name, f := range groupFunctions {
		g.n.Offer("global_group", name, 0, func(context.Context, *node.Process, []etf.Raw) (any, error) { return f(g), nil })
	}
}

// exclude is an input: a node with global groups takes this one for a stranger. Its names and locks go, and nobody is to leave it.
func (m *machine) exclude(node atom) {
	if !m.up[node] {
		return
	}
	m.outside[node] = true
	m.syncersLose(node)
	m.lose(node, excluded)
}
