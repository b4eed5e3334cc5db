package node

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/erlnode/erlnode/handshake"
)

// wire reads and writes the messages of a handshake: each has the set-up time, as OTP resets its timer for each.
type wire struct {
	nc      net.Conn
	timeout time.Duration
	header  int // bytes of the length before a message
}

func (n *Node) wire(nc net.Conn) wire {
	return wire{nc: nc, timeout: n.cfg.SetupTime, header: n.cfg.Transport.HandshakeHeader()}
}

func (w wire) write(bodies [][]byte) error {
	if len(bodies) == 0 {
		return nil
	}
	frame := handshake.AppendFrame
	if w.header == 4 {
		frame = handshake.AppendFrame32
	}
	var b []byte
	for _, body := range bodies {
		b = frame(b, body)
	}
	w.nc.SetDeadline(time.Now().Add(w.timeout))
	_, err := w.nc.Write(b)
	return err
}

// read takes exactly one message: what follows the last one belongs to the connection.
func (w wire) read() ([]byte, error) {
	w.nc.SetDeadline(time.Now().Add(w.timeout))
	var head [4]byte
	if _, err := io.ReadFull(w.nc, head[:w.header]); err != nil {
		return nil, err
	}
	length := 0
	for _, b := range head[:w.header] {
		length = length<<8 | int(b)
	}
	if length > handshake.MaxMessage {
		return nil, fmt.Errorf("handshake message of %d bytes, the limit is %d", length, handshake.MaxMessage)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(w.nc, body)
	return body, err
}
