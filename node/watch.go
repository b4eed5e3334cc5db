package node

import (
	"context"
	"unique"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// watcher is somebody who monitors a process of this node: a process here or on a peer, or a call (Node.Request).
type watcher struct {
	pid     etf.Pid
	named   bool     // the monitor was set up by a name,
	name    etf.Atom // which is this
	request *request
	abandon context.CancelCauseFunc // nil, or to be told when the monitor is taken back: see receiveSpawn
}

// watchKey tells monitors apart: a reference counts only together with who sent it. It has no strings, which take long to hash.
type watchKey struct {
	session  *session                // nil inside the node
	node     unique.Handle[etf.Atom] // of the reference; zero: the node that it came from, as is usual
	creation uint32
	length   uint32
	words    [6]uint32 // the last is there so that the key has no gap
}

// watchKey is the key of a monitor with that reference, which came over s.
func (n *Node) watchKey(s *session, ref *etf.Ref) watchKey {
	k := watchKey{session: s, creation: ref.Creation, length: uint32(ref.Len)}
	copy(k.words[:], ref.Words[:])
	if ref.Node != n.behind(s) {
		k.node = unique.Make(ref.Node)
	}
	return k
}

// ref is the reference of the key.
func (n *Node) ref(k *watchKey) etf.Ref {
	ref := etf.Ref{Node: n.behind(k.session), Creation: k.creation, Len: uint8(k.length), Words: [5]uint32(k.words[:])}
	if k.node != (unique.Handle[etf.Atom]{}) {
		ref.Node = k.node.Value()
	}
	return ref
}

// behind is the node at the other end of a connection; of none, this one.
func (n *Node) behind(s *session) etf.Atom {
	if s == nil {
		return n.name
	}
	return s.peer
}

// watch adds a watcher, and reports false if the process is no more. A reference that its sender has used already changes
// nothing.
func (p *Process) watch(k watchKey, w watcher) bool {
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return false
	}
	if _, used := p.watchers[k]; used || w.named && p.renamed && !p.node.watchedByName.add(k, p) {
		p.mu.Unlock()
		return true
	}
	if p.watchers == nil {
		p.watchers = make(map[watchKey]watcher)
	}
	p.watchers[k] = w
	tied := k.session == nil || p.tiedLocked(k.session)
	p.mu.Unlock()
	if !tied { // else its loss will find the watcher: it takes the tie first
		k.session.tie(p)
	}
	return true
}

// unwatch takes out a monitor of the watcher by, and reports whether there was one.
func (p *Process) unwatch(k watchKey, by etf.Pid) bool {
	p.mu.Lock()
	w, ok := p.watchers[k]
	if ok = ok && w.pid == by; ok {
		delete(p.watchers, k)
	}
	renamed := p.renamed
	p.mu.Unlock()
	if ok {
		p.unwatched(k, w, renamed)
	}
	return ok
}

// unwatched is what follows when a watcher has been taken out, of a process that was renamed or not then.
func (p *Process) unwatched(k watchKey, w watcher, renamed bool) {
	if w.named && renamed {
		p.node.watchedByName.remove(k)
	}
	if w.abandon != nil {
		w.abandon(ErrAbandoned)
	}
}

// rename is called before a process loses its name: from then on its watchers by name are found by their references.
func (p *Process) rename() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.renamed {
		return
	}
	p.renamed = true
	for k, w := range p.watchers {
		if w.named {
			p.node.watchedByName.add(k, p)
		}
	}
}

// emitDown tells a watcher that the process it watches has ended, or that there is none.
func (n *Node) emitDown(k watchKey, w watcher, from etf.Pid, reason etf.Raw) {
	if w.request != nil {
		w.request.fail(n.ref(&k), reason)
		return
	}
	s := &dist.Signal{Kind: dist.Down, From: from, To: w.pid, Ref: n.ref(&k), Payload: reason}
	switch {
	case w.name != "":
		s.FromName = w.name // From stays: the signal must not overtake what that process has sent
	case w.named:
		s.From = etf.Pid{} // how the name '' is told from none
	}
	n.emit(k.session, s)
}
