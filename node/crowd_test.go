package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// TestCrowd lets many processes of three nodes be made, linked, monitored, sent to by pid, name and alias, called, and ended, while others
// ping each other and in one half of the runs connections go. Each hearer gets what one process has sent it in order, whole if no connection
// has gone, before the DOWN and EXIT of that process, and each of these once. At the end there is nobody left in any table, and no goroutine.
func TestCrowd(t *testing.T) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprint("cut=", cut), func(t *testing.T) {
			before := runtime.NumGoroutine()
			crowd(t, cut)
			for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					buf := make([]byte, 1<<16)
					t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
				}
			}
		})
	}
}

type word struct {
	From int
	N    int
	Last bool
	Pad  etf.Binary
}

// heard is what a hearer knows of one process.
type heard struct {
	next       int
	last       bool
	down, exit int
	ref        etf.Ref
	links      bool
}

func crowd(t *testing.T, cut bool) {
	c := newCluster(t)
	nodes := []*Node{c.start("a@test"), c.start("b@test"), c.start("d@test")}
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
	defer cancel()
	rest := make([]int, len(nodes))
	for i, n := range nodes {
		rest[i] = len(n.processes.all())
	}
	const hearers, rounds, most = 6, 12, 40
	pad := make(etf.Binary, 200<<10)
	var pinging atomic.Bool
	pinging.Store(true)
	var pings, users sync.WaitGroup
	for i := range nodes { // pairs that read on
		p, q := nodes[i].Open(), nodes[(i+1)%3].Open()
		pings.Go(func() {
			for m := range q.Inbox(ctx) {
				if m.From() == p.Self() {
					q.Send(p.Self(), 1)
				}
			}
		})
		pings.Go(func() {
			defer q.Exit(nil)
			defer p.Exit(nil)
			for pinging.Load() {
				p.Send(q.Self(), 1)
				err, most := error(context.DeadlineExceeded), 20*time.Second
				if cut {
					most = 20 * time.Millisecond
				}
				for start := time.Now(); err != nil && time.Since(start) < most; { // now and then given up, and begun again
					until, done := context.WithTimeout(ctx, 2*time.Millisecond)
					_, err = p.Receive(until)
					done()
				}
				if err != nil && !cut {
					t.Errorf("ping: %v", err)
					return
				}
			}
		})
		serving := nodes[i].Open(Register("server"))
		pings.Go(func() {
			serving.Serve(ctx, func(m Message) error {
				term, err := m.Term()
				if call, ok := term.(etf.Tuple); err == nil && ok && len(call) == 3 {
					serving.SendNoConnect(call[1].(etf.Improper).Tail, etf.Tuple{call[1], call[2]})
				}
				return nil
			})
		})
		pings.Go(func() {
			defer serving.Exit(nil)
			for pinging.Load() {
				until, done := context.WithTimeout(ctx, 20*time.Second)
				_, err := nodes[(i+2)%3].Request(until, At("server", nodes[i].Name()), func(dst []byte, from From) ([]byte, error) {
					return etf.AppendTerm(dst, etf.Tuple{from.Pid, from.Tag(), etf.Atom("hi")})
				})
				done()
				if err != nil && (!cut || errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("call: %v", err)
					return
				}
			}
		})
	}
	if cut {
		pings.Go(func() {
			for i := 0; pinging.Load(); i++ {
				nodes[i%3].Disconnect(nodes[(i+1+i/3%2)%3].Name())
				time.Sleep(3 * time.Millisecond)
			}
		})
	}
	for h := range hearers {
		users.Go(func() {
			n := nodes[h%3]
			name := etf.Atom(fmt.Sprint("hearer", h))
			p := n.Open(TrapExit(), Register(name))
			defer p.Exit(nil)
			alias := p.Alias(AliasExplicit)
			ids := 0
			for range rounds {
				all := make(map[int]*heard)
				byPid, byRef := make(map[etf.Pid]*heard), make(map[etf.Ref]*heard)
				start := make(chan struct{})
				for range 1 + rand.IntN(most) {
					ids++
					id, count := ids, rand.IntN(300)
					if rand.IntN(2) == 0 {
						count = rand.IntN(3)
					}
					how, other := rand.IntN(4), nodes[rand.IntN(3)]
					q, err := other.Spawn(func(q *Process) error {
						<-start
						for i := range count {
							var to any = p.Self()
							switch rand.IntN(8) {
							case 0:
								to = Name{name, n.Name()}
							case 1:
								to = alias
							}
							w := word{From: id, N: i, Last: i == count-1}
							if rand.IntN(60) > 0 {
								q.Send(to, w)
								continue
							}
							w.Pad = pad // in fragments, which the sender may not wait for
							soon, done := context.WithTimeout(q.Context(), time.Duration(rand.IntN(300))*time.Microsecond)
							if err := q.SendContext(soon, to, w); errors.Is(err, context.DeadlineExceeded) {
								q.Send(to, w)
							}
							done()
						}
						switch how {
						case 0:
							return errors.New("over")
						case 1:
							q.Exit(etf.Atom("gone"))
						case 2:
							q.SendExit(q, etf.Atom("kill"))
							<-q.Done()
						}
						return nil
					})
					if err != nil {
						t.Error(err)
						return
					}
					e := &heard{last: count == 0}
					all[id], byPid[q.Self()] = e, e
					if e.ref, err = p.Monitor(q.Self()); err != nil {
						t.Error(err)
					}
					byRef[e.ref] = e
					if e.links = rand.IntN(2) == 0; e.links {
						p.Link(q.Self())
					}
					if rand.IntN(3) == 0 { // of which nothing is heard
						ref, _ := p.Monitor(q.Self())
						p.Demonitor(ref)
					}
				}
				close(start)
				for left := len(all); left > 0; {
					m, err := p.Receive(ctx)
					if err != nil {
						for id, e := range all {
							t.Logf("%d: %+v", id, *e)
						}
						t.Errorf("hearer %d, %d left: %v", h, left, err)
						return
					}
					var e *heard
					if d, ok := m.Down(); ok {
						e = byRef[d.Ref]
						if e == nil {
							t.Errorf("a DOWN that nobody wanted: %v", m)
							continue
						}
						e.down++
						if !e.last && !cut {
							t.Errorf("DOWN after %d messages, and the last has not come: %v", e.next, m)
						}
					} else if x, ok := m.Exit(); ok {
						e = byPid[x.From]
						if e == nil || !e.links {
							t.Errorf("an EXIT that nobody wanted: %v", m)
							continue
						}
						e.exit++
						if !e.last && !cut {
							t.Errorf("EXIT after %d messages, and the last has not come: %v", e.next, m)
						}
					} else {
						var w word
						if err := m.Decode(&w); err != nil {
							t.Errorf("%v: %v", m, err)
							continue
						}
						if e = all[w.From]; e == nil {
							if !cut {
								t.Errorf("%v after the end", m)
							}
							continue
						}
						if w.N < e.next || w.N > e.next && !cut {
							t.Errorf("%v where %d was due", m, e.next)
						}
						if !cut && (e.down > 0 || e.exit > 0) {
							t.Errorf("%v after DOWN or EXIT", m)
						}
						if byPid[m.From()] != e {
							t.Errorf("%v came from %v", m, m.From())
						}
						e.next, e.last = w.N+1, w.Last
						continue
					}
					if e.down > 1 || e.exit > 1 {
						t.Errorf("twice: %v", m)
					}
					if e.down > 0 && (!e.links || e.exit > 0) {
						left--
					}
				}
			}
		})
	}
	users.Wait()
	pinging.Store(false)
	done := make(chan struct{})
	go func() { pings.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		buf := make([]byte, 1<<18)
		t.Fatalf("who pings and serves has not ended\n%s", buf[:runtime.Stack(buf, true)])
	}
	for i, n := range nodes {
		for deadline := time.Now().Add(10 * time.Second); len(n.processes.all()) > rest[i] || n.aliases.len() > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%s has %d processes, %d in the beginning, and %d aliases", n.Name(), len(n.processes.all()), rest[i], n.aliases.len())
				break
			}
		}
		n.watchedByName.mu.Lock()
		if len(n.watchedByName.m) > 0 {
			t.Errorf("%d are monitored by name", len(n.watchedByName.m))
		}
		n.watchedByName.mu.Unlock()
		if names := n.Registered(); len(names) > 1 {
			t.Logf("names: %v", names)
		}
		n.mu.Lock()
		for _, s := range n.sessions {
			s.mu.Lock()
			held := 0
			for _, p := range s.ties {
				if p != nil {
					held++
				}
			}
			if held > 0 || len(s.spawns) > 0 || s.calls.Load() != 0 {
				t.Errorf("%s: %d ties, %d spawns, %d calls to %s", n.Name(), held, len(s.spawns), s.calls.Load(), s.peer)
			}
			s.mu.Unlock()
		}
		n.mu.Unlock()
	}
	for _, n := range nodes {
		n.Close()
	}
}
