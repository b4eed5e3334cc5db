package dist

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// monitor reads MONITOR_P and DEMONITOR_P, whose target is a pid or a registered name, and MONITOR_P_EXIT, which
// names the target in the same form.
func (p *parser) monitor(s *Signal) {
	switch p.op {
	case OpMonitorP, OpDemonitorP:
		s.Kind = Monitor
		if p.op == OpDemonitorP {
			s.Kind = Demonitor
		}
		s.From = p.sender()
		if p.isAtom() {
			s.ToName = p.atom()
		} else {
			s.To = p.local()
		}
		s.Ref = p.ref()
	default:
		s.Kind = Down
		if p.isAtom() {
			s.FromName = p.atom()
		} else {
			s.From = p.sender()
		}
		s.To = p.local()
		s.Ref = p.ref()
		if p.op == OpMonitorPExit {
			s.Payload = p.term()
		}
	}
}

func appendMonitor(b []byte, s *Signal) []byte {
	op := OpMonitorP
	if s.Kind == Demonitor {
		op = OpDemonitorP
	}
	b = appendOp(b, op, 4)
	b = etf.AppendPid(b, s.From)
	b = appendPidOrName(b, s.To, s.ToName)
	return etf.AppendRef(b, s.Ref)
}

// appendDown writes MONITOR_P_EXIT; the reason follows as payload or, to a peer before OTP 22, stands in the tuple.
func appendDown(b []byte, s *Signal, flags handshake.Flags) ([]byte, error) {
	payload := flags.Has(handshake.ExitPayload)
	if payload {
		b = appendOp(b, OpPayloadMonPExit, 4)
	} else {
		b = appendOp(b, OpMonitorPExit, 5)
	}
	b = appendPidOrName(b, s.From, s.FromName)
	b = etf.AppendPid(b, s.To)
	b = etf.AppendRef(b, s.Ref)
	if payload {
		return b, nil
	}
	return appendPayload(b, s.Payload)
}

func appendPidOrName(b []byte, pid etf.Pid, name etf.Atom) []byte {
	if name != "" {
		return etf.AppendAtom(b, name)
	}
	return etf.AppendPid(b, pid)
}
