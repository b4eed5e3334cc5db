package dist

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

func (p *parser) link(s *Signal) {
	switch p.op {
	case OpLink:
		s.Kind = Link
	case OpUnlink:
		s.Kind = Unlink
	case OpUnlinkID, OpUnlinkIDAck:
		s.Kind = Unlink
		if p.op == OpUnlinkIDAck {
			s.Kind = UnlinkAck
		}
		if s.ID = p.uint(); s.ID == 0 {
			p.fail("unlink id 0")
		}
	}
	s.From = p.sender()
	s.To = p.local()
}

// exit reads EXIT (a link is broken) and EXIT2 (erlang:exit/2), the reason in the tuple or after it.
func (p *parser) exit(s *Signal) {
	s.Kind = Exit
	switch p.op {
	case OpExit2, OpExit2TT, OpPayloadExit2, OpPayloadExit2TT:
		s.Kind = Exit2
	}
	s.From = p.sender()
	s.To = p.local()
	switch p.op {
	case OpExitTT, OpExit2TT, OpPayloadExitTT, OpPayloadExit2TT:
		p.token(true)
	}
	if !layouts[p.op].payload {
		s.Payload = p.term()
	}
}

// link writes LINK, and UNLINK_ID with its ack or, to a peer before OTP 23.3, UNLINK.
func (e *encoder) link(b []byte, s *Signal) []byte {
	switch {
	case s.Kind == Link:
		b = appendOp(b, OpLink, 3)
	case s.Kind == UnlinkAck:
		b = appendOp(b, OpUnlinkIDAck, 4)
		b = etf.AppendUint(b, s.ID)
	case e.flags.Has(handshake.UnlinkID):
		b = appendOp(b, OpUnlinkID, 4)
		b = etf.AppendUint(b, s.ID)
	default:
		b = appendOp(b, OpUnlink, 3)
	}
	b = e.pid(b, s.From)
	return e.pid(b, s.To)
}

// exit writes EXIT or EXIT2; the reason follows as payload or, to a peer before OTP 22, stands in the tuple. An EXIT2 to an
// alias or with priority is an ALTACT_SIG_SEND.
func (e *encoder) exit(b []byte, s *Signal) []byte {
	op, inline := OpPayloadExit, OpExit
	if s.Kind == Exit2 {
		if s.asAltact(e.flags) {
			return e.altact(b, s)
		}
		op, inline = OpPayloadExit2, OpExit2
	}
	if s.reasonInTuple(e.flags) {
		b = appendOp(b, inline, 4)
		b = e.pid(b, s.From)
		return append(e.pid(b, s.To), s.Payload.Bytes...)
	}
	b = appendOp(b, op, 3)
	b = e.pid(b, s.From)
	return e.pid(b, s.To)
}
