//go:build unix

package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// full is the count of a proof: a small one, or that of the environment variable ERLNODE_FULL, "1" for what is claimed.
func full(t testing.TB, small, claimed int) int {
	switch s := os.Getenv("ERLNODE_FULL"); s {
	case "":
		return small
	case "1":
		return claimed
	default:
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal("ERLNODE_FULL is no number:", err)
		}
		return n
	}
}

const bigPayload = 5_000_000

type numbered struct {
	_       struct{} `etf:",tuple"`
	N       int
	Payload []byte
}

// Eight senders on each side, each to a receiver of its own on the other, all at once, with binaries of 5 MB, links and
// monitors among the messages: nothing is lost or overtaken, the end of each sender comes last, by link and by monitor.
func TestNothingLost(t *testing.T) {
	const senders = 8
	count := full(t, 3000, 200_000)
	every := count / 10
	n, beam := pair(t)
	results := n.Open()
	if err := results.Register("results"); err != nil {
		t.Fatal(err)
	}
	beam.Run(t, fmt.Sprintf("register(beam_results, self()), [flood:expect(list_to_atom(\"expect_\" ++ integer_to_list(I)), %d, {results, 'go@127.0.0.1'}) || I <- lists:seq(1, %d)].", count, senders))
	started := time.Now()
	var work sync.WaitGroup
	for i := range senders {
		name := etf.Atom(fmt.Sprint("flood_", i+1))
		p, err := n.Spawn(func(p *node.Process) error {
			defer work.Done()
			if err := receiveAll(t.Context(), p, count); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return nil
		}, node.Register(name), node.TrapExit())
		work.Add(1)
		if err != nil {
			t.Fatal(p, err)
		}
	}
	beam.Run(t, fmt.Sprintf("[flood:send(list_to_atom(\"flood_\" ++ integer_to_list(I)), 'go@127.0.0.1', %d, %d) || I <- lists:seq(1, %d)].", count, every, senders))
	for i := range senders {
		to := node.At(etf.Atom(fmt.Sprint("expect_", i+1)), etf.Atom(beam.Name()))
		if _, err := n.Spawn(func(p *node.Process) error { return sendAll(p, to, count, every) }); err != nil {
			t.Fatal(err)
		}
	}
	for range senders {
		m, err := results.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var r struct {
			_       struct{} `etf:",tuple"`
			Name    etf.Atom
			Outcome etf.Term
		}
		if err := m.Decode(&r); err != nil || r.Outcome != etf.Term(etf.Atom("all_in_order")) {
			t.Errorf("%.300v, %v", m, err)
		}
	}
	work.Wait()
	t.Logf("2 x %d senders x %d messages in %v", senders, count, time.Since(started))
}

// sendAll does what flood:send/4 does.
func sendAll(p *node.Process, named node.Name, count, every int) error {
	if err := p.Send(named, etf.Tuple{etf.Atom("from"), p.Self()}); err != nil {
		return err
	}
	m, err := p.Receive(p.Context())
	if err != nil {
		return err
	}
	var to struct {
		_   struct{} `etf:"to,tuple"`
		Pid etf.Pid
	}
	if err := m.Decode(&to); err != nil {
		return err
	}
	big, small := bytes.Repeat([]byte("y"), bigPayload), []byte("payload")
	for i := 1; i <= count; i++ {
		msg := numbered{N: i, Payload: small}
		if i%every == 0 {
			msg.Payload = big
		}
		dest := any(to.Pid)
		if i%3 == 0 {
			dest = named
		}
		if err := p.Send(dest, msg); err != nil {
			return err
		}
		switch i % 100 {
		case 1:
			p.Link(to.Pid)
		case 2:
			p.Unlink(to.Pid)
		case 3, 4:
			if ref, err := p.Monitor(dest); err == nil {
				p.Demonitor(ref)
			}
		}
	}
	if err := p.Link(to.Pid); err != nil {
		return err
	}
	return node.Exit(etf.Tuple{etf.Atom("done"), etf.Int(count)})
}

// receiveAll does what flood:expect/3 does.
func receiveAll(ctx context.Context, p *node.Process, count int) error {
	m, err := p.Receive(ctx)
	if err != nil {
		return err
	}
	var from struct {
		_   struct{} `etf:"from,tuple"`
		Pid etf.Pid
	}
	if err := m.Decode(&from); err != nil {
		return err
	}
	ref, err := p.Monitor(from.Pid)
	if err != nil {
		return err
	}
	if err := p.Send(from.Pid, etf.Tuple{etf.Atom("to"), p.Self()}); err != nil {
		return err
	}
	for i := 1; i <= count; i++ {
		m, err := p.Receive(ctx)
		if err != nil {
			return err
		}
		raw, err := m.Raw()
		if err != nil {
			return fmt.Errorf("instead of message %d: %v, %w", i, m, err)
		}
		var got numbered
		if err := raw.Decode(&got, etf.Alias()); err != nil || got.N != i || len(got.Payload) != 7 && len(got.Payload) != bigPayload {
			return fmt.Errorf("instead of message %d: %.300v, %w", i, m, err)
		}
	}
	var exit, down string
	for range 2 {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		m, err := p.Receive(ctx)
		cancel()
		if err != nil {
			return fmt.Errorf("after its messages the sender's exit is %q and its end %q: %w", exit, down, err)
		}
		if e, ok := m.Exit(); ok && e.From == from.Pid {
			exit = e.Reason.String()
		} else if d, ok := m.Down(); ok && d.Ref == ref {
			down = d.Reason.String()
		} else {
			return fmt.Errorf("at the end: %.300v", m)
		}
	}
	if want := fmt.Sprintf("{done,%d}", count); exit != want || down != want {
		return fmt.Errorf("the sender ended with %s and %s, want %s", exit, down, want)
	}
	return nil
}

// A Go node that is killed: who has monitored and linked its processes hears of all of them, with noconnection.
func TestGoNodeKilled(t *testing.T) {
	pairs := full(t, 2000, 100_000)
	const puppets = 100
	install := otp.Find(t)
	port := install.EPMD(t)
	o := otp.Options{Name: "target@127.0.0.1", Cookie: cookie, EPMDPort: port}
	target := otp.Go(t, "./target", o)
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
	beam.Eval(t, fmt.Sprintf("T = 'target@127.0.0.1', Ps = [drive:puppet(T) || _ <- lists:seq(1, %d)], flood:watch(Ps, %d, self()), receive {set_up, _} -> ok after 60000 -> exit(timeout) end, "+
		// The links and monitors have arrived when something sent after them is answered: by each puppet.
		"[drive:do(P, {send, self(), hi}) || P <- Ps], ok.", puppets, pairs/puppets))
	started := time.Now()
	target.Kill()
	got := beam.Eval(t, "receive {heard, _, _, _} = H -> H after 100000 -> timeout end.")
	t.Logf("%d links and %d monitors: all have heard %v after the kill", pairs, pairs, time.Since(started))
	if want := fmt.Sprintf("{heard,%d,%d,0}", pairs, pairs); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A BEAM node that is killed: the Go processes that have monitored and linked its processes hear of all of them.
func TestBEAMNodeKilled(t *testing.T) {
	pairs := full(t, 2000, 100_000)
	const watched = 100
	n, beam := pair(t)
	p := n.Open()
	if err := p.Register("p"); err != nil {
		t.Fatal(err)
	}
	beam.Run(t, fmt.Sprintf("{p, 'go@127.0.0.1'} ! [spawn(fun F() -> receive {hi, Q} -> Q ! hi, F() end end) || _ <- lists:seq(1, %d)].", watched))
	m, err := p.Receive(t.Context())
	var pids []etf.Pid
	if err != nil || m.Decode(&pids) != nil || len(pids) != watched {
		t.Fatal(m, err)
	}
	var setUp, heard sync.WaitGroup
	var killed time.Time
	var last time.Duration
	var mu sync.Mutex
	for range pairs / watched {
		setUp.Add(1)
		heard.Add(1)
		n.Spawn(func(w *node.Process) error {
			defer heard.Done()
			for _, pid := range pids {
				if _, err := w.Monitor(pid); err != nil {
					t.Error(err)
				}
				if err := w.Link(pid); err != nil {
					t.Error(err)
				}
			}
			setUp.Done()
			var downs, exits int
			for downs < len(pids) || exits < len(pids) {
				m, err := w.Receive(t.Context())
				if err != nil {
					t.Errorf("after %d ends of monitors and %d exits: %v", downs, exits, err)
					return nil
				}
				if d, ok := m.Down(); ok && d.Reason == etf.Term(etf.Atom("noconnection")) {
					downs++
				} else if e, ok := m.Exit(); ok && e.Reason == etf.Term(etf.Atom("noconnection")) {
					exits++
				} else {
					t.Errorf("got %v", m)
				}
			}
			if w.Messages() != 0 {
				t.Errorf("%d messages more", w.Messages())
			}
			mu.Lock()
			last = max(last, time.Since(killed))
			mu.Unlock()
			return nil
		}, node.TrapExit())
	}
	setUp.Wait()
	for _, pid := range pids { // everything has arrived
		p.Send(pid, etf.Tuple{etf.Atom("hi"), p.Self()})
		if _, err := p.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	killed = time.Now()
	mu.Unlock()
	beam.Kill()
	heard.Wait()
	t.Logf("%d links and %d monitors: all have heard %v after the kill", pairs, pairs, last)
}
