//go:build linux

package main

import (
	"fmt"
	"time"
)

// connectionsResult is what many connections take of a node.
type connectionsResult struct {
	Server      string
	Connections int
	BEAM        int     // how many of them are from BEAM nodes; the others are Go nodes, hidden ones
	Seconds     float64 // to set up those from Go nodes, one after the other in each of four processes
	Bytes       float64 // of one, as the node counts: heap and stacks in use, or erlang:memory(total)
	Resident    float64 // of one, as Linux counts
	Goroutines  float64 // of one; in a BEAM processes
	IdleSeconds float64 // a tick each comes and goes meanwhile
	IdleCPU     float64 // µs for one in a minute of it
}

// processesResult is what many processes take of a node.
type processesResult struct {
	Node      string
	Kind      string // open: without a goroutine; spawn: a function of its own
	Count     int
	PerSecond float64 // made
	Bytes     float64 // of one, as the node counts
	Resident  float64 // of one, as Linux counts
	Message   float64 // ns for a message to each, from the first to when all have got theirs
}

const (
	crowds    = 4 // processes with Go nodes
	fewBEAMs  = 5
	tickEvery = 15 * time.Second // net_ticktime of 60 s
)

// connections has a Go node and a BEAM node, which are connected too, with so many nodes connected to each.
func (l *lab) connections(res *result, bin string, count int) error {
	type target struct {
		*peer
		r        connectionsResult
		before   outcome
		resident float64
	}
	golang, err := l.self("go")
	if err != nil {
		return err
	}
	beam, err := l.beam(bin)
	if err != nil {
		return err
	}
	targets := []*target{{peer: golang, r: connectionsResult{Server: "Go"}}, {peer: beam, r: connectionsResult{Server: "OTP " + beam.ready}}}
	var crowd, few []*peer
	for range crowds {
		p, err := l.self("go")
		if err != nil {
			return err
		}
		crowd = append(crowd, p)
	}
	for range fewBEAMs {
		p, err := l.beam(bin)
		if err != nil {
			return err
		}
		few = append(few, p)
	}
	each := max(1, (count-fewBEAMs-1)/crowds)
	for _, t := range targets {
		if t.before, err = t.do(l.ctx, "state"); err != nil {
			return err
		}
		t.resident = t.peer.resident()
	}
	for _, t := range targets {
		t.r.Connections, t.r.BEAM = crowds*each+fewBEAMs+1, fewBEAMs+1
		start := time.Now()
		errs := make(chan error)
		for _, p := range crowd {
			go func() {
				_, err := p.do(l.ctx, fmt.Sprintf("crowd %s %d", t.node, each), t.peer)
				errs <- err
			}()
		}
		for range crowd {
			err = firstOf(err, <-errs)
		}
		if err != nil {
			return err
		}
		t.r.Seconds = time.Since(start).Seconds()
		if t.peer == golang {
			t.r.BEAM = fewBEAMs + 1
		} else {
			t.r.BEAM = fewBEAMs
		}
	}
	for _, t := range targets {
		for _, p := range few {
			if _, err := p.do(l.ctx, "connect "+t.node, t.peer); err != nil {
				return err
			}
		}
	}
	if _, err := golang.do(l.ctx, "connect "+beam.node, beam); err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // global gets to know all of them
	for _, t := range targets {
		state, err := t.do(l.ctx, "state")
		if err != nil {
			return err
		}
		n := float64(t.r.Connections)
		t.r.Bytes = (state["bytes"] - t.before["bytes"]) / n
		t.r.Goroutines = (state["goroutines"] - t.before["goroutines"]) / n
		t.r.Resident = (t.peer.resident() - t.resident) / n
	}
	time.Sleep(time.Second)
	var cpu []usage
	for _, t := range targets {
		u, err := t.usage()
		if err != nil {
			return err
		}
		cpu = append(cpu, u)
	}
	select {
	case <-time.After(tickEvery):
	case <-golang.ended:
		return fmt.Errorf("the Go node has ended: %w%s", golang.err, golang.output())
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	for i, t := range targets {
		u, err := t.usage()
		if err != nil {
			return err
		}
		t.r.IdleSeconds = tickEvery.Seconds()
		t.r.IdleCPU = u.minus(cpu[i]).cpu / 1e3 / float64(t.r.Connections) * float64(time.Minute/tickEvery)
		res.Connections = append(res.Connections, t.r)
	}
	l.stop(l.peers...)
	return nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// processes makes many in a node that has nothing else to do.
func (l *lab) processes(res *result, bin string, count int) error {
	for _, one := range []struct {
		node, kind string
		start      starter
	}{
		{"Go", "open", func() (*peer, error) { return l.self("go") }},
		{"Go", "spawn", func() (*peer, error) { return l.self("go") }},
		{"OTP", "spawn", func() (*peer, error) { return l.beam(bin, "+P", fmt.Sprint(2*count+10_000)) }},
	} {
		p, err := one.start()
		if err != nil {
			return err
		}
		before := p.resident()
		o, err := p.do(l.ctx, fmt.Sprintf("processes %s %d", one.kind, count))
		if err != nil {
			return err
		}
		r := processesResult{Node: one.node, Kind: one.kind, Count: count, PerSecond: o.rate(), Bytes: o["bytes"], Message: o["message"]}
		r.Resident = (p.peak() - before) / float64(count)
		if p.kind == "beam" {
			r.Node = "OTP " + p.ready
		}
		res.Processes = append(res.Processes, r)
		l.stop(p)
	}
	return nil
}
