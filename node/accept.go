package node

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// maxHandshakes bounds the incoming connections that have not proved the cookie. Each holds a goroutine and a few KiB for
// some multiples of the set-up time.
const maxHandshakes = 1024

var (
	errBusy  = errors.New("another connection of the peer is being set up")
	errClose = errors.New("the peer closed the connection")
)

// accept is the goroutine of the listener.
func (n *Node) accept() {
	slots := make(chan struct{}, maxHandshakes)
	for {
		nc, err := n.listener.Accept()
		if err != nil {
			if n.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			n.log.Error("accept failed", "error", err)
			select { // no file descriptors, say: the next call would fail at once too
			case <-time.After(100 * time.Millisecond):
			case <-n.ctx.Done():
				return
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			nc.Close()
			n.log.Warn("too many handshakes at once", "from", nc.RemoteAddr().String())
			continue
		}
		if !n.spawn(func() {
			defer func() { <-slots }()
			n.admit(nc)
		}) {
			nc.Close()
			<-slots
		}
	}
}

// admit shakes hands with a peer that has connected.
func (n *Node) admit(nc net.Conn) {
	stop := context.AfterFunc(n.ctx, func() { nc.Close() })
	defer stop()
	in := &incoming{node: n, nc: nc, machine: handshake.NewAcceptor(n.handshakeConfig())}
	defer in.machine.Close()
	err := in.shake()
	if err == nil {
		n.up(in.attempt, nc, in.machine.Result())
		return
	}
	nc.Close()
	if in.attempt != nil {
		n.settle(in.attempt, in.peer, nil, err)
	}
	if n.ctx.Err() == nil {
		n.log.Warn("connection attempt failed", "from", nc.RemoteAddr().String(), "peer", string(in.peer), "error", err)
	}
}

// incoming is a handshake that a peer began.
type incoming struct {
	node    *Node
	nc      net.Conn
	machine *handshake.Acceptor
	peer    etf.Atom // once it has introduced itself
	attempt *attempt // what is settled by this handshake, once it is
}

func (in *incoming) shake() error {
	w := wire{nc: in.nc, timeout: in.node.cfg.SetupTime}
	var step handshake.Step
	var err error
	for {
		// A refusal comes as a message together with the error.
		if werr := w.write(step.Send); err == nil {
			err = werr
		}
		if err != nil {
			return err
		}
		switch {
		case step.Done:
			return nil
		case step.Ask == handshake.AskStatus:
			in.peer = etf.Atom(in.machine.Peer())
			status, derr := in.decide()
			if derr != nil {
				return derr
			}
			step, err = in.machine.Decide(status)
		case step.Ask == handshake.AskReplace:
			if err = in.replace(); err != nil {
				return err
			}
			step, err = in.machine.Replaced()
		default:
			var body []byte
			if body, err = w.read(); err != nil {
				return err
			}
			step, err = in.machine.Receive(body)
		}
	}
}

// decide says which of several connections to the same peer is to be (net_kernel: accept_pending).
func (in *incoming) decide() (handshake.Status, error) {
	n := in.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return "", ErrClosed
	}
	if in.peer == n.name {
		return handshake.StatusNok, nil
	}
	if n.sessions[in.peer] != nil || n.leaving[in.peer] != nil {
		return handshake.StatusAlive, nil
	}
	a := n.attempts[in.peer]
	switch {
	case a == nil:
		in.attempt = &attempt{done: make(chan struct{}), incoming: true}
		n.attempts[in.peer] = in.attempt
		return handshake.StatusOK, nil
	case a.incoming:
		return "", errBusy
	case a.begun && handshake.Simultaneous(string(n.name), string(in.peer)):
		return handshake.StatusNok, nil
	}
	in.takeOver(a)
	return handshake.StatusOKSimultaneous, nil
}

// takeOver makes an attempt of this node the peer's. It is called with Node.mu held.
func (in *incoming) takeOver(a *attempt) {
	a.incoming = true
	a.cancel()
	in.attempt = a
}

// replace ends the connection that stands, for a peer that has proved its cookie on this one: it has lost the old one, or
// is a new incarnation.
func (in *incoming) replace() error {
	n := in.node
	timeout := time.NewTimer(n.cfg.SetupTime)
	defer timeout.Stop()
	for {
		n.mu.Lock()
		if n.closed {
			n.mu.Unlock()
			return ErrClosed
		}
		s, gone := n.sessions[in.peer], n.leaving[in.peer]
		if s == nil && gone == nil {
			a := n.attempts[in.peer]
			switch {
			case a == nil:
				in.attempt = &attempt{done: make(chan struct{}), incoming: true}
				n.attempts[in.peer] = in.attempt
			case a.incoming:
				n.mu.Unlock()
				return errBusy
			default:
				in.takeOver(a)
			}
			n.mu.Unlock()
			return nil
		}
		n.mu.Unlock()
		if s != nil {
			s.conn.Close()
			gone = s.gone
		}
		select {
		case <-gone:
		case <-timeout.C:
			return errors.New("the old connection does not end")
		case <-n.ctx.Done():
			return ErrClosed
		}
	}
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errClose
	}
	return err
}
