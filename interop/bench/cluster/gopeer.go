//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// goPeer is a Go node: the servers of cluster.erl, and its driver.
type goPeer struct {
	n       *erlnode.Node
	times   []time.Duration // of the calls made last
	cleanup func() error    // for the command forget
	crowded int             // nodes of the command crowd

	held    sync.WaitGroup // the processes that holder has started last, until they have heard of their links
	lastEnd time.Time      // when the last of them had
	heldErr error          // what one of them has heard instead
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
	if *profile != "" {
		f, err := os.Create(filepath.Join(*profile, name+".pprof"))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return answer(runtime.Version(), g.command)
}

// answer says that the peer is ready, and answers commands until there are no more.
func answer(release string, command func(words []string) (outcome, error)) error {
	fmt.Println("ready", release)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		o, err := command(words)
		if err != nil {
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Println(o)
	}
	return lines.Err()
}

// wait is what a server does that answers no commands.
func wait() { io.Copy(io.Discard, os.Stdin) }

func (g *goPeer) command(words []string) (outcome, error) {
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(word(i))
		return n
	}
	ms := func(i int) time.Duration { return time.Duration(number(i)) * time.Millisecond }
	peer := etf.Atom(word(1))
	switch words[0] {
	case "call":
		return g.calls(peer, word(2), number(3), ms(4))
	case "latencies":
		return percentiles(g.times), nil
	case "ping":
		return g.pings(peer, ms(2))
	case "flood":
		return g.flood(peer, word(2), number(3), ms(4))
	case "stream":
		return g.stream(peer, number(2), ms(3))
	case "mixed":
		return g.mixed(peer, number(2), ms(3))
	case "drop":
		return g.drop(peer, number(2))
	case "heard":
		return g.heard()
	case "connect":
		return g.connect(peer)
	case "global":
		var others []etf.Atom
		for _, w := range words[1 : len(words)-1] {
			others = append(others, etf.Atom(w))
		}
		return g.names(others, ms(len(words)-1))
	case "pg":
		return g.joins(peer, ms(2))
	case "forget":
		return outcome{}, g.cleanup()
	case "collect":
		debug.FreeOSMemory()
		return outcome{}, nil
	case "state":
		return state(), nil
	case "crowd":
		return g.crowd(peer, number(2))
	case "processes":
		return g.processes(word(1), number(2))
	}
	return nil, fmt.Errorf("unknown command %q", words)
}

// connect does not give up: who has just cut a connection may refuse the next one for a moment.
func (g *goPeer) connect(peer etf.Atom) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		err := g.n.Connect(ctx, peer)
		if err == nil || ctx.Err() != nil {
			return outcome{}, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
