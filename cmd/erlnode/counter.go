package main

import (
	"math/big"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// counter counts, without an end as integers in Erlang have none. It can be called, cast to, and told to exit.
type counter struct{ n big.Int }

func (c *counter) HandleCall(p *node.Process, _ gen.From, raw etf.Raw) (any, error) {
	switch name, args := request(raw); name {
	case "get/0":
		return &c.n, nil
	case "pid/0":
		return p.Self(), nil // for Process.link/1, which takes no name
	case "stop/1":
		reason, err := args[0].Term()
		if err != nil {
			return nil, err
		}
		return etf.Atom("ok"), node.Exit(reason)
	}
	if !c.change(raw) {
		return unknown{Reason: unknownCall{Request: raw}}, nil
	}
	return &c.n, nil
}

func (c *counter) HandleCast(_ *node.Process, raw etf.Raw) error {
	c.change(raw)
	return nil
}

// State and SetState are for sys:get_state and sys:replace_state: the state is the count.
func (c *counter) State() any { return &c.n }

func (c *counter) SetState(state etf.Raw) error {
	var n big.Int
	if err := state.Decode(&n); err != nil {
		return err
	}
	c.n.Set(&n)
	return nil
}

// change does what can be called and cast alike, and reports false for anything else.
func (c *counter) change(raw etf.Raw) bool {
	switch name, args := request(raw); name {
	case "inc/0":
		c.n.Add(&c.n, big.NewInt(1))
	case "reset/0":
		c.n.SetInt64(0)
	case "add/1":
		var n big.Int
		if args[0].Decode(&n) != nil {
			return false
		}
		c.n.Add(&c.n, &n)
	default:
		return false
	}
	return true
}
