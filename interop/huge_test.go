//go:build unix

package interop

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

var hugeSize = flag.Int("huge", 50, "size of the binary of TestHugeBinary in `MB`")

// A huge binary each way between nodes with a net_ticktime of 4 s: no tick is missed, and a small message of another process takes a
// moment only, there and back. With -huge 500 it is what is claimed.
func TestHugeBinary(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	size := *hugeSize << 20
	n := goNode(t, "go@127.0.0.1", port, func(c *erlnode.Config) {
		c.EPMD, c.Dist = node.EPMDEmbedded, dist.Config{NetTickTime: 4 * time.Second}
	})
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port, NetTickTime: 4})
	events := n.Open()
	// The echo of small messages, in Go.
	if _, err := n.Spawn(func(p *node.Process) error {
		for {
			m, err := p.Receive(p.Context())
			if err != nil {
				return err
			}
			var from etf.Pid
			if err := m.Decode(&from); err != nil {
				return err
			}
			if err := p.Send(from, etf.Atom("back")); err != nil {
				return err
			}
		}
	}, node.Register("small")); err != nil {
		t.Fatal(err)
	}
	p := n.Open()
	if err := p.Register("big"); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, `pong = net_adm:ping('go@127.0.0.1'), net_kernel:monitor_nodes(true), Main = self(),
		register(big, spawn(fun F() -> receive {From, B} when is_binary(B) -> From ! {size, byte_size(B)}, F() end end)),
		% The longest time that a small message takes, until it is asked for.
		Watch = fun() -> spawn(fun() -> (fun F(Worst, Count) ->
				T = erlang:monotonic_time(microsecond), {small, 'go@127.0.0.1'} ! self(),
				receive back -> ok after 10000 -> exit(no_answer) end,
				Now = max(Worst, erlang:monotonic_time(microsecond) - T),
				receive {tell, To} -> To ! {worst, Now, Count} after 5 -> F(Now, Count + 1) end
			end)(0, 1) end) end,
		Tell = fun(W) -> W ! {tell, self()}, receive {worst, Us, Count} -> {Us, Count} after 10000 -> none end end, ok.`)
	events.MonitorNodes(true, node.NodeEvents{Types: node.Connected})
	check := func(what, watch string, begun time.Time) {
		t.Helper()
		took := time.Since(begun)
		worst := beam.Eval(t, "Tell("+watch+")")
		us, _, _ := strings.Cut(strings.Trim(worst, "{}"), ",")
		if us, err := strconv.Atoi(us); err != nil || us > 2_000_000 {
			t.Errorf("%s: small messages: %s", what, worst)
		}
		if got := beam.Eval(t, "receive {nodedown, _} = Down -> Down after 0 -> up end"); got != "up" || events.Messages() != 0 {
			t.Errorf("%s: the BEAM node heard %s, ours %d events", what, got, events.Messages())
		}
		t.Logf("%s: %d MB in %v; the longest of the small messages there and back, in µs, and how many: %s", what, *hugeSize, took.Round(time.Millisecond), worst)
	}

	// Made before, and of larger pieces: to copy one byte many times keeps OTP 27 and later from their ticks for seconds.
	beam.Eval(t, fmt.Sprintf("Huge = binary:copy(binary:copy(<<\"x\">>, 1 bsl 20), %d), ok.", *hugeSize))
	beam.Eval(t, "In = Watch(), ok.")
	begun := time.Now()
	beam.Eval(t, "spawn(fun() -> {big, 'go@127.0.0.1'} ! Huge end), ok.")
	bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := p.Receive(bounded)
	if err != nil {
		down, _ := events.Receive(bounded)
		t.Fatal(err, down, beam.Eval(t, "receive {nodedown, _} = Down -> Down after 0 -> up end"))
	}
	var got []byte
	if err := m.Decode(&got); err != nil || len(got) != size || bytes.Count(got, []byte("x")) != size {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	check("BEAM to Go", "In", begun)

	beam.Eval(t, "Out = Watch(), ok.")
	begun = time.Now()
	if err := p.Send(node.At("big", etf.Atom(beam.Name())), etf.Tuple{p.Self(), etf.Binary(got)}); err != nil {
		t.Fatal(err)
	}
	await(t, p, fmt.Sprintf("{size,%d}", size))
	check("Go to BEAM", "Out", begun)
}
