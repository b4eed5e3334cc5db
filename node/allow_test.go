package node

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// dist_util:is_allowed, entry by entry.
func TestAllowList(t *testing.T) {
	for _, tt := range []struct {
		node  string
		list  []string
		allow bool
	}{
		{"a@h", nil, true},
		{"a@h", []string{"a@h"}, true},
		{"a@h", []string{"b@h", "a@i"}, false},
		{"a@h", []string{"h"}, true},
		{"a@h", []string{"a"}, false}, // a host of that name
		{"a@h", []string{"a@"}, true},
		{"a@h", []string{"b@"}, false},
		{"a@h", []string{"@h", "@", ""}, false},
		{"h", []string{"h"}, true}, // who asks for a name
		{"h", []string{"a@h", "h@"}, false},
	} {
		l := allowList{list: tt.list}
		if got := l.allows(tt.node); got != tt.allow {
			t.Errorf("%q in %q: %v", tt.node, tt.list, got)
		}
	}
}

func TestAllow(t *testing.T) {
	c := newCluster(t)
	a := c.start("a@test", func(c *Config) { c.Allow = []string{"b@test"} })
	b, d := c.start("b@test"), c.start("d@test")
	if err := a.Connect(t.Context(), "d@test"); !errors.Is(err, ErrNotAllowed) {
		t.Error(err)
	}
	if err := d.Connect(t.Context(), "a@test"); !errors.Is(err, ErrNoConnection) || !containsText(err, "not_allowed") {
		t.Error(err)
	}
	if err := b.Connect(t.Context(), "a@test"); err != nil {
		t.Error(err)
	}
	a.Allow("d@")
	if err := d.Connect(t.Context(), "a@test"); err != nil {
		t.Error(err)
	}
	if got := a.Allowed(); !slices.Equal(got, []string{"b@test", "d@"}) {
		t.Error(got)
	}
}

func TestAutoConnect(t *testing.T) {
	c := newCluster(t)
	always, never, once := c.start("always@test"), c.start("never@test", func(c *Config) { c.AutoConnect = AutoConnectNever }),
		c.start("once@test", func(c *Config) { c.AutoConnect = AutoConnectOnce })
	reaches := func(n *Node, want bool) {
		t.Helper()
		p := n.Open()
		defer p.Exit(etf.Atom("normal"))
		err := p.Send(Name{"nobody", "always@test"}, 1)
		if (err == nil) != want || err != nil && !errors.Is(err, ErrNoConnection) {
			t.Errorf("%v: send: %v", n.Name(), err)
		}
		if err := n.Ping(t.Context(), "always@test"); (err == nil) != want {
			t.Errorf("%v: ping: %v", n.Name(), err)
		}
		ref, _ := p.Monitor(Name{"nobody", "always@test"})
		ctx, cancel := contextOf(t, 10*time.Second)
		defer cancel()
		m, err := p.Receive(ctx)
		down, ok := m.Down()
		if err != nil || !ok || down.Ref != ref || (down.Reason == etf.Term(etf.Atom("noproc"))) != want {
			t.Errorf("%v: monitor: %v, %v", n.Name(), m, err)
		}
		if !want {
			p.MonitorNode(ctx, "always@test", true)
			expect(t, p, "{nodedown,always@test}")
		}
	}
	leave := func(n *Node) {
		t.Helper()
		n.Disconnect("always@test")
		awaitDown(t, always, n.Name())
	}

	reaches(never, false)
	if err := never.Connect(t.Context(), "always@test"); err != nil {
		t.Fatal(err)
	}
	reaches(never, true)
	leave(never)
	reaches(never, false)
	if err := always.Connect(t.Context(), "never@test"); err != nil { // from the peer it is taken
		t.Fatal(err)
	}
	upAt(t, always, "never@test")
	reaches(never, true)

	reaches(once, true)
	leave(once)
	reaches(once, false)
	if err := once.Connect(t.Context(), "always@test"); err != nil {
		t.Fatal(err)
	}
	reaches(once, true)
	leave(once)
	if err := always.Connect(t.Context(), "once@test"); err != nil { // so does this end the bar
		t.Fatal(err)
	}
	reaches(once, true)
}
