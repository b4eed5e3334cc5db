package dist

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

const (
	versionMagic = 131
	passThrough  = 112
	distHeader   = 68
	firstPart    = 69
	nextPart     = 70
)

var errFrameTooLong = errors.New("dist: message does not fit a frame of 4 GiB")

func fragmentsOn(flags handshake.Flags) bool { return flags.Has(handshake.Fragments) }

// withHeader tells whether packets begin with a distribution header. Either flag asks for it.
func withHeader(flags handshake.Flags) bool {
	return flags.Has(handshake.DistHdrAtomCache) || flags.Has(handshake.Fragments)
}

// appendFrame writes s as one whole frame, with the operation that the negotiated flags call for. What it appends to b
// on failure is cut off again.
func appendFrame(b []byte, s *Signal, flags handshake.Flags) (_ []byte, err error) {
	start := len(b)
	header := withHeader(flags)
	b = append(b, 0, 0, 0, 0)
	if header {
		b = append(b, versionMagic, distHeader, 0) // no references: every atom is written out
	} else {
		b = append(b, passThrough, versionMagic)
	}
	if b, err = appendControl(b, s, flags); err != nil {
		return b[:start], err
	}
	if s.payloadFollows(flags) {
		if !header {
			b = append(b, versionMagic)
		}
		if b, err = appendPayload(b, s.Payload); err != nil {
			return b[:start], err
		}
	}
	n := len(b) - start - 4
	if uint64(n) > math.MaxUint32 {
		return b[:start], errFrameTooLong
	}
	binary.BigEndian.PutUint32(b[start:], uint32(n))
	return b, nil
}

// appendPayload copies a term that is encoded already, or writes out the atoms that another connection's header has.
func appendPayload(b []byte, p etf.Raw) ([]byte, error) {
	if p.Atoms == nil && len(p.Bytes) > 0 {
		return append(b, p.Bytes...), nil
	}
	out, err := etf.Append(b, p)
	if err != nil {
		return b, err
	}
	return out, nil
}

func (s *Signal) payloadFollows(flags handshake.Flags) bool {
	switch s.Kind {
	case Send, SpawnRequest:
		return true
	case Exit, Down:
		return flags.Has(handshake.ExitPayload)
	case Exit2:
		return flags.Has(handshake.ExitPayload) || s.asAltact(flags)
	}
	return false
}

// understood tells whether the peer knows this kind of signal at all. What it does not know is not sent, as ERTS does it: a
// peer that cannot be monitored (a C node) is not asked to, and the watcher hears only of the connection; without ALIAS it has
// made no alias for us; an exit signal reaches an alias by ALTACT_SIG_SEND only.
func understood(s *Signal, flags handshake.Flags) bool {
	switch s.Kind {
	case Monitor, Demonitor, Down:
		return flags.Has(handshake.DistMonitor | handshake.DistMonitorName)
	case Send:
		return s.ToRef.Len == 0 || flags.Has(handshake.Alias)
	case Exit2:
		return s.ToRef.Len == 0 || flags.Has(handshake.Alias|handshake.AltactSig)
	}
	return true
}

func appendControl(b []byte, s *Signal, flags handshake.Flags) ([]byte, error) {
	switch s.Kind {
	case Send:
		return appendSend(b, s, flags), nil
	case Link, Unlink, UnlinkAck:
		return appendLink(b, s, flags), nil
	case Exit, Exit2:
		return appendExit(b, s, flags)
	case Monitor, Demonitor:
		return appendMonitor(b, s), nil
	case Down:
		return appendDown(b, s, flags)
	case SpawnRequest, SpawnReply:
		return appendSpawn(b, s)
	case GroupLeader:
		b = appendOp(b, OpGroupLeader, 3)
		b = etf.AppendPid(b, s.From)
		return etf.AppendPid(b, s.To), nil
	}
	return b, errors.New("dist: signal of no kind")
}

func appendOp(b []byte, op Op, arity int) []byte {
	return etf.AppendInt(etf.AppendTupleHeader(b, arity), int64(op))
}
