package node

import (
	"context"
	"errors"
	"fmt"
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
	errStuck = errors.New("another connection of the peer is being set up for too long")
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
			for errors.Is(derr, errBusy) {
				if derr = in.awaitOther(); derr == nil {
					status, derr = in.decide()
				}
			}
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
				return in.machine.Lost(err)
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
	a := n.attempts[in.peer]
	switch {
	case a != nil && a.incoming:
		return "", errBusy
	case n.sessions[in.peer] != nil || n.leaving[in.peer] != nil:
		// From now on this is the attempt that counts, also for who needs the peer once the old connection is lost.
		in.begin()
		return handshake.StatusAlive, nil
	case a == nil:
		in.begin()
		return handshake.StatusOK, nil
	case a.begun && handshake.Simultaneous(string(n.name), string(in.peer)):
		return handshake.StatusNok, nil
	}
	a.incoming = true
	a.cancel()
	in.attempt = a
	return handshake.StatusOKSimultaneous, nil
}

// awaitOther waits for the end of another handshake that the same peer began: it may have given that one up for this, and
// the news of it be on the way. (A BEAM node closes the second connection; the peer's attempt fails then.)
func (in *incoming) awaitOther() error {
	n := in.node
	n.mu.RLock()
	a := n.attempts[in.peer]
	n.mu.RUnlock()
	if a == nil {
		return nil
	}
	timeout := time.NewTimer(n.cfg.SetupTime)
	defer timeout.Stop()
	select {
	case <-a.done:
		return nil
	case <-timeout.C:
		return fmt.Errorf("%s: %w", in.peer, errStuck)
	case <-n.ctx.Done():
		return ErrClosed
	}
}

// begin makes the handshake the attempt to connect to its peer. It is called with Node.mu held.
func (in *incoming) begin() {
	in.attempt = &attempt{done: make(chan struct{}), incoming: true}
	in.node.attempts[in.peer] = in.attempt
}

// replace ends the connection that stands, for a peer that has proved its cookie on this one: it has lost the old one, or
// is a new incarnation.
func (in *incoming) replace() error {
	n := in.node
	n.mu.RLock()
	s, gone := n.sessions[in.peer], n.leaving[in.peer]
	n.mu.RUnlock()
	if s != nil {
		s.conn.Close()
		gone = s.gone
	}
	if gone == nil {
		return nil
	}
	timeout := time.NewTimer(n.cfg.SetupTime)
	defer timeout.Stop()
	select {
	case <-gone:
		return nil
	case <-timeout.C:
		return errors.New("the old connection does not end")
	case <-n.ctx.Done():
		return ErrClosed
	}
}
