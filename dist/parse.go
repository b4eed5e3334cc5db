package dist

import (
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// parser reads one control tuple. It keeps the checks for which ERTS closes a connection ("Invalid distribution
// message", dist.c:erts_net_message): who may send what in whose name.
type parser struct {
	etf.Reader
	op         Op
	self, peer etf.Atom
	err        error // the first; later reads do nothing
}

// parseSignal reads the control tuple at the start of raw into s and returns what follows it.
func parseSignal(s *Signal, raw etf.Raw, self, peer etf.Atom, flags handshake.Flags) (rest []byte, err error) {
	p := parser{Reader: etf.NewReader(raw), self: self, peer: peer}
	*s = Signal{}
	n, err := p.Tuple()
	if err != nil {
		return nil, p.fail("control message: %w", err)
	}
	if n == 0 {
		return nil, p.fail("control message is {}")
	}
	op, err := p.Uint()
	if err != nil {
		return nil, p.fail("operation: %w", err)
	}
	if op >= uint64(len(layouts)) || layouts[op].arity == 0 {
		return nil, p.fail("unknown operation %d", op)
	}
	p.op = Op(op)
	if want := layouts[op].arity; n != want && !(p.op == OpAltactSigSend && n > want) {
		return nil, p.fail("tuple of %d elements, not %d", n, want)
	}
	if p.op == OpUnlink && flags.Has(handshake.UnlinkID) {
		return nil, p.fail("UNLINK from a peer that speaks UNLINK_ID")
	}
	s.Op = p.op
	p.signal(s, n)
	return p.Rest(), p.err
}

// signal reads the elements after the operation.
func (p *parser) signal(s *Signal, n int) {
	switch p.op {
	case OpSend, OpSendTT, OpSendSender, OpSendSenderTT, OpRegSend, OpRegSendTT, OpAliasSend, OpAliasSendTT, OpAltactSigSend:
		p.send(s, n)
	case OpLink, OpUnlink, OpUnlinkID, OpUnlinkIDAck:
		p.link(s)
	case OpExit, OpExitTT, OpPayloadExit, OpPayloadExitTT, OpExit2, OpExit2TT, OpPayloadExit2, OpPayloadExit2TT:
		p.exit(s)
	case OpMonitorP, OpDemonitorP, OpMonitorPExit, OpPayloadMonPExit:
		p.monitor(s)
	case OpSpawnRequest, OpSpawnRequestTT, OpSpawnReply, OpSpawnReplyTT:
		p.spawn(s)
	case OpGroupLeader:
		s.Kind = GroupLeader
		s.From = p.pid()
		s.To = p.local()
	}
}

func (p *parser) fail(format string, args ...any) error {
	if p.err == nil {
		p.err = &ProtocolError{Peer: p.peer, Op: p.op, Offset: p.Offset(), Err: fmt.Errorf(format, args...)}
	}
	return p.err
}

func (p *parser) pid() (pid etf.Pid) {
	if p.err == nil {
		var err error
		if pid, err = p.Pid(); err != nil {
			p.fail("%w", err)
		}
	}
	return pid
}

// sender reads a pid in whose name the peer may speak: one of its own node. Its creation may be an older one.
func (p *parser) sender() etf.Pid {
	pid := p.pid()
	if p.err == nil && pid.Node != p.peer {
		p.fail("sender %v is of another node", pid)
	}
	return pid
}

// local reads a pid of this node, of whatever incarnation.
func (p *parser) local() etf.Pid {
	pid := p.pid()
	if p.err == nil && pid.Node != p.self {
		p.fail("receiver %v is not of this node", pid)
	}
	return pid
}

func (p *parser) atom() (a etf.Atom) {
	if p.err == nil {
		var err error
		if a, err = p.Atom(); err != nil {
			p.fail("%w", err)
		}
	}
	return a
}

func (p *parser) ref() (r etf.Ref) {
	if p.err == nil {
		var err error
		if r, err = p.Ref(); err != nil {
			p.fail("%w", err)
		}
	}
	return r
}

func (p *parser) uint() (u uint64) {
	if p.err == nil {
		var err error
		if u, err = p.Uint(); err != nil {
			p.fail("%w", err)
		}
	}
	return u
}

func (p *parser) skip() {
	if p.err == nil {
		if err := p.Skip(); err != nil {
			p.fail("%w", err)
		}
	}
}

// term takes the next term as it stands, for those operations that have their reason in the tuple.
func (p *parser) term() (r etf.Raw) {
	if p.err == nil {
		var err error
		if r, err = p.Raw(); err != nil {
			p.fail("%w", err)
		}
	}
	return r
}

// token passes over a seq_trace token.
func (p *parser) token(carried bool) {
	if carried {
		p.skip()
	}
}

// isAtom tells whether an atom comes next, where a pid may stand as well.
func (p *parser) isAtom() bool {
	if p.err != nil {
		return false
	}
	tag, err := p.Tag()
	return err == nil && isAtomTag(tag)
}

func isAtomTag(tag byte) bool {
	switch tag {
	case 82, 100, 115, 118, 119:
		return true
	}
	return false
}
