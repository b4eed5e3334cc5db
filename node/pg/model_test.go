package pg

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// Models of OTP's scopes, for the simulation: what they send, and what they crash on.

// table is members by group.
type table map[etf.Atom][]etf.Pid

func (t table) add(group etf.Atom, pids []etf.Pid) {
	if len(pids) > 0 {
		t[group] = slices.Concat(pids, t[group])
	}
}

func (t table) remove(group etf.Atom, pids []etf.Pid) {
	for _, p := range pids {
		if i := slices.Index(t[group], p); i >= 0 {
			t[group] = slices.Delete(slices.Clone(t[group]), i, i+1)
		}
	}
	if len(t[group]) == 0 {
		delete(t, group)
	}
}

func (t table) pairs() etf.List {
	list := etf.List{}
	for _, g := range slices.Sorted(maps.Keys(t)) {
		list = append(list, etf.Tuple{g, pidList(t[g])})
	}
	return list
}

// model is what both have in common.
type model struct {
	self  etf.Pid
	local table
	peers map[etf.Pid]*modelPeer
	out   []simEffect
}

type modelPeer struct {
	version int
	data    table
}

func (m *model) send(to etf.Pid, t etf.Term) {
	b, err := etf.AppendTerm(nil, t)
	if err != nil {
		panic(err)
	}
	m.out = append(m.out, simEffect{pid: to, message: b})
}

func (m *model) announce(node etf.Atom, t etf.Term) {
	b, _ := etf.AppendTerm(nil, t)
	m.out = append(m.out, simEffect{node: node, message: b})
}

func (m *model) effects() []simEffect {
	out := m.out
	m.out = nil
	return out
}

func (m *model) members(group etf.Atom) []etf.Pid {
	all := slices.Clone(m.local[group])
	for _, p := range m.peers {
		all = append(all, p.data[group]...)
	}
	return all
}

func (m *model) nodeDown(etf.Atom, uint32) {}

// add notes a peer, and monitors it.
func (m *model) add(pid etf.Pid, version int) *modelPeer {
	p := &modelPeer{version: version, data: table{}}
	m.peers[pid] = p
	m.out = append(m.out, simEffect{pid: pid})
	return p
}

// groupsOf is the groups of a member of this node, each as often as it is in.
func (m *model) groupsOf(pid etf.Pid) (in []etf.Atom) {
	for _, g := range slices.Sorted(maps.Keys(m.local)) {
		for _, p := range m.local[g] {
			if p == pid {
				in = append(in, g)
			}
		}
	}
	return in
}

// watch monitors members of this node that were none before.
func (m *model) watch(pids []etf.Pid) {
	seen := map[etf.Pid]bool{}
	for _, p := range pids {
		if !seen[p] && len(m.groupsOf(p)) == 0 {
			m.out = append(m.out, simEffect{pid: p})
		}
		seen[p] = true
	}
}

func pidOrList(pids []etf.Pid) etf.Term {
	if len(pids) == 1 {
		return pids[0]
	}
	return pidList(pids)
}

func pidsOf(t etf.Term) (pids []etf.Pid, err error) {
	if p, ok := t.(etf.Pid); ok {
		return []etf.Pid{p}, nil
	}
	list, ok := t.(etf.List)
	if !ok {
		return nil, errors.New("badarg")
	}
	for _, e := range list {
		p, ok := e.(etf.Pid)
		if !ok {
			return nil, errors.New("badarg")
		}
		pids = append(pids, p)
	}
	return pids, nil
}

// dataOf reads a list of {Group, Pids} or a map.
func dataOf(t etf.Term) (table, error) {
	d := table{}
	add := func(g, pids etf.Term) error {
		name, ok := g.(etf.Atom)
		list, err := pidsOf(pids)
		if !ok || err != nil || len(list) == 0 || d[name] != nil {
			return errors.New("badarg")
		}
		d[name] = list
		return nil
	}
	switch t := t.(type) {
	case etf.List:
		for _, e := range t {
			pair, ok := e.(etf.Tuple)
			if !ok || len(pair) != 2 {
				return nil, errors.New("badarg")
			}
			if err := add(pair[0], pair[1]); err != nil {
				return nil, err
			}
		}
	case etf.Map:
		for _, p := range t {
			if err := add(p.Key, p.Value); err != nil {
				return nil, err
			}
		}
	default:
		return nil, errors.New("badarg")
	}
	return d, nil
}

// opened is a message in parts: its label, with "cast " before it for a cast, the scope that it is from, and the rest.
func opened(raw etf.Raw) (label string, from etf.Pid, rest etf.Tuple, err error) {
	t, err := raw.Term()
	if err != nil {
		return "", from, nil, err
	}
	tuple, _ := t.(etf.Tuple)
	if len(tuple) == 2 && tuple[0] == etf.Term(etf.Atom("$gen_cast")) {
		label = "cast "
		tuple, _ = tuple[1].(etf.Tuple)
	}
	if len(tuple) < 2 {
		return "", from, nil, errors.New("badarg")
	}
	name, _ := tuple[0].(etf.Atom)
	from, ok := tuple[1].(etf.Pid)
	if !ok {
		return "", from, nil, errors.New("badarg")
	}
	return fmt.Sprintf("%s%s %d", label, string(name), len(tuple)), from, tuple[2:], nil
}

// plainModel is a scope of OTP 23 to 28.
type plainModel struct {
	model
	tolerant bool // of a discover with a version, as from OTP 26
}

func newPlainModel(self etf.Pid, tolerant bool) *plainModel {
	return &plainModel{model{self: self, local: table{}, peers: map[etf.Pid]*modelPeer{}}, tolerant}
}

func (m *plainModel) nodeUp(node etf.Atom, _ uint32) {
	m.announce(node, etf.Tuple{etf.Atom("discover"), m.self})
}

func (m *plainModel) broadcast(t etf.Term) {
	for pid := range m.peers {
		m.send(pid, t)
	}
}

func (m *plainModel) join(group etf.Atom, pids []etf.Pid) {
	m.watch(pids)
	m.local.add(group, pids)
	m.broadcast(etf.Tuple{etf.Atom("join"), m.self, group, pidOrList(pids)})
}

func (m *plainModel) leave(group etf.Atom, pids []etf.Pid) {
	before := len(m.local[group])
	m.local.remove(group, pids)
	if len(m.local[group]) != before {
		m.broadcast(etf.Tuple{etf.Atom("leave"), m.self, pidOrList(pids), etf.List{group}})
	}
}

func (m *plainModel) down(pid etf.Pid) {
	if pid.Node != m.self.Node {
		delete(m.peers, pid)
		return
	}
	groups := etf.List{}
	for _, g := range m.groupsOf(pid) {
		groups = append(groups, g)
		m.local.remove(g, []etf.Pid{pid})
	}
	if len(groups) > 0 {
		m.broadcast(etf.Tuple{etf.Atom("leave"), m.self, pid, groups})
	}
}

func (m *plainModel) receive(raw etf.Raw) error {
	label, from, rest, err := opened(raw)
	if err != nil {
		return err
	}
	p := m.peers[from]
	switch {
	case label == "discover 2", label == "discover 3" && m.tolerant:
		m.send(from, etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), m.self, m.local.pairs()}})
		if p == nil {
			m.add(from, 0)
			m.send(from, etf.Tuple{etf.Atom("discover"), m.self})
		}
	case label == "cast sync 3":
		d, err := dataOf(rest[0])
		if err != nil {
			return err
		}
		if p == nil {
			p = m.add(from, 0)
		}
		p.data = d
	case label == "join 4":
		pids, err := pidsOf(rest[1])
		if err != nil {
			return err
		}
		if p != nil {
			p.data.add(rest[0].(etf.Atom), pids)
		}
	case label == "leave 4":
		pids, err := pidsOf(rest[0])
		groups, ok := rest[1].(etf.List)
		if err != nil || !ok {
			return errors.New("badarg")
		}
		if p == nil {
			return nil
		}
		for _, g := range groups {
			if len(p.data[g.(etf.Atom)]) == 0 {
				return fmt.Errorf("badkey %v", g)
			}
			p.data.remove(g.(etf.Atom), pids)
		}
	default:
		return errors.New("badarg: " + label)
	}
	return nil
}

// publisherModel is a scope of OTP 29.
type publisherModel struct{ model }

func newPublisherModel(self etf.Pid) *publisherModel {
	return &publisherModel{model{self: self, local: table{}, peers: map[etf.Pid]*modelPeer{}}}
}

func (m *publisherModel) nodeUp(node etf.Atom, _ uint32) {
	m.announce(node, etf.Tuple{etf.Atom("discover"), m.self, etf.Int(1)})
}

func (m *publisherModel) broadcast(group etf.Atom, add, remove []etf.Pid) {
	for pid, p := range m.peers {
		switch {
		case p.version == 1:
			m.send(pid, etf.Tuple{etf.Atom("update"), m.self, etf.List{etf.Tuple{group, pidList(add), pidList(remove)}}})
		case len(add) > 0:
			m.send(pid, etf.Tuple{etf.Atom("join"), m.self, group, pidList(add)})
		case len(remove) > 0:
			m.send(pid, etf.Tuple{etf.Atom("leave"), m.self, pidList(remove), etf.List{group}})
		}
	}
}

func (m *publisherModel) join(group etf.Atom, pids []etf.Pid) {
	m.watch(pids)
	m.local.add(group, pids)
	m.broadcast(group, pids, nil)
}

func (m *publisherModel) leave(group etf.Atom, pids []etf.Pid) {
	if before := len(m.local[group]); before > 0 {
		m.local.remove(group, pids)
		if len(m.local[group]) != before {
			m.broadcast(group, nil, pids)
		}
	}
}

func (m *publisherModel) down(pid etf.Pid) {
	if pid.Node != m.self.Node {
		delete(m.peers, pid)
		return
	}
	for _, g := range m.groupsOf(pid) {
		m.local.remove(g, []etf.Pid{pid})
		m.broadcast(g, nil, []etf.Pid{pid})
	}
}

func (m *publisherModel) receive(raw etf.Raw) error {
	label, from, rest, err := opened(raw)
	if err != nil {
		return err
	}
	p := m.peers[from]
	switch label {
	case "discover 2", "discover 3":
		version := len(rest)
		if version == 0 {
			m.send(from, etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), m.self, m.local.pairs()}})
		} else {
			data := etf.Map{}
			for g, pids := range m.local {
				data = append(data, etf.Pair{Key: g, Value: pidList(pids)})
			}
			m.send(from, etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("local_data"), m.self, rest[0], data}})
		}
		if p == nil {
			m.add(from, version)
			m.send(from, etf.Tuple{etf.Atom("discover"), m.self, etf.Int(1)})
		}
	case "cast sync 3", "cast local_data 4":
		version := len(rest) - 1
		d, err := dataOf(rest[version])
		if err != nil {
			return err
		}
		if p == nil {
			p = m.add(from, version)
		}
		p.version, p.data = version, d
	case "update 3":
		if p == nil {
			return nil
		}
		for _, u := range rest[0].(etf.List) {
			u := u.(etf.Tuple)
			add, err1 := pidsOf(u[1])
			remove, err2 := pidsOf(u[2])
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			p.data.add(u[0].(etf.Atom), add)
			p.data.remove(u[0].(etf.Atom), remove)
		}
	case "join 4":
		pids, err := pidsOf(rest[1])
		if p != nil {
			p.data.add(rest[0].(etf.Atom), pids)
		}
		return err
	case "leave 4":
		pids, err := pidsOf(rest[0])
		if p != nil {
			for _, g := range rest[1].(etf.List) {
				p.data.remove(g.(etf.Atom), pids)
			}
		}
		return err
	default:
		return errors.New("badarg: " + label)
	}
	return nil
}
