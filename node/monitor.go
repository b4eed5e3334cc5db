package node

import (
	"fmt"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// monitor is a monitor that a process has set up, and the notice that it ends with.
type monitor struct {
	notice            // its reference, all else when it ends
	pid      etf.Pid  // whose end it waits for, or,
	name     Name     // if that is zero, by which name
	session  *session // nil inside the node; Process.mu guards it
	tag      etf.Term // instead of 'DOWN', or nil
	priority bool     // of the message
	alias    AliasMode
}

// A MonitorOption is an option of Process.Monitor, as erlang:monitor/3 has them: an AliasMode, a MonitorTag, Priority.
type MonitorOption interface{ monitor(*monitor) }

// A LinkOption is an option of Process.Link: Priority.
type LinkOption interface{ link(*link) }

// MonitorTag makes the first element of the message the given term instead of 'DOWN' (option {tag, Term}).
func MonitorTag(tag etf.Term) MonitorOption { return monitorTag{tag} }

type monitorTag struct{ tag etf.Term }

func (t monitorTag) monitor(m *monitor) { m.tag = t.tag }

// monitor makes the reference of a monitor an alias too (option {alias, Mode}).
func (mode AliasMode) monitor(m *monitor) { m.alias = mode }

// Priority has the message that the end of a monitored or linked process brings come before those without priority (option
// priority of OTP 28, EEP 76).
const Priority priority = true

type priority bool

func (on priority) monitor(m *monitor) { m.priority = bool(on) }
func (on priority) link(l *link)       { l.priority = bool(on) }

// Monitor makes the process a watcher of another, given as etf.Pid, etf.Atom (a name on this node), Name or *Process.
// When that one exits a message comes, once: {'DOWN', Ref, process, Pid | {Name, Node}, Reason}; see Message.Down. If there
// is no such process it comes at once with the reason noproc, and without a connection to the node with noconnection.
// Of itself a process hears nothing, by its pid or by a name that it has, and no alias comes of it.
//
// It fails only for a destination of another kind, for an alias mode that a monitor does not have, and when this process has
// exited.
//
// With an AliasMode (AliasExplicit, AliasDemonitor or AliasReplyDemonitor) the reference is an alias as well. With a MonitorTag the message begins with another
// term than 'DOWN'; with Priority it comes before those without priority.
func (p *Process) Monitor(to any, opts ...MonitorOption) (etf.Ref, error) {
	t, err := p.node.processTarget(to)
	if err != nil {
		return etf.Ref{}, err
	}
	if err := p.begin(); err != nil {
		return etf.Ref{}, err
	}
	defer p.end()
	ref := p.node.newRef()
	m, err := newMonitor(opts)
	if err != nil {
		return etf.Ref{}, err
	}
	m.ref, m.pid = ref, t.pid
	if t.byName() {
		m.name = Name{t.name, t.node}
	}
	if t.pid == p.pid || t.byName() && t.node == p.node.Name() && p.node.names.get(t.name) == p {
		return ref, nil // it will never hear of its own end: neither a monitor nor an alias, as in ERTS
	}
	p.mu.Lock()
	p.setMonitorLocked(m)
	p.mu.Unlock()
	if m.alias != 0 {
		p.addAlias(ref, m.alias)
	}
	s, err := p.reach(p.Context(), t.node)
	if err == nil && s != nil {
		p.mu.Lock()
		m.session = s
		p.mu.Unlock()
		if !s.tie(p) {
			err = ErrNoConnection
		}
	}
	if err == nil {
		err = p.transmit(p.Context(), s, &dist.Signal{Kind: dist.Monitor, From: p.pid, To: t.pid, ToName: t.name, Ref: ref})
	}
	if err != nil {
		p.gotDown(ref, lost)
	}
	return ref, nil
}

// refNumber is what tells the references of one life of a node apart.
func refNumber(ref *etf.Ref) uint64 {
	return uint64(ref.Words[0]) | uint64(ref.Words[1])<<18 | uint64(ref.Words[2])<<50
}

func (p *Process) setMonitorLocked(m *monitor) {
	if p.monitors == nil {
		p.monitors = make(map[uint64]*monitor)
	}
	p.monitors[refNumber(&m.ref)] = m
}

func newMonitor(opts []MonitorOption) (*monitor, error) {
	m := &monitor{}
	for _, o := range opts {
		o.monitor(m)
	}
	if m.alias > AliasReplyDemonitor || m.alias == AliasReply {
		return nil, fmt.Errorf("node: a monitor's alias has the mode AliasExplicit, AliasDemonitor or AliasReplyDemonitor, not %d", m.alias)
	}
	return m, nil
}

// Demonitor ends a monitor. It reports whether there was one that had not fired. After it no message of that monitor is
// received: one that is in the mailbox already is taken out (demonitor(Ref, [flush, info])).
func (p *Process) Demonitor(ref etf.Ref) bool {
	if p.begin() != nil {
		return false
	}
	defer p.end()
	p.mu.Lock()
	m, s, unalias := p.endMonitorLocked(ref)
	p.mu.Unlock()
	if m == nil {
		p.flush(func(msg Message) bool {
			return msg.notice != nil && msg.notice.kind == downNotice && msg.notice.ref == ref
		})
	}
	if unalias {
		p.node.aliases.remove(ref)
	}
	if m == nil {
		return false
	}
	p.node.emit(s, m.demonitor(p))
	return true
}

// byName needs the pid only, for a name may be empty.
func (m *monitor) byName() bool { return m.pid.Node == "" }

// demonitor is the signal that takes it back.
func (m *monitor) demonitor(by *Process) *dist.Signal {
	return &dist.Signal{Kind: dist.Demonitor, From: by.pid, To: m.pid, ToName: m.name.Name, Ref: m.ref}
}

// endMonitorLocked takes out a monitor, and its alias if that ends with it. The caller holds the lock, and removes the alias
// from the table without. The session may still be set by who is setting the monitor up.
func (p *Process) endMonitorLocked(ref etf.Ref) (m *monitor, s *session, unalias bool) {
	number := refNumber(&ref)
	if m = p.monitors[number]; m != nil && m.ref == ref {
		s = m.session
		delete(p.monitors, number)
	} else {
		m = nil
	}
	return m, s, p.endAliasLocked(ref)
}

// endAliasLocked takes out the alias of a monitor that has ended, if it ends with it.
func (p *Process) endAliasLocked(ref etf.Ref) (unalias bool) {
	mode := p.aliases[ref]
	if unalias = mode == AliasDemonitor || mode == AliasReplyDemonitor; unalias {
		delete(p.aliases, ref)
	}
	return unalias
}

// gotDown is the end of one of the process's monitors. The monitor goes and the message comes under one hold of the lock, so
// that none comes after Demonitor.
func (p *Process) gotDown(ref etf.Ref, r reason) {
	p.mu.Lock()
	m, _, unalias := p.endMonitorLocked(ref)
	ended := false
	if m != nil {
		kept := r
		ended = p.pushLocked(m.down(&kept), m.priority)
	}
	p.mu.Unlock()
	if unalias {
		p.node.aliases.remove(ref)
	}
	if ended {
		p.bury(true)
	}
}

// down is the message that the monitor ends with: once it is out of its process's table. It may be kept for long, and so does not hold the
// connection. It needs Process.mu.
func (m *monitor) down(r *reason) Message {
	m.session = nil
	m.kind, m.reason, m.monitor = downNotice, r, m
	return Message{notice: &m.notice}
}
