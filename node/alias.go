package node

import (
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// AliasMode says when an alias ends. Every alias ends with its process and by Unalias.
type AliasMode uint8

// The modes of erlang:alias/1 and of the option {alias, Mode} of erlang:monitor/3.
const (
	AliasExplicit       AliasMode = iota + 1 // not before that
	AliasReply                               // with the first message that comes through it
	AliasDemonitor                           // with its monitor: when that fires and by Demonitor
	AliasReplyDemonitor                      // with its monitor or the first message, which ends the monitor too

	// AliasPriority is added to one of the first two: what is sent to the alias with priority (SendPriority, SendExitPriority,
	// and what peers from OTP 28 on send so) comes before the other messages (alias([priority]), EEP 76).
	AliasPriority AliasMode = 1 << 7
)

// aliasTable finds what an alias stands for: a process of this node, or a call that waits for its reply, which mostly has a slot of requestTable. Only
// references of this life of the node are in it, each as the number that it was made of.
type aliasTable struct {
	node   *Node
	shards [16]aliasShard
}

type aliasShard struct {
	mu      sync.Mutex
	entries map[uint64]aliased
	_       [64 - 16]byte // a cache line each
}

type aliased struct {
	process *Process
	mode    AliasMode
	request *request
	session *session // of the request
}

// shard finds the place of a reference, and returns nil for one that is not of this life of the node.
func (t *aliasTable) shard(ref *etf.Ref) (*aliasShard, uint64) {
	if ref.Len != 3 || ref.Creation != t.node.creation || ref.Node != t.node.name || ref.Words[0] > firstWord || ref.Words[2] >= 1<<14 {
		return nil, 0
	}
	u := refNumber(ref)
	return &t.shards[u%uint64(len(t.shards))], u
}

func (t *aliasTable) add(ref etf.Ref, a aliased) {
	s, u := t.shard(&ref)
	s.mu.Lock()
	if s.entries == nil {
		s.entries = make(map[uint64]aliased)
	}
	s.entries[u] = a
	s.mu.Unlock()
}

func (t *aliasTable) remove(ref etf.Ref) {
	s, u := t.shard(&ref)
	s.mu.Lock()
	delete(s.entries, u)
	s.mu.Unlock()
}

func (t *aliasTable) get(ref etf.Ref) (a aliased, ok bool) {
	s, u := t.shard(&ref)
	switch {
	case s == nil:
		return a, false
	case ref.Words[2] != 0:
		return t.node.requests.get(&ref)
	}
	s.mu.Lock()
	a, ok = s.entries[u]
	s.mu.Unlock()
	return a, ok
}

// requests returns the calls that wait for an answer over a connection.
func (t *aliasTable) requests(s *session) (refs []etf.Ref, all []*request) {
	t.node.requests.each(func(r *request) {
		if r.over == s {
			refs, all = append(refs, r.ref), append(all, r)
		}
	})
	for i := range t.shards {
		shard := &t.shards[i]
		shard.mu.Lock()
		for u, a := range shard.entries {
			if a.request != nil && a.session == s {
				refs, all = append(refs, t.node.refOf(u)), append(all, a.request)
			}
		}
		shard.mu.Unlock()
	}
	return refs, all
}

// len is the number of aliases, those of requests included.
func (t *aliasTable) len() (n int) {
	t.node.requests.each(func(*request) { n++ })
	for i := range t.shards {
		t.shards[i].mu.Lock()
		n += len(t.shards[i].entries)
		t.shards[i].mu.Unlock()
	}
	return n
}

// Alias makes a reference that messages can be sent to instead of the pid, until it ends: what comes later is dropped.
// The mode is AliasExplicit or AliasReply, perhaps with AliasPriority; the zero mode is AliasExplicit. Once the process has exited the alias stands for
// nothing.
func (p *Process) Alias(mode AliasMode) etf.Ref {
	if base := mode &^ AliasPriority; base != AliasReply {
		mode = AliasExplicit | mode&AliasPriority
	}
	ref := p.node.newRef()
	p.addAlias(ref, mode)
	return ref
}

// Unalias ends an alias of the process and reports whether there was one.
func (p *Process) Unalias(ref etf.Ref) bool {
	p.mu.Lock()
	_, ok := p.aliases[ref]
	delete(p.aliases, ref)
	p.mu.Unlock()
	if ok {
		p.node.aliases.remove(ref)
	}
	return ok
}

func (p *Process) addAlias(ref etf.Ref, mode AliasMode) {
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return
	}
	if p.aliases == nil {
		p.aliases = make(map[etf.Ref]AliasMode)
	}
	p.aliases[ref] = mode
	p.mu.Unlock()
	p.node.aliases.add(ref, aliased{process: p, mode: mode})
	if p.Err() != nil { // it exited in between
		p.node.aliases.remove(ref)
	}
}

// throughAlias delivers what was sent to an alias.
func (n *Node) throughAlias(sig *dist.Signal, s *session) {
	a, ok := n.aliases.get(sig.ToRef)
	switch {
	case !ok:
	case a.request != nil:
		s.give(outcome{a.request, sig.ToRef, sig.Payload, false})
	default:
		a.process.deliverThrough(sig.ToRef, a.mode, messageOf(sig), sig.Priority && a.mode&AliasPriority != 0)
	}
}

// deliverThrough delivers what came through an alias. An alias for one message ends with it, under one hold of the lock, and
// so does its monitor.
func (p *Process) deliverThrough(ref etf.Ref, mode AliasMode, m Message, priority bool) {
	var mon *monitor
	var over *session
	once := mode&^AliasPriority == AliasReply || mode == AliasReplyDemonitor
	p.mu.Lock()
	if _, ok := p.aliases[ref]; !ok {
		p.mu.Unlock()
		return // somebody else's message was the one, or the monitor has fired
	}
	if once {
		mon, over, _ = p.endMonitorLocked(ref)
		delete(p.aliases, ref)
	}
	ended := p.pushLocked(m, priority)
	p.mu.Unlock()
	if once {
		p.node.aliases.remove(ref)
	}
	if mon != nil {
		p.node.emit(over, mon.demonitor(p))
	}
	if ended {
		p.bury(true)
	}
}
