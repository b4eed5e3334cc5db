//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// The servers of a Go node, as cluster.erl has them.

type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}

func (g *goPeer) serve() error {
	if _, err := gen.Start(g.n, echo{}, node.Register("echo")); err != nil {
		return err
	}
	serve := func(name string, f func(*node.Process) error) error {
		_, err := g.n.Spawn(f, node.Register(etf.Atom(name)))
		return err
	}
	errs := []error{serve("pong", pong), serve("mapsink", mapSink), serve("holder", g.holder)}
	for i := range 8 {
		errs = append(errs, serve(fmt.Sprint("sink", i+1), sink))
	}
	return errors.Join(errs...)
}

type ping struct {
	_    struct{} `etf:"ping,tuple"`
	From etf.Pid
}

type flush struct {
	_    struct{} `etf:"flush,tuple"`
	From etf.Pid
}

type counted struct {
	_ struct{} `etf:"count,tuple"`
	N int
}

func pong(p *node.Process) error {
	for m := range p.Inbox(context.Background()) {
		var q ping
		if err := m.Decode(&q); err != nil {
			return err
		}
		if err := p.Send(q.From, etf.Atom("pong")); err != nil {
			return err
		}
	}
	return p.Err()
}

// sink counts. It reads every message to its end, as a BEAM does when it receives one, and like it without copying binaries.
func sink(p *node.Process) error {
	count := 0
	for m := range p.Inbox(context.Background()) {
		raw, err := m.Raw()
		if err != nil {
			return err
		}
		r := etf.NewReader(raw)
		if _, err := r.Tuple(); err != nil {
			return err
		}
		tag, err := r.Atom()
		if err != nil {
			return err
		}
		if tag == "flush" {
			from, err := r.Pid()
			if err != nil {
				return err
			}
			if err := p.Send(from, counted{N: count}); err != nil {
				return err
			}
			count = 0
			continue
		}
		if err := r.Skip(); err != nil {
			return err
		}
		count++
		m.Release() // as a program does that is through with a large message
	}
	return p.Err()
}

type user struct {
	ID     int      `etf:"id"`
	Name   string   `etf:"name"`
	Email  string   `etf:"email"`
	Active bool     `etf:"active"`
	Score  float64  `etf:"score"`
	Tags   []string `etf:"tags"`
	City   string   `etf:"city"`
	Role   etf.Atom `etf:"role"`
}

// mapSink decodes maps into a struct, which it uses for one after the other, as a program does that is through with each before the next.
func mapSink(p *node.Process) error {
	count, sum := 0, 0
	var u user
	for m := range p.Inbox(context.Background()) {
		u = user{Tags: u.Tags[:0]}
		if m.Decode(&u) == nil {
			if !u.Active || len(u.Tags) == 0 {
				return errors.New("another map")
			}
			count++
			sum += u.ID
			continue
		}
		var f flush
		if err := m.Decode(&f); err != nil {
			return err
		}
		if err := p.Send(f.From, counted{N: count}); err != nil {
			return err
		}
		count = 0
	}
	return p.Err()
}
