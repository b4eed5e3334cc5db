package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// attempt is a connection to one peer that is being set up. There is at most one per peer: who needs the connection waits
// for it, whichever side began.
type attempt struct {
	done chan struct{} // closed when it is decided
	sess *session      // the connection, if it came up
	err  error

	// Guarded by Node.mu.
	begun    bool // our name has gone out: from then on the names decide between two attempts (net_kernel: check_pending)
	incoming bool // the peer's connection it is
	cancel   context.CancelFunc
}

var (
	errYielded = errors.New("the peer's own attempt takes precedence")
	errNoShow  = errors.New("the peer's own attempt, which takes precedence, did not come")
)

// Connect sets up a connection to a node, unless there is one, and waits until it is up (net_kernel:connect_node/1). Sending,
// linking and monitoring connect by themselves. It fails with a *ConnectError, which is an ErrNoConnection.
func (n *Node) Connect(ctx context.Context, name etf.Atom) error {
	if name == n.name {
		return nil
	}
	_, err := n.session(ctx, name)
	return err
}

// session returns the connection to a peer, after waiting for it to come up.
func (n *Node) session(ctx context.Context, name etf.Atom) (*session, error) {
	n.mu.RLock()
	s := n.sessions[name]
	n.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	if err := handshake.CheckName(string(name)); err != nil {
		return nil, &ConnectError{string(name), err}
	}
	patience := time.Now().Add(n.cfg.SetupTime)
	for {
		s, wait, a := n.attempt(name)
		switch {
		case s != nil:
			return s, nil
		case wait == nil:
			return nil, &ConnectError{string(name), ErrClosed}
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, &ConnectError{string(name), context.Cause(ctx)}
		}
		if a == nil {
			continue // an old connection is gone now
		}
		if a.err == nil {
			return a.sess, nil
		}
		// That an attempt of the peer has failed says nothing about ours: it may have given it up for another.
		if !n.isIncoming(a) || time.Now().After(patience) {
			return nil, &ConnectError{string(name), a.err}
		}
	}
}

func (n *Node) isIncoming(a *attempt) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return a.incoming
}

// attempt returns the connection to a peer or what to wait for: the end of the last one or the attempt, which it starts.
// It returns nothing at all when the node is closed.
func (n *Node) attempt(name etf.Atom) (*session, <-chan struct{}, *attempt) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.sessions[name]; s != nil {
		return s, nil, nil
	}
	if n.closed {
		return nil, nil, nil
	}
	if gone := n.leaving[name]; gone != nil {
		return nil, gone, nil
	}
	a := n.attempts[name]
	if a == nil {
		ctx, cancel := context.WithCancel(n.ctx)
		a = &attempt{done: make(chan struct{}), cancel: cancel}
		n.attempts[name] = a
		n.goroutines.Go(func() {
			defer cancel()
			n.dial(ctx, a, name)
		})
	}
	return nil, a.done, a
}

// dial is the goroutine of an attempt that this node began.
func (n *Node) dial(ctx context.Context, a *attempt, name etf.Atom) {
	nc, res, err := n.initiate(ctx, a, name)
	if err == nil {
		if n.isIncoming(a) { // in the last moment
			nc.Close()
			return
		}
		n.up(a, nc, res)
		return
	}
	if errors.Is(err, handshake.ErrNok) {
		n.awaitPeer(ctx, a)
		err = errNoShow
	}
	if !n.isIncoming(a) {
		n.settle(a, name, nil, err)
	}
}

// awaitPeer waits until the peer's attempt, for which it has refused ours, has taken over.
func (n *Node) awaitPeer(ctx context.Context, a *attempt) {
	timer := time.NewTimer(n.cfg.SetupTime)
	defer timer.Stop()
	select {
	case <-a.done:
	case <-ctx.Done(): // cancelled by the take-over
	case <-timer.C:
	}
}

// initiate dials and shakes hands.
func (n *Node) initiate(ctx context.Context, a *attempt, name etf.Atom) (net.Conn, handshake.Result, error) {
	dialing, cancel := context.WithTimeout(ctx, n.cfg.SetupTime)
	defer cancel()
	addr, err := n.cfg.Resolve(dialing, string(name))
	if err != nil {
		return nil, handshake.Result{}, err
	}
	var d net.Dialer
	nc, err := d.DialContext(dialing, "tcp", addr)
	if err != nil {
		return nil, handshake.Result{}, err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	n.mu.Lock()
	yield := a.incoming
	a.begun = true
	n.mu.Unlock()
	if yield {
		nc.Close()
		return nil, handshake.Result{}, errYielded
	}
	in := handshake.NewInitiator(n.handshakeConfig(), string(name))
	defer in.Close()
	w := wire{nc: nc, timeout: n.cfg.SetupTime}
	step, err := in.Start(), error(nil)
	for {
		if werr := w.write(step.Send); err == nil {
			err = werr
		}
		if err != nil {
			nc.Close()
			return nil, handshake.Result{}, err
		}
		switch {
		case step.Done:
			return nc, in.Result(), nil
		case step.Ask == handshake.AskWanted:
			step, err = in.Wanted(!n.isIncoming(a))
		default:
			var body []byte
			if body, err = w.read(); err == nil {
				step, err = in.Receive(body)
			} else {
				step, err = handshake.Step{}, in.Lost(err)
			}
		}
	}
}

// settle ends an attempt: with a session, or for a reason.
func (n *Node) settle(a *attempt, name etf.Atom, s *session, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.attempts[name] == a {
		delete(n.attempts, name)
	}
	select {
	case <-a.done:
		return
	default:
	}
	a.sess, a.err = s, err
	close(a.done)
}

// resolve finds a node through the EPMD of its host. It is the default of Config.Resolve.
func (n *Node) resolve(ctx context.Context, name string) (string, error) {
	alive, host := splitName(name)
	if _, own := splitName(string(n.name)); host == own {
		// Like Erlang's resolver, find this machine under its own name also where neither DNS nor a file knows it.
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			host = "127.0.0.1"
		}
	}
	info, err := epmd.Lookup(ctx, net.JoinHostPort(host, strconv.Itoa(n.cfg.EPMDPort)), alive)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(info.Port)), nil
}

// wire reads and writes the messages of a handshake: each has the set-up time, as OTP resets its timer for each.
type wire struct {
	nc      net.Conn
	timeout time.Duration
}

func (w wire) write(bodies [][]byte) error {
	if len(bodies) == 0 {
		return nil
	}
	var b []byte
	for _, body := range bodies {
		b = handshake.AppendFrame(b, body)
	}
	w.nc.SetDeadline(time.Now().Add(w.timeout))
	_, err := w.nc.Write(b)
	return err
}

// read takes exactly one message: what follows the last one belongs to the connection.
func (w wire) read() ([]byte, error) {
	w.nc.SetDeadline(time.Now().Add(w.timeout))
	var head [2]byte
	if _, err := io.ReadFull(w.nc, head[:]); err != nil {
		return nil, err
	}
	length := int(head[0])<<8 | int(head[1])
	if length > handshake.MaxMessage {
		return nil, fmt.Errorf("handshake message of %d bytes, the limit is %d", length, handshake.MaxMessage)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(w.nc, body)
	return body, err
}
