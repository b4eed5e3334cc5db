package pg

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Event is a change of a group: processes have joined it or left it, each as often as it stands there.
type Event struct {
	Kind  EventKind
	Group etf.Term
	Pids  []etf.Pid
}

// EventKind is what has happened.
type EventKind uint8

// The kinds of events, of the same names in OTP.
const (
	Joined EventKind = iota // join
	Left                    // leave
)

func (k EventKind) String() string { return string(k.atom()) }

func (k EventKind) atom() etf.Atom {
	if k == Joined {
		return "join"
	}
	return "leave"
}

// Members is a group with its members.
type Members struct {
	Group etf.Term
	Pids  []etf.Pid // the latest first
}

// watcher is who hears of changes: a process, or a channel.
type watcher struct {
	key   string // of the group
	scope bool   // of all groups

	// Of a process.
	pid     etf.Pid
	ref     etf.Ref // in its messages
	monitor etf.Ref // by which the scope's process hears of its end

	// Of a channel: events on their way to it.
	mu    sync.Mutex
	queue []Event
	wake  chan struct{}
}

// Monitor returns the members of a group and a channel that tells all that joins and leaves after that, in order; nothing
// is missing or told twice (pg:monitor/2). The channel is closed when ctx is done or the scope ends. Nothing waits for the
// reader of the channel, and what it has not read takes memory.
func (s *Scope) Monitor(ctx context.Context, group any) ([]etf.Pid, <-chan Event, error) {
	k, err := s.keyOf(group)
	if err != nil {
		return nil, nil, err
	}
	var members []etf.Pid
	ch, err := s.watchByChannel(ctx, &watcher{key: k}, func() { members = s.membersOf(k) })
	return members, ch, err
}

// MonitorScope is Monitor for all groups, those included that come to be (pg:monitor_scope/1).
func (s *Scope) MonitorScope(ctx context.Context) ([]Members, <-chan Event, error) {
	var all []Members
	ch, err := s.watchByChannel(ctx, &watcher{scope: true}, func() { all = s.everything() })
	return all, ch, err
}

// MonitorTo is Monitor with the events as messages of OTP's shape to a process of this node: {Ref, join | leave, Group, Pids}.
// It ends with Demonitor, or with the process.
func (s *Scope) MonitorTo(p *node.Process, group any) (ref etf.Ref, members []etf.Pid, err error) {
	k, err := s.keyOf(group)
	if err != nil {
		return ref, nil, err
	}
	ref, err = s.watchByProcess(p, &watcher{key: k}, func() { members = s.membersOf(k) })
	return ref, members, err
}

// MonitorScopeTo is MonitorScope with the events as messages to a process of this node.
func (s *Scope) MonitorScopeTo(p *node.Process) (ref etf.Ref, all []Members, err error) {
	ref, err = s.watchByProcess(p, &watcher{scope: true}, func() { all = s.everything() })
	return ref, all, err
}

// Demonitor ends what MonitorTo and MonitorScopeTo have begun, and reports whether it was going on (pg:demonitor/2).
// Events that were sent before may still be in the process's mailbox.
func (s *Scope) Demonitor(ref etf.Ref) bool {
	s.turn.Lock()
	defer s.turn.Unlock()
	w := s.watchers[ref]
	if w == nil {
		return false
	}
	delete(s.watchers, ref)
	s.proc.Load().Demonitor(w.monitor)
	return true
}

func (s *Scope) keyOf(group any) (string, error) {
	name, err := toTerm(group)
	if err != nil {
		return "", err
	}
	return key(name)
}

func (s *Scope) membersOf(k string) []etf.Pid {
	if g := s.m.groups[k]; g != nil {
		return newest(g.all)
	}
	return nil
}

func (s *Scope) everything() []Members {
	all := make([]Members, 0, len(s.m.groups))
	for _, g := range s.m.groups {
		all = append(all, Members{g.name, newest(g.all)})
	}
	return all
}

func (s *Scope) watchByProcess(p *node.Process, w *watcher, look func()) (ref etf.Ref, err error) {
	w.pid = p.Self()
	if w.pid.Node != s.node.Name() {
		return ref, fmt.Errorf("pg: %v: %w", w.pid, ErrNotLocal)
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.errEnded(); err != nil {
		return ref, err
	}
	w.ref = s.node.NewRef()
	s.watchers[w.ref] = w
	w.monitor, _ = s.proc.Load().Monitor(w.pid) // if that is dead, the next one does it
	look()                                      // under turn nothing changes
	return w.ref, nil
}

func (s *Scope) watchByChannel(ctx context.Context, w *watcher, look func()) (<-chan Event, error) {
	w.wake = make(chan struct{}, 1)
	ch := make(chan Event)
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.errEnded(); err != nil {
		return nil, err
	}
	// A process, so that the node's Close waits for it.
	if _, err := s.node.Spawn(func(p *node.Process) error {
		defer close(ch)
		defer s.forget(w)
		w.deliver(ctx, ch, s.ended, p.Done())
		return nil
	}); err != nil {
		return nil, err
	}
	s.channels[w] = struct{}{}
	look()
	return ch, nil
}

func (s *Scope) forget(w *watcher) {
	s.turn.Lock()
	defer s.turn.Unlock()
	delete(s.channels, w)
}

// deliver passes events on until one of three ends has come.
func (w *watcher) deliver(ctx context.Context, to chan<- Event, scope, node <-chan struct{}) {
	for {
		w.mu.Lock()
		events := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, e := range events {
			select {
			case to <- e:
			case <-ctx.Done():
				return
			case <-scope:
				return
			case <-node:
				return
			}
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return
		case <-scope:
			return
		case <-node:
			return
		}
	}
}

// tell tells watchers of a change. turn is held.
func (s *Scope) tell(c change) {
	for kind, pids := range [...][]etf.Pid{Joined: c.add, Left: c.remove} {
		if len(pids) == 0 {
			continue
		}
		kind := EventKind(kind)
		for _, w := range s.watchers {
			if w.scope || w.key == c.key {
				s.node.SendContext(context.Background(), w.pid, etf.Tuple{w.ref, kind.atom(), c.name, pidList(pids)})
			}
		}
		for w := range s.channels {
			if w.scope || w.key == c.key {
				w.push(Event{Kind: kind, Group: c.name, Pids: slices.Clone(pids)})
			}
		}
	}
}

func (w *watcher) push(e Event) {
	w.mu.Lock()
	w.queue = append(w.queue, e)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func pidList(pids []etf.Pid) etf.List {
	list := make(etf.List, len(pids))
	for i, p := range pids {
		list[i] = p
	}
	return list
}
