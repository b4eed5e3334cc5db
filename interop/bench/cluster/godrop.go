//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// What a Go node does when a connection is lost that many links and monitors went over.

// holder starts processes to be monitored and linked to, which trap exits, and keeps when the last of them has heard of all its links.
func (g *goPeer) holder(p *node.Process) error {
	for m := range p.Inbox(context.Background()) {
		var q struct {
			_            struct{} `etf:"start,tuple"`
			Count, Links int
			From         etf.Pid
		}
		if err := m.Decode(&q); err != nil {
			return err
		}
		started := struct {
			_    struct{} `etf:"started,tuple"`
			Pids []etf.Pid
		}{}
		var heard sync.WaitGroup
		var mu sync.Mutex
		for range q.Count {
			held := g.n.Open(node.TrapExit())
			started.Pids = append(started.Pids, held.Self())
			heard.Go(func() {
				expect(held, q.Links)
				now := time.Now()
				held.Exit(nil)
				mu.Lock()
				defer mu.Unlock()
				if now.After(g.lastEnd) {
					g.lastEnd = now
				}
			})
		}
		g.held.Go(heard.Wait)
		if err := p.Send(q.From, started); err != nil {
			return err
		}
	}
	return p.Err()
}

// heard waits until all that holder has started have heard of their links.
func (g *goPeer) heard() outcome {
	g.held.Wait()
	return outcome{"at": float64(g.lastEnd.UnixNano())}
}

// expect receives so many notices that the connection is lost.
func expect(p *node.Process, count int) error {
	for range count {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if !m.IsNotice() {
			return fmt.Errorf("no notice: %v", m)
		}
	}
	return nil
}

func (g *goPeer) drop(peer etf.Atom, n int) (outcome, error) {
	ctx := context.Background()
	p := g.n.Open()
	defer p.Exit(nil)
	start := struct {
		_            struct{} `etf:"start,tuple"`
		Count, Links int
		From         etf.Pid
	}{Count: 100, Links: n / 100, From: p.Self()}
	if err := p.Send(node.At("holder", peer), start); err != nil {
		return nil, err
	}
	m, err := p.Receive(ctx)
	if err != nil {
		return nil, err
	}
	var started struct {
		_    struct{} `etf:"started,tuple"`
		Pids []etf.Pid
	}
	if err := m.Decode(&started); err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	errs := make(chan error, 100+n)
	hear := func(p *node.Process, count int) {
		all.Add(1)
		go func() {
			if err := expect(p, count); err != nil {
				errs <- err
			}
			all.Done() // as the BEAM's processes say that they have heard, and end then
			p.Exit(nil)
		}()
	}
	for range 100 {
		w := g.n.Open()
		for _, pid := range started.Pids {
			for range n / 100 / 100 {
				if _, err := w.Monitor(pid); err != nil {
					return nil, err
				}
			}
		}
		hear(w, n/100/100*100)
	}
	for i := range n {
		w := g.n.Open(node.TrapExit())
		if err := w.Link(started.Pids[i%100]); err != nil {
			return nil, err
		}
		hear(w, 1)
	}
	// What was set up is known to have arrived when a call has come back.
	if err := check[add](ctx, g.n, peer, add{N: 42}); err != nil {
		return nil, err
	}
	at := time.Now()
	g.n.Disconnect(peer)
	all.Wait()
	o := done(3*n, time.Since(at))
	o["at"] = float64(at.UnixNano())
	select {
	case err := <-errs:
		return nil, err
	default:
		return o, nil
	}
}
