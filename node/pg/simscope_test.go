package pg

import (
	"fmt"
	"math"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// goScope is our machine.
type goScope struct{ m *machine }

func (g *goScope) nodeUp(node etf.Atom, connection uint32)   { g.m.nodeUp(node, connection, true) }
func (g *goScope) nodeDown(node etf.Atom, connection uint32) { g.m.nodeDown(node, connection) }
func (g *goScope) down(pid etf.Pid)                          { g.m.down(pid) }

func (g *goScope) receive(raw etf.Raw) error {
	if m, err := parse(raw); err == nil {
		g.m.receive(m)
	} else {
		panic(fmt.Sprintf("%v: %v", raw, err))
	}
	return nil
}

func (g *goScope) join(group etf.Atom, pids []etf.Pid) {
	if len(pids) > 0 {
		k, _ := key(group)
		g.m.join(k, group, pids)
	}
}

func (g *goScope) leave(group etf.Atom, pids []etf.Pid) {
	k, _ := key(group)
	g.m.leave(k, pids)
}

func (g *goScope) members(group etf.Atom) []etf.Pid {
	k, _ := key(group)
	if g := g.m.groups[k]; g != nil {
		return newest(g.all)
	}
	return nil
}

func (g *goScope) effects() (out []simEffect) {
	for _, e := range g.m.take() {
		switch e.kind {
		case monitor:
			out = append(out, simEffect{pid: e.pids[0]})
		case announce:
			b, _ := message{kind: discover, from: g.m.self}.encode()
			out = append(out, simEffect{node: e.node, message: b[0], over: g.over(e.node)})
		case send:
			all, err := e.message.encode()
			if err != nil {
				panic(err)
			}
			for _, pid := range e.pids {
				for _, b := range all {
					out = append(out, simEffect{pid: pid, message: b, over: g.over(pid.Node)})
				}
			}
		}
	}
	return out
}

// over is the connection to send over; if the scope has not heard of one, none that there is.
func (g *goScope) over(node etf.Atom) uint32 {
	if id := g.m.conns[node]; id != 0 {
		return id
	}
	return math.MaxUint32
}

// check holds the machine to what must always be true of it.
func (m *machine) check() error {
	for k, g := range m.groups {
		want := slices.Clone(g.local)
		for _, p := range m.peers {
			if pg := p.groups[k]; pg != nil {
				want = append(want, pg.all...)
			}
		}
		got := slices.Clone(g.all)
		sortPids(want)
		sortPids(got)
		if len(got) == 0 || !slices.Equal(got, want) {
			return fmt.Errorf("group %v has %v, its parts %v", g.name, got, want)
		}
		for _, p := range g.local {
			if !slices.Contains(m.local[p], k) {
				return fmt.Errorf("group %v has %v, which does not know", g.name, p)
			}
		}
	}
	for p, in := range m.local {
		for _, k := range in {
			if g := m.groups[k]; g == nil || !slices.Contains(g.local, p) {
				return fmt.Errorf("%v is in a group that does not know", p)
			}
		}
	}
	for pid, p := range m.peers {
		for k, g := range p.groups {
			if m.groups[k] == nil || len(g.all) == 0 {
				return fmt.Errorf("%v has a group that is not there", pid)
			}
		}
	}
	return nil
}
