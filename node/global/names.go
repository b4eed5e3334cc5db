package global

import (
	"slices"
	"strings"

	"github.com/erlnode/erlnode/etf"
)

// name is a registered name: an entry of global_names, and of global_names_ext.
type name struct {
	name    etf.Term
	pid     etf.Pid
	method  etf.Term // as its node gave it, passed on as it is
	node    atom     // of an external name the node that registered it, else ""
	monitor uint64
}

// op is what joining two partitions changes: a name comes, or goes.
type op struct {
	insert bool
	name   etf.Term
	pid    etf.Pid
	method etf.Term
}

// external is an entry of a list of external names: {Name, Pid, Node}.
type external struct {
	key  string
	name etf.Term
	pid  etf.Pid
	node atom
}

// where finds the process of a name (global:whereis_name/1). One of this node counts only while it lives.
func (m *machine) where(k string) (etf.Pid, bool) {
	n := m.names[k]
	if n == nil || n.pid.Node == m.self && !m.alive(n.pid) {
		return etf.Pid{}, false
	}
	return n.pid, true
}

// insert gives a name to a process. lockSet tells whether the lock is held under which this was decided: else it is too late
// for it, and the name goes at once, with what it stood for.
func (m *machine) insert(nm etf.Term, pid etf.Pid, method etf.Term, node atom, lockSet bool) {
	k := key(nm)
	m.deleteName(k)
	n := &name{name: own(nm), pid: pid, method: own(method), node: node}
	m.names[k] = n
	m.namesOf[pid]++
	if node == m.self {
		m.do(setLink{pid, true})
	}
	n.monitor = m.monitor(pid, func() {
		if m.names[k] == n {
			m.deleteName(k)
		}
	})
	if !lockSet {
		m.deleteName(k)
	}
}

func (m *machine) deleteName(k string) {
	n := m.names[k]
	if n == nil {
		return
	}
	delete(m.names, k)
	m.demonitor(n.monitor)
	if m.namesOf[n.pid]--; m.namesOf[n.pid] == 0 {
		delete(m.namesOf, n.pid)
	}
	if n.node == m.self && m.namesOf[n.pid] == 0 {
		m.do(setLink{n.pid, false})
	}
}

// sortedNames returns the names in an order that is the same each time.
func (m *machine) sortedNames() []*name {
	keys := make([]string, 0, len(m.names))
	for k := range m.names {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	all := make([]*name, len(keys))
	for i, k := range keys {
		all[i] = m.names[k]
	}
	return all
}

// nameList is [{Name, Pid, Method}].
func (m *machine) nameList() etf.List {
	list := make(etf.List, 0, len(m.names))
	for _, n := range m.sortedNames() {
		list = append(list, etf.Tuple{n.name, n.pid, n.method})
	}
	return list
}

// externalList is [{Name, Pid, Node}].
func (m *machine) externalList() etf.List {
	list := etf.List{}
	for _, n := range m.sortedNames() {
		if n.node != "" {
			list = append(list, etf.Tuple{n.name, n.pid, n.node})
		}
	}
	return list
}

// apply carries out what was decided under a lock, which is still held, or the names go again.
func (m *machine) apply(ops []op, ext []external, lockID etf.Term) {
	lockSet := m.lockStillSet(lockID)
	for _, o := range ops {
		if o.insert {
			node := atom("")
			for _, e := range ext {
				if e.pid == o.pid && e.key == key(o.name) {
					node = e.node
				}
			}
			m.insert(o.name, o.pid, o.method, node, lockSet)
		}
	}
	for _, o := range ops {
		if !o.insert {
			m.deleteName(key(o.name))
		}
	}
}

// dropNode forgets the names and locks of the processes of a node. The ends of their monitors would do it too, but not
// necessarily before the node is back.
func (m *machine) dropNode(node atom) {
	for _, n := range m.sortedNames() {
		if n.pid.Node == node {
			m.deleteName(key(n.name))
		}
	}
	for _, k := range sortedStrings(m.locks) {
		if l := m.locks[k]; l != nil {
			for _, h := range slices.Clone(l.holders) {
				if h.pid.Node == node {
					m.removeHolder(k, h.pid, true)
				}
			}
		}
	}
}

func sortedStrings[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// monitor has gone called when a process has ended, unless demonitor comes first. The processes of global itself do not end.
func (m *machine) monitor(pid etf.Pid, gone func()) uint64 {
	if pid == m.locker || pid == m.registrar {
		return 0
	}
	id := m.newID()
	m.monitors[id] = gone
	m.do(startMonitor{id, pid})
	return id
}

func (m *machine) demonitor(id uint64) {
	if m.monitors[id] != nil {
		delete(m.monitors, id)
		m.do(stopMonitor{id})
	}
}

// down is an input: a monitored process has ended.
func (m *machine) down(id uint64) {
	if gone := m.monitors[id]; gone != nil {
		delete(m.monitors, id)
		gone()
	}
}
