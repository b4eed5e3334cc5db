package node

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// Send sends a message: v is a Term, an etf.Raw or any Go value that etf.Marshal takes, and to an etf.Pid, an etf.Atom (a
// name on this node), a Name or an etf.Ref (an alias). It connects to the node if need be, and waits while the connection
// takes nothing. Binaries of 64 KiB or more are not copied on their way to another node, where the connection is a bare socket and this machine runs Linux: Send
// waits until that has taken them. They may be used again when it returns, also with an error.
//
// As in Erlang, a message for a process that does not exist is dropped without an error, but for a name on this node that
// nobody has: ErrNoProc. Without a connection Send fails with ErrNoConnection. A nil error says that the message is on its
// way, behind everything that this goroutine has sent to that process before.
func (p *Process) Send(to, v any) error { return p.sendContext(p.Context(), to, v, false) }

// SendPriority is Send with priority: if it goes to an alias with AliasPriority the message comes before those without
// (erlang:send(Alias, Message, [priority]) of OTP 28). To any other destination, and to peers before OTP 28, it is Send.
func (p *Process) SendPriority(to, v any) error { return p.sendContext(p.Context(), to, v, true) }

// SendContext is Send that gives up connecting and waiting when ctx is done, with its cause.
func (p *Process) SendContext(ctx context.Context, to, v any) error {
	return p.sendContext(ctx, to, v, false)
}

func (p *Process) sendContext(ctx context.Context, to, v any, priority bool) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	if !priority && p.sendAgain(to, v) {
		return nil
	}
	t, err := p.node.target(to)
	if err != nil {
		return err
	}
	s, err := p.reach(ctx, t.node)
	if err != nil {
		return err
	}
	if s == nil {
		return p.sendHere(t, to, content{value: v}, priority)
	}
	return p.sendThere(s, t, content{value: v}, priority, func(sigs []*dist.Signal) error { return p.transmit(ctx, s, sigs...) })
}

// sendAgain sends a message like those before, over the connection that was used last, or reports false.
func (p *Process) sendAgain(to, v any) bool {
	s := p.node.last.Load()
	if s == nil {
		return false
	}
	c := content{value: v}
	switch to := to.(type) {
	case etf.Pid:
		return to.Node == s.peer && p.again(s, &to, "", &c)
	case Name:
		return to.Node == s.peer && to.Name != "" && p.again(s, &etf.Pid{}, to.Name, &c)
	}
	return false
}

// again is dist.Conn.SendAgain.
func (p *Process) again(s *session, pid *etf.Pid, name etf.Atom, c *content) bool {
	return !c.isLarge() && s.conn.SendAgain(&p.pid, pid, name, c.appendAgain)
}

// SendNoConnect is Send that sets up no connection: it fails with ErrNoConnection if there is none now (erlang:send/3 with
// noconnect). It is for replies to whoever has just asked.
func (p *Process) SendNoConnect(to, v any) error {
	return p.sendNoConnect(to, content{value: v})
}

// Reply answers a call of OTP's gen (gen:reply/2): it is SendNoConnect of {Tag, v} to where the reply goes (ReplyTo). It may be called from
// any goroutine, once for each call. An error is ErrNoConnection or one of encoding v; then the caller has got nothing.
func (p *Process) Reply(caller etf.Pid, tag etf.Term, v any) error {
	return p.sendNoConnect(ReplyTo(caller, tag), content{value: v, reply: true, tag: tag})
}

func (p *Process) sendNoConnect(to any, c content) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	return p.sendOver(to, c, p.node.connected, func(s *session, sigs []*dist.Signal) error { return p.node.transmit(p.Context(), s, sigs...) })
}

// post is SendNoConnect for a process that cannot wait for one peer, because it serves all of them.
func (p *Process) post(to, v any) error {
	return p.sendOver(to, content{value: v}, p.node.connected, func(s *session, sigs []*dist.Signal) error {
		p.node.emit(s, sigs[0])
		return nil
	})
}

// sendOver sends over the connection that reach returns; nil is this node.
func (p *Process) sendOver(to any, c content, reach func(etf.Atom) (*session, error), emit func(*session, []*dist.Signal) error) error {
	t, err := p.node.target(to)
	if err != nil {
		return err
	}
	s, err := reach(t.node)
	if err != nil {
		return err
	}
	if s == nil {
		return p.sendHere(t, to, c, false)
	}
	switch {
	case t.alias.Len == 0 && p.again(s, &t.pid, t.name, &c), t.alias.Len != 0 && !c.isLarge() && s.conn.ReplyAgain(&p.pid, &t.alias, c.appendAgain):
		return nil
	}
	return p.sendThere(s, t, c, false, func(sigs []*dist.Signal) error { return emit(s, sigs) })
}

// content is what a message says: a Go value or, as a reply, {tag, value}.
type content struct {
	value any
	reply bool
	tag   etf.Term
}

// append appends the term, and with an error returns b as it was. Long binaries it leaves to parts, if that is not nil.
func (c *content) append(b []byte, parts *etf.Parts) ([]byte, error) {
	if !c.reply {
		return appendValue(b, c.value, parts)
	}
	out, err := appendTag(etf.AppendTupleHeader(b, 2), c.tag)
	if err == nil {
		out, err = appendValue(out, c.value, parts)
	}
	if err != nil {
		return b, err
	}
	return out, nil
}

func appendValue(b []byte, v any, parts *etf.Parts) ([]byte, error) {
	if parts == nil {
		return etf.Append(b, v)
	}
	return parts.Append(b, v)
}

// appendAgain appends the term with references to atoms that the peer has, if it can.
func (c *content) appendAgain(b []byte, refs *etf.AtomRefs) (out []byte, ok bool) {
	if c.reply {
		b = etf.AppendTupleHeader(b, 2)
		if ref, ok := aliasOf(c.tag); ok {
			b = refs.AppendRef(refs.AppendAtom(etf.AppendListHeader(b, 1), "alias"), ref)
		} else if b, ok = refs.Append(b, c.tag); !ok {
			return b, false
		}
	}
	return refs.Append(b, c.value)
}

// isLarge tells of what shows it that it is too large for Conn.SendAgain to be tried.
func (c *content) isLarge() bool {
	const large = 1 << 10
	switch v := c.value.(type) {
	case string:
		return len(v) > large
	case []byte:
		return len(v) > large
	case etf.Binary:
		return len(v) > large
	case etf.Raw:
		return len(v.Bytes) > large
	}
	return false
}

// appendTag appends the tag of a reply.
func appendTag(b []byte, tag etf.Term) ([]byte, error) {
	if ref, ok := aliasOf(tag); ok {
		return etf.AppendRef(etf.AppendAtom(etf.AppendListHeader(b, 1), "alias"), ref), nil
	}
	return etf.AppendTerm(b, tag)
}

// aliasOf returns the reference of the tag [alias | Ref], which most tags are.
func aliasOf(tag etf.Term) (ref etf.Ref, ok bool) {
	list, _ := tag.(etf.Improper)
	if len(list.Elems) != 1 || list.Elems[0] != etf.Term(etf.Atom("alias")) {
		return ref, false
	}
	ref, ok = list.Tail.(etf.Ref)
	return ref, ok && ref.Len > 0 && int(ref.Len) <= len(ref.Words) && etf.ValidAtom(ref.Node)
}

// sendHere sends a message to a process, name or alias of this node.
func (p *Process) sendHere(t target, to any, c content, priority bool) error {
	if _, byName := to.(etf.Atom); byName && p.node.names.get(t.name) == nil {
		return fmt.Errorf("node: %v: %w", t.name, ErrNoProc)
	}
	out := takeOutgoing()
	defer out.release()
	var err error
	if out.b, err = c.append(out.room, nil); err != nil {
		return err
	}
	sig := out.signal()
	*sig = dist.Signal{Kind: dist.Send, From: p.pid, To: t.pid, ToName: t.name, ToRef: t.alias, Priority: priority,
		Payload: etf.Raw{Bytes: bytes.Clone(out.b)}, Memo: p.origin()}
	p.node.deliver(sig, nil)
	return nil
}

// sendThere encodes a message and has it emitted. Long binaries of it are not copied.
func (p *Process) sendThere(s *session, t target, c content, priority bool, emit func([]*dist.Signal) error) error {
	out := takeOutgoing()
	defer out.release()
	var err error
	if out.b, err = c.append(out.room, out.partsOver(s)); err != nil {
		return err
	}
	sig := out.signal()
	*sig = dist.Signal{Kind: dist.Send, From: p.pid, To: t.pid, ToName: t.name, ToRef: t.alias, Priority: priority, Payload: etf.Raw{Bytes: out.b}, Parts: out.parts}
	return emit(out.signals)
}

// origin is that of messages to processes of this node.
func (p *Process) origin() *origin {
	o := p.local.Load()
	if o == nil {
		o = &origin{from: p.pid}
		p.local.Store(o)
	}
	return o
}

// connected returns the connection to a node, nil for this node, if there is one.
func (n *Node) connected(to etf.Atom) (*session, error) {
	if to == n.name {
		return nil, nil
	}
	if s := n.last.Load(); s != nil && s.peer == to && !s.isOver() {
		return s, nil
	}
	n.mu.RLock()
	s := n.sessions[to]
	n.mu.RUnlock()
	if s != nil && !s.isOver() {
		n.last.Store(s)
		return s, nil
	}
	return nil, fmt.Errorf("node: %s: %w", to, ErrNoConnection)
}

// SendContext is Process.SendContext for a goroutine that is no process. The receiver sees a pid that takes no messages.
func (n *Node) SendContext(ctx context.Context, to, v any) error {
	return n.caller.SendContext(ctx, to, v)
}

// outgoing is what is sent: the payload on its way to a connection, which takes a copy or, of a large one, the bytes
// themselves (Signal.Kept), and the signals.
type outgoing struct {
	room    []byte // empty, for the payload
	b       []byte // the payload, in other memory if it has no room there
	foreign bool   // or because the Encode that made it has memory of its own
	parts   etf.Parts
	both    [2]dist.Signal
	signals []*dist.Signal
}

var outgoings = sync.Pool{New: func() any { return &outgoing{room: make([]byte, 0, 512), signals: make([]*dist.Signal, 0, 2)} }}

func takeOutgoing() *outgoing { return outgoings.Get().(*outgoing) }

// signal returns the next of at most two signals to be filled.
func (o *outgoing) signal() *dist.Signal {
	s := &o.both[len(o.signals)]
	o.signals = append(o.signals, s)
	return s
}

// partsOver is where to leave long binaries of what goes over a connection, or nil.
func (o *outgoing) partsOver(s *session) *etf.Parts {
	if s == nil || !s.conn.SendsParts() {
		return nil
	}
	return &o.parts
}

// release gives everything back, unless the connection has kept something. What an Encode has returned is not lent to other messages: it may return
// the same memory again and again.
func (o *outgoing) release() {
	for _, s := range o.signals {
		if s.Kept {
			return
		}
	}
	if n := cap(o.b); n > cap(o.room) && n <= keptBuffer {
		if o.room = o.b[:0]; o.foreign {
			o.room = make([]byte, 0, n)
		}
	}
	for _, s := range o.signals {
		*s = dist.Signal{}
	}
	clear(o.parts)
	o.b, o.foreign, o.parts, o.signals = nil, false, o.parts[:0], o.signals[:0]
	outgoings.Put(o)
}

// buffer holds a payload on its way to a connection, which takes a copy or, of a large one, the bytes themselves (Signal.Kept).
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 512)} }}

const keptBuffer = 4 << 20 // so that messages of some MiB find memory that is warm

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) release() {
	if cap(b.b) <= keptBuffer {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// releaseAfter is release for the payload of a signal that has been sent, unless the connection has kept it.
func (b *buffer) releaseAfter(s *dist.Signal) {
	if !s.Kept {
		b.release()
	}
}
