package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// Serve receives one message after the other and hands each to step, until step fails, ctx is done or the process has exited, and
// returns why, as Receive does. While it runs nobody else receives.
//
// Steps run one at a time, in the order of the messages, and mostly in the goroutine of Serve. A message of a peer that
// finds the process idle may be handed to step by the goroutine that has read it instead: no other has to be woken then, which for
// a short step would take longer than the step. Work that takes long, or waits, delays nobody: when a step, or several together, run for more than about a millisecond
// another goroutine goes on reading, and for a while the steps of this process stay in the goroutine of Serve. So what belongs to a
// goroutine or thread (runtime.LockOSThread) cannot be used by steps.
//
// A panic of a step is one of Serve.
func (p *Process) Serve(ctx context.Context, step func(Message) error) error {
	v := &server{step: step}
	if !p.server.CompareAndSwap(nil, v) {
		return errServed
	}
	defer p.stopServing(v)
	for {
		waits, err := p.serveOnce(v)
		if err != nil {
			return err
		}
		if waits && !p.wait(ctx) {
			return context.Cause(ctx)
		}
	}
}

var errServed = errors.New("node: the process is served already")

// server is a process that Serve serves.
type server struct {
	step    func(Message) error
	turn    atomic.Pointer[dist.Turn] // the turn in which a step runs
	slow    atomic.Int64              // it was; until then, in nanoseconds since epoch, nobody claims it
	quick   int                       // steps in the reading goroutine since it was
	backoff time.Duration             // how long the last time was

	running sync.Mutex // held while messages are taken and step runs; it comes before the mailbox's locks
	ended   *ending    // by a step in another goroutine than Serve's
}

// ending is how a step has ended its server.
type ending struct {
	err    error
	raised *raised // a panic
	goexit bool
}

// raised is a panic on its way from one goroutine to another.
type raised struct {
	value any
	stack []byte
}

func (r *raised) String() string { return fmt.Sprint(r.value) }

var epoch = time.Now()

// serveOnce takes a message, if there is one, and runs the step.
func (p *Process) serveOnce(v *server) (waits bool, err error) {
	v.running.Lock()
	defer v.running.Unlock()
	if e := v.ended; e != nil {
		switch {
		case e.raised != nil:
			panic(e.raised)
		case e.goexit:
			runtime.Goexit()
		}
		return false, e.err
	}
	var m Message
	if ok, err := p.take(&m); !ok || err != nil {
		return !ok, err
	}
	return false, v.step(m)
}

func (p *Process) stopServing(v *server) {
	p.server.Store(nil)
	v.running.Lock() // nobody runs a step now
	defer v.running.Unlock()
	v.ended = &ending{} // nor later, who has found it before
}

// claims are what the goroutine that has read it will see to: processes that have messages, and the answers to calls.
type claims struct {
	mu       sync.Mutex
	queue    []*Process
	answers  []outcome
	receiver *Process // which waits, and has got a message
}

// outcome is how a call ends: with the answer, or the end of whom it was to come from.
type outcome struct {
	request *request
	ref     etf.Ref
	raw     etf.Raw
	down    bool
}

func (a *outcome) give() {
	if a.down {
		a.request.fail(a.ref, a.raw)
	} else {
		a.request.reply(a.ref, a.raw)
	}
}

// give sees to it that an answer, which came over s or, if that is nil, from this node, reaches who waits for it: when everything that came with
// it is handled, for he will read on.
func (s *session) give(a outcome) {
	if s == nil || !s.conn.Answer() {
		a.give()
		return
	}
	s.ready.mu.Lock()
	s.ready.answers = append(s.ready.answers, a)
	s.ready.mu.Unlock()
}

func (c *claims) add(p *Process) {
	c.mu.Lock()
	c.queue = append(c.queue, p)
	c.mu.Unlock()
}

// next takes a process out, nil if there is none.
func (c *claims) next() *Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	p := c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	return p
}

// fewAnswers are given at one go. Of twice as many, or more, those who get the first half ask the peer again before the second half is given, so
// that this node and the peer do not wait for each other.
const fewAnswers = 4

// giveAnswers gives the answers to those who wait. If that is one, and the only one who waits, he gets the turn too: then it reports true, as if
// the turn is lost.
func (s *session) giveAnswers(t *dist.Turn) (gone bool) {
	c := &s.ready
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receiver != nil && s.wakeReceiver(t) {
		return true
	}
	if half := len(c.answers) / 2; half >= fewAnswers {
		c.giveLocked(half)
		c.mu.Unlock()
		mine := t.Flush()
		c.mu.Lock()
		if !mine {
			return true // who has the turn gives the others, before anything that comes after them
		}
	}
	lent := len(c.answers) == 1 && len(c.queue) == 0 && s.calls.Load() == 1 && t.Lend()
	c.giveLocked(len(c.answers))
	if lent && s.calls.Load() > 1 {
		s.conn.Reclaim()
	}
	return lent
}

// giveLocked gives the first n answers. It needs mu.
func (c *claims) giveLocked(n int) {
	for i := range n {
		c.answers[i].give()
	}
	c.answers = slices.Delete(c.answers, 0, n)
}

// claimLocked sees to it that the goroutine that reads s serves the process, if it waits. It needs Process.mu.
func (p *Process) claimLocked(s *session) {
	v := p.server.Load()
	if p.box.claimed.Load() {
		s.conn.Ask()
		return
	}
	if v == nil || p.box.waiting.Load() == 0 || p.exited {
		return
	}
	if slow := v.slow.Load(); slow != 0 && time.Since(epoch) < time.Duration(slow) {
		return
	}
	p.box.claimed.Store(true)
	s.ready.add(p)
	s.conn.Ask()
}

// serve runs in the goroutine that reads the connection, between two reads.
func (s *session) serve(t *dist.Turn) {
	if s.giveAnswers(t) {
		return
	}
	for p := s.ready.next(); p != nil; p = s.ready.next() {
		if !p.serveFor(t) {
			return
		}
	}
}

// atOnce is how many messages of one process are seen to before others have their turn.
const atOnce = 128

// serveFor runs steps of a claimed process until it has no messages. It reports false when the turn is another goroutine's.
func (p *Process) serveFor(t *dist.Turn) (mine bool) {
	wake := true // its own goroutine
	defer func() { p.unclaim(wake) }()
	v := p.server.Load()
	if v == nil || !v.running.TryLock() {
		return true
	}
	defer v.running.Unlock()
	if v.ended != nil {
		return true
	}
	v.turn.Store(t)
	defer v.turn.Store(nil)
	for range atOnce {
		var m Message
		if ok, err := p.takeNow(&m, false); !ok || err != nil {
			wake = err != nil
			return true
		}
		v.stepFor(m)
		if !t.Renew() {
			v.leaveAlone()
			return false
		}
		v.quick++
		if v.ended != nil {
			return true
		}
	}
	return true
}

// leaveAlone keeps the steps in their own goroutine for a while: the longer, the fewer were quick. One that was late among
// many others was so because the machine is busy.
func (v *server) leaveAlone() {
	if v.quick >= 1000 {
		v.backoff = 0
	}
	v.quick = 0
	v.backoff = min(max(2*v.backoff, 10*time.Millisecond), time.Minute)
	v.slow.Store(int64(time.Since(epoch) + v.backoff))
}

// stepFor runs a step for the goroutine of Serve, and notes how it ends the server, if it does.
func (v *server) stepFor(m Message) {
	done := false
	defer func() {
		if done {
			return
		}
		v.ended = &ending{goexit: true}
		if r := recover(); r != nil {
			v.ended = &ending{raised: &raised{r, debug.Stack()}}
		}
	}()
	if err := v.step(m); err != nil {
		v.ended = &ending{err: err}
	}
	done = true
}

// unclaim leaves the process to its own goroutine again, which is woken if need be.
func (p *Process) unclaim(wake bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.box.claimed.Store(false)
	if wake || p.exited || len(p.box.in)+len(p.box.first) > 0 {
		p.box.signal()
	}
}

// giveTurn lets another goroutine read the connection if a step of the process runs in the one that does: it is going to wait.
func (p *Process) giveTurn() {
	if v := p.server.Load(); v != nil {
		if t := v.turn.Load(); t != nil {
			t.Give()
		}
	}
}
