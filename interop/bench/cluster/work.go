//go:build linux

package main

import (
	"fmt"
	"strings"
)

// work is a row of the table.
type work struct {
	name    string
	unit    string
	bytes   int                                 // of one operation, for streams; 0: rates are operations a second
	raw     string                              // what raw TCP does in its place: echo, stream, or nothing
	latency bool                                // the 99th percentile counts, not the rate: less is better
	command func(server string) (string, []any) // for the driver
}

func works() []*work {
	on := func(format string, args ...any) func(string) (string, []any) {
		return func(server string) (string, []any) { return format, append([]any{server}, args...) }
	}
	call := func(name, kind string, callers int) *work {
		w := &work{name: name, unit: "calls/s", command: on("call %s %s %d %d", kind, callers, *ms)}
		if callers == 1 && kind == "small" {
			w.raw = "echo"
		}
		return w
	}
	stream := func(name string, size int) *work {
		return &work{name: name, unit: "MB/s", bytes: size, raw: "stream", command: on("stream %s %d %d", size, *ms)}
	}
	return []*work{
		call("call, 1 caller", "small", 1),
		call("call, 16 callers", "small", 16),
		call("call, 64 callers", "small", 64),
		call("call, map of 8", "map", 1),
		call("call, 1 KiB", "kib", 1),
		{name: "ping-pong", unit: "messages/s", command: on("ping %s %d", *ms)},
		{name: "flood 1 to 1", unit: "messages/s", command: on("flood %s tuple 1 %d", *ms)},
		{name: "flood 8 to 8", unit: "messages/s", command: on("flood %s tuple 8 %d", *ms)},
		{name: "maps into structs", unit: "messages/s", command: on("flood %s map 1 %d", *ms)},
		stream("stream of 64 KiB", 64<<10),
		stream("stream of 1 MiB", 1<<20),
		{name: "p99 of a call under a stream", unit: "µs", latency: true, command: on("mixed %s %d %d", 1<<20, *ms)},
		{name: "pg: groups joined", unit: "joins/s", command: on("pg %s 2000")},
		{name: "connection lost", unit: "ends/s", command: on("drop %s %d", *dropCount)},
	}
}

func callsOnly(w *work) bool { return strings.HasPrefix(w.name, "call") }

// ergoCan leaves out what ergo v1.999.224 cannot: messages of 64 KiB and more end its connection, binary keys of maps are
// dropped, and it loses the count of floods.
func ergoCan(w *work) bool { return callsOnly(w) || w.name == "ping-pong" }

func rawCan(w *work) bool { return w.raw != "" }

// row is a piece of work with what came out.
type row struct {
	work  *work
	cells map[*pair]*cell
}

// cell is what one pair did of one piece of work, a figure per round.
type cell struct {
	rates, p50, p99      []float64
	driverCPU, serverCPU []float64 // seconds per million operations
}

func (r *row) measure(p *pair) error {
	w := r.work
	if !p.can(w) {
		return nil
	}
	c := r.cells[p]
	if c == nil {
		c = new(cell)
		r.cells[p] = c
	}
	format, args := w.command(p.server.node)
	if w.raw != "" && p.driver.kind == "rawdriver" {
		format, args = "%s %s %d %d", []any{w.raw, p.server.ready, w.bytes, *ms}
	}
	d0, s0 := p.driver.cpu(), p.server.cpu()
	o, err := p.driver.do(format, args...)
	if err != nil {
		return err
	}
	if o.Ops == 0 {
		return fmt.Errorf("nothing was done")
	}
	per := 1e6 / o.Ops
	c.driverCPU = append(c.driverCPU, (p.driver.cpu()-d0)*per)
	c.serverCPU = append(c.serverCPU, (p.server.cpu()-s0)*per)
	c.p50, c.p99 = append(c.p50, o.P50/1e3), append(c.p99, o.P99/1e3)
	switch {
	case w.latency:
		c.rates = append(c.rates, o.P99/1e3)
	case w.bytes > 0:
		c.rates = append(c.rates, o.rate()*float64(w.bytes)/1e6)
	default:
		c.rates = append(c.rates, o.rate())
	}
	return nil
}
