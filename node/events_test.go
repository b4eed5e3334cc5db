package node

import (
	"context"
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// allNodes asks for every connection.
var allNodes = NodeEvents{Types: Connected}

// A nodeup comes before everything from the node and a nodedown after everything, each time.
func TestNodeEvents(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	w, one := a.Open(), a.Open()
	w.MonitorNodes(true, allNodes)
	p := b.Open()
	var last uint32
	for range 3 {
		if err := p.Send(w.Self(), "hello"); err != nil {
			t.Fatal(err)
		}
		m, err := w.Receive(t.Context())
		up, ok := m.NodeUp()
		if err != nil || !ok || up.Node != "b@test" || up.ConnectionID == last || up.Reason != nil {
			t.Fatal(up, m, err)
		}
		expect(t, w, `<<"hello">>`)
		one.MonitorNode(t.Context(), "b@test", true)
		one.MonitorNode(t.Context(), "b@test", true)
		one.MonitorNode(t.Context(), "b@test", true)
		one.MonitorNode(t.Context(), "b@test", false)
		if _, err := w.Monitor(p.Self()); err != nil {
			t.Fatal(err)
		}
		b.Disconnect("a@test")
		m, err = w.Receive(t.Context())
		if d, ok := m.Down(); err != nil || !ok || d.Pid != p.Self() {
			t.Fatal(m, err)
		}
		m, err = w.Receive(t.Context())
		down, ok := m.NodeDown()
		if want := (NodeEvent{"b@test", up.Hidden, up.ConnectionID, etf.Atom("connection_closed")}); err != nil || !ok || down != want {
			t.Fatal(down, m, err)
		}
		last = up.ConnectionID
		expect(t, one, "{nodedown,b@test}")
		expect(t, one, "{nodedown,b@test}")
	}
	one.MonitorNode(t.Context(), "a@test", true) // of its own node nobody hears
	if n := one.Messages(); n != 0 {
		t.Error(n)
	}
	w.MonitorNodes(true, allNodes)
	w.MonitorNodes(false, allNodes) // once for all
	if err := a.Connect(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	if w.Messages() != 0 {
		t.Error("told after MonitorNodes(false)")
	}
}

// The forms of net_kernel:monitor_nodes/2, as OTP 25 and 29 give them for a visible and for a hidden node.
func TestNodeEventForms(t *testing.T) {
	why := etf.Atom("disconnect")
	for _, c := range []struct {
		options  NodeEvents
		hidden   bool
		up, down string
		silent   bool
	}{
		{options: NodeEvents{}, up: "{nodeup,x}", down: "{nodedown,x}"},
		{options: NodeEvents{Reason: true}, up: "{nodeup,x,[]}", down: "{nodedown,x,[{nodedown_reason,disconnect}]}"},
		{options: NodeEvents{ConnectionID: true}, up: "{nodeup,x,[{connection_id,7}]}", down: "{nodedown,x,[{connection_id,7}]}"},
		{options: NodeEvents{Types: Visible}, up: "{nodeup,x,[{node_type,visible}]}", down: "{nodedown,x,[{node_type,visible}]}"},
		{options: NodeEvents{Types: Connected, Reason: true, ConnectionID: true}, hidden: true,
			up:   "{nodeup,x,[{connection_id,7},{node_type,hidden}]}",
			down: "{nodedown,x,[{connection_id,7},{nodedown_reason,disconnect},{node_type,hidden}]}"},
		{options: NodeEvents{Map: true}, up: "{nodeup,x,#{}}", down: "{nodedown,x,#{}}"},
		{options: NodeEvents{Map: true, Types: Hidden}, hidden: true, up: "{nodeup,x,#{node_type => hidden}}", down: "{nodedown,x,#{node_type => hidden}}"},
		{options: NodeEvents{Map: true, Reason: true}, up: "{nodeup,x,#{}}", down: "{nodedown,x,#{nodedown_reason => disconnect}}"},
		{options: NodeEvents{}, hidden: true, silent: true},
		{options: NodeEvents{Map: true}, hidden: true, silent: true},
		{options: NodeEvents{Types: Hidden}, silent: true},
	} {
		t.Run(fmt.Sprintf("%+v", c.options), func(t *testing.T) {
			if got := c.options.covers(c.hidden); got == c.silent {
				t.Fatal("told:", got)
			}
			if c.silent {
				return
			}
			e := NodeEvent{Node: "x", Hidden: c.hidden, ConnectionID: 7}
			if got := c.options.term(e).String(); got != c.up {
				t.Errorf("got %s, want %s", got, c.up)
			}
			e.Reason = why
			if got := c.options.term(e).String(); got != c.down {
				t.Errorf("got %s, want %s", got, c.down)
			}
		})
	}
}

// Each set of options is a subscription of its own.
func TestNodeEventSubscriptions(t *testing.T) {
	c := newCluster(t)
	a := c.start("a@test")
	c.start("b@test")
	w := a.Open()
	w.MonitorNodes(true, allNodes)
	w.MonitorNodes(true, NodeEvents{Types: Connected | This, Reason: true}) // This means nothing here
	w.MonitorNodes(true, allNodes)
	w.MonitorNodes(false, NodeEvents{Types: Connected, ConnectionID: true}) // there is none
	if err := a.Connect(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	info := "[{node_type,hidden}]"
	if a.Nodes(Visible) != nil {
		info = "[{node_type,visible}]"
	}
	for range 3 {
		expect(t, w, "{nodeup,b@test,"+info+"}")
	}
	w.MonitorNodes(false, allNodes)
	a.Disconnect("b@test")
	expect(t, w, "{nodedown,b@test,[{nodedown_reason,disconnect},"+info[1:]+"}")
	w.MonitorNode(t.Context(), "nowhere@test", true)
	m, err := w.Receive(t.Context())
	if down, ok := m.NodeDown(); err != nil || !ok || down.Reason != etf.Term(etf.Atom("connection_setup_failed")) {
		t.Error(m, err)
	}
	w.Exit(nil)
	if len(a.events.all) != 0 || len(a.events.nodes) != 0 {
		t.Error("an exited process still hears of nodes")
	}
	// Who is gone, and who is killed by a message too many.
	w.MonitorNodes(true, allNodes)
	w.MonitorNode(context.Background(), "nowhere@test", true)
	full := a.Open(MailboxLimit(1))
	full.MonitorNodes(true, allNodes)
	full.MonitorNodes(true, NodeEvents{Types: Connected, Map: true})
	if err := a.Connect(t.Context(), "b@test"); err != nil {
		t.Fatal(err)
	}
	<-full.Done()
	if got := full.Err().Error(); got != "exit: mailbox_overflow" {
		t.Error(got)
	}
}
