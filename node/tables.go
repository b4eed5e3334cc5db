package node

import (
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// Process identifiers have 15 bits of number and 13 of serial, the range in which every release since OTP 23 takes them.
const (
	idBits     = 15
	serialBits = 13
	pidRange   = 1 << (idBits + serialBits)
	firstPid   = 1 // 0 is init on a BEAM node
)

// processTable holds the living processes by number.
type processTable struct {
	mu     sync.RWMutex
	m      map[uint32]*Process
	next   uint32
	closed bool
}

// add gives p a pid that no living process has. It fails once the table is closed.
func (t *processTable) add(n *Node, p *Process) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.m) >= pidRange-firstPid {
		return false
	}
	if t.m == nil {
		t.m = make(map[uint32]*Process)
		t.next = firstPid
	}
	for t.m[t.next] != nil {
		t.advance()
	}
	number := t.next
	t.advance()
	p.node = n
	p.pid = etf.Pid{Node: n.name, ID: number & (1<<idBits - 1), Serial: number >> idBits, Creation: n.creation}
	t.m[number] = p
	return true
}

func (t *processTable) advance() {
	if t.next++; t.next == pidRange {
		t.next = firstPid
	}
}

func (t *processTable) remove(p *Process) {
	if p.pid.Node == "" {
		return // it was never in
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, p.pid.ID|p.pid.Serial<<idBits)
}

// find returns the living process with that pid, nil for a pid of another node or of an earlier life of this one.
func (t *processTable) find(n *Node, pid etf.Pid) *Process {
	if pid.Creation != n.creation || pid.Node != n.name {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	p := t.m[pid.ID|pid.Serial<<idBits]
	if p == nil || p.pid != pid {
		return nil
	}
	return p
}

// close lets nobody in any more and returns who is there.
func (t *processTable) close() []*Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	all := make([]*Process, 0, len(t.m))
	for _, p := range t.m {
		all = append(all, p)
	}
	return all
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
