package node

import (
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// What comes with priority and what does not, as OTP 29 orders it. The sender is at home or on another node.
func TestPriority(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	for _, from := range []*Node{a, b} {
		for name, test := range map[string]struct {
			mode AliasMode
			send func(p *Process, to etf.Pid, alias etf.Ref)
			want []string
		}{
			"messages": {AliasExplicit | AliasPriority, func(p *Process, to etf.Pid, alias etf.Ref) {
				p.Send(to, 1)
				p.SendPriority(alias, etf.Atom("a"))
				p.SendPriority(alias, etf.Atom("b"))
				p.Send(alias, 2)
				p.SendPriority(to, 3) // only through an alias
			}, []string{"a", "b", "1", "2", "3"}},
			"an alias without": {AliasExplicit, func(p *Process, to etf.Pid, alias etf.Ref) {
				p.Send(to, 1)
				p.SendPriority(alias, etf.Atom("a"))
				p.SendExitPriority(alias, etf.Atom("e"))
			}, []string{"1", "a", "{'EXIT',from,e}"}},
			"an alias for one message": {AliasReply | AliasPriority, func(p *Process, to etf.Pid, alias etf.Ref) {
				p.Send(to, 1)
				p.SendExitPriority(alias, etf.Atom("e")) // is no message
				p.SendPriority(alias, etf.Atom("a"))
				p.SendPriority(alias, etf.Atom("b"))
			}, []string{"{'EXIT',from,e}", "a", "1"}},
			"exit signals": {AliasPriority, func(p *Process, to etf.Pid, alias etf.Ref) {
				p.Send(to, 1)
				p.SendExitPriority(alias, etf.Atom("e"))
				p.SendExit(alias, etf.Atom("f"))
				p.SendExitPriority(to, etf.Atom("g"))
			}, []string{"{'EXIT',from,e}", "1", "{'EXIT',from,f}", "{'EXIT',from,g}"}},
		} {
			t.Run(fmt.Sprintf("%s from %s", name, from.Name()), func(t *testing.T) {
				p, q := from.Open(), trapping(t, a)
				alias := q.Alias(test.mode)
				test.send(p, q.Self(), alias)
				settled(t, p, a)
				var got []string
				for q.Messages() > 0 {
					m, err := q.Receive(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if e, ok := m.Exit(); ok {
						got = append(got, fmt.Sprintf("{'EXIT',from,%v}", e.Reason))
					} else {
						got = append(got, m.String())
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(test.want) {
					t.Errorf("got %v, want %v", got, test.want)
				}
			})
		}
	}
}

// The options of links and monitors: who has asked for it hears of an end before all else, with the tag asked for.
func TestMonitorOptions(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test"), c.start("b@test")
	for _, at := range []*Node{a, b} {
		w, q, r := trapping(t, a), at.Open(), at.Open()
		w.Link(q.Self(), Priority)
		w.Link(r.Self(), Priority)
		w.Link(r.Self()) // the last one counts
		first, err1 := w.Monitor(q.Self(), Priority, MonitorTag(etf.Tuple{etf.Atom("my"), etf.Atom("tag")}))
		alias, err2 := w.Monitor(r.Self(), AliasExplicit, MonitorTag(etf.Int(7)))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		w.Send(w.Self(), 1)
		r.SendPriority(alias, 2) // the alias of a monitor is without, whatever the monitor is
		if at == b {
			settled(t, r, a)
		}
		r.Exit(etf.Atom("bye"))
		for w.Messages() < 4 {
			settled(t, at.Open(), a)
		}
		q.Exit(etf.Atom("bye"))
		for w.Messages() < 6 {
			settled(t, at.Open(), a)
		}
		got := map[string]int{}
		for i := range 6 {
			m, _ := w.Receive(t.Context())
			got[m.String()] = i / 2
			if d, ok := m.Down(); ok && d.Ref == first && d.Tag.String() != "{my,tag}" {
				t.Error(d)
			}
		}
		for text, place := range map[string]int{
			fmt.Sprintf("{'EXIT',%v,bye}", q.Self()):                     0,
			fmt.Sprintf("{{my,tag},%v,process,%v,bye}", first, q.Self()): 0,
			"1": 1, "2": 1,
			fmt.Sprintf("{'EXIT',%v,bye}", r.Self()):              2,
			fmt.Sprintf("{7,%v,process,%v,bye}", alias, r.Self()): 2,
		} {
			if p, ok := got[text]; !ok || p != place {
				t.Errorf("%s is in place %d, want %d: %v", text, p, place, got)
			}
		}
	}
	for _, mode := range []AliasMode{AliasReply, AliasPriority | AliasExplicit} {
		if _, err := a.Open().Monitor(a.Open(), mode); err == nil {
			t.Errorf("a monitor took the alias mode %d", mode)
		}
	}
	if err := a.Open().SendExit(etf.Atom("name"), 1); err == nil {
		t.Error("an exit signal was sent to a name")
	}
}
