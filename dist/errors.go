package dist

import (
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
)

// Why a connection ended, as Conn.Run returns it. The texts are OTP's reasons of a nodedown.
var (
	ErrClosed      = errors.New("connection_closed")  // the peer closed it, or it was cut
	ErrTickTimeout = errors.New("net_tick_timeout")   // nothing arrived for a net_ticktime
	ErrDisconnect  = errors.New("disconnect")         // Close was called
	ErrNotReading  = errors.New("peer does not read") // more than Config.MaxPending waits for it
)

// ProtocolError is a breach of the protocol for which the connection was closed.
type ProtocolError struct {
	Peer   etf.Atom
	Op     Op  // 0 while the operation is unknown
	Offset int // of the byte at fault, from the start of the control message or, before it, of the packet
	Err    error
}

func (e *ProtocolError) Error() string {
	what := "packet"
	if e.Op != 0 {
		what = e.Op.String()
	}
	return fmt.Sprintf("dist: invalid message from %s: %s, byte %d: %v", e.Peer, what, e.Offset, e.Err)
}

func (e *ProtocolError) Unwrap() error { return e.Err }
