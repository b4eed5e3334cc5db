package dist

import (
	"github.com/erlnode/erlnode/etf"
)

// Kind is what a Signal does, whichever operation carries it: SEND, SEND_SENDER, REG_SEND, ALIAS_SEND and
// ALTACT_SIG_SEND are all Send.
type Kind uint8

// The kinds of signal. The comment says which fields of Signal count.
const (
	Send         Kind = iota + 1 // From, one of To, ToName, ToRef; Payload; Priority
	Link                         // From, To
	Unlink                       // From, To, ID (0 from and to a peer without UNLINK_ID)
	UnlinkAck                    // From, To, ID
	Exit                         // From, To, Payload: a link is broken
	Exit2                        // From, To or ToRef, Payload; Priority: erlang:exit/2,3
	Monitor                      // From, To or ToName, Ref
	Demonitor                    // From, To or ToName, Ref
	Down                         // From or FromName (sending: perhaps both), To, Ref, Payload: MONITOR_P_EXIT
	GroupLeader                  // From is the new group leader, To
	SpawnRequest                 // From, Ref, Leader, Module, Function, Arity, Options; Payload is the argument list
	SpawnReply                   // To, Ref, Linked, Monitored, and From is the new process or FromName the error
)

// Signal is one control message with its payload, in either direction. Fields that its Kind does not name are zero.
//
// A Signal that Conn hands out is valid until the handler returns; its Payload and Options stay valid for ever and
// belong to the handler. A Signal that is sent is used during the call only, but for a payload that is Kept.
type Signal struct {
	Kind     Kind
	Op       Op // as received; ignored when sending: the negotiated flags choose it
	From     etf.Pid
	FromName etf.Atom
	To       etf.Pid
	ToName   etf.Atom
	ToRef    etf.Ref // an alias
	Ref      etf.Ref // of a monitor or a spawn request
	ID       uint64  // of an unlink, 1 and up
	Payload  etf.Raw // the message, the exit reason or the argument list; to be sent it has to be one whole term, Parts included

	// Parts are what Payload has not of a message that is sent (etf.Parts.Append): Send writes them from where they lie. They stay the caller's, who must
	// not change them before Send returns.
	Parts etf.Parts

	Leader            etf.Pid // SpawnRequest: the group leader of the new process
	Module, Function  etf.Atom
	Arity             int
	Options           etf.Raw
	Linked, Monitored bool // SpawnReply: which of the two the peer has set up

	// Priority asks the receiver to take a message or an exit signal before the ordinary ones (OTP 28, EEP 76). Only a receiver that has opted
	// in heeds it. To a peer without ALTACT_SIG the signal goes as an ordinary one.
	Priority bool

	// Memo is for Config.Handle: what it leaves there it finds again in signals that differ from this one in nothing but the bytes of the
	// payload, mostly. It means nothing in a signal that is sent.
	Memo any

	// Kept is set by Send and Post when the bytes of Payload are the connection's from then on, because they are still being written:
	// nobody may change or reuse them. See Conn.Send.
	Kept bool
}

// large tells of most signals whether they are written from where they lie.
func (s *Signal) large() bool { return len(s.Parts) > 0 || len(s.Payload.Bytes) > largePayload }

// ByName reports whether the signal is for the process that is registered as ToName, which is empty for the empty atom: a process
// may have that name like any other. Then neither To nor ToRef is set.
func (s *Signal) ByName() bool { return s.ToName != "" || s.To.Node == "" && s.ToRef.Len == 0 }
