package dist

import (
	"github.com/erlnode/erlnode/etf"
)

// maxArity is the largest small integer in an argument count; more arguments than a function can have make an undef.
const maxArity = 1<<27 - 1

// The flag bits of SPAWN_REPLY.
const (
	spawnLinked    = 1
	spawnMonitored = 2
)

// spawn reads {29, ReqId, From, GroupLeader, {M, F, Arity}, Options} and {31, ReqId, To, Flags, Result}.
func (p *parser) spawn(s *Signal) {
	s.Ref = p.ref()
	if p.op == OpSpawnReply || p.op == OpSpawnReplyTT {
		s.Kind = SpawnReply
		s.To = p.local()
		flags := p.uint()
		s.Linked, s.Monitored = flags&spawnLinked != 0, flags&spawnMonitored != 0
		if p.isAtom() {
			s.FromName = p.atom()
		} else {
			s.From = p.sender()
		}
		p.token(p.op == OpSpawnReplyTT)
		return
	}
	s.Kind = SpawnRequest
	s.From = p.sender()
	s.Leader = p.pid()
	if p.err == nil {
		if n, err := p.Tuple(); err != nil || n != 3 {
			p.fail("no {Module, Function, Arity}")
		}
	}
	s.Module = p.atom()
	s.Function = p.atom()
	if arity := p.uint(); arity > maxArity {
		p.fail("arity %d", arity)
	} else {
		s.Arity = int(arity)
	}
	s.Options = p.term()
	p.token(p.op == OpSpawnRequestTT)
}

func (e *encoder) spawnReply(b []byte, s *Signal) []byte {
	var flags int64
	if s.Linked {
		flags |= spawnLinked
	}
	if s.Monitored {
		flags |= spawnMonitored
	}
	b = appendOp(b, OpSpawnReply, 5)
	b = e.ref(b, s.Ref)
	b = e.pid(b, s.To)
	b = etf.AppendInt(b, flags)
	return e.pidOrName(b, s.From, s.FromName)
}

func (e *encoder) spawnRequest(b []byte, s *Signal) []byte {
	b = appendOp(b, OpSpawnRequest, 6)
	b = e.ref(b, s.Ref)
	b = e.pid(b, s.From)
	b = e.pid(b, s.Leader)
	b = etf.AppendTupleHeader(b, 3)
	b = e.atom(b, s.Module)
	b = e.atom(b, s.Function)
	b = etf.AppendInt(b, int64(s.Arity))
	if s.Options.Bytes == nil {
		return etf.AppendNil(b)
	}
	return append(b, s.Options.Bytes...)
}
