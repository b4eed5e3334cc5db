package node

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

func TestLinks(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		boom := etf.Atom("boom")
		t.Run("exit reaches the other side", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			p.Link(q.Self())
			settled(t, p, b)
			q.Exit(boom)
			if r := exited(t, p); r != "boom" {
				t.Error(r)
			}
		})
		t.Run("in both directions", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			p.Link(q.Self())
			p.Exit(boom)
			if r := exited(t, q); r != "boom" {
				t.Error(r)
			}
		})
		t.Run("trapped", func(t *testing.T) {
			p, q := trapping(t, a), b.Open()
			p.Link(q.Self())
			p.Link(q.Self()) // once
			settled(t, p, b)
			q.Exit(boom)
			expect(t, p, fmt.Sprintf("{'EXIT',%v,boom}", q.Self()))
			settled(t, p, b)
			if n := p.Messages(); n != 0 {
				t.Errorf("%d more messages", n)
			}
		})
		t.Run("normal is ignored", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			p.Link(q.Self())
			settled(t, p, b)
			q.Exit(nil)
			settled(t, p, b)
			if p.Err() != nil {
				t.Error(p.Err())
			}
		})
		t.Run("kill through a link is ordinary", func(t *testing.T) {
			p, q := trapping(t, a), b.Open()
			p.Link(q.Self())
			settled(t, p, b)
			q.Exit(etf.Atom("kill"))
			expect(t, p, fmt.Sprintf("{'EXIT',%v,kill}", q.Self()))
		})
		t.Run("noproc", func(t *testing.T) {
			p, q := trapping(t, a), b.Open()
			q.Exit(nil)
			p.Link(q.Self())
			expect(t, p, fmt.Sprintf("{'EXIT',%v,noproc}", q.Self()))
		})
		t.Run("unlink", func(t *testing.T) {
			p, q := trapping(t, a), trapping(t, b)
			p.Link(q.Self())
			p.Unlink(q.Self())
			settled(t, p, b)
			if records(p, a).links != 0 || records(q, b).links != 0 {
				t.Errorf("records left: %+v %+v", records(p, a), records(q, b))
			}
			p.Exit(boom)
			settled(t, q, a)
			if n := q.Messages(); n != 0 {
				t.Errorf("%d messages", n)
			}
		})
		t.Run("unlink and link again", func(t *testing.T) {
			p, q := trapping(t, a), b.Open()
			for range 100 {
				p.Link(q.Self())
				p.Unlink(q.Self())
			}
			p.Link(q.Self())
			settled(t, p, b)
			q.Exit(boom)
			expect(t, p, fmt.Sprintf("{'EXIT',%v,boom}", q.Self()))
		})
		t.Run("a chain falls", func(t *testing.T) {
			first := a.Open()
			last := first
			for i := range 1000 {
				n := a
				if i%2 == 0 {
					n = b
				}
				next := n.Open()
				next.Link(last.Self())
				settled(t, next, last.Node())
				last = next
			}
			first.Exit(boom)
			if r := exited(t, last); r != "boom" {
				t.Error(r)
			}
		})
	})
}

// Both ends link and unlink at random and at once; when they have stopped, both agree on whether there is a link.
func TestLinkRace(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		for range 200 {
			p, q := trapping(t, a), trapping(t, b)
			var wg sync.WaitGroup
			wg.Go(func() {
				for range 5 {
					p.Link(q.Self())
					p.Unlink(q.Self())
				}
				p.Link(q.Self())
			})
			wg.Go(func() {
				for range 5 {
					q.Link(p.Self())
					q.Unlink(p.Self())
				}
			})
			wg.Wait()
			settled(t, p, b)
			settled(t, q, a)
			settled(t, p, b)
			l, m := linkOf(p, q), linkOf(q, p)
			if (l != nil && l.active) != (m != nil && m.active) || l != nil && !l.active || m != nil && !m.active {
				t.Fatalf("%+v and %+v", l, m)
			}
		}
	})
}

func TestMonitors(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		boom := etf.Atom("boom")
		t.Run("by pid", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			ref, _ := p.Monitor(q.Self())
			settled(t, p, b)
			q.Send(p.Self(), "before")
			q.Exit(boom)
			expect(t, p, `<<"before">>`)
			expect(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,boom}", ref, q.Self()))
		})
		t.Run("by name", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			q.Register("watched")
			ref, _ := p.Monitor(Name{"watched", b.Name()})
			settled(t, p, b)
			b.Unregister("watched") // whoever has the name later is not meant
			other := b.Open()
			other.Register("watched")
			other.Exit(boom)
			q.Exit(etf.Atom("late"))
			expect(t, p, fmt.Sprintf("{'DOWN',%v,process,{watched,%v},late}", ref, b.Name()))
		})
		t.Run("noproc", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			q.Exit(nil)
			ref, _ := p.Monitor(q.Self())
			expect(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,noproc}", ref, q.Self()))
			ref, _ = p.Monitor(Name{"nobody", b.Name()})
			expect(t, p, fmt.Sprintf("{'DOWN',%v,process,{nobody,%v},noproc}", ref, b.Name()))
		})
		t.Run("many of one", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			want := make(map[string]bool)
			for range 50 {
				ref, _ := p.Monitor(q.Self())
				want[fmt.Sprintf("{'DOWN',%v,process,%v,boom}", ref, q.Self())] = true
			}
			settled(t, p, b)
			q.Exit(boom)
			for range 50 {
				delete(want, receive(t, p))
			}
			if len(want) != 0 {
				t.Errorf("missing %v", want)
			}
		})
		t.Run("demonitor", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			q.Register("demonitored")
			r1, _ := p.Monitor(q.Self())
			r2, _ := p.Monitor(Name{"demonitored", b.Name()})
			if !p.Demonitor(r1) || !p.Demonitor(r2) || p.Demonitor(r1) {
				t.Error("Demonitor")
			}
			settled(t, p, b)
			if records(q, b).watchers != 0 || records(q, b).byName != 0 {
				t.Error("still watched")
			}
			r3, _ := p.Monitor(q.Self())
			settled(t, p, b)
			q.Exit(boom)
			settled(t, p, b)
			if p.Messages() != 1 || p.Demonitor(r3) || p.Messages() != 0 {
				t.Error("a fired monitor is flushed")
			}
		})
		t.Run("the watcher exits", func(t *testing.T) {
			p, q := a.Open(), b.Open()
			p.Monitor(q.Self())
			settled(t, p, b)
			p.Exit(nil)
			settled(t, a.Open(), b)
			if records(q, b).watchers != 0 {
				t.Error("still watched")
			}
		})
	})
}

func TestSendExit(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		p := a.Open()
		for _, tt := range []struct {
			reason     etf.Atom
			trap       bool
			exit, told string
		}{
			{"boom", false, "boom", ""},
			{"boom", true, "", "{'EXIT',%v,boom}"},
			{"normal", false, "", ""},
			{"normal", true, "", "{'EXIT',%v,normal}"},
			{"kill", false, "killed", ""},
			{"kill", true, "killed", ""},
		} {
			q := b.Open()
			q.TrapExit(tt.trap)
			if err := p.SendExit(q.Self(), tt.reason); err != nil {
				t.Fatal(err)
			}
			settled(t, p, b)
			if tt.exit != "" {
				if r := exited(t, q); r != tt.exit {
					t.Errorf("%+v: %s", tt, r)
				}
				continue
			}
			if q.Err() != nil {
				t.Errorf("%+v: %v", tt, q.Err())
			} else if tt.told != "" {
				expect(t, q, fmt.Sprintf(tt.told, p.Self()))
			} else if q.Messages() != 0 {
				t.Errorf("%+v: a message", tt)
			}
		}
		q := a.Open()
		q.SendExit(q.Self(), normal) // to oneself even normal counts
		if r := exited(t, q); r != "normal" {
			t.Error(r)
		}
	})
}

func TestAliases(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		p, q := a.Open(), b.Open()
		send := func(to etf.Ref, text string) {
			t.Helper()
			if err := q.Send(to, text); err != nil {
				t.Fatal(err)
			}
			settled(t, q, a)
		}
		explicit := p.Alias(AliasExplicit)
		send(explicit, "1")
		send(explicit, "2")
		if !p.Unalias(explicit) || p.Unalias(explicit) {
			t.Error("Unalias")
		}
		send(explicit, "dropped")
		once := p.Alias(AliasReply)
		send(once, "3")
		send(once, "dropped")
		m1, _ := p.Monitor(q.Self(), AliasDemonitor)
		send(m1, "4")
		send(m1, "5")
		p.Demonitor(m1)
		send(m1, "dropped")
		m2, _ := p.Monitor(q.Self(), AliasReplyDemonitor)
		send(m2, "6")
		send(m2, "dropped")
		m3, _ := p.Monitor(q.Self(), AliasExplicit)
		p.Demonitor(m3)
		send(m3, "7")
		for i := 1; i <= 7; i++ {
			expect(t, p, fmt.Sprintf(`<<"%d">>`, i))
		}
		settled(t, p, b)
		if p.Messages() != 0 || records(p, a).monitors != 0 || records(q, b).watchers != 0 {
			t.Errorf("%d messages, %+v, %+v", p.Messages(), records(p, a), records(q, b))
		}
		p.Register("me")
		for _, self := range []any{p.Self(), etf.Atom("me"), Name{"me", p.Node().Name()}} { // as in ERTS neither monitor nor alias
			own, err := p.Monitor(self, AliasExplicit)
			send(own, "dropped")
			if err != nil || p.Unalias(own) || p.Demonitor(own) || p.Messages() != 0 {
				t.Errorf("a monitor of oneself by %v: %v, %d messages", self, err, p.Messages())
			}
		}
		p.Exit(nil)
		if records(p, a).aliases != 0 {
			t.Error("an alias outlives its process")
		}
	})
}

// The loss of a connection is felt by everyone at once, on both sides, and the next connection is a new one.
func TestDisconnect(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	p, q := trapping(t, a), trapping(t, b)
	q.Register("q")
	p.Link(q.Self())
	byPid, _ := p.Monitor(q.Self())
	byName, _ := p.Monitor(Name{"q", "b@test"})
	settled(t, p, b)
	if !a.Disconnect("b@test") || a.Disconnect("b@test") {
		t.Error("Disconnect")
	}
	want := map[string]bool{
		fmt.Sprintf("{'EXIT',%v,noconnection}", q.Self()):                   true,
		fmt.Sprintf("{'DOWN',%v,process,%v,noconnection}", byPid, q.Self()): true,
		fmt.Sprintf("{'DOWN',%v,process,{q,b@test},noconnection}", byName):  true,
	}
	for range 3 {
		delete(want, receive(t, p))
	}
	if len(want) != 0 {
		t.Errorf("missing %v", want)
	}
	expect(t, q, fmt.Sprintf("{'EXIT',%v,noconnection}", p.Self()))
	settled(t, p, b) // connects again
	if records(q, b) != (held{}) {
		t.Error("records of the lost connection are left")
	}
	q.Exit(etf.Atom("boom"))
	settled(t, p, b)
	if n := p.Messages(); n != 0 {
		t.Errorf("%d messages of the lost connection", n)
	}
}

// Who links or monitors without a connection hears noconnection.
func TestNoConnection(t *testing.T) {
	a := newCluster(t).start("a@test")
	far := etf.Pid{Node: "nowhere@test", ID: 1, Creation: 7}
	p := trapping(t, a)
	p.Link(far)
	expect(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", far))
	ref, _ := p.Monitor(far)
	expect(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,noconnection}", ref, far))
	p.MonitorNode(t.Context(), "nowhere@test", true)
	expect(t, p, "{nodedown,nowhere@test}")
	q := a.Open()
	q.Link(far)
	if r := exited(t, q); r != "noconnection" || !errors.Is(q.Err(), ErrNoConnection) {
		t.Error(r)
	}
}
