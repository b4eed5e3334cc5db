//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// work is a row of the table.
type work struct {
	key     string // its name for -work
	name    string
	unit    string
	bytes   int    // of one operation, for streams; 0: rates are operations a second
	raw     string // what raw TCP does in its place: echo, stream, or nothing
	calls   bool   // every call is timed
	latency bool   // the 99th percentile counts, not the rate: less is better
	three   bool   // in a cluster of three
	heard   bool   // the server says when it is through, too
	after   string // a command for the driver, to clean up
	garbage bool   // it leaves so much that the next work shall not find it
	command func(p *pair) string
}

func works() []*work {
	on := func(format string, args ...any) func(*pair) string {
		return func(p *pair) string { return fmt.Sprintf(format, append([]any{p.server.node}, args...)...) }
	}
	raw := func(what string, bytes int, otherwise func(*pair) string) func(*pair) string {
		return func(p *pair) string {
			if p.driver.kind == "rawdriver" {
				return fmt.Sprintf("%s %s %d %d", what, p.server.ready, bytes, *ms)
			}
			return otherwise(p)
		}
	}
	call := func(key, name, kind string, callers int) *work {
		return &work{key: key, name: name, unit: "calls/s", calls: true, command: on("call %s %s %d %d", kind, callers, *ms)}
	}
	stream := func(key, name string, size int) *work {
		return &work{key: key, name: name, unit: "MB/s", bytes: size, raw: "stream", garbage: true, command: raw("stream", size, on("stream %s %d %d", size, *ms))}
	}
	global := func(p *pair) string { return p.global(*ms) }
	all := []*work{
		call("call1", "call, 1 caller", "small", 1),
		call("call16", "call, 16 callers", "small", 16),
		call("call64", "call, 64 callers", "small", 64),
		call("callmap", "call, map of 200 bytes", "map", 1),
		call("callkib", "call, binary of 1 KiB", "kib", 1),
		{key: "ping", name: "ping-pong", unit: "round trips/s", command: on("ping %s %d", *ms)},
		{key: "flood1", name: "flood 1 to 1", unit: "messages/s", command: on("flood %s tuple 1 %d", *ms)},
		{key: "flood8", name: "flood 8 to 8", unit: "messages/s", command: on("flood %s tuple 8 %d", *ms)},
		{key: "maps", name: "maps into structs", unit: "messages/s", command: on("flood %s map 1 %d", *ms)},
		stream("stream64k", "stream of 64 KiB", 64<<10),
		stream("stream1m", "stream of 1 MiB", 1<<20),
		{key: "mixed", name: "p99 of a call under a stream of 1 MiB", unit: "µs", bytes: 1 << 20, calls: true, latency: true, garbage: true,
			command: on("mixed %s %d %d", 1<<20, *ms)},
		{key: "global2", name: "global names, 2 nodes", unit: "names/s", after: "forget", garbage: true, command: global},
		{key: "global3", name: "global names, 3 nodes", unit: "names/s", after: "forget", garbage: true, three: true, command: global},
		{key: "pg", name: "groups joined (pg)", unit: "joins/s", after: "forget", garbage: true, command: on("pg %s %d", *ms)},
		// Last: global of both nodes is busy for a while when they meet again.
		{key: "drop", name: "connection lost", unit: "ends/s", heard: true, after: "connect", garbage: true, command: on("drop %s %d", *dropCount)},
	}
	all[0].raw, all[0].command = "echo", raw("echo", 0, all[0].command)
	return all
}

// The work that is measured once, at the end: see scale.go.
const connectionsKey, processesKey = "connections", "processes"

// choose says which work is wanted, by keys separated by commas; all of it for "". What is no key is the beginning of some: call
// for all calls.
func choose(all []*work, names string) (wanted map[string]bool, err error) {
	keys := []string{connectionsKey, processesKey}
	for _, w := range all {
		keys = append(keys, w.key)
	}
	wanted = map[string]bool{}
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
	return wanted, nil
}

// row is a piece of work with what came out.
type row struct {
	work  *work
	cells map[*pair]*cell
}

// cell is what one pair did of one piece of work, a figure per round.
type cell struct {
	rates, p50, p99            []float64
	beside                     []float64 // MB/s of the stream that calls had to share the connection with
	driver, server             []usage   // of one operation
	driverMemory, serverMemory []float64 // most resident bytes meanwhile
}

func (r *row) measure(l *lab, p *pair) error {
	w := r.work
	if p.lacks(w) != "" {
		return nil
	}
	c := r.cells[p]
	if c == nil {
		c = new(cell)
		r.cells[p] = c
	}
	if w.three {
		p = p.three
	}
	p.driver.forgetPeak()
	p.server.forgetPeak()
	o, driver, server, err := p.do(l, w)
	if err != nil && p.server.kind == "ergo" { // it loses messages now and then: this round has no figure of it
		fmt.Fprintln(os.Stderr, err)
		return p.settle()
	}
	if err != nil {
		return err
	}
	c.driverMemory, c.serverMemory = append(c.driverMemory, p.driver.peak()), append(c.serverMemory, p.server.peak())
	c.driver, c.server = append(c.driver, driver.over(o["ops"])), append(c.server, server.over(o["ops"]))
	if w.calls { // asked for apart from the work, whose CPU time sorting would come to
		times, err := p.driver.do(l.ctx, "latencies")
		if err != nil {
			return err
		}
		c.p50, c.p99 = append(c.p50, times["p50"]/1e3), append(c.p99, times["p99"]/1e3)
	}
	switch rate := o.rate(); {
	case w.latency:
		c.rates = append(c.rates, c.p99[len(c.p99)-1])
		c.beside = append(c.beside, rate*float64(w.bytes)/1e6)
	case w.bytes > 0:
		c.rates = append(c.rates, rate*float64(w.bytes)/1e6)
	default:
		c.rates = append(c.rates, rate)
	}
	switch w.after {
	case "forget":
		_, err = p.driver.do(l.ctx, w.after, p.servers()...)
	case "connect":
		_, err = p.driver.do(l.ctx, w.after+" "+p.server.node, p.server)
	}
	if err != nil {
		return err
	}
	for _, q := range []*peer{p.driver, p.server} {
		if w.garbage && nodes(q) {
			if _, err := q.do(l.ctx, "collect"); err != nil {
				return err
			}
		}
	}
	return p.settle()
}

// do has the driver do the work, and says what it and the server have used for it.
func (p *pair) do(l *lab, w *work) (o outcome, driver, server usage, err error) {
	d0, err1 := p.driver.usage()
	s0, err2 := p.server.usage()
	if o, err = p.driver.do(l.ctx, w.command(p), p.servers()...); err != nil {
		return o, driver, server, err
	}
	if w.heard {
		h, err := p.server.do(l.ctx, "heard")
		if err != nil {
			return o, driver, server, err
		}
		o["ns"] = max(o["ns"], h["at"]-o["at"])
	}
	d1, err3 := p.driver.usage()
	s1, err4 := p.server.usage()
	if o["ops"] == 0 {
		err = errors.New("nothing was done")
	}
	return o, d1.minus(d0), s1.minus(s0), errors.Join(err, err1, err2, err3, err4)
}
