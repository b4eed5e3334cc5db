package dist

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

func (e *encoder) monitor(b []byte, s *Signal) []byte {
	op := OpMonitorP
	if s.Kind == Demonitor {
		op = OpDemonitorP
	}
	b = appendOp(b, op, 4)
	b = e.pid(b, s.From)
	b = e.pidOrName(b, s.To, s.ToName)
	return e.ref(b, s.Ref)
}

// down writes MONITOR_P_EXIT; the reason follows as payload or, to a peer before OTP 22, stands in the tuple.
func (e *encoder) down(b []byte, s *Signal) []byte {
	op, arity := OpPayloadMonPExit, 4
	inTuple := s.reasonInTuple(e.flags)
	if inTuple {
		op, arity = OpMonitorPExit, 5
	}
	b = appendOp(b, op, arity)
	b = e.pidOrName(b, s.From, s.FromName)
	b = e.pid(b, s.To)
	b = e.ref(b, s.Ref)
	if inTuple {
		b = append(b, s.Payload.Bytes...)
	}
	return b
}
