//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

func main() {
	duration := flag.Duration("duration", time.Minute, "how long")
	only := flag.String("only", "", "the phases whose name has this in it")
	flag.Parse()
	phases = slices.DeleteFunc(phases, func(p phase) bool { return !strings.Contains(p.name, *only) })
	if len(phases) == 0 {
		fmt.Fprintf(os.Stderr, "soak: no phase has %q in its name\n", *only)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Args(), *duration); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

const (
	ticktime = 4 // seconds
	goName   = "go@127.0.0.1"
)

// cluster is the Go node and the BEAM nodes, each of which is connected to each.
type cluster struct {
	native *erlnode.Node
	beams  []*otp.Node
	lost   chan string // connections that the Go node has lost
}

func run(ctx context.Context, dirs []string, duration time.Duration) error {
	c := &cluster{lost: make(chan string, 100)}
	port, err := otp.UnusedPort()
	if err != nil {
		return err
	}
	c.native, err = erlnode.Start(ctx, goName, erlnode.Config{Cookie: "soak", EPMDPort: port, EPMD: node.EPMDEmbedded,
		Dist: dist.Config{NetTickTime: ticktime * time.Second}})
	if err != nil {
		return err
	}
	defer c.native.Close()
	if _, err := gen.Start(c.native.Node, echo{}, node.Register("echo")); err != nil {
		return err
	}
	for i, dir := range dirs {
		install, err := otp.LookupIn(dir)
		if err != nil {
			return err
		}
		b, err := install.StartErl(ctx, otp.Options{Name: fmt.Sprintf("beam%d", i+1), Cookie: "soak", EPMDPort: port, NetTickTime: ticktime})
		if err != nil {
			return err
		}
		defer b.Close()
		c.beams = append(c.beams, b)
	}
	if err := c.connect(); err != nil {
		return err
	}
	w := c.native.Open()
	w.MonitorNodes(true, node.NodeEvents{Types: node.Connected, Reason: true})
	go func() {
		for m := range w.Inbox(ctx) {
			c.lost <- m.String()
		}
	}()
	begun := time.Now()
	for n := 1; ctx.Err() == nil && time.Since(begun) < duration; n++ {
		p := phases[rand.IntN(len(phases))]
		start := time.Now()
		err := p.run(ctx, c)
		if lost := c.intact(); lost != nil { // which says more than what failed because of it
			err = lost
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("after %v, in phase %d, %s: %w", time.Since(begun).Round(time.Second), n, p.name, err)
		}
		fmt.Printf("%v: %d nodes connected after %s for %v\n", time.Since(begun).Round(time.Second), 1+len(c.beams), p.name,
			time.Since(start).Round(100*time.Millisecond))
	}
	fmt.Printf("no connection lost in %v\n", time.Since(begun).Round(time.Second))
	return nil
}

// connect has every BEAM node connect to all others, and then watch connections of every kind.
func (c *cluster) connect() error {
	names := []string{"'" + goName + "'"}
	for _, b := range c.beams {
		names = append(names, "'"+b.Name()+"'")
	}
	for _, b := range c.beams {
		if _, err := b.TryEval(fmt.Sprintf("[pong = net_adm:ping(N) || N <- [%s]]", strings.Join(names, ",")), 0); err != nil {
			return err
		}
	}
	for _, b := range c.beams {
		if _, err := b.TryEval("net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason])", 0); err != nil {
			return err
		}
	}
	return nil
}

// intact is an error if anybody has been told of a connection that came or went, or lacks one.
func (c *cluster) intact() error {
	select {
	case m := <-c.lost:
		return errors.New("the Go node was told " + m)
	default:
	}
	if n := len(c.native.Nodes(node.Connected)); n != len(c.beams) {
		return fmt.Errorf("the Go node has %d connections", n)
	}
	for _, b := range c.beams {
		got, err := b.TryEval("{length(nodes(connected)), receive {N, _, _} = Event when N =:= nodeup; N =:= nodedown -> Event after 0 -> none end}", 0)
		if err != nil {
			return err
		}
		if got != fmt.Sprintf("{%d,none}", len(c.beams)) {
			return fmt.Errorf("%s has and was told %s; it logged %s", b.Name(), got, b.Log())
		}
	}
	return nil
}

// each does something with every BEAM node at the same time.
func (c *cluster) each(f func(*otp.Node) error) error {
	errs := make([]error, len(c.beams))
	var wait sync.WaitGroup
	for i, b := range c.beams {
		wait.Go(func() { errs[i] = f(b) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}
