package dist

import "strconv"

// Op is the number that begins a control tuple (enum dop in erts/emulator/beam/dist.h).
type Op uint8

// The operations. The TT forms carry a seq_trace token, which is parsed and dropped.
const (
	OpLink            Op = 1
	OpSend            Op = 2
	OpExit            Op = 3
	OpUnlink          Op = 4 // until OTP 25, towards a peer without UNLINK_ID
	OpRegSend         Op = 6
	OpGroupLeader     Op = 7
	OpExit2           Op = 8
	OpSendTT          Op = 12
	OpExitTT          Op = 13
	OpRegSendTT       Op = 16
	OpExit2TT         Op = 18
	OpMonitorP        Op = 19
	OpDemonitorP      Op = 20
	OpMonitorPExit    Op = 21
	OpSendSender      Op = 22
	OpSendSenderTT    Op = 23
	OpPayloadExit     Op = 24
	OpPayloadExitTT   Op = 25
	OpPayloadExit2    Op = 26
	OpPayloadExit2TT  Op = 27
	OpPayloadMonPExit Op = 28
	OpSpawnRequest    Op = 29
	OpSpawnRequestTT  Op = 30
	OpSpawnReply      Op = 31
	OpSpawnReplyTT    Op = 32
	OpAliasSend       Op = 33
	OpAliasSendTT     Op = 34
	OpUnlinkID        Op = 35
	OpUnlinkIDAck     Op = 36
	OpAltactSigSend   Op = 37
)

// The second column of layouts: does the message, reason or argument list follow the control tuple as a term of its own?
const (
	inTuple = false
	follows = true
)

// layouts says for each operation how long its control tuple is and whether a payload term follows it.
// An arity of zero marks an operation that no release sends.
var layouts = [...]struct {
	name    string
	arity   int
	payload bool
}{
	OpLink:            {"LINK", 3, inTuple},
	OpSend:            {"SEND", 3, follows},
	OpExit:            {"EXIT", 4, inTuple},
	OpUnlink:          {"UNLINK", 3, inTuple},
	OpRegSend:         {"REG_SEND", 4, follows},
	OpGroupLeader:     {"GROUP_LEADER", 3, inTuple},
	OpExit2:           {"EXIT2", 4, inTuple},
	OpSendTT:          {"SEND_TT", 4, follows},
	OpExitTT:          {"EXIT_TT", 5, inTuple},
	OpRegSendTT:       {"REG_SEND_TT", 5, follows},
	OpExit2TT:         {"EXIT2_TT", 5, inTuple},
	OpMonitorP:        {"MONITOR_P", 4, inTuple},
	OpDemonitorP:      {"DEMONITOR_P", 4, inTuple},
	OpMonitorPExit:    {"MONITOR_P_EXIT", 5, inTuple},
	OpSendSender:      {"SEND_SENDER", 3, follows},
	OpSendSenderTT:    {"SEND_SENDER_TT", 4, follows},
	OpPayloadExit:     {"PAYLOAD_EXIT", 3, follows},
	OpPayloadExitTT:   {"PAYLOAD_EXIT_TT", 4, follows},
	OpPayloadExit2:    {"PAYLOAD_EXIT2", 3, follows},
	OpPayloadExit2TT:  {"PAYLOAD_EXIT2_TT", 4, follows},
	OpPayloadMonPExit: {"PAYLOAD_MONITOR_P_EXIT", 4, follows},
	OpSpawnRequest:    {"SPAWN_REQUEST", 6, follows},
	OpSpawnRequestTT:  {"SPAWN_REQUEST_TT", 7, follows},
	OpSpawnReply:      {"SPAWN_REPLY", 5, inTuple},
	OpSpawnReplyTT:    {"SPAWN_REPLY_TT", 6, inTuple},
	OpAliasSend:       {"ALIAS_SEND", 3, follows},
	OpAliasSendTT:     {"ALIAS_SEND_TT", 4, follows},
	OpUnlinkID:        {"UNLINK_ID", 4, inTuple},
	OpUnlinkIDAck:     {"UNLINK_ID_ACK", 4, inTuple},
	OpAltactSigSend:   {"ALTACT_SIG_SEND", 4, follows},
}

// String is OTP's name of the operation: "SEND_SENDER".
func (op Op) String() string {
	if int(op) < len(layouts) && layouts[op].name != "" {
		return layouts[op].name
	}
	return "operation " + strconv.Itoa(int(op))
}
