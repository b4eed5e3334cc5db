//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// work is a row of the table.
type work struct {
	key     string // its name for -work
	name    string
	unit    string
	bytes   int                                 // of one operation, for streams; 0: rates are operations a second
	raw     string                              // what raw TCP does in its place: echo, stream, or nothing
	calls   bool                                // every call is timed
	latency bool                                // the 99th percentile counts, not the rate: less is better
	command func(server string) (string, []any) // for the driver
}

func works() []*work {
	on := func(format string, args ...any) func(string) (string, []any) {
		return func(server string) (string, []any) { return format, append([]any{server}, args...) }
	}
	call := func(key, name, kind string, callers int) *work {
		w := &work{key: key, name: name, unit: "calls/s", calls: true, command: on("call %s %s %d %d", kind, callers, *ms)}
		if key == "call1" {
			w.raw = "echo"
		}
		return w
	}
	stream := func(key, name string, size int) *work {
		return &work{key: key, name: name, unit: "MB/s", bytes: size, raw: "stream", command: on("stream %s %d %d", size, *ms)}
	}
	return []*work{
		call("call1", "call, 1 caller", "small", 1),
		call("call16", "call, 16 callers", "small", 16),
		call("call64", "call, 64 callers", "small", 64),
		call("callmap", "call, map of 8", "map", 1),
		call("callkib", "call, 1 KiB", "kib", 1),
		{key: "ping", name: "ping-pong", unit: "messages/s", command: on("ping %s %d", *ms)},
		{key: "flood1", name: "flood 1 to 1", unit: "messages/s", command: on("flood %s tuple 1 %d", *ms)},
		{key: "flood8", name: "flood 8 to 8", unit: "messages/s", command: on("flood %s tuple 8 %d", *ms)},
		{key: "maps", name: "maps into structs", unit: "messages/s", command: on("flood %s map 1 %d", *ms)},
		stream("stream64k", "stream of 64 KiB", 64<<10),
		stream("stream1m", "stream of 1 MiB", 1<<20),
		{key: "mixed", name: "p99 of a call under a stream", unit: "µs", calls: true, latency: true, command: on("mixed %s %d %d", 1<<20, *ms)},
		{key: "pg", name: "pg: groups joined", unit: "joins/s", command: on("pg %s 2000")},
		{key: "drop", name: "connection lost", unit: "ends/s", command: on("drop %s %d", *dropCount)},
	}
}

// choose returns the work with one of the keys, which are separated by commas, in the order of the table; all of it for "". What
// is no key is the beginning of some: call for all calls.
func choose(all []*work, names string) ([]*work, error) {
	if names == "" {
		return all, nil
	}
	var keys []string
	for _, w := range all {
		keys = append(keys, w.key)
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		known := false
		for _, key := range keys {
			if key == name || !slices.Contains(keys, name) && strings.HasPrefix(key, name) {
				wanted[key], known = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("no work is called %q; there is %s", name, strings.Join(keys, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(w *work) bool { return !wanted[w.key] }), nil
}

func callsOnly(w *work) bool { return strings.HasPrefix(w.key, "call") }

// ergoCan leaves out what ergo v1.999.224 cannot: messages of 64 KiB and more end its connection, binary keys of maps are
// dropped, and it loses the count of floods.
func ergoCan(w *work) bool { return callsOnly(w) || w.key == "ping" }

func rawCan(w *work) bool { return w.raw != "" }

// row is a piece of work with what came out.
type row struct {
	work  *work
	cells map[*pair]*cell
}

// cell is what one pair did of one piece of work, a figure per round.
type cell struct {
	rates, p50, p99 []float64
	driver, server  []usage // of one operation
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
	o, driver, server, err := p.do(format, args...)
	if err != nil {
		return err
	}
	c.driver, c.server = append(c.driver, driver.over(o.Ops)), append(c.server, server.over(o.Ops))
	if w.calls { // asked for apart from the work, whose CPU time sorting would come to
		times, err := p.driver.do("latencies")
		if err != nil {
			return err
		}
		c.p50, c.p99 = append(c.p50, times.P50/1e3), append(c.p99, times.P99/1e3)
	}
	switch {
	case w.latency:
		c.rates = append(c.rates, c.p99[len(c.p99)-1])
	case w.bytes > 0:
		c.rates = append(c.rates, o.rate()*float64(w.bytes)/1e6)
	default:
		c.rates = append(c.rates, o.rate())
	}
	return nil
}

// do has the driver do something, and says what it and the server have used for it.
func (p *pair) do(format string, args ...any) (o outcome, driver, server usage, err error) {
	d0, err1 := p.driver.usage()
	s0, err2 := p.server.usage()
	o, err = p.driver.do(format, args...)
	d1, err3 := p.driver.usage()
	s1, err4 := p.server.usage()
	if err == nil && o.Ops == 0 {
		err = errors.New("nothing was done")
	}
	return o, d1.minus(d0), s1.minus(s0), errors.Join(err, err1, err2, err3, err4)
}
