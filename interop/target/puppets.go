package main

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/global"
	"github.com/erlnode/erlnode/node/pg"
)

// puppets is the gen_server that makes puppets for its callers.
type puppets struct {
	groups *pg.Scope
	global *global.Global
}

// HandleCall answers new with {ok, Pid}.
func (s puppets) HandleCall(p *node.Process, from gen.From, request etf.Raw) (any, error) {
	var a etf.Atom
	if err := request.Decode(&a); err != nil || a != "new" {
		return nil, functionClause()
	}
	u := &puppet{owner: from.Pid, groups: s.groups, global: s.global}
	q, err := p.Node().Spawn(u.run)
	if err != nil {
		return nil, err
	}
	return etf.Tuple{etf.Atom("ok"), q.Self()}, nil
}

// State is what the Erlang target has: the kind of server.
func (puppets) State() any { return etf.Atom("puppets") }
