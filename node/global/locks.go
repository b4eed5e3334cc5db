package global

import (
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// lock is a resource that is locked on this node, by all processes that have asked for it with the same requester.
type lock struct {
	requester string // its key
	holders   []holder
}

type holder struct {
	pid     etf.Pid
	monitor uint64
}

// lockKey splits a lock id, {Resource, Requester}.
func lockKey(id etf.Term) (resource, requester string, ok bool) {
	t, _ := id.(etf.Tuple)
	if len(t) != 2 {
		return "", "", false
	}
	return key(t[0]), key(t[1]), true
}

// globalResource is the resource that is locked while names change.
var globalResource = key(atom("global"))

// canLock tells whether the lock could be set on this node.
func (m *machine) canLock(id etf.Term) bool {
	resource, requester, ok := lockKey(id)
	l := m.locks[resource]
	return ok && (l == nil || l.requester == requester)
}

// lockHere sets a lock on this node for a process.
func (m *machine) lockHere(id etf.Term, pid etf.Pid) bool {
	if !m.canLock(id) {
		return false
	}
	resource, requester, _ := lockKey(id)
	l := m.locks[resource]
	if l == nil {
		l = &lock{requester: requester}
		m.locks[resource] = l
	}
	if !slices.ContainsFunc(l.holders, func(h holder) bool { return h.pid == pid }) {
		h := holder{pid: pid}
		h.monitor = m.monitor(pid, func() { m.removeHolder(resource, pid, true) })
		l.holders = append(l.holders, h)
	}
	return true
}

// unlockHere takes the lock from the process. It stays with the others who hold it.
func (m *machine) unlockHere(id etf.Term, pid etf.Pid) {
	resource, requester, ok := lockKey(id)
	if l := m.locks[resource]; ok && l != nil && l.requester == requester {
		m.removeHolder(resource, pid, false)
	}
}

// removeHolder takes a lock from a process, because it has ended (down) or does not want it any more.
func (m *machine) removeHolder(resource string, pid etf.Pid, down bool) {
	l := m.locks[resource]
	if l == nil {
		return
	}
	i := slices.IndexFunc(l.holders, func(h holder) bool { return h.pid == pid })
	if i < 0 {
		return
	}
	m.demonitor(l.holders[i].monitor)
	l.holders = slices.Delete(l.holders, i, i+1)
	if len(l.holders) == 0 {
		delete(m.locks, resource)
		if resource == globalResource {
			m.lockDown = down
		}
	}
}

// holdsGlobal tells whether a process that registers a name holds the lock. Without any lock the name is let through, as OTP
// does, unless the end of a holder has freed it: then that was this one.
func (m *machine) holdsGlobal(pid etf.Pid) bool {
	l := m.locks[globalResource]
	if l == nil {
		return !m.lockDown
	}
	return slices.ContainsFunc(l.holders, func(h holder) bool { return h.pid == pid })
}

// lockStillSet tells whether the lock is held under which partitions were joined.
func (m *machine) lockStillSet(id etf.Term) bool {
	l := m.locks[globalResource]
	if l == nil {
		return !m.lockDown
	}
	_, requester, ok := lockKey(id)
	return ok && l.requester == requester
}
