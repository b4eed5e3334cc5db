//go:build unix

package interop

import (
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// Why a connection has gone, as each side is told: by monitor_nodes on the BEAM node, by MonitorNodes on the Go node.
func TestNodeDownReasons(t *testing.T) {
	n, beam := pair(t)
	w := n.Open()
	w.MonitorNodes(true, node.NodeEvents{Types: node.Connected, Reason: true})
	beam.Eval(t, "ok = net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]).")
	on := etf.Atom(beam.Name())
	up := func() node.NodeEvent {
		t.Helper()
		if err := n.Connect(t.Context(), on); err != nil {
			t.Fatal(err)
		}
		m, err := w.Receive(t.Context())
		e, ok := m.NodeUp()
		if err != nil || !ok || e.Node != on {
			t.Fatal(m, err)
		}
		// The process of the connection says nodeup there before it is through with the set-up, and calls a loss meanwhile shutdown.
		beam.Eval(t, `receive {nodeup, 'go@127.0.0.1', _} -> ok end, (fun() ->
				[Owner] = [P || C <- ets:lookup(sys_dist, 'go@127.0.0.1'), P <- tuple_to_list(C), is_pid(P)],
				(fun F() -> case process_info(Owner, current_function) of {_, {dist_util, con_loop, _}} -> ok; _ -> erlang:yield(), F() end end)()
			end)().`)
		return e
	}
	for i, c := range []struct {
		name         string
		end          func()
		atGo, atBEAM string
	}{
		{"Disconnect", func() { n.Disconnect(on) }, "disconnect", "connection_closed"},
		{"disconnect_node", func() { beam.Eval(t, "erlang:disconnect_node('go@127.0.0.1').") }, "connection_closed", "disconnect"},
		{"Close", func() { n.Close() }, "net_kernel_terminated", "connection_closed"},
	} {
		came := up()
		c.end()
		if c.name != "Close" { // after which w hears nothing any more
			m, err := w.Receive(t.Context())
			gone, ok := m.NodeDown()
			if err != nil || !ok || gone.ConnectionID != came.ConnectionID || fmt.Sprint(gone.Reason) != c.atGo {
				t.Errorf("%s: the Go node is told %v, %v; want %s", c.name, m, err, c.atGo)
			}
		}
		got := beam.Eval(t, fmt.Sprintf("receive {nodedown, 'go@127.0.0.1', I%d} -> proplists:get_value(nodedown_reason, I%d) after 5000 -> timeout end.", i, i))
		if got != c.atBEAM {
			t.Errorf("%s: the BEAM node is told %s, want %s", c.name, got, c.atBEAM)
		}
	}
}

// What is told of nodes on a Go node is, term for term, what a BEAM node is told by the same options: of a third, visible or
// hidden, that comes and goes.
func TestNodeEventsEqual(t *testing.T) {
	since(t, 25)
	n, beam := pair(t)
	install := otp.Find(t)
	forms := []struct {
		w       node.NodeEvents
		options string
	}{
		{node.NodeEvents{}, "[]"},
		{node.NodeEvents{Reason: true}, "[nodedown_reason]"},
		{node.NodeEvents{Types: node.Connected, Reason: true}, "[{node_type, all}, nodedown_reason]"},
		{node.NodeEvents{Types: node.Hidden}, "[{node_type, hidden}]"},
		{node.NodeEvents{Map: true}, "#{}"},
		{node.NodeEvents{Types: node.Connected, Map: true}, "#{node_type => all}"}, // of two keys the order in print differs
		{node.NodeEvents{Reason: true, Map: true}, "#{nodedown_reason => true}"},
	}
	var watchers []*node.Process
	for i, f := range forms {
		w := n.Open()
		w.MonitorNodes(true, f.w)
		watchers = append(watchers, w)
		beam.Eval(t, fmt.Sprintf("W%d = spawn(fun() -> ok = net_kernel:monitor_nodes(true, %s), F = fun F(L) -> receive {tell, P} -> P ! {told, lists:reverse(L)}; M -> F([M | L]) end end, F([]) end), ok.", i, f.options))
	}
	for _, hidden := range []bool{false, true} {
		third := install.Erl(t, otp.Options{Name: "third", Cookie: cookie, EPMDPort: beam.EPMDPort, Hidden: hidden, Args: alone})
		third.Eval(t, "[net_adm:ping(N) || N <- ['go@127.0.0.1', 'beam@127.0.0.1']].")
		third.Close()
		eventually(t, beam, "lists:member('third@127.0.0.1', nodes(connected))", "false")
	}
	for i, w := range watchers {
		// Only what concerns the third node: how the two others come together is their own affair.
		want := beam.Eval(t, fmt.Sprintf("W%d ! {tell, self()}, receive {told, L%d} -> [M || M <- L%d, element(2, M) =:= 'third@127.0.0.1'] end.", i, i, i))
		got := "["
		for w.Messages() > 0 {
			m, err := w.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			up, isUp := m.NodeUp()
			down, isDown := m.NodeDown()
			if isUp && up.Node == "third@127.0.0.1" || isDown && down.Node == "third@127.0.0.1" {
				if got != "[" {
					got += ","
				}
				got += m.String()
			}
		}
		if got += "]"; got != want {
			t.Errorf("%s\nGo   is told %s\nBEAM is told %s", forms[i].options, got, want)
		}
	}
}
