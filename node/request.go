package node

import (
	"bytes"
	"context"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// An Encode appends the message of a request to dst, one bare term, with from, whom the reply is to be sent to: gen_server's is
// {'$gen_call', From, Request}. It may be called more than once. The memory of dst is
// not its own when it has returned; memory that it keeps and returns instead of that has to stay as it is.
type Encode func(dst []byte, from From) ([]byte, error)

// From is who makes a request, {Pid, Tag} in Erlang (gen_server:from()). It is for the Encode that is given it, as long as that runs.
type From struct {
	Pid      etf.Pid
	ref      etf.Ref
	alias    bool
	encoding *encoding
}

// encoding is how the message of a request is being encoded.
type encoding struct {
	refs *etf.AtomRefs // that the message goes with, or nil
	done bool          // whether its atoms are replaced by them
	ok   bool          // whether that was possible
}

// Tag is [alias | Ref], the tag of gen calls since OTP 24, or Ref towards a peer without aliases.
func (f From) Tag() etf.Term {
	if f.alias {
		return etf.Improper{Elems: []etf.Term{etf.Atom("alias")}, Tail: f.ref}
	}
	return f.ref
}

// Append appends {Pid, Tag} to dst.
func (f From) Append(dst []byte) []byte {
	dst = etf.AppendPid(etf.AppendTupleHeader(dst, 2), f.Pid)
	if f.alias {
		dst = etf.AppendAtom(etf.AppendListHeader(dst, 1), "alias")
	}
	return etf.AppendRef(dst, f.ref)
}

// Message appends {Label, {Pid, Tag}, Request} to dst, the message of every request of OTP's gen. The request is a Term, an etf.Raw or any Go
// value that etf.Marshal takes. It is the fastest way to encode one.
func (f From) Message(dst []byte, label etf.Atom, request any) ([]byte, error) {
	out := etf.AppendTupleHeader(dst, 3)
	e := f.encoding
	if e == nil || e.refs == nil || !f.alias {
		out, err := etf.Append(f.Append(etf.AppendAtom(out, label)), request)
		if err != nil {
			return dst, err
		}
		return out, nil
	}
	e.done = true
	out = e.refs.AppendPid(etf.AppendTupleHeader(e.refs.AppendAtom(out, label), 2), f.Pid)
	out = e.refs.AppendRef(e.refs.AppendAtom(etf.AppendListHeader(out, 1), "alias"), f.ref)
	if out, e.ok = e.refs.Append(out, request); !e.ok {
		return dst, nil // it is asked for once more, in full, and then says what is wrong
	}
	return out, nil
}

// Request sends a message and waits for the reply {Tag, Reply}, which it returns undecoded; the bytes are the caller's.
// It is what OTP's gen:call is made of: a monitor on the receiver, whose reference is an alias too, so that the reply finds
// the waiting goroutine without a mailbox and one that comes too late is dropped.
//
// The context is the only timeout. The end of the receiver before it replies is an *ExitError with its reason, ErrNoProc
// if it does not exist, ErrNoConnection when there is no connection to its node or it is lost, at once.
//
// The receiver sees the process as the caller.
func (p *Process) Request(ctx context.Context, to any, encode Encode) (etf.Raw, error) {
	t, err := p.node.processTarget(to)
	if err != nil {
		return etf.Raw{}, err
	}
	if err := p.begin(); err != nil {
		return etf.Raw{}, err
	}
	defer p.end()
	s, err := p.reach(ctx, t.node)
	if err != nil {
		return etf.Raw{}, err
	}
	r := p.node.requests.take(s)
	defer p.node.requests.release(r)
	if !p.shared() {
		p.requests.Add(1)
		defer p.requests.Add(-1)
	}
	if s == nil {
		return p.requestHere(ctx, r, t, encode)
	}
	return p.requestThere(ctx, r, s, t, encode)
}

// Request is Process.Request for a goroutine that is no process.
func (n *Node) Request(ctx context.Context, to any, encode Encode) (etf.Raw, error) {
	return n.caller.Request(ctx, to, encode)
}

type answer struct {
	reply etf.Raw
	err   error
	down  bool // the monitor is gone
}

// reply takes {Tag, Reply}, however it came.
func (r *request) reply(ref etf.Ref, message etf.Raw) {
	if r.spawned {
		return
	}
	// The reply is what follows the tag. Nobody walks it before the caller decodes it.
	if n := aliasTag(message); n > 0 {
		r.put(ref, answer{reply: etf.Raw{Bytes: message.Bytes[n:], Atoms: message.Atoms}})
		return
	}
	rd := etf.NewReader(message)
	if n, err := rd.Tuple(); err != nil || n != 2 || rd.Skip() != nil {
		return // not from a server; a reply may still come
	}
	r.put(ref, answer{reply: etf.Raw{Bytes: rd.Rest(), Atoms: message.Atoms}})
}

// aliasTag returns the length of the start of {[alias | Ref], Reply}, up to the reply, with atoms as the peers that we meet write them; 0 is that
// it has to be read.
func aliasTag(message etf.Raw) int {
	const (
		head  = "\x68\x02\x6c\x00\x00\x00\x01" // of the tuple, of the list
		alias = "\x77\x05alias"
	)
	b, atoms := message.Bytes, len(message.Atoms)
	if len(b) < len(head)+len(alias) || string(b[:len(head)]) != head {
		return 0
	}
	at := len(head)
	switch {
	case b[at] == 82 && int(b[at+1]) < atoms: // reference to the atom cache
		at += 2
	case string(b[at:at+len(alias)]) == alias:
		at += len(alias)
	default:
		return 0
	}
	if len(b) < at+5 || b[at] != 90 || b[at+1] != 0 || b[at+2] < 1 || b[at+2] > 5 || b[at+3] != 82 || int(b[at+4]) >= atoms { // reference of this node
		return 0
	}
	if at += 5 + 4 + 4*int(b[at+2]); at >= len(b) {
		return 0
	}
	return at
}

func (r *request) fail(ref etf.Ref, why etf.Raw) {
	if r.spawned {
		r.put(ref, answer{reply: why, down: true})
		return
	}
	r.put(ref, answer{err: &ExitError{Reason: reason{raw: why}.term()}, down: true})
}

// Answered and Alone are for dist.Conn.Await.
func (r *request) Answered() bool { return len(r.answer) > 0 }

// Alone tells whether no other call waits for an answer over the same connection.
func (r *request) Alone() bool { return r.session.calls.Load() == 1 }

func (r *request) put(ref etf.Ref, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ref != ref {
		return
	}
	select {
	case r.answer <- a:
	default:
	}
}

func (p *Process) requestHere(ctx context.Context, r *request, t target, encode Encode) (etf.Raw, error) {
	server := p.node.processes.find(p.node, t.pid)
	if t.byName() {
		server = p.node.names.get(t.name)
	}
	if server == nil {
		return etf.Raw{}, &ExitError{Reason: noproc}
	}
	message, err := encodeHere(encode, From{p.pid, r.ref, true, nil})
	if err != nil {
		return etf.Raw{}, err
	}
	k := p.node.watchKey(nil, &r.ref)
	if !server.watch(k, watcher{request: r}) {
		return etf.Raw{}, &ExitError{Reason: noproc}
	}
	server.deliver(Message{bytes: message, origin: p.origin()}, nil)
	a := p.await(ctx, r)
	if !a.down {
		server.unwatch(k, etf.Pid{})
	}
	return a.reply, a.err
}

// encodeHere makes the message of a request to a process of this node, whose bytes are the receiver's.
func encodeHere(encode Encode, from From) ([]byte, error) {
	out := takeOutgoing()
	defer out.release()
	out.foreign = true
	var err error
	out.b, err = encode(out.room, from)
	return bytes.Clone(out.b), err
}

func (p *Process) requestThere(ctx context.Context, r *request, s *session, t target, encode Encode) (etf.Raw, error) {
	alias := s.conn.Flags().Has(handshake.Alias) // else the reply comes to the pid: Process.answered
	if s.isDead() {                              // before the request was in the table
		return etf.Raw{}, &ConnectError{Node: string(s.peer), Err: ErrNoConnection}
	}
	from := From{p.pid, r.ref, alias, &r.encoding}
	s.calls.Add(1)
	defer s.calls.Add(-1)
	if !s.conn.RequestAgain(&p.pid, &t.pid, t.name, &r.ref, func(b []byte, refs *etf.AtomRefs) ([]byte, bool) {
		return r.encode(b, refs, encode, from)
	}) {
		if err := p.sendRequest(ctx, r, s, t, encode, from); err != nil {
			return etf.Raw{}, err
		}
	}
	p.giveTurn()
	r.session = s
	s.conn.Await(r, false)
	a := p.await(ctx, r)
	if !a.down && !s.conn.DemonitorAgain(&p.pid, &t.pid, t.name, &r.ref) {
		s.postLater(&dist.Signal{Kind: dist.Demonitor, From: p.pid, To: t.pid, ToName: t.name, Ref: r.ref})
	}
	return a.reply, a.err
}

// encode makes the message of a request with references.
func (r *request) encode(b []byte, refs *etf.AtomRefs, encode Encode, from From) (payload []byte, ok bool) {
	r.encoding = encoding{refs: refs}
	defer func() { r.encoding = encoding{} }() // also if encode panics
	out, err := encode(b, from)
	switch {
	case err != nil:
		return nil, false
	case r.encoding.done:
		return out, r.encoding.ok
	case len(out) > 0 && (cap(b) == 0 || &out[0] != &b[:1][0]):
		out = append(b, out...) // not in memory that is perhaps somebody else's
	}
	return refs.Replace(out, 0)
}

// sendRequest sends the monitor and the message of a request.
func (p *Process) sendRequest(ctx context.Context, r *request, s *session, t target, encode Encode, from From) error {
	out := takeOutgoing()
	defer out.release()
	var err error
	out.foreign = true
	if out.b, err = encode(out.room, from); err != nil {
		return err
	}
	mon, msg := out.signal(), out.signal()
	mon.Kind, mon.From, mon.To, mon.ToName, mon.Ref = dist.Monitor, p.pid, t.pid, t.name, r.ref
	msg.Kind, msg.From, msg.To, msg.ToName, msg.Payload.Bytes = dist.Send, p.pid, t.pid, t.name, out.b
	return p.transmit(ctx, s, out.signals...)
}

// await waits for the answer, the context, and the end of the caller itself.
func (p *Process) await(ctx context.Context, r *request) answer {
	p.giveTurn()
	if p.shared() && ctx.Done() == nil {
		return <-r.answer
	}
	var exited <-chan struct{}
	if !p.shared() && ctx != p.Context() {
		exited = p.Done()
	}
	select {
	case a := <-r.answer:
		return a
	case <-ctx.Done():
		return answer{err: context.Cause(ctx)}
	case <-exited:
		return answer{err: p.Err()}
	}
}

// answered gives a message that came to the process's pid to the call that it is the reply of, if there is one: a peer
// without aliases replies that way, and OTP's own net_kernel sometimes does. The message is looked into only while calls
// of the process are under way. What comes to the node's own calling process is never for anybody else.
func (p *Process) answered(message etf.Raw) bool {
	absorb := p.shared()
	if !absorb && p.requests.Load() == 0 {
		return false
	}
	rd := etf.NewReader(message)
	if n, err := rd.Tuple(); err != nil || n != 2 {
		return absorb
	}
	if n, err := rd.List(); err == nil {
		if a, err := rd.Atom(); n != 1 || err != nil || a != "alias" {
			return absorb
		}
	}
	ref, err := rd.Ref()
	if err != nil {
		return absorb
	}
	if a, ok := p.node.aliases.get(ref); ok && a.request != nil {
		a.request.reply(ref, message)
		return true
	}
	return absorb
}
