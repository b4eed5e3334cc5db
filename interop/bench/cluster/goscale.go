//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Many connections and many processes of Go nodes.

// state is the memory that Go's runtime has in use after a collection, stacks included, and the number of goroutines.
func state() outcome {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return outcome{"bytes": float64(m.HeapInuse + m.StackInuse), "goroutines": float64(runtime.NumGoroutine())}
}

// crowd starts nodes in this process, all of them connected to a peer, and keeps them.
func (g *goPeer) crowd(peer etf.Atom, count int) (outcome, error) {
	ctx := context.Background()
	start := time.Now()
	for range count {
		g.crowded++
		name := fmt.Sprintf("c%d-%s", g.crowded, string(g.n.Name()))
		n, err := erlnode.Start(ctx, name, erlnode.Config{Cookie: cookie, EPMD: node.EPMDExternal, NoListen: true, Hidden: true})
		if err != nil {
			return nil, err
		}
		if err := n.Connect(ctx, peer); err != nil {
			return nil, err
		}
	}
	return done(count, time.Since(start)), nil
}

// processes makes processes, sends each a message, and says what they took: bytes of one, and message, the nanoseconds of a
// message to each.
func (g *goPeer) processes(kind string, count int) (outcome, error) {
	ctx := context.Background()
	before := state()["bytes"]
	pids := make([]etf.Pid, count)
	all := make([]*node.Process, count)
	var got sync.WaitGroup
	got.Add(count)
	receive := func(p *node.Process) error {
		_, err := p.Receive(ctx)
		got.Done()
		<-p.Done()
		return err
	}
	start := time.Now()
	for i := range count {
		if kind == "open" {
			all[i] = g.n.Open()
		} else {
			var err error
			if all[i], err = g.n.Spawn(receive); err != nil {
				return nil, err
			}
		}
		pids[i] = all[i].Self()
	}
	o := done(count, time.Since(start))
	o["bytes"] = (state()["bytes"]-before)/float64(count) - 48 // pids and all
	start = time.Now()
	for _, pid := range pids {
		if err := g.n.SendContext(ctx, pid, etf.Atom("hello")); err != nil {
			return nil, err
		}
	}
	if kind == "open" {
		for _, p := range all {
			if _, err := p.Receive(ctx); err != nil {
				return nil, err
			}
			got.Done()
		}
	}
	got.Wait()
	o["message"] = float64(time.Since(start)) / float64(count)
	return o, nil
}
