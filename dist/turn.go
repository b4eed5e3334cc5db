package dist

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A Turn is a goroutine's turn at reading a connection. Between two reads that goroutine may do some work of its user
// (Config.Serve). If that takes long another goroutine takes the turn: nobody's messages wait for somebody else's work.
type Turn struct {
	conn  *Conn
	state uint64 // of the connection, as this turn left it

	mayLend bool          // one answer has come, and nothing else
	waits   bool          // this goroutine has lent it, and waits for the next
	began   time.Duration // Config.Serve, since epoch
	corked  time.Duration // since epoch; 0: what is sent does not wait
	half    int           // pieces of work until half of many are done
}

// turns says who reads. The low bits tell what happens in the turn, the rest counts, so that a state is never seen twice.
type turns struct {
	state atomic.Uint64
	armed atomic.Bool  // the timer runs, or is about to
	lent  atomic.Int64 // when the turn was, since epoch
	timer *time.Timer
	seen  uint64      // by the timer's last run
	spare atomic.Bool // who has lent the turn waits for goOn, or is about to, and has not been sent it
	goOn  chan struct{}
}

const (
	reading  = 0
	serving  = 1 // Config.Serve runs
	lent     = 2 // nobody reads: who has just had the answer to a call is expected to make the next one (Conn.Await)
	doing    = 3 // the mask
	nextTurn = 4
)

// patience is how long work may keep a connection from being read before another goroutine does; at most twice as long.
const patience = time.Millisecond

// halved is how many requests, come together, are answered with two writes: while this node works on the second half the peer does on the
// answers to the first. With one write the two nodes would wait for each other.
const halved = 8

// read lets a goroutine read: the one that has lent its turn, if it still waits, or a new one, whose stack has to grow first.
func (c *Conn) read() {
	if c.turns.spare.CompareAndSwap(true, false) {
		c.turns.goOn <- struct{}{}
		return
	}
	go c.lead()
}

// waitNot says that this goroutine will not wait. If it has been told to go on already another one does that.
func (t *Turn) waitNot() {
	if t.waits && !t.conn.turns.spare.CompareAndSwap(true, false) {
		<-t.conn.turns.goOn
		go t.conn.lead()
	}
	t.waits = false
}

// lead is a reading goroutine: it reads while it has the turn, and waits while that is lent. There is no other then, since read prefers it: so
// the one that meets the end of the connection is the last. It is one function because the stack of a goroutine that waits here just fits into 4 KiB:
// with a frame more an idle connection took 30.3 KiB, not 26.5 (bench-cluster).
func (c *Conn) lead() {
	t := &Turn{conn: c, state: c.turns.state.Load()}
	left := true // by runtime.Goexit, out of Serve
	defer func() {
		if left {
			t.waitNot()
			c.takeOver(t.state)
		}
	}()
	in := c.in
	in.awaiting = false
	for {
		if in.err != nil || !in.reader.follow(1) {
			in.gathered()
			asked := in.asked
			if in.others > 0 { // a monitor that comes alone changes nothing
				// Those who have been served here have answered; nobody else has been woken, who would want the processor.
				in.reader.expects = in.talk.next(in.others, asked, in.answers)
			}
			// Who has the cork on (serve) is not done when he has lent the turn: so there is no loan then.
			t.mayLend = asked == 1 && in.others == 1 && in.answers == 1 && c.carrier.waitSoon != nil && in.loans.due()
			answers := in.answers
			if t.half = 0; asked-answers >= halved {
				t.half = (asked - answers) / 2
			}
			in.asked, in.others, in.answers = 0, 0, 0
			if asked > 0 && !t.serve(asked > 1, answers > 1) {
				if !t.waits {
					left = false
					return
				}
				<-c.turns.goOn
				*t = Turn{conn: c, state: c.turns.state.Load()}
				in.awaiting = false
				continue
			}
		}
		if in.err != nil {
			left = false
			c.fail(in.err)
			close(c.ended)
			return
		}
		in.err = in.next()
	}
}

// serve lets Config.Serve work, and reports whether this goroutine still has the turn. Of those who get answers some ask again at once: what they
// send goes out together, written by this goroutine, if it lets them run first.
func (t *Turn) serve(many, answers bool) bool {
	c := t.conn
	t.began, t.corked = time.Since(epoch), 0
	if many {
		c.out.cork() // before anybody can take the turn over: who does takes the cork off
		t.corked = t.began
	}
	t.state = t.state + nextTurn | serving // it was reading
	c.turns.state.Store(t.state)
	if !c.turns.armed.Load() {
		c.watch()
	}
	c.cfg.Serve(t)
	if answers {
		runtime.Gosched()
	}
	now := t.state &^ doing
	if t.state&doing == lent || !c.turns.state.CompareAndSwap(t.state, now) {
		return false
	}
	t.state = now
	if many {
		c.out.uncork()
	}
	return true
}

// Renew says that a piece of the work is done. It reports false if another goroutine has the turn now, also because all pieces together have
// taken long; that one will call Config.Serve for what is left.
func (t *Turn) Renew() bool {
	t.half--
	return t.renew(t.half == 0)
}

// Flush is for who has given some of many answers: it lets those run who have got them, and what they send, and what has been sent in the turn before, goes
// out. It reports what Renew does.
func (t *Turn) Flush() bool {
	if t.corked == 0 {
		return true
	}
	runtime.Gosched()
	return t.renew(true)
}

// renew is Renew, and sends what waits if that is asked for, or due.
func (t *Turn) renew(send bool) bool {
	now := time.Since(epoch)
	if now-t.began > patience {
		t.conn.takeOver(t.state)
		return false
	}
	next := t.state + nextTurn
	if !t.conn.turns.state.CompareAndSwap(t.state, next) {
		return false
	}
	t.state = next
	if t.corked != 0 && (send || now-t.corked >= corkedFor) {
		t.conn.out.recork()
		t.corked = now
	}
	return true
}

// Give lets another goroutine read at once, because this one is going to wait for something. Any goroutine may call it.
func (t *Turn) Give() {
	if s := t.conn.turns.state.Load(); s&doing == serving {
		t.conn.takeOver(s)
	}
}

// takeOver starts another reading goroutine, if the turn is still as it was in that state.
func (c *Conn) takeOver(state uint64) {
	if !c.turns.state.CompareAndSwap(state, (state+nextTurn)&^doing) {
		return
	}
	switch state & doing {
	case serving:
		c.out.uncork()
		c.in.asked++ // for what is left
	case lent:
		c.in.loans.failed()
	}
	c.read()
}

// init makes the timer, which does not run yet.
func (w *turns) init(look func()) {
	w.goOn = make(chan struct{}, 1)
	w.timer = time.AfterFunc(time.Hour, look)
	w.timer.Stop()
}

// watch starts the timer that looks for work that takes too long. It runs while there is any.
func (c *Conn) watch() {
	w := &c.turns
	if !w.armed.CompareAndSwap(false, true) {
		return
	}
	w.seen = w.state.Load()
	w.timer.Reset(patience)
}

func (c *Conn) look() {
	w := &c.turns
	state := w.state.Load()
	switch {
	case state != w.seen:
		w.seen = state
	case state&doing != reading:
		c.takeOver(state)
	default: // nothing has happened since the last time
		w.armed.Store(false)
		if w.state.Load() != state {
			c.watch()
		}
		return
	}
	w.timer.Reset(patience)
}
