package dist

import "time"

// A caller that waits for an answer may read the connection itself, and so may who receives message after message. Then the answer wakes it, and nobody else, who would only hand the
// answer over. In between, while the caller is busy with one answer and has not asked the next question, nobody reads. So this is for
// callers that ask again at once, and only while there is one call at a time:
// the goroutine that has read the answer lends its turn, and the next Await takes it. If there is none within a millisecond or two
// that goroutine reads on (turns.look), and it takes longer until the turn is lent again. So it does when he comes, but not at once.

// loans decides whether a turn is lent. It belongs to who has the turn.
type loans struct {
	after   int // answers that come alone, before the next loan
	backoff int // what after was set to the last time
	good    int // loans since
}

const (
	firstLoan = 8
	rareLoan  = 4096
	manyLoans = 256 // that have gone well make up for one that has not: they take some milliseconds, that one two at most
)

// atOnce is how long nobody may read before the loan has failed, though whom the turn was lent to has come.
const atOnce = 100 * time.Microsecond

// due counts an answer, and tells whether the turn may be lent to whom it is for.
func (l *loans) due() bool {
	if l.backoff == 0 {
		l.failed()
	}
	if l.after > 0 {
		l.after--
		return false
	}
	l.good++
	return true
}

// failed notes that nobody has come, or that the answer to him took long. The fewer loans went well before, the longer it may take until the next.
func (l *loans) failed() {
	if l.good >= min(8*l.backoff, manyLoans) {
		l.backoff = 0
	}
	l.backoff = max(min(2*l.backoff, rareLoan/(l.good+1)), firstLoan)
	l.after, l.good = l.backoff, 0
}

// Lend is for Config.Serve, at its end: when one answer has come, and nothing else, and nobody else waits for one, the turn can be lent to who gets
// that answer. It is given to him after Lend has returned true; then the turn is over, and Serve returns without delay: its goroutine may be the one
// that is to read on.
func (t *Turn) Lend() bool {
	if !t.mayLend {
		return false
	}
	t.mayLend = false
	t.waits = t.conn.turns.spare.CompareAndSwap(false, true) // before anybody can want it to go on
	if t.lend() {
		return true
	}
	t.waitNot() // it has lost the turn, and may have other work
	return false
}

// lend ends the turn, if it is not over yet, so that Await can take it. It reports false if there is no turn any more.
func (t *Turn) lend() bool {
	c := t.conn
	c.turns.lent.Store(int64(time.Since(epoch))) // also by who has lost the turn, at worst
	next := (t.state+nextTurn)&^doing | lent
	if !c.turns.state.CompareAndSwap(t.state, next) {
		return false
	}
	t.state = next
	if !c.turns.armed.Load() {
		c.watch()
	}
	return true
}

// sinceLoan is how long ago the turn was lent.
func (w *turns) sinceLoan() time.Duration { return time.Since(epoch) - time.Duration(w.lent.Load()) }

// Reclaim takes a turn back that has been lent, because somebody else waits for an answer too.
func (c *Conn) Reclaim() {
	if s := c.turns.state.Load(); s&doing == lent && c.turns.state.CompareAndSwap(s, (s+nextTurn)&^doing) {
		c.read()
	}
}

// A Caller waits for the answer to a call.
type Caller interface {
	Answered() bool // it has come
	Alone() bool    // nobody else waits for one that comes over this connection
}

// Await reads, if the turn is lent, until the answer has come, but not for longer than answers usually take: who has called it
// waits in another way then. It reports whether he has the turn on loan again. If the answer may also come from elsewhere Stir says that it has.
func (c *Conn) Await(w Caller, elsewhere bool) bool {
	s := c.turns.state.Load()
	if s&doing != lent || !c.turns.state.CompareAndSwap(s, (s+nextTurn)&^doing) {
		return false
	}
	t := Turn{conn: c, state: (s + nextTurn) &^ doing}
	in := c.in
	in.awaiting = true
	if c.turns.sinceLoan() > atOnce {
		in.loans.failed() // others may have waited; what comes now is read at once
	}
	stirred := w
	if !elsewhere {
		stirred = nil
	}
	for first := true; ; first = false {
		for in.err == nil && in.reader.follow(1) {
			in.err = in.next()
		}
		in.gathered()
		switch {
		case in.err != nil, in.asked > 0, in.reader.start != in.reader.end: // work for Serve, or a part of something long
		case w.Answered():
			in.others = 0
			in.loans.good++
			if in.loans.after == 0 && w.Alone() && t.lend() {
				if !w.Alone() {
					c.Reclaim()
				}
				return true
			}
		case (first || c.turns.sinceLoan() < patience) && in.waitSoon(stirred), elsewhere && w.Answered():
			continue // after something for others, but not again and again: w may have a context that is done
		default:
			in.loans.failed()
		}
		c.read()
		return false
	}
}

// Stir is for who has an answer from elsewhere for one who may be in Await: he looks. It costs little if he is not.
func (c *Conn) Stir() {
	if c.carrier.stir != nil {
		c.carrier.stir()
	}
}

// waitSoon fills the empty buffer with what comes soon, and reports whether that was anything. An error meets who reads next.
func (in *inbound) waitSoon(stirred Caller) bool {
	r := &in.reader
	n, err := in.conn.carrier.waitSoon(&r.buf, r.limit(), stirred)
	r.start, r.end = 0, n
	in.conn.bytesRead.Add(uint64(n))
	return err == nil
}
