package node

import (
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// A monitor by name is taken back from the process that had the name when it was set up, whoever has it now.
func TestDemonitorAfterTheName(t *testing.T) {
	for _, test := range []struct {
		name string
		then func(n *Node, p *Process) // what happens to the name
	}{
		{"still has it", func(*Node, *Process) {}},
		{"nobody has it", func(n *Node, _ *Process) { n.Unregister("watched") }},
		{"another has it", func(n *Node, _ *Process) {
			n.Unregister("watched")
			n.Open(Register("watched"))
		}},
		{"has another", func(n *Node, p *Process) {
			n.Unregister("watched")
			p.Register("other")
		}},
		{"has it again", func(n *Node, p *Process) {
			n.Unregister("watched")
			p.Register("watched")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			both(t, func(t *testing.T, a, b *Node) {
				p, q := a.Open(), b.Open(Register("watched"))
				before, _ := p.Monitor(Name{"watched", b.Name()})
				settled(t, p, b)
				test.then(b, q)
				after, _ := p.Monitor(q.Self())
				settled(t, p, b)
				if n := records(q, b).watchers; n != 2 {
					t.Fatalf("%d watch", n)
				}
				if !p.Demonitor(before) || !p.Demonitor(after) {
					t.Error("a monitor is not there")
				}
				settled(t, p, b)
				if n := records(q, b).watchers; n != 0 {
					t.Errorf("%d still watch", n)
				}
				if n := records(q, b).byName; n != 0 {
					t.Errorf("%d monitors by name are still known", n)
				}
				q.Exit(nil)
				settled(t, p, b)
				if p.Messages() != 0 {
					t.Error("a DOWN has come")
				}
			})
		})
	}
}

// A reference comes back as it was sent, also one that is none of the sender's own.
func TestWatchKey(t *testing.T) {
	n := newCluster(t).start("a@test")
	s := &session{peer: "b@test"}
	own := n.newRef()
	refs := []etf.Ref{
		own,
		{Node: "b@test", Creation: 7, Len: 3, Words: [5]uint32{1, 2, 3}},
		{Node: "b@test", Creation: 8, Len: 3, Words: [5]uint32{1, 2, 3}},
		{Node: "b@test", Creation: 7, Len: 5, Words: [5]uint32{1, 2, 3}},
		{Node: "b@test", Creation: 7, Len: 5, Words: [5]uint32{1, 2, 3, 4, 5}},
		{Node: "c@test", Creation: 7, Len: 3, Words: [5]uint32{1, 2, 3}},
	}
	type given struct {
		s   *session
		ref etf.Ref
	}
	keys := make(map[watchKey]given)
	for _, s := range []*session{nil, s} {
		for _, ref := range refs {
			k := n.watchKey(s, &ref)
			if other, taken := keys[k]; taken {
				t.Errorf("%v and %v have the same key", ref, other)
			}
			keys[k] = given{s, ref}
			if got := n.ref(&k); got != ref {
				t.Errorf("%v has become %v", ref, got)
			}
		}
	}
}
