//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// goPeer is a Go node: the servers of cluster.erl, and its driver.
type goPeer struct {
	n     *erlnode.Node
	times []time.Duration // of the calls made last
}

func runGo(name, cookie string) error {
	n, err := erlnode.Start(context.Background(), name, erlnode.Config{Cookie: cookie, EPMD: node.EPMDExternal, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer n.Close()
	g := &goPeer{n: n}
	if err := g.serve(); err != nil {
		return err
	}
	fmt.Println("ready", runtime.Version())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		o, err := g.command(strings.Fields(lines.Text()))
		if err != nil {
			fmt.Println("error", err)
			continue
		}
		fmt.Printf("%.0f %.0f %.0f %.0f\n", o.Ops, o.Ns, o.P50, o.P99)
	}
	return nil
}

// Servers

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
	errs := []error{serve("pong", pong), serve("mapsink", mapSink), serve("holder", holder)}
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

// mapSink decodes maps into a struct.
func mapSink(p *node.Process) error {
	count, sum := 0, 0
	for m := range p.Inbox(context.Background()) {
		var u user
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

// holder opens processes to be monitored and linked to.
func holder(p *node.Process) error {
	for m := range p.Inbox(context.Background()) {
		var q struct {
			_    struct{} `etf:"start,tuple"`
			N    int
			From etf.Pid
		}
		if err := m.Decode(&q); err != nil {
			return err
		}
		started := struct {
			_    struct{} `etf:"started,tuple"`
			Pids []etf.Pid
		}{}
		for range q.N {
			started.Pids = append(started.Pids, p.Node().Open(node.TrapExit()).Self())
		}
		if err := p.Send(q.From, started); err != nil {
			return err
		}
	}
	return p.Err()
}

// Work

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

func (g *goPeer) command(words []string) (outcome, error) {
	arg := func(i int) int {
		n, _ := strconv.Atoi(words[i])
		return n
	}
	ms := func(i int) time.Duration { return time.Duration(arg(i)) * time.Millisecond }
	switch words[0] {
	case "state":
		bytes, goroutines := inUse()
		return outcome{Ops: bytes, Ns: goroutines}, nil
	case "latencies":
		return percentiles(g.times), nil
	}
	peer := etf.Atom(words[1])
	switch words[0] {
	case "call":
		return g.calls(peer, words[2], arg(3), ms(4))
	case "ping":
		return g.pings(peer, ms(2))
	case "flood":
		return g.flood(peer, words[2], arg(3), ms(4))
	case "stream":
		return g.stream(peer, arg(2), ms(3))
	case "mixed":
		return g.mixed(peer, arg(2), ms(3))
	case "drop":
		return g.drop(peer, arg(2))
	case "pg":
		return g.memberships(peer, arg(2))
	case "crowd":
		return g.crowd(peer, arg(2))
	case "processes":
		return g.processes(words[1], arg(2))
	}
	return outcome{}, fmt.Errorf("unknown command %q", words)
}

func (g *goPeer) calls(peer etf.Atom, kind string, callers int, d time.Duration) (outcome, error) {
	one := map[string]func(context.Context) error{
		"small": func(ctx context.Context) error { return check[add](ctx, g.n, peer, add{N: 42}) },
		"map":   func(ctx context.Context) error { return check[user](ctx, g.n, peer, ada) },
		"kib":   func(ctx context.Context) error { return check[[]byte](ctx, g.n, peer, kib) },
	}[kind]
	if one == nil {
		return outcome{}, fmt.Errorf("unknown request %q", kind)
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
				if t0.Sub(start) >= d {
					return
				}
				if errs[i] = one(ctx); errs[i] != nil {
					return
				}
				times[i] = append(times[i], time.Since(t0))
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	g.times = slices.Concat(times...)
	return outcome{Ops: float64(len(g.times)), Ns: float64(took)}, errors.Join(errs...)
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
	return outcome{P50: float64(all[len(all)/2]), P99: float64(all[min(len(all)-1, len(all)*99/100)])}
}

func (g *goPeer) pings(peer etf.Atom, d time.Duration) (outcome, error) {
	ctx := context.Background()
	p := g.n.Open()
	defer p.Exit(nil)
	to, message := node.At("pong", peer), ping{From: p.Self()}
	start := time.Now()
	for n := 1; ; n++ {
		if err := p.Send(to, message); err != nil {
			return outcome{}, err
		}
		if _, err := p.Receive(ctx); err != nil {
			return outcome{}, err
		}
		if n%16 == 0 && time.Since(start) >= d {
			return outcome{Ops: float64(n), Ns: float64(time.Since(start))}, nil
		}
	}
}

// counts asks sinks for how much they have got.
func (g *goPeer) counts(peer etf.Atom, sinks ...string) (float64, error) {
	p := g.n.Open()
	defer p.Exit(nil)
	sum := 0
	for _, name := range sinks {
		if err := p.Send(node.At(etf.Atom(name), peer), flush{From: p.Self()}); err != nil {
			return 0, err
		}
		m, err := p.Receive(context.Background())
		if err != nil {
			return 0, err
		}
		var c counted
		if err := m.Decode(&c); err != nil {
			return 0, err
		}
		sum += c.N
	}
	return float64(sum), nil
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
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			p := g.n.Open()
			defer p.Exit(nil)
			to := node.At(etf.Atom(sinks[i%len(sinks)]), peer)
			for time.Since(start) < d {
				for range 100 {
					if errs[i] = p.Send(to, message); errs[i] != nil {
						return
					}
				}
			}
			// The count is asked for by another process: let everything be there before.
			errs[i] = confirm(p, to)
		})
	}
	wg.Wait()
	o := outcome{}
	var err error
	o.Ops, err = g.counts(peer, sinks...)
	o.Ns = float64(time.Since(start))
	return o, errors.Join(append(errs, err)...)
}

// confirm waits until what p has sent has arrived: a monitor goes the same way, and its name does not exist.
func confirm(p *node.Process, to node.Name) error {
	ref, err := p.Monitor(node.At("nobody", to.Node))
	if err != nil {
		return err
	}
	for {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if d, ok := m.Down(); ok && d.Ref == ref {
			return nil
		}
	}
}

func (g *goPeer) stream(peer etf.Atom, size int, d time.Duration) (outcome, error) {
	start := time.Now()
	if err := g.streaming(peer, size, start.Add(d)); err != nil {
		return outcome{}, err
	}
	n, err := g.counts(peer, "sink1")
	return outcome{Ops: n, Ns: float64(time.Since(start))}, err
}

func (g *goPeer) streaming(peer etf.Atom, size int, end time.Time) error {
	p := g.n.Open()
	defer p.Exit(nil)
	to, message := node.At("sink1", peer), data{V: make([]byte, size)}
	for time.Now().Before(end) {
		if err := p.Send(to, message); err != nil {
			return err
		}
	}
	return confirm(p, to)
}

func (g *goPeer) mixed(peer etf.Atom, size int, d time.Duration) (outcome, error) {
	done := make(chan error, 1)
	go func() { done <- g.streaming(peer, size, time.Now().Add(d)) }()
	o, err := g.calls(peer, "small", 1, d)
	if err = errors.Join(err, <-done); err != nil {
		return o, err
	}
	_, err = g.counts(peer, "sink1")
	return o, err
}

func (g *goPeer) drop(peer etf.Atom, n int) (outcome, error) {
	ctx := context.Background()
	p := g.n.Open()
	defer p.Exit(nil)
	if err := p.Send(node.At("holder", peer), etf.Tuple{etf.Atom("start"), etf.Int(100), p.Self()}); err != nil {
		return outcome{}, err
	}
	m, err := p.Receive(ctx)
	if err != nil {
		return outcome{}, err
	}
	var started struct {
		_    struct{} `etf:"started,tuple"`
		Pids []etf.Pid
	}
	if err := m.Decode(&started); err != nil {
		return outcome{}, err
	}
	var heard sync.WaitGroup
	for range 100 {
		w := g.n.Open()
		for _, pid := range started.Pids {
			for range n / 100 / 100 {
				if _, err := w.Monitor(pid); err != nil {
					return outcome{}, err
				}
			}
		}
		heard.Go(func() {
			for range n / 100 {
				w.Receive(ctx)
			}
			w.Exit(nil)
		})
	}
	for i := range n {
		w := g.n.Open(node.TrapExit())
		if err := w.Link(started.Pids[i%100]); err != nil {
			return outcome{}, err
		}
		heard.Go(func() {
			w.Receive(ctx)
			w.Exit(nil)
		})
	}
	if err := check[add](ctx, g.n, peer, add{N: 42}); err != nil {
		return outcome{}, err
	}
	start := time.Now()
	g.n.Disconnect(peer)
	heard.Wait()
	o := outcome{Ops: float64(2 * n), Ns: float64(time.Since(start))}
	for g.n.Connect(ctx, peer) != nil {
		time.Sleep(20 * time.Millisecond)
	}
	return o, nil
}
