package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// served starts a process on n that hands its messages to step, as an int.
func served(t *testing.T, n *Node, step func(p *Process, v int) error, opts ...Option) *Process {
	t.Helper()
	p, err := n.Spawn(func(p *Process) error {
		return p.Serve(context.Background(), func(m Message) error {
			if e, ok := m.Exit(); ok {
				return &ExitError{Reason: e.Reason}
			}
			var v int
			if err := m.Decode(&v); err != nil {
				return err
			}
			return step(p, v)
		})
	}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Whoever runs the steps, and wherever the messages come from: one step at a time, and each sender's messages in order.
func TestServe(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		const senders, each = 4, 3000
		var running sync.Mutex
		last := make([]int, 2*senders)
		done := make(chan struct{}, 2*senders)
		p := served(t, b, func(_ *Process, v int) error {
			if !running.TryLock() {
				t.Error("two steps at once")
				return nil
			}
			defer running.Unlock()
			from, i := v/each, v%each
			if i != last[from] {
				t.Errorf("sender %d: %d came where %d was due", from, i, last[from])
			}
			if last[from]++; last[from] == each {
				done <- struct{}{}
			}
			return nil
		})
		for i := range 2 * senders {
			n := a
			if i >= senders {
				n = b
			}
			q := n.Open()
			go func() {
				for k := range each {
					if err := q.Send(p.Self(), i*each+k); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		for range 2 * senders {
			<-done
		}
	})
}

// However a step ends the process, it ends as if it had run in its own goroutine; the connection goes on.
func TestServeEnds(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		own := errors.New("enough")
		for _, test := range []struct {
			name, want string
			step       func(*Process) error
		}{
			{"error", `{error,<<"enough">>}`, func(*Process) error { return own }},
			{"reason", "gone", func(*Process) error { return &ExitError{Reason: etf.Atom("gone")} }},
			{"panic", `{panic,<<"oh">>}`, func(*Process) error { panic("oh") }},
			{"goexit", "normal", func(*Process) error { runtime.Goexit(); return nil }},
			{"exit", "left", func(p *Process) error { p.Exit(&ExitError{Reason: etf.Atom("left")}); return nil }},
		} {
			t.Run(test.name, func(t *testing.T) {
				watcher := a.Open()
				defer watcher.Exit(nil)
				p := served(t, b, func(p *Process, v int) error {
					if v == 0 {
						return nil
					}
					return test.step(p)
				})
				if _, err := watcher.Monitor(p.Self()); err != nil {
					t.Fatal(err)
				}
				for v := range 2 {
					if err := watcher.Send(p.Self(), v); err != nil {
						t.Fatal(err)
					}
				}
				m, err := watcher.Receive(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if d, ok := m.Down(); !ok || d.Reason.String() != test.want {
					t.Errorf("got %v, want the reason %s", m, test.want)
				}
			})
		}
	})
}

// A step that waits keeps nobody else's messages, and not those that it waits for.
func TestServeWaits(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		release := make(chan struct{})
		slow := served(t, b, func(*Process, int) error { <-release; return nil })
		answer := a.Open()
		quick := served(t, b, func(p *Process, v int) error { return p.Send(answer.Self(), v+1) })
		from := a.Open()
		for _, to := range []*Process{slow, quick} {
			if err := from.Send(to.Self(), 1); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, answer, "2")
		close(release)

		// The answer to what a step asks comes over the connection that its message came over.
		asked := served(t, a, func(p *Process, v int) error { return nil })
		name := etf.Atom("asks")
		served(t, b, func(p *Process, v int) error {
			_, err := p.Request(t.Context(), asked.Self(), func(dst []byte, from From) ([]byte, error) {
				return etf.Append(dst, etf.Tuple{from.Pid, from.Tag()})
			})
			if !errors.Is(err, ErrNoProc) && !isExit(err) {
				t.Errorf("the request of a step: %v", err)
			}
			return p.Send(answer.Self(), v)
		}, Register(name))
		start := time.Now()
		for i := range 3 {
			if err := from.Send(Name{name, b.Name()}, 10+i); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{"10", "11", "12"} {
			expect(t, answer, want)
		}
		t.Logf("three steps that ask took %v", time.Since(start))
	})
}

func isExit(err error) bool {
	e := (*ExitError)(nil)
	return errors.As(err, &e)
}

// Two cannot serve one process, and one that has stopped can be followed by another.
func TestServeAgain(t *testing.T) {
	both(t, func(t *testing.T, a, _ *Node) {
		p := a.Open()
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := make(chan error)
		ready := make(chan struct{}, 1)
		go func() {
			stopped <- p.Serve(ctx, func(Message) error { ready <- struct{}{}; return nil })
		}()
		if err := p.Send(p.Self(), 1); err != nil {
			t.Fatal(err)
		}
		<-ready
		if err := p.Serve(t.Context(), func(Message) error { return nil }); err == nil || !strings.Contains(err.Error(), "already") {
			t.Errorf("a second Serve: %v", err)
		}
		why := errors.New("over")
		cancel(why)
		if err := <-stopped; err != why {
			t.Errorf("Serve: %v, want the cause of its context", err)
		}
		if err := p.Send(p.Self(), 2); err != nil {
			t.Fatal(err)
		}
		if err := p.Serve(t.Context(), func(Message) error { return why }); err != why {
			t.Errorf("Serve: %v, want what the step failed with", err)
		}
	})
}

func ExampleProcess_Serve() {
	n, _ := Start(context.Background(), "counter@localhost", Config{NoListen: true, EPMD: EPMDNone})
	defer n.Close()
	counter := n.Open()
	sum := 0
	for v := 1; v <= 3; v++ {
		counter.Send(counter.Self(), v)
	}
	counter.Serve(context.Background(), func(m Message) error {
		var v int
		if err := m.Decode(&v); err != nil {
			return err
		}
		if sum += v; v == 3 {
			return errors.New("that was the last one")
		}
		return nil
	})
	fmt.Println(sum)
	// Output: 6
}

// Messages that are put into the mailbox together keep their order among themselves and with everything else of their sender.
func TestBunches(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	const rounds = 3 * bunchSize
	p, q := b.Open(TrapExit()), b.Open()
	if err := p.Register("p"); err != nil {
		t.Fatal(err)
	}
	alias := p.Alias(AliasExplicit)
	from := a.Open()
	ways := []any{p.Self(), p.Self(), p.Self(), Name{"p", b.Name()}, Name{"p", b.Name()}, alias}
	want := 0
	for i := range rounds {
		for range i % 5 {
			if err := from.Send(q.Self(), i); err != nil {
				t.Fatal(err)
			}
		}
		if err := from.Send(ways[i%len(ways)], want); err != nil {
			t.Fatal(err)
		}
		want++
		if i%7 == 0 {
			if err := from.SendExit(p.Self(), etf.Int(want)); err != nil {
				t.Fatal(err)
			}
			want++
		}
	}
	for i := range want {
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if e, ok := m.Exit(); ok {
			got = int(e.Reason.(etf.Int))
		} else if err := m.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got != i {
			t.Fatalf("%v came where %d was due", m, i)
		}
	}
}
