//go:build unix

package interop

import (
	"context"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// With net_tickintensity a frozen peer is given up sooner after net_ticktime: here 1.95 to 2.05 s after its last tick instead of 1.5 to
// 2.5 s, by either side; and sides with different intensities stay connected while both are awake.
func TestTickIntensity(t *testing.T) {
	since(t, 24) // which has net_tickintensity
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	install := otp.Find(t)
	port := install.EPMD(t)
	const ticktime = 2 * time.Second
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port, NetTickTime: 2,
		Args: append([]string{"-kernel", "net_tickintensity", "40"}, alone...)})
	beam.Eval(t, "net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]), ok.")
	plain := install.Erl(t, otp.Options{Name: "plain", Cookie: cookie, EPMDPort: port, NetTickTime: 2, Args: alone})
	g := plainNode(t, "go@127.0.0.1", port, func(c *node.Config) { c.Dist = dist.Config{NetTickTime: ticktime, NetTickIntensity: 40} })
	target := otp.Go(t, "./target", otp.Options{Name: "target@127.0.0.1", Cookie: cookie, EPMDPort: port, NetTickTime: 2})
	w := g.Open()
	w.MonitorNodes(true, node.NodeEvents{Types: node.Connected})
	for _, peer := range []string{plain.Name(), beam.Name()} {
		if err := g.Connect(t.Context(), etf.Atom(peer)); err != nil {
			t.Fatal(err)
		}
		if m, err := w.Receive(t.Context()); err != nil {
			t.Fatal(m, err)
		}
	}
	beam.Eval(t, "true = net_kernel:connect_node('target@127.0.0.1'), receive {nodeup, 'target@127.0.0.1', _} -> ok end, receive {nodeup, _, _} -> ok end.")
	time.Sleep(2 * ticktime) // idle
	if w.Messages() != 0 {
		m, _ := w.Receive(t.Context())
		t.Fatal("while idle:", m)
	}
	if got := beam.Eval(t, "receive {nodedown, _, _} = M -> M after 0 -> none end."); got != "none" {
		t.Fatal("while idle:", got)
	}
	// The frozen ones have ticked at most half a second before. What comes on top of the window is the machine's.
	in := func(took time.Duration) bool {
		return took > ticktime-ticktime/4-ticktime/40-100*time.Millisecond && took < ticktime+ticktime/40+1200*time.Millisecond
	}

	if err := plain.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	bounded, cancel := context.WithTimeout(t.Context(), 10*ticktime)
	defer cancel()
	m, err := w.Receive(bounded)
	took := time.Since(begun)
	plain.Signal(syscall.SIGCONT)
	if down, ok := m.NodeDown(); err != nil || !ok || string(down.Node) != plain.Name() || down.Reason != etf.Term(etf.Atom("net_tick_timeout")) {
		t.Fatal(m, err)
	}
	t.Logf("Go gave the frozen BEAM node up after %v", took)
	if !in(took) {
		t.Errorf("Go gave the frozen BEAM node up after %v", took)
	}

	beam.Eval(t, "T0 = erlang:monotonic_time(millisecond), ok.")
	if err := target.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	got := beam.Eval(t, "receive {nodedown, 'target@127.0.0.1', I} -> {erlang:monotonic_time(millisecond) - T0, I} after 10000 -> {0, up} end.")
	target.Signal(syscall.SIGCONT)
	ms, why, _ := strings.Cut(strings.Trim(got, "{}"), ",")
	n, err := strconv.Atoi(ms)
	t.Logf("the BEAM node gave the frozen Go node up after %d ms", n)
	if err != nil || !in(time.Duration(n)*time.Millisecond) || !strings.Contains(why, "net_tick_timeout") {
		t.Error(got)
	}
}
