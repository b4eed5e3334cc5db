package node

import (
	"context"
	"errors"
	"net"
	"os"
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
	incoming *incoming          // the peer's connection it is, nil while it is ours
	begun    bool               // our name has gone out: from then on the names decide between two attempts (net_kernel: check_pending)
	cancel   context.CancelFunc // of ours
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
	_, err := n.connection(ctx, name, false)
	return err
}

// connectAuto is Connect for what connects by itself.
func (n *Node) connectAuto(ctx context.Context, name etf.Atom) error {
	if name == n.name {
		return nil
	}
	_, err := n.connection(ctx, name, true)
	return err
}

// session returns the connection to a peer that something is to be sent to, after waiting for it to come up.
func (n *Node) session(ctx context.Context, name etf.Atom) (*session, error) {
	return n.connection(ctx, name, true)
}

// connection returns the connection to a peer, after waiting for it to come up. auto says that nobody has asked for it by
// name: Config.AutoConnect may forbid to set up one then.
//
// What the peer begins and does not end says nothing about what we could do: when an attempt of the peer fails we make our
// own, and when it takes long (a stranger may have begun it in the peer's name) we do not wait for it. When the peer hangs
// up on ours it may have got wind of another one, and we try again.
func (n *Node) connection(ctx context.Context, name etf.Atom, auto bool) (*session, error) {
	if s, err := n.connected(name); err == nil {
		return s, nil
	}
	if err := handshake.CheckName(string(name)); err != nil {
		return nil, &ConnectError{string(name), err}
	}
	patience := time.Now().Add(n.cfg.SetupTime)
	for tries := 0; ; {
		s, wait, a, err := n.attempt(name, auto)
		switch {
		case err != nil:
			return nil, &ConnectError{string(name), err}
		case s != nil:
			return s, nil
		}
		if err := n.awaitAttempt(ctx, wait, a, name, auto); err != nil {
			return nil, &ConnectError{string(name), err}
		}
		if a == nil {
			continue // an old connection is gone now
		}
		if a.err == nil {
			return a.sess, nil
		}
		if n.isIncoming(a) && time.Now().Before(patience) {
			continue
		}
		if tries++; tries > hangUps || !hungUp(a.err) || !pause(ctx, n.cfg.SetupTime/100) {
			return nil, &ConnectError{string(name), a.err}
		}
	}
}

// handshakeVersion is what nodes since OTP 23 tell EPMD that they speak.
const handshakeVersion = 6

// hangUps is how often we try again when the peer hangs up on us without a word.
const hangUps = 3

// awaitAttempt waits until an attempt is decided; one of the peer's it replaces by our own after a while.
func (n *Node) awaitAttempt(ctx context.Context, wait <-chan struct{}, a *attempt, name etf.Atom, auto bool) error {
	timer := time.NewTimer(n.cfg.SetupTime / 4)
	defer timer.Stop()
	for {
		select {
		case <-wait:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			if a != nil {
				n.displace(a, name, auto)
			}
		}
	}
}

// hungUp tells whether the peer ended the handshake without a word, and not because of the cookie.
func hungUp(err error) bool {
	lost, ok := errors.AsType[*handshake.LostError](err)
	return ok && !lost.Cookie && !errors.Is(err, os.ErrDeadlineExceeded)
}

// pause waits, and reports false if ctx is done first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (n *Node) isIncoming(a *attempt) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return a.incoming != nil
}

// attempt returns the connection to a peer or what to wait for: the end of the last one or the attempt, which it starts.
// It fails when there is nothing to wait for and nothing may be started.
func (n *Node) attempt(name etf.Atom, auto bool) (*session, <-chan struct{}, *attempt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch s := n.sessions[name]; {
	case s != nil && s.isOver():
		return nil, s.gone, nil, nil
	case s != nil:
		return s, nil, nil, nil
	case n.closed:
		return nil, nil, nil, ErrClosed
	case n.nameless:
		return nil, nil, nil, ErrNameLost
	}
	if gone := n.leaving[name]; gone != nil {
		return nil, gone, nil, nil
	}
	a := n.attempts[name]
	if a == nil {
		if auto {
			if err := n.mayConnect(name); err != nil {
				return nil, nil, nil, err
			}
		}
		if !n.mayTalk(name) {
			return nil, nil, nil, ErrNotAllowed
		}
		a = &attempt{done: make(chan struct{})}
		n.attempts[name] = a
		n.startDial(a, name)
	}
	return nil, a.done, a, nil
}

// startDial starts our side of an attempt. It is called with Node.mu held, on a node that is not closed.
func (n *Node) startDial(a *attempt, name etf.Atom) {
	ctx, cancel := context.WithCancel(n.ctx)
	a.incoming, a.begun, a.cancel = nil, false, cancel
	n.goroutines.Go(func() {
		defer cancel()
		n.dial(ctx, a, name)
	})
}

// displace makes an attempt of the peer ours, if it still is the peer's and undecided, and we may connect.
func (n *Node) displace(a *attempt, name etf.Atom, auto bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if auto && n.mayConnect(name) != nil {
		return
	}
	if n.attempts[name] != a || a.incoming == nil || n.closed || n.sessions[name] != nil || n.leaving[name] != nil {
		return
	}
	a.incoming.nc.Close()
	n.startDial(a, name)
}

// dial is the goroutine of an attempt that this node began. After a refusal in favour of the peer's own attempt it waits for
// that, and if it does not come tries again.
func (n *Node) dial(ctx context.Context, a *attempt, name etf.Atom) {
	wait, noShow := n.cfg.SetupTime/4, errNoShow
	ours := handshake.Simultaneous(string(n.name), string(name))
	if ours {
		// Then ours would win: the peer refuses because it is not rid of the last connection yet (net_kernel: "Cannot get
		// connection id"), which takes a moment only.
		wait = n.cfg.SetupTime / 100
	}
	for deadline := time.Now().Add(n.cfg.SetupTime); ; {
		nc, res, err := n.initiate(ctx, a, name, n.handshakeConfig())
		if err == nil {
			n.up(a, nil, nc, res)
			return
		}
		if !errors.Is(err, handshake.ErrNok) {
			n.settle(a, nil, name, nil, err)
			return
		}
		if ours {
			noShow = err
		}
		n.mu.Lock()
		if ctx.Err() == nil {
			a.begun = false // ours is over: one of the peer's is welcome
		}
		n.mu.Unlock()
		if !pause(ctx, wait) { // taken over, so that this settles nothing, or the node closes
			n.settle(a, nil, name, nil, ErrClosed)
			return
		}
		if time.Now().After(deadline) {
			n.settle(a, nil, name, nil, noShow)
			return
		}
	}
}

// initiate dials and shakes hands.
func (n *Node) initiate(ctx context.Context, a *attempt, name etf.Atom, cfg handshake.Config) (net.Conn, handshake.Result, error) {
	dialing, cancel := context.WithTimeout(ctx, n.cfg.SetupTime)
	defer cancel()
	addr, old, err := n.resolve(dialing, string(name))
	if err != nil {
		return nil, handshake.Result{}, err
	}
	nc, err := n.cfg.Transport.Dial(dialing, string(name), addr)
	if err != nil {
		return nil, handshake.Result{}, err
	}
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	n.mu.Lock()
	yield := ctx.Err() != nil // taken over
	if !yield {
		a.begun = true
	}
	n.mu.Unlock()
	if yield {
		nc.Close()
		return nil, handshake.Result{}, errYielded
	}
	in := handshake.NewInitiator(cfg, string(name))
	defer in.Close()
	w := n.wire(nc)
	start := in.Start
	if old {
		start = in.StartOld
	}
	step, err := start(), error(nil)
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
			step, err = in.Wanted(ctx.Err() == nil)
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

// settle ends an attempt: with a session, or for a reason. It does nothing for a side that the attempt is no longer of: the
// peer's connection by, or ours if that is nil.
func (n *Node) settle(a *attempt, by *incoming, name etf.Atom, s *session, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a == nil || a.incoming != by {
		return
	}
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

// resolve finds a node by Config.Resolve, or else through the EPMD of its host, which also tells whether it speaks only the
// version of the handshake before that of OTP 23.
func (n *Node) resolve(ctx context.Context, name string) (addr string, old bool, err error) {
	if n.cfg.Resolve != nil {
		addr, err = n.cfg.Resolve(ctx, name)
		return addr, false, err
	}
	alive, host := splitName(name)
	if _, own := splitName(string(n.name)); host == own {
		// Like Erlang's resolver, find this machine under its own name also where neither DNS nor a file knows it.
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			host = "127.0.0.1"
		}
	}
	info, err := epmd.Lookup(ctx, net.JoinHostPort(host, strconv.Itoa(n.cfg.EPMDPort)), alive)
	if err != nil {
		return "", false, err
	}
	return net.JoinHostPort(host, strconv.Itoa(info.Port)), info.HighVersion < handshakeVersion, nil
}
