package dist

import (
	"fmt"
	"strings"

	"github.com/erlnode/erlnode/etf"
)

var kindNames = [...]string{
	Send: "SEND", Link: "LINK", Unlink: "UNLINK", UnlinkAck: "UNLINK_ACK", Exit: "EXIT", Exit2: "EXIT2", Monitor: "MONITOR",
	Demonitor: "DEMONITOR", Down: "MONITOR_EXIT", GroupLeader: "GROUP_LEADER", SpawnRequest: "SPAWN_REQUEST", SpawnReply: "SPAWN_REPLY",
}

// String is the kind's name: "SEND".
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// String shows the signal on one line in Erlang syntax, for traces: SEND <from> -> <to>: <message>.
func (s *Signal) String() string {
	var b strings.Builder
	b.WriteString(s.Kind.String())
	switch {
	case s.FromName != "":
		b.WriteString(" " + s.FromName.String())
	case s.From.Node != "":
		b.WriteString(" " + s.From.String())
	}
	switch {
	case s.To.Node != "":
		b.WriteString(" -> " + s.To.String())
	case s.ToName != "":
		b.WriteString(" -> " + s.ToName.String())
	case s.ToRef.Len != 0:
		b.WriteString(" -> " + s.ToRef.String())
	}
	if s.Ref.Len != 0 {
		b.WriteString(" " + s.Ref.String())
	}
	if s.ID != 0 {
		fmt.Fprintf(&b, " id %d", s.ID)
	}
	if s.Module != "" {
		b.WriteString(" " + etf.Tuple{s.Module, s.Function, etf.Int(s.Arity)}.String())
	}
	if s.Payload.Bytes != nil {
		b.WriteString(": " + s.Payload.String())
	}
	return b.String()
}
