package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// Message is a message in a mailbox: what a process sent, or the notice of an exit, of the end of a monitored process, or
// of a node. As a term every notice has the shape that it has in Erlang: {'EXIT', From, Reason},
// {'DOWN', Ref, process, Pid | {Name, Node}, Reason}, {spawn_reply, Ref, ok, Pid},
// and what NodeEvents says.
//
// A Message is immutable; it may be read by several goroutines.
type Message struct {
	bytes  []byte
	origin *origin // nil for notices of what has its pid elsewhere
	notice *notice // nil for what a process sent
}

// origin is what a message has in common with those before and after it: one is enough for all that come from one process, so
// that a message in a mailbox is five words.
type origin struct {
	from  etf.Pid
	atoms []etf.Atom // of the distribution header
}

// messageOf is the message that a signal carries.
func messageOf(sig *dist.Signal) Message {
	o, ok := sig.Memo.(*origin)
	if !ok {
		o = &origin{sig.From, sig.Payload.Atoms}
		sig.Memo = o
	}
	return Message{bytes: sig.Payload.Bytes, origin: o}
}

// raw is what a process sent.
func (m *Message) raw() etf.Raw {
	if m.origin == nil {
		return etf.Raw{Bytes: m.bytes}
	}
	return etf.Raw{Bytes: m.bytes, Atoms: m.origin.atoms}
}

// sender is who sent the message, or whom the notice is of.
func (m *Message) sender() etf.Pid {
	switch {
	case m.origin != nil:
		return m.origin.from
	case m.notice != nil && m.notice.monitor != nil:
		return m.notice.monitor.pid
	}
	return etf.Pid{}
}

type noticeKind uint8

const (
	exitNotice noticeKind = iota + 1
	downNotice
	nodeUp
	nodeDown
	spawnReplied
)

// notice is what a message of the node has besides its From: whose exit or end it is. There may be very many at once.
type notice struct {
	kind    noticeKind
	ref     etf.Ref  // of a monitor or spawn request
	reason  *reason  // of an exit or the end of a monitor
	monitor *monitor // that has ended
	event   *nodeNotice
	spawn   *spawnNotice
}

// ExitSignal is an exit signal that reached a process which traps exits.
type ExitSignal struct {
	From   etf.Pid
	Reason etf.Term
}

// Down is the end of a monitor: the process has ended with Reason, or there is none (noproc) or no connection to its node
// (noconnection).
type Down struct {
	Ref    etf.Ref
	Pid    etf.Pid  // of a monitor by pid
	Name   Name     // of a monitor by name
	Tag    etf.Term // what MonitorTag said, or nil
	Reason etf.Term
}

// Decode stores the message in the value that v points to, as etf.Unmarshal does, straight from its bytes.
func (m Message) Decode(v any) error {
	if m.notice == nil {
		return m.raw().Decode(v)
	}
	raw, err := m.Raw()
	if err != nil {
		return err
	}
	return raw.Decode(v)
}

// Term returns the message as a term. Binaries in it share the message's memory.
func (m Message) Term() (etf.Term, error) {
	if m.notice != nil {
		return m.notice.term(m.sender()), nil
	}
	return m.raw().Term()
}

// Raw returns the message undecoded. Nobody may change its bytes.
func (m Message) Raw() (etf.Raw, error) {
	if m.notice == nil {
		return m.raw(), nil
	}
	b, err := etf.AppendTerm(nil, m.notice.term(m.sender()))
	return etf.Raw{Bytes: b}, err
}

// Release gives back the memory of a large message (over 64 KiB) that has been dealt with, for the next one: receiving many of them
// takes less than half of the processor time then. Only the one goroutine that has the message may call it, at the end, once. The message,
// what Raw returned, and terms decoded from it must not be used afterwards; Go values that Decode has filled are not affected, but
// for an etf.Raw or etf.Term in them and what was decoded with etf.Alias. Without Release the garbage collector does it.
func (m Message) Release() {
	if m.notice == nil {
		dist.Release(etf.Raw{Bytes: m.bytes})
	}
}

// From is the process that sent the message, as far as the message says: it is zero for a notice and for what a peer sent
// without its sender (the old SEND).
func (m Message) From() etf.Pid {
	if m.notice != nil {
		return etf.Pid{}
	}
	return m.sender()
}

// Exit returns the exit signal, if the message is the notice of one. A process may send a message that looks the same;
// that is none.
func (m Message) Exit() (e ExitSignal, ok bool) {
	if m.notice == nil || m.notice.kind != exitNotice {
		return e, false
	}
	return ExitSignal{From: m.sender(), Reason: m.notice.reason.term()}, true
}

// Down returns the end of a monitor, if the message is the notice of one.
func (m Message) Down() (d Down, ok bool) {
	if m.notice == nil || m.notice.kind != downNotice {
		return d, false
	}
	mon := m.notice.monitor
	return Down{Ref: m.notice.ref, Pid: m.sender(), Name: mon.name, Tag: mon.tag, Reason: m.notice.reason.term()}, true
}

// NodeUp returns the connection that has come up, if the message says so (Process.MonitorNodes).
func (m Message) NodeUp() (e NodeEvent, ok bool) { return m.nodeEvent(nodeUp) }

// NodeDown returns the connection that has gone, if the message says so (Process.MonitorNodes, MonitorNode).
func (m Message) NodeDown() (e NodeEvent, ok bool) { return m.nodeEvent(nodeDown) }

func (m Message) nodeEvent(kind noticeKind) (e NodeEvent, ok bool) {
	if m.notice == nil || m.notice.kind != kind {
		return e, false
	}
	return m.notice.event.NodeEvent, true
}

func (m Message) String() string {
	if m.notice != nil {
		return m.notice.term(m.sender()).String()
	}
	return m.raw().String()
}

func (n *notice) term(from etf.Pid) etf.Term {
	switch n.kind {
	case exitNotice:
		return etf.Tuple{etf.Atom("EXIT"), from, n.reason.term()}
	case downNotice:
		var object etf.Term = from
		if n.monitor.byName() {
			object = etf.Tuple{n.monitor.name.Name, n.monitor.name.Node}
		}
		var tag etf.Term = etf.Atom("DOWN")
		if n.monitor.tag != nil {
			tag = n.monitor.tag
		}
		return etf.Tuple{tag, n.ref, etf.Atom("process"), object, n.reason.term()}
	case spawnReplied:
		return n.spawn.term(n.ref, from)
	default:
		return n.event.form.term(n.event.NodeEvent)
	}
}

// IsNotice tells a notice of the node from what a process sent.
func (m Message) IsNotice() bool { return m.notice != nil }
