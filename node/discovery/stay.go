package discovery

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Links says which nodes to stay connected to. The zero value is none.
type Links struct {
	// Nodes are always among them.
	Nodes []etf.Atom
	// Find, if set, finds more: from DNS, say, or the API of a cluster. It is called at the start and then every Every. Nodes
	// that it no longer returns are not connected to again; connections that are up stay. After an error what it returned
	// before counts, and Report hears of it with the empty name.
	Find func(ctx context.Context) ([]etf.Atom, error)
	// Every is the time from one Find to the next. Default 10 s.
	Every time.Duration
	// After a failed attempt, and after a connection is lost, the next one comes after Min, and after each further failure
	// after twice the time before, up to Max, each time shortened by up to half, so that nodes that lost each other do not all
	// come back at once. Defaults 100 ms and 30 s.
	Min, Max time.Duration
	// Report hears of everything: a connection is up (a nil error), is lost (ErrLost), or an attempt has failed. It is called by
	// one goroutine per node, and must not wait.
	Report func(name etf.Atom, err error)
}

// ErrLost is what Report hears when a connection is lost.
var ErrLost = errors.New("discovery: the connection is lost")

// Connector is a node as StayConnected needs it: a *node.Node, or what has one inside.
type Connector interface {
	Name() etf.Atom
	Open(...node.Option) *node.Process
	Connect(context.Context, etf.Atom) error
}

// StayConnected connects a node to others, and again whenever a connection is lost or cannot be set up, until ctx is done or
// the node is closed. It returns when none of its goroutines is left. The node's own name among the others is skipped.
func StayConnected(ctx context.Context, n Connector, l Links) {
	l.Every = cmp.Or(l.Every, 10*time.Second)
	l.Min = cmp.Or(l.Min, 100*time.Millisecond)
	l.Max = max(cmp.Or(l.Max, 30*time.Second), l.Min)
	if l.Report == nil {
		l.Report = func(etf.Atom, error) {}
	}
	p := n.Open() // ends with the node
	defer p.Exit(etf.Atom("normal"))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.Context(), cancel)()

	var all sync.WaitGroup
	defer all.Wait()
	keepers := make(map[etf.Atom]context.CancelFunc)
	var found []etf.Atom
	for {
		if l.Find != nil {
			more, err := l.Find(ctx)
			if err == nil {
				found = more
			} else if ctx.Err() == nil {
				l.Report("", err)
			}
		}
		wanted := make(map[etf.Atom]bool)
		for _, list := range [][]etf.Atom{l.Nodes, found} {
			for _, name := range list {
				wanted[name] = name != n.Name()
			}
		}
		for name, stop := range keepers {
			if !wanted[name] {
				stop()
				delete(keepers, name)
			}
		}
		for name, yes := range wanted {
			if yes && keepers[name] == nil {
				keeping, stop := context.WithCancel(ctx)
				keepers[name] = stop
				all.Go(func() {
					defer stop()
					l.keep(keeping, n, name)
				})
			}
		}
		if l.Find == nil {
			<-ctx.Done()
			return
		}
		if !sleep(ctx, l.Every) {
			return
		}
	}
}

// keep keeps one connection up.
func (l *Links) keep(ctx context.Context, n Connector, name etf.Atom) {
	p := n.Open()
	defer p.Exit(etf.Atom("normal"))
	for failures := 0; ; {
		err := n.Connect(ctx, name)
		if ctx.Err() != nil {
			return
		}
		l.Report(name, err)
		if err == nil {
			failures = 0
			p.MonitorNode(ctx, name, true) // tells at once if it is lost already
			if _, err := p.Receive(ctx); err != nil {
				return
			}
			l.Report(name, ErrLost)
		}
		if !sleep(ctx, l.wait(failures)) {
			return
		}
		failures++
	}
}

// wait is how long to wait after so many failures.
func (l *Links) wait(failures int) time.Duration {
	d := l.Min
	for range failures {
		if d >= l.Max/2 {
			d = l.Max
			break
		}
		d *= 2
	}
	return d - rand.N(d/2+1)
}

// sleep reports false if ctx is done first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
