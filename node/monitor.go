package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// monitor is a monitor that a process has set up.
type monitor struct {
	target  target
	session *session // nil inside the node
}

// watcher is somebody who monitors a process of this node: a process here or on a peer, or a call (Node.Request).
type watcher struct {
	pid     etf.Pid
	name    etf.Atom // the monitor was set up by this name
	session *session // nil inside the node
	request *request
}

// Monitor makes the process a watcher of another, given as etf.Pid, etf.Atom (a name on this node), Name or *Process.
// When that one exits a message comes, once: {'DOWN', Ref, process, Pid | {Name, Node}, Reason}; see Message.Down. If there
// is no such process it comes at once with the reason noproc, and without a connection to the node with noconnection.
// It fails only for a destination of another kind and when this process has exited.
func (p *Process) Monitor(to any) (etf.Ref, error) { return p.monitor(to, 0) }

func (p *Process) monitor(to any, mode AliasMode) (etf.Ref, error) {
	t, err := p.node.processTarget(to)
	if err != nil {
		return etf.Ref{}, err
	}
	if err := p.begin(); err != nil {
		return etf.Ref{}, err
	}
	defer p.end()
	ref := p.node.newRef()
	m := &monitor{target: t}
	p.mu.Lock()
	if p.monitors == nil {
		p.monitors = make(map[etf.Ref]*monitor)
	}
	p.monitors[ref] = m
	p.mu.Unlock()
	if mode != 0 {
		p.addAlias(ref, mode)
	}
	if t.pid == p.pid && t.name == "" {
		return ref, nil // it will never hear of its own end
	}
	s, err := p.node.reach(p.Context(), t.node)
	if err == nil && s != nil {
		p.mu.Lock()
		m.session = s
		p.mu.Unlock()
		if !s.tie(p) {
			err = ErrNoConnection
		}
	}
	if err == nil {
		err = p.node.transmit(p.Context(), s, &dist.Signal{Kind: dist.Monitor, From: p.pid, To: t.pid, ToName: t.name, Ref: ref})
	}
	if err != nil {
		p.gotDown(ref, reasonOf(noconnection))
	}
	return ref, nil
}

// Demonitor ends a monitor. It reports whether there was one that had not fired. After it no message of that monitor is
// received: one that is in the mailbox already is taken out (demonitor(Ref, [flush, info])).
func (p *Process) Demonitor(ref etf.Ref) bool {
	if p.begin() != nil {
		return false
	}
	defer p.end()
	p.mu.Lock()
	m := p.monitors[ref]
	delete(p.monitors, ref)
	mode := p.aliases[ref]
	if m == nil {
		p.box.remove(func(msg Message) bool {
			return msg.notice != nil && msg.notice.kind == downNotice && msg.notice.ref == ref
		})
	}
	p.mu.Unlock()
	if mode == AliasDemonitor || mode == AliasReplyDemonitor {
		p.Unalias(ref)
	}
	if m == nil {
		return false
	}
	p.node.emit(m.session, &dist.Signal{Kind: dist.Demonitor, From: p.pid, To: m.target.pid, ToName: m.target.name, Ref: ref})
	return true
}

// gotDown is the end of one of the process's monitors.
func (p *Process) gotDown(ref etf.Ref, r reason) {
	p.mu.Lock()
	m := p.monitors[ref]
	delete(p.monitors, ref)
	mode := p.aliases[ref]
	p.mu.Unlock()
	if m == nil {
		return
	}
	if mode == AliasDemonitor || mode == AliasReplyDemonitor {
		p.Unalias(ref)
	}
	no := &notice{kind: downNotice, from: m.target.pid, ref: ref, reason: r}
	if m.target.name != "" {
		no.name = Name{m.target.name, m.target.node}
	}
	p.deliver(Message{from: m.target.pid, notice: no})
}

// watch adds a watcher, and reports false if the process is no more.
func (p *Process) watch(ref etf.Ref, w watcher) bool {
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return false
	}
	if p.watchers == nil {
		p.watchers = make(map[etf.Ref]watcher)
	}
	p.watchers[ref] = w
	p.mu.Unlock()
	if w.session != nil {
		w.session.tie(p)
	}
	if w.name != "" {
		p.node.watchedByName.add(ref, p)
		if p.Err() != nil { // it exited in between
			p.node.watchedByName.remove(ref)
		}
	}
	return true
}

func (p *Process) unwatch(ref etf.Ref) {
	p.mu.Lock()
	w := p.watchers[ref]
	delete(p.watchers, ref)
	p.mu.Unlock()
	if w.name != "" {
		p.node.watchedByName.remove(ref)
	}
}

// emitDown tells a watcher that the process it watches has ended, or that there is none.
func (n *Node) emitDown(ref etf.Ref, w watcher, from etf.Pid, reason etf.Raw) {
	if w.name != "" {
		n.watchedByName.remove(ref)
	}
	if w.request != nil {
		w.request.fail(reason)
		return
	}
	s := &dist.Signal{Kind: dist.Down, From: from, To: w.pid, Ref: ref, Payload: reason}
	if w.name != "" {
		s.From, s.FromName = etf.Pid{}, w.name
	}
	n.emit(w.session, s)
}
