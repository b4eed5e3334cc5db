package node

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

const mailboxOverflow etf.Atom = "mailbox_overflow"

// Exit ends the process with the given reason, a Term or any Go value that etf.Marshal takes (nil is normal, an error
// what Spawn says). Its links and monitors hear of it at once. A second call does nothing.
func (p *Process) Exit(v any) {
	switch err, isError := v.(error); {
	case v == nil:
		p.exit(normalEnd)
	case isError:
		p.exit(errorReason(err))
	default:
		p.exit(reasonOf(v))
	}
}

// exit ends the process. The signals of its end go out now or, while it is in the middle of emitting others, after them.
func (p *Process) exit(r reason) {
	p.mu.Lock()
	ended := p.exitLocked(r)
	done := ended && p.vanishLocked()
	p.mu.Unlock()
	if ended && !done {
		p.bury(false)
	}
}

// vanishLocked is bury and finish at one go, for a process that nobody has to hear of and that has nothing else under way. It reports
// false, and does nothing, for any other.
func (p *Process) vanishLocked() bool {
	if p.named || p.cancel != nil || p.interest != nil || len(p.aliases)+len(p.ties) > 0 ||
		p.links.len()+len(p.monitors)+len(p.watchers) > 0 || p.life.Load() != dead+1 {
		return false
	}
	p.node.processes.remove(p)
	p.buried, p.finished = true, true
	p.life.Add(-1) // whoever begins something now sees that it is over, and that everyone has been told
	return true
}

// exitLocked marks the process as exited, and reports false if it was. The caller holds the lock, and calls bury without it.
func (p *Process) exitLocked(r reason) bool {
	if p.exited {
		return false
	}
	p.exited, p.reason = true, r
	p.life.Add(dead + 1) // the 1 until it is buried
	p.box.clear()
	return true
}

// bury takes a process that has exited out of the tables, and then lets everybody know: who hears of the end finds the
// name free. With async the links and monitors hear from a goroutine of their own.
func (p *Process) bury(async bool) {
	p.mu.Lock()
	name, named, aliases, in := p.name, p.named, p.aliases, p.interest
	p.aliases = nil
	p.mu.Unlock()
	p.node.processes.remove(p)
	if named {
		p.node.unname(name, p)
	}
	for ref := range aliases {
		p.node.aliases.remove(ref)
	}
	p.node.events.forget(p, in)

	p.mu.Lock()
	p.buried = true
	if p.cancel != nil {
		p.cancel(p.errLocked())
	}
	p.mu.Unlock()
	idle := p.life.Add(-1) == dead
	switch {
	case !idle:
	case async:
		p.node.finishLater(p)
	default:
		p.finish()
	}
}

// finishLater finishes a process in another goroutine. Its exit signals may end others, and theirs others: a long chain of
// links must not become a deep stack.
func (n *Node) finishLater(p *Process) {
	if n.spawn(p.finish) {
		return
	}
	n.mu.Lock()
	n.unfinished = append(n.unfinished, p)
	n.mu.Unlock()
}

// finishRest finishes the processes that exit while the node closes, until there are none.
func (n *Node) finishRest() {
	for {
		n.mu.Lock()
		rest := n.unfinished
		n.unfinished = nil
		n.mu.Unlock()
		if len(rest) == 0 {
			return
		}
		for _, p := range rest {
			p.finish()
		}
	}
}

// finish tells everyone. It runs once, when the process has exited and none of its operations is under way any more.
func (p *Process) finish() {
	p.mu.Lock()
	if p.finished {
		p.mu.Unlock()
		return
	}
	p.finished = true
	linked, monitors, watchers, ties := p.links, p.monitors, p.watchers, p.ties
	p.links, p.monitors, p.watchers, p.ties = links{}, nil, nil, nil
	r, renamed := p.reason, p.renamed
	p.mu.Unlock()

	for _, t := range ties {
		t.session.untie(t.at)
	}
	payload := r.bytes()
	for l := range linked.all() {
		if l.active {
			p.node.emit(l.session, &dist.Signal{Kind: dist.Exit, From: p.pid, To: l.from, Payload: payload})
		}
	}
	for k, w := range watchers {
		if w.named && renamed {
			p.node.watchedByName.remove(k)
		}
		p.node.emitDown(k, w, p.pid, payload)
	}
	for _, m := range monitors {
		p.node.emit(m.session, m.demonitor(p))
	}
}

// panicked logs a panic of the process's function as OTP logs a crash, and is the reason that its peers see.
func (p *Process) panicked(v any) reason {
	text, stack := fmt.Sprint(v), debug.Stack()
	if r, ok := v.(*raised); ok {
		stack = r.stack
	}
	p.mu.Lock()
	name := p.name
	p.mu.Unlock()
	p.node.log.Error("process panicked", slog.String("pid", p.pid.String()), slog.String("name", string(name)),
		slog.String("panic", text), slog.String("stack", string(stack)))
	return reasonOf(etf.Tuple{etf.Atom("panic"), etf.Binary(text)})
}
