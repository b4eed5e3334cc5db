//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// Names of a Go node: global, and process groups.

func numbered(i int) etf.Term { return etf.Tuple{etf.Atom("bench"), etf.Int(i)} }

// names registers global names one after the other, a process for each: one process has one.
func (g *goPeer) names(others []etf.Atom, d time.Duration) (outcome, error) {
	ctx := context.Background()
	var named []*node.Process
	g.cleanup = func() error {
		for _, p := range named {
			p.Exit(nil)
		}
		for _, at := range append([]etf.Atom{g.n.Name()}, others...) {
			if err := until(func() (bool, error) {
				names, err := rpc.Call[etf.List](ctx, g.n, at, "global", "registered_names")
				return len(names) == 0, err
			}); err != nil {
				return err
			}
		}
		return nil
	}
	start := time.Now()
	n := 0
	for n == 0 || time.Since(start) < d {
		n++
		named = append(named, g.n.Open())
		if err := g.n.Global.Register(ctx, numbered(n), named[n-1].Self()); err != nil {
			return nil, err
		}
	}
	o := done(n, time.Since(start))
	for _, at := range others {
		t, err := rpc.Call[etf.Term](ctx, g.n, at, "global", "whereis_name", numbered(n))
		if err != nil {
			return nil, err
		}
		if t != etf.Term(named[n-1].Self()) {
			return nil, fmt.Errorf("at %s the name %v is %v", at, numbered(n), t)
		}
	}
	return o, nil
}

// joins joins groups one after the other, until the peer has the last.
func (g *goPeer) joins(peer etf.Atom, d time.Duration) (outcome, error) {
	ctx := context.Background()
	p := g.n.Open()
	members := func(at etf.Atom, group int, want ...etf.Pid) func() (bool, error) {
		return func() (bool, error) {
			got, err := rpc.Call[[]etf.Pid](ctx, g.n, at, "pg", "get_members", numbered(group))
			return slices.Equal(got, want), err
		}
	}
	g.cleanup = func() error {
		p.Exit(nil)
		if err := until(members(g.n.Name(), 1)); err != nil {
			return err
		}
		return until(members(peer, 1))
	}
	start := time.Now()
	n := 0
	for n == 0 || time.Since(start) < d {
		n++
		if err := g.n.PG.Join(numbered(n), p.Self()); err != nil {
			return nil, err
		}
	}
	if err := until(members(peer, n, p.Self())); err != nil {
		return nil, err
	}
	return done(n, time.Since(start)), nil
}

func until(done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
	}
}
