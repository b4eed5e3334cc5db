package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// maxHandshakes bounds the incoming connections that have not proved the cookie. Each holds a goroutine and a few KiB for
// some multiples of the set-up time.
const maxHandshakes = 1024

var (
	errBusy = errors.New("another connection of the peer is being set up")
)

// accept is the goroutine of the listener.
func (n *Node) accept() {
	slots := make(chan struct{}, maxHandshakes)
	for turn := 0; ; turn++ {
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
			n.admit(nc, turn)
		}) {
			nc.Close()
			<-slots
		}
	}
}

// admit shakes hands with a peer that has connected.
func (n *Node) admit(nc net.Conn, turn int) {
	stop := context.AfterFunc(n.ctx, func() { nc.Close() })
	defer stop()
	in := &incoming{node: n, nc: nc, turn: turn, machine: handshake.NewAcceptor(n.handshakeConfig())}
	defer in.machine.Close()
	err := in.shake()
	if err == nil {
		n.up(in.attempt, in, nc, in.machine.Result())
		return
	}
	nc.Close()
	n.settle(in.attempt, in, in.peer, nil, err)
	if n.ctx.Err() == nil {
		// Two nodes that connect to each other at once refuse each other in the course of things.
		level := slog.LevelWarn
		if errors.Is(err, handshake.ErrNok) || errors.Is(err, handshake.ErrAlive) || errors.Is(err, errBusy) || hungUp(err) || errors.Is(err, net.ErrClosed) {
			level = slog.LevelDebug
		}
		n.log.Log(n.ctx, level, "connection attempt failed", "from", nc.RemoteAddr().String(), "peer", string(in.peer), "error", err)
	}
}

// incoming is a handshake that a peer began.
type incoming struct {
	node    *Node
	nc      net.Conn
	turn    int // in which it came
	machine *handshake.Acceptor
	peer    etf.Atom // once it has introduced itself
	attempt *attempt // what is settled by this handshake, once it is
}

func (in *incoming) shake() error {
	w := in.node.wire(in.nc)
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
		case step.Ask == handshake.AskName:
			step, err = in.giveName()
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
	if !n.mayTalk(in.peer) {
		return handshake.StatusNotAllowed, nil
	}
	if in.peer == n.name {
		return handshake.StatusNok, nil
	}
	a := n.attempts[in.peer]
	alive := n.sessions[in.peer] != nil || n.leaving[in.peer] != nil
	switch {
	case a == nil:
		a = &attempt{done: make(chan struct{})}
		n.attempts[in.peer] = a
	case a.incoming != nil:
		// Of two handshakes in the name of one peer the one that came later counts: the peer has given up the first, or one of
		// them is a stranger's, who could otherwise keep the peer away by being silent. (net_kernel closes the later.)
		if in.turn < a.incoming.turn {
			return "", errBusy
		}
		a.incoming.nc.Close()
	case a.begun && handshake.Simultaneous(string(n.name), string(in.peer)):
		return handshake.StatusNok, nil
	default:
		in.takeOver(a)
		return handshake.StatusOKSimultaneous, nil
	}
	in.takeOver(a)
	if alive {
		return handshake.StatusAlive, nil
	}
	return handshake.StatusOK, nil
}

// takeOver makes an attempt this handshake's. It is called with Node.mu held.
func (in *incoming) takeOver(a *attempt) {
	if a.incoming == nil && a.cancel != nil {
		a.cancel()
		in.node.log.Debug("our own attempt to connect yields to the peer's", "peer", string(in.peer))
	}
	a.incoming = in
	in.attempt = a
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
