//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// What a Go node sends, calls and takes the time of.

type add struct {
	_ struct{} `etf:"add,tuple"`
	N int
}

var ada = user{4711, "Ada Lovelace", "ada@example.org", true, 99.5, []string{"mathematics", "engines", "poetry"}, "London", "admin"}

var kib = bytes.Repeat([]byte("x"), 1024)

type data struct {
	_ struct{} `etf:"data,tuple"`
	V any
}

func (g *goPeer) calls(peer etf.Atom, kind string, callers int, d time.Duration) (outcome, error) {
	one := map[string]func(context.Context) error{
		"small": func(ctx context.Context) error { return check[add](ctx, g.n, peer, add{N: 42}) },
		"map":   func(ctx context.Context) error { return check[user](ctx, g.n, peer, ada) },
		"kib":   func(ctx context.Context) error { return check[[]byte](ctx, g.n, peer, kib) },
	}[kind]
	if one == nil {
		return nil, fmt.Errorf("unknown request %q", kind)
	}
	ctx := context.Background()
	start := time.Now()
	times := make([][]time.Duration, callers)
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for {
				t0 := time.Now()
				if errs[i] = one(ctx); errs[i] != nil {
					return
				}
				t1 := time.Now()
				times[i] = append(times[i], t1.Sub(t0))
				if t1.Sub(start) >= d {
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	g.times = slices.Concat(times...)
	return done(len(g.times), took), errors.Join(errs...)
}

func check[T any](ctx context.Context, n *erlnode.Node, peer etf.Atom, request any) error {
	_, err := gen.Call[T](ctx, n, node.At("echo", peer), request)
	return err
}

func percentiles(all []time.Duration) outcome {
	if len(all) == 0 {
		return outcome{}
	}
	slices.Sort(all)
	return outcome{"p50": float64(all[len(all)/2]), "p99": float64(all[min(len(all)-1, len(all)*99/100)])}
}

func (g *goPeer) pings(peer etf.Atom, d time.Duration) (outcome, error) {
	ctx := context.Background()
	p := g.n.Open()
	defer p.Exit(nil)
	to, message := node.At("pong", peer), ping{From: p.Self()}
	start := time.Now()
	for n := 1; ; n++ {
		if err := p.Send(to, message); err != nil {
			return nil, err
		}
		if _, err := p.Receive(ctx); err != nil {
			return nil, err
		}
		if n%16 == 0 && time.Since(start) >= d {
			return done(n, time.Since(start)), nil
		}
	}
}

// counted asks the sinks how much they have got until that is everything: the question may overtake what others have sent.
func (g *goPeer) counted(peer etf.Atom, sinks []string, sent int, start time.Time) (outcome, error) {
	p := g.n.Open()
	defer p.Exit(nil)
	got := 0
	for end := time.Now().Add(5 * time.Second); got < sent && time.Now().Before(end); {
		for _, name := range sinks {
			if err := p.Send(node.At(etf.Atom(name), peer), flush{From: p.Self()}); err != nil {
				return nil, err
			}
			m, err := p.Receive(context.Background())
			if err != nil {
				return nil, err
			}
			var c counted
			if err := m.Decode(&c); err != nil {
				return nil, err
			}
			got += c.N
		}
	}
	if got != sent {
		return nil, fmt.Errorf("%d messages were sent and %d got", sent, got)
	}
	return done(got, time.Since(start)), nil
}

func (g *goPeer) flood(peer etf.Atom, kind string, senders int, d time.Duration) (outcome, error) {
	sinks := []string{"mapsink"}
	var message any = ada
	if kind == "tuple" {
		sinks, message = nil, data{V: 4711}
		for i := range senders {
			sinks = append(sinks, fmt.Sprint("sink", i+1))
		}
	}
	start := time.Now()
	errs := make([]error, senders)
	sent := make([]int, senders)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			p := g.n.Open()
			defer p.Exit(nil)
			var to any = node.At(etf.Atom(sinks[i%len(sinks)]), peer) // made an interface once
			n := 0
			for n == 0 || time.Since(start) < d {
				for range 100 {
					if errs[i] = p.Send(to, message); errs[i] != nil {
						return
					}
				}
				n += 100
			}
			sent[i] = n
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	sum := 0
	for _, n := range sent {
		sum += n
	}
	return g.counted(peer, sinks, sum, start)
}

func (g *goPeer) stream(peer etf.Atom, size int, d time.Duration) (outcome, error) {
	start := time.Now()
	n, err := g.streaming(peer, size, start.Add(d))
	if err != nil {
		return nil, err
	}
	return g.counted(peer, []string{"sink1"}, n, start)
}

func (g *goPeer) streaming(peer etf.Atom, size int, end time.Time) (n int, err error) {
	p := g.n.Open()
	defer p.Exit(nil)
	to, message := node.At("sink1", peer), data{V: make([]byte, size)}
	for n == 0 || time.Now().Before(end) {
		if err := p.Send(to, message); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// mixed streams, and calls meanwhile.
func (g *goPeer) mixed(peer etf.Atom, size int, d time.Duration) (outcome, error) {
	type streamed struct {
		n   int
		err error
	}
	over := make(chan streamed, 1)
	start := time.Now()
	go func() {
		n, err := g.streaming(peer, size, start.Add(d))
		over <- streamed{n, err}
	}()
	calls, err := g.calls(peer, "small", 1, d)
	s := <-over
	if err = errors.Join(err, s.err); err != nil {
		return nil, err
	}
	o, err := g.counted(peer, []string{"sink1"}, s.n, start)
	if err != nil {
		return nil, err
	}
	o["calls"] = calls["ops"]
	return o, nil
}
