package dist

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// The flag bits of ALTACT_SIG_SEND (OTP 28 and later). Unknown bits are ignored, as ERTS does.
const (
	altactPriority = 1
	altactToken    = 2
	altactAlias    = 4
	altactName     = 8
	altactExit     = 16
)

func (p *parser) send(s *Signal, n int) {
	s.Kind = Send
	switch p.op {
	case OpSend, OpSendTT:
		p.skip()       // the empty atom where a cookie used to be
		s.To = p.pid() // of another node: ERTS takes it, and nobody is there
		p.token(p.op == OpSendTT)
	case OpSendSender, OpSendSenderTT:
		s.From = p.pid()
		s.To = p.pid()
		p.token(p.op == OpSendSenderTT)
	case OpRegSend, OpRegSendTT:
		s.From = p.pid()
		p.skip()
		s.ToName = p.atom()
		p.token(p.op == OpRegSendTT)
	case OpAliasSend, OpAliasSendTT:
		s.From = p.pid()
		s.ToRef = p.ref()
		p.token(p.op == OpAliasSendTT)
	case OpAltactSigSend:
		p.altact(s, n)
	}
}

func (p *parser) altact(s *Signal, n int) {
	flags := p.uint()
	s.Priority = flags&altactPriority != 0
	if flags&altactExit != 0 {
		s.Kind = Exit2
	}
	s.From = p.pid()
	switch {
	case flags&(altactAlias|altactName) == altactAlias|altactName:
		p.fail("both ALIAS and NAME in the flags %d", flags)
	case flags&altactAlias != 0:
		s.ToRef = p.ref()
	case flags&altactName != 0:
		s.ToName = p.atom()
	default:
		s.To = p.pid() // of another node: as for SEND
	}
	read := 4
	if flags&altactToken != 0 {
		if n < 5 {
			p.fail("TOKEN in the flags %d, but no token", flags)
		}
	}
	for ; read < n; read++ { // the token, and what later releases may add
		p.skip()
	}
}

// send writes {22, From, To}, {6, From, ”, Name}, {33, From, Alias} or {37, Flags, From, To}, and their older forms, as
// erts_dsig_send_msg chooses them: an alias and what has priority go by ALTACT_SIG_SEND if the peer knows it, else as ordinary
// messages.
func (e *encoder) send(b []byte, s *Signal) []byte {
	switch {
	case s.asAltact(e.flags):
		return e.altact(b, s)
	case s.ToRef.Len != 0:
		b = appendOp(b, OpAliasSend, 3)
		b = e.pid(b, s.From)
		return e.ref(b, s.ToRef)
	case s.ByName():
		b = appendOp(b, OpRegSend, 4)
		b = e.pid(b, s.From)
		b = e.atom(b, "")
		return e.atom(b, s.ToName)
	case e.flags.Has(handshake.SendSender):
		b = appendOp(b, OpSendSender, 3)
		b = e.pid(b, s.From)
		return e.pid(b, s.To)
	default:
		b = appendOp(b, OpSend, 3)
		b = e.atom(b, "")
		return e.pid(b, s.To)
	}
}

// asAltact tells whether ALTACT_SIG_SEND carries a message or an exit signal (erts_dsig_send_msg, erts_dsig_send_exit2).
func (s *Signal) asAltact(flags handshake.Flags) bool {
	return (s.Priority || s.ToRef.Len != 0) && flags.Has(handshake.AltactSig)
}

func (e *encoder) altact(b []byte, s *Signal) []byte {
	var flags int64
	if s.Priority {
		flags |= altactPriority
	}
	if s.Kind == Exit2 {
		flags |= altactExit
	}
	switch {
	case s.ToRef.Len != 0:
		flags |= altactAlias
	case s.ByName():
		flags |= altactName
	}
	b = appendOp(b, OpAltactSigSend, 4)
	b = etf.AppendInt(b, flags)
	b = e.pid(b, s.From)
	switch {
	case s.ToRef.Len != 0:
		return e.ref(b, s.ToRef)
	case s.ByName():
		return e.atom(b, s.ToName)
	}
	return e.pid(b, s.To)
}
