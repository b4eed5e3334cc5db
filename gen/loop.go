package gen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// loop is a server at work.
type loop struct {
	p *node.Process
	s Server

	suspended bool
	held      []node.Message // came while suspended
	debug     debug          // of sys; empty unless somebody looks
	idle      IdleHandler    // s, if it is one
}

// errIdle is the cause of a wait that ends for IdleHandler.
var errIdle = errors.New("gen: idle")

// serve is the life of a server that is initialized.
func serve(p *node.Process, s Server) (err error) {
	l := &loop{p: p, s: s}
	l.idle, _ = s.(IdleHandler)
	if t, ok := s.(Terminator); ok {
		defer func() {
			if v := recover(); v != nil {
				t.Terminate(fmt.Errorf("gen: panic: %v", v))
				panic(v)
			}
			t.Terminate(err)
		}()
	}
	if c, ok := s.(Continuer); ok {
		if err := c.HandleContinue(p); err != nil {
			return err
		}
	}
	if l.idle == nil {
		return p.Serve(context.Background(), l.step)
	}
	for {
		m, err := l.next()
		switch {
		case err == errIdle:
			err = l.idle.HandleIdle(p)
		case err == nil:
			err = l.step(m)
		}
		if err != nil {
			return err
		}
	}
}

// step handles a message, and those that have waited for the server to be resumed.
func (l *loop) step(m node.Message) error {
	err := l.dispatch(m)
	for err == nil && len(l.held) > 0 && !l.suspended {
		m, l.held[0] = l.held[0], node.Message{}
		if l.held = l.held[1:]; len(l.held) == 0 {
			l.held = nil
		}
		err = l.dispatch(m)
	}
	return err
}

// next is the next message of an IdleHandler.
func (l *loop) next() (node.Message, error) {
	if !l.suspended {
		if d := l.idle.Idle(); d > 0 {
			return l.nextWithin(d)
		}
	}
	return l.p.Receive(context.Background())
}

func (l *loop) nextWithin(d time.Duration) (node.Message, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, errIdle)
	defer cancel()
	return l.p.Receive(ctx)
}

// dispatch hands one message to the method it is for. What only begins like a call or a cast is an ordinary message. A
// suspended server takes what sys says and the end of its parent; the rest waits.
func (l *loop) dispatch(m node.Message) error {
	if exit, ok := m.Exit(); ok && exit.From == l.p.Parent() {
		return &node.ExitError{Reason: exit.Reason}
	}
	e, err := open(m)
	switch {
	case err == nil && e.label == system:
		return l.system(e.from, e.request)
	case l.suspended:
		l.held = append(l.held, m)
		return nil
	case len(l.debug) > 0:
		return l.watched(m, e, err == nil)
	case err == nil && e.label == genCall:
		_, _, err := l.call(e.from, e.request)
		return err
	}
	return l.other(m, e, err == nil)
}

// other handles what has no reply.
func (l *loop) other(m node.Message, e envelope, isCast bool) error {
	if isCast {
		if h, ok := l.s.(CastHandler); ok {
			return h.HandleCast(l.p, e.request)
		}
		return nil
	}
	if h, ok := l.s.(InfoHandler); ok {
		return h.HandleInfo(l.p, m)
	}
	return nil
}

// call answers a call, and tells what it has replied at once.
func (l *loop) call(from From, request etf.Raw) (reply any, replied bool, err error) {
	reply, err = l.s.HandleCall(l.p, from, request)
	if reply != NoReply && (reply != nil || err == nil) {
		replied = true
		// That the caller has gone meanwhile is its own affair; a reply that cannot be encoded is the server's.
		if rerr := Reply(l.p, from, reply); rerr != nil && !isGone(rerr) && err == nil {
			return reply, replied, fmt.Errorf("gen: reply: %w", rerr)
		}
	}
	return reply, replied, err
}

// watched is dispatch with the debug options of sys on.
func (l *loop) watched(m node.Message, e envelope, isGen bool) error {
	if t, err := m.Term(); err == nil {
		l.event(etf.Tuple{etf.Atom("in"), t})
	}
	if !isGen || e.label == genCast {
		if err := l.other(m, e, isGen); err != nil {
			return err
		}
		l.event(etf.Tuple{etf.Atom("noreply"), l.stateTerm()})
		return nil
	}
	reply, replied, err := l.call(e.from, e.request)
	switch {
	case replied:
		l.event(etf.Tuple{etf.Atom("out"), termOf(reply), etf.Tuple{e.from.Pid, e.from.Tag}, l.stateTerm()})
	case err == nil:
		l.event(etf.Tuple{etf.Atom("noreply"), l.stateTerm()})
	}
	return err
}

// termOf is a Go value as a term; for one that cannot be encoded, the error as a binary.
func termOf(v any) etf.Term {
	t, err := asTerm(v)
	if err != nil {
		return etf.Binary(err.Error())
	}
	return t
}
