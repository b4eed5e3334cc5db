package node

import (
	"sync"
	"sync/atomic"

	"github.com/erlnode/erlnode/etf"
)

// Process identifiers have 15 bits of number and 13 of serial, the range in which every release since OTP 23 takes them.
const (
	idBits     = 15
	serialBits = 13
	pidRange   = 1 << (idBits + serialBits)
	firstPid   = 1 // 0 is init on a BEAM node
)

// processTable holds the living processes, each in the slot that the low bits of its number say: numbers are given so that no two
// need the same. Who looks for one takes no lock.
type processTable struct {
	slots  atomic.Pointer[[]slot] // a power of two of them; what follows is guarded by mu, and so is who writes to slots
	mu     sync.Mutex
	living int
	next   uint32
	closed bool
}

type slot = atomic.Pointer[Process]

// firstSlots is the size of the table of a small node.
const firstSlots = 64

// at returns the slot of a number, nil as long as there are none.
func (t *processTable) at(number uint32) *slot {
	slots := t.slots.Load()
	if slots == nil {
		return nil
	}
	return &(*slots)[number&uint32(len(*slots)-1)]
}

// add gives p a pid that no living process has. It fails once the table is closed.
func (t *processTable) add(n *Node, p *Process) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.living >= pidRange-firstPid {
		return false
	}
	t.grow()
	for t.at(t.next).Load() != nil {
		t.advance()
	}
	number := t.next
	t.advance()
	p.node = n
	p.pid = etf.Pid{Node: n.name, ID: number & (1<<idBits - 1), Serial: number >> idBits, Creation: n.creation}
	t.at(number).Store(p)
	t.living++
	return true
}

// grow sees to it that half of the slots are free. What has a slot of its own has one in a larger table too.
func (t *processTable) grow() {
	old := t.slots.Load()
	if old == nil {
		slots := make([]slot, firstSlots)
		t.slots.Store(&slots)
		t.next = firstPid
		return
	}
	if 2*t.living < len(*old) || len(*old) == pidRange {
		return
	}
	slots := make([]slot, 2*len(*old))
	for i := range *old {
		if p := (*old)[i].Load(); p != nil {
			slots[p.number()&uint32(len(slots)-1)].Store(p)
		}
	}
	t.slots.Store(&slots)
}

func (t *processTable) advance() {
	if t.next++; t.next == pidRange {
		t.next = firstPid
	}
}

// number is that of the process's pid.
func (p *Process) number() uint32 { return p.pid.ID | p.pid.Serial<<idBits }

func (t *processTable) remove(p *Process) {
	if p.pid.Node == "" {
		return // it was never in
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := t.at(p.number()); at.Load() == p {
		at.Store(nil)
		t.living--
	}
}

// find returns the living process with that pid, nil for a pid of another node or of an earlier life of this one.
func (t *processTable) find(n *Node, pid etf.Pid) *Process {
	at := t.at(pid.ID | pid.Serial<<idBits)
	if at == nil {
		return nil
	}
	if p := at.Load(); p != nil && p.pid == pid {
		return p
	}
	return nil
}

// all returns the living processes.
func (t *processTable) all() (all []*Process) {
	slots := t.slots.Load()
	if slots == nil {
		return nil
	}
	for i := range *slots {
		if p := (*slots)[i].Load(); p != nil {
			all = append(all, p)
		}
	}
	return all
}

// close lets nobody in any more and returns who is there.
func (t *processTable) close() []*Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	return t.all()
}

// table is a map from names or references to processes.
type table[K comparable] struct {
	mu sync.RWMutex
	m  map[K]*Process
}

func (t *table[K]) get(k K) *Process {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[k]
}

// add enters p unless k is taken.
func (t *table[K]) add(k K, p *Process) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m[k] != nil {
		return false
	}
	if t.m == nil {
		t.m = make(map[K]*Process)
	}
	t.m[k] = p
	return true
}

func (t *table[K]) remove(k K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, k)
}
