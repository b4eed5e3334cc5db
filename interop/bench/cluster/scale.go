//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// inUse returns the memory that Go's runtime has in use after a collection, stacks included, and the number of goroutines.
func inUse() (bytes, goroutines float64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse), float64(runtime.NumGoroutine())
}

// crowd starts nodes in this process, all of them connected to a peer, and keeps them.
func (g *goPeer) crowd(peer etf.Atom, count int) (outcome, error) {
	ctx := context.Background()
	start := time.Now()
	for i := range count {
		name := fmt.Sprintf("c%d-%s", i, string(g.n.Name()))
		n, err := erlnode.Start(ctx, name, erlnode.Config{Cookie: cookie, EPMD: node.EPMDExternal, NoListen: true, Hidden: true})
		if err != nil {
			return outcome{}, err
		}
		if err := n.Connect(ctx, peer); err != nil {
			return outcome{}, err
		}
	}
	return outcome{Ops: float64(count), Ns: float64(time.Since(start))}, nil
}

// processes makes processes, sends each a message, and says what they took: operations and time of making them, bytes each
// as p50, nanoseconds of a message to each as p99.
func (g *goPeer) processes(kind string, count int) (outcome, error) {
	ctx := context.Background()
	before, _ := inUse()
	pids := make([]etf.Pid, count)
	got := make(chan struct{}, 1)
	all := make([]*node.Process, count)
	last := func(p *node.Process) error {
		_, err := p.Receive(ctx)
		if p.Self() == pids[count-1] {
			got <- struct{}{}
		}
		<-p.Done()
		return err
	}
	start := time.Now()
	for i := range count {
		if kind == "open" {
			all[i] = g.n.Open()
		} else {
			var err error
			if all[i], err = g.n.Spawn(last); err != nil {
				return outcome{}, err
			}
		}
		pids[i] = all[i].Self()
	}
	took := time.Since(start)
	after, _ := inUse()
	after -= float64(count) * 48 // pids and all
	start = time.Now()
	for _, pid := range pids {
		if err := g.n.SendContext(ctx, pid, etf.Atom("hello")); err != nil {
			return outcome{}, err
		}
	}
	if kind == "open" {
		for _, p := range all {
			if _, err := p.Receive(ctx); err != nil {
				return outcome{}, err
			}
		}
	} else {
		<-got
	}
	each := float64(time.Since(start)) / float64(count)
	for _, p := range all {
		p.Exit(nil)
	}
	return outcome{Ops: float64(count), Ns: float64(took), P50: (after - before) / float64(count), P99: each}, nil
}

// scale measures what many connections and many processes take of a Go node.
func (l *lab) scale(out io.Writer, connections, processes int) error {
	server, err := l.self("go")
	if err != nil {
		return err
	}
	before, err := server.do("state")
	if err != nil {
		return err
	}
	const crowds = 4
	var took float64
	for range crowds {
		c, err := l.self("go")
		if err != nil {
			return err
		}
		o, err := c.do("crowd %s %d", server.node, connections/crowds)
		if err != nil {
			return err
		}
		took += o.Ns
	}
	after, err := server.do("state")
	if err != nil {
		return err
	}
	const idle = 10 * time.Second
	u0, err := server.usage()
	if err != nil {
		return err
	}
	time.Sleep(idle)
	u1, err := server.usage()
	if err != nil {
		return err
	}
	n := float64(connections / crowds * crowds)
	fmt.Fprintf(out, "%.0f connections to one Go node, one after the other in %.1f s: %.1f KiB and %.2f goroutines each; idle for %v: %.3f s of CPU in all\n",
		n, took/1e9, (after.Ops-before.Ops)/n/1024, (after.Ns-before.Ns)/n, idle, u1.minus(u0).cpu/1e9)
	for _, kind := range []string{"open", "spawn"} {
		p, err := l.self("go")
		if err != nil {
			return err
		}
		o, err := p.do("processes %s %d", kind, processes)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%.0f processes (%s): %.0f made a second, %.0f bytes each, %.0f ns for a message to each\n", o.Ops, kind, o.rate(), o.P50, o.P99)
	}
	return nil
}

// memberships joins groups one after the other, until the peer has the last.
func (g *goPeer) memberships(peer etf.Atom, count int) (outcome, error) {
	ctx := context.Background()
	p := g.n.Open()
	defer p.Exit(nil)
	group := func(i int) etf.Term { return etf.Tuple{etf.Atom("bench"), etf.Int(i)} }
	there := func(want int) error {
		for {
			members, err := rpc.Call[[]etf.Pid](ctx, g.n, peer, "pg", "get_members", group(count))
			if err != nil || len(members) == want {
				return err
			}
		}
	}
	start := time.Now()
	for i := range count {
		if err := g.n.PG.Join(group(i+1), p.Self()); err != nil {
			return outcome{}, err
		}
	}
	if err := there(1); err != nil {
		return outcome{}, err
	}
	o := outcome{Ops: float64(count), Ns: float64(time.Since(start))}
	for i := range count {
		if err := g.n.PG.Leave(group(i+1), p.Self()); err != nil {
			return outcome{}, err
		}
	}
	return o, there(0)
}
