//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// phase is something that goes on for a while.
type phase struct {
	name string
	run  func(context.Context, *cluster) error
}

var phases = []phase{
	{"nothing", nothing}, // as often as all others
	{"nothing", nothing},
	{"nothing", nothing},
	{"nothing", nothing},
	{"calls to the Go node", erlang("fun(E) -> gen_server:call({echo, '"+goName+"'}, {some, <<\"term\">>, E}, 60000) end", 10)},
	{"big binaries there and back", erlang("fun(_) -> B = binary:copy(<<\"b\">>, 5000000), B = gen_server:call({echo, '"+goName+"'}, B, 120000) end", 1)},
	{"schedulers that have no time", erlang("fun(_) -> lists:sum(lists:seq(1, 300000)) end", 50)},
	{"messages from the Go node", flood},
}

// nothing is longer than any tick.
func nothing(ctx context.Context, _ *cluster) error {
	t := time.NewTimer(time.Duration(ticktime+rand.IntN(5*ticktime)) * time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

// erlang has a number of processes on each BEAM node call the function again and again for five seconds.
func erlang(f string, processes int) func(context.Context, *cluster) error {
	expr := fmt.Sprintf(`F = %s, End = erlang:monotonic_time(second) + 5,
		Loop = fun Loop(I) -> try F(I) catch C:R -> exit({C, element(1, R)}) end, case erlang:monotonic_time(second) < End of true -> Loop(I + 1); false -> I end end,
		Ps = [spawn_monitor(fun() -> exit({done, Loop(1)}) end) || _ <- lists:seq(1, %d)],
		[receive {'DOWN', Ref, _, _, {done, _}} -> ok; {'DOWN', Ref, _, _, Why} -> error(Why) end || {_, Ref} <- Ps], ok`, f, processes)
	return func(_ context.Context, c *cluster) error {
		return c.each(func(b *otp.Node) error {
			_, err := b.TryRun(expr, 3*time.Minute)
			return err
		})
	}
}

// flood sends as much as the connections take to a process of each BEAM node that counts, and asks for the count.
func flood(ctx context.Context, c *cluster) error {
	return c.each(func(b *otp.Node) error {
		_, err := b.TryRun(`P = spawn(fun() -> (fun Loop(N) -> receive {count, From} -> From ! {counted, N}; _ -> Loop(N + 1) end end)(0) end),
			catch unregister(sink), register(sink, P)`, 0)
		if err != nil {
			return err
		}
		p := c.native.Open()
		defer p.Exit(nil)
		to := node.At("sink", etf.Atom(b.Name()))
		sent := 0
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			for range 1000 {
				if err := p.Send(to, etf.Tuple{etf.Atom("message"), etf.Int(sent)}); err != nil {
					return err
				}
				sent++
			}
		}
		if err := p.Send(to, etf.Tuple{etf.Atom("count"), p.Self()}); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
		defer cancel()
		m, err := p.Receive(ctx)
		if err != nil {
			return fmt.Errorf("no count from %s: %w", b.Name(), err)
		}
		if want := fmt.Sprintf("{counted,%d}", sent); m.String() != want {
			return fmt.Errorf("%s received %v, want %s", b.Name(), m, want)
		}
		return nil
	})
}
