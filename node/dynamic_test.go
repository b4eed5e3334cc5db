package node

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/handshake"
)

// A node without a name asks for one, is a node as any other with it, and gives it back when it goes: the next one that asks
// gets the same name in a later life.
func TestDynamicName(t *testing.T) {
	c := newCluster(t)
	namer, third := c.start("namer@test"), c.start("third@test")
	asks := func(cfg *Config) { cfg.Namer = "namer@test" }
	a := c.start("undefined@vm", asks)
	if _, host := splitName(string(a.Name())); host != "vm" || a.Creation() == 0 || a.Port() != 0 {
		t.Errorf("%v, creation %d, port %d", a.Name(), a.Creation(), a.Port())
	}
	if err := handshake.CheckName(string(a.Name())); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(a.Nodes(Hidden), a.Nodes(Visible)); got != "[namer@test] []" {
		t.Error(got)
	}
	p, q := trapping(t, a), namer.Open()
	if err := p.Link(q.Self()); err != nil {
		t.Fatal(err)
	}
	if err := q.Send(p.Self(), "hello"); err != nil {
		t.Fatal(err)
	}
	expect(t, p, `<<"hello">>`)
	if err := a.Ping(t.Context(), third.Name()); err != nil {
		t.Error(err)
	}

	b := c.start("@vm", asks)
	if b.Name() == a.Name() {
		t.Error("two nodes of one name:", a.Name())
	}

	// Without its namer the node is nobody.
	namer.Disconnect(a.Name())
	expect(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", q.Self()))
	for _, to := range []Name{{"x", "namer@test"}, {"x", "third@test"}} {
		awaitDown(t, a, to.Node)
		if err := p.Send(to, 1); !errors.Is(err, ErrNameLost) || !errors.Is(err, ErrNoConnection) {
			t.Error(err)
		}
	}
	next := c.start("undefined@vm", asks)
	if next.Name() != a.Name() || next.Creation() != a.Creation()+1 {
		t.Errorf("%v of creation %d follows %v of %d", next.Name(), next.Creation(), a.Name(), a.Creation())
	}
	elsewhere := c.start("undefined@other", asks)
	if _, host := splitName(string(elsewhere.Name())); host != "other" {
		t.Error(elsewhere.Name())
	}
}

func TestDynamicNameRefused(t *testing.T) {
	c := newCluster(t)
	c.start("silent@test", func(c *Config) { c.Flags = handshake.Default })
	c.start("choosy@test", func(c *Config) { c.Allow = []string{"only@vm", "here"} })
	for _, tt := range []struct {
		name, namer, cookie, says string
	}{
		{"undefined@vm", "", "secret", "Config.Namer"},
		{"undefined@vm", "nonsense", "secret", "has no '@'"},
		{"undefined@vm", "nobody@test", "secret", "no such node"},
		{"undefined@vm", "silent@test", "secret", "not allowed"},
		{"undefined@vm", "choosy@test", "secret", "not allowed"},
		{"undefined@here", "choosy@test", "other", "cookie"},
		{"undefined@he re", "choosy@test", "secret", "printable"},
	} {
		n, err := Start(t.Context(), tt.name, Config{Cookie: tt.cookie, Namer: tt.namer, Resolve: c.resolve})
		if err == nil {
			n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s at %q: %v, want %q", tt.name, tt.namer, err, tt.says)
		}
	}
	n := c.start("undefined@here", func(c *Config) { c.Namer = "choosy@test" })
	if _, host := splitName(string(n.Name())); host != "here" {
		t.Error(n.Name())
	}
}
