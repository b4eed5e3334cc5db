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
				err := expect(held, q.Links, exits)
				now := time.Now()
				held.Exit(nil)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					g.heldErr = err
				}
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
func (g *goPeer) heard() (outcome, error) {
	g.held.Wait()
	return outcome{"at": float64(g.lastEnd.UnixNano())}, g.heldErr
}

// expect receives so many messages, which say that the connection is lost.
func expect(p *node.Process, count int, says func(node.Message) bool) error {
	for range count {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if !says(m) {
			return fmt.Errorf("%v is not of a lost connection", m)
		}
	}
	return nil
}

const noconnection etf.Atom = "noconnection"

func exits(m node.Message) bool {
	e, ok := m.Exit()
	return ok && e.Reason == etf.Term(noconnection)
}

func downs(m node.Message) bool {
	d, ok := m.Down()
	return ok && d.Reason == etf.Term(noconnection)
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
	hear := func(p *node.Process, count int, says func(node.Message) bool) {
		all.Add(1)
		go func() {
			if err := expect(p, count, says); err != nil {
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
		hear(w, n/100/100*100, downs)
	}
	for i := range n {
		w := g.n.Open(node.TrapExit())
		if err := w.Link(started.Pids[i%100]); err != nil {
			return nil, err
		}
		hear(w, 1, exits)
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
