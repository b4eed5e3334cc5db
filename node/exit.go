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
		p.exit(reasonOf(normal))
	case isError:
		p.exit(errorReason(err))
	default:
		p.exit(reasonOf(v))
	}
}

// exit ends the process. The signals of its end go out now or, while it is in the middle of emitting others, after them.
func (p *Process) exit(r reason) { p.exitBy(r, (*Process).finish) }

func (p *Process) exitBy(r reason, finish func(*Process)) {
	err := &ExitError{Reason: r.term()}
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		return
	}
	p.exited, p.reason, p.err = true, r, err
	p.box.queue = nil
	p.box.head = 0
	if p.box.wake != nil {
		close(p.box.wake)
		p.box.wake = nil
	}
	name, aliases, cancel, idle := p.name, p.aliases, p.cancel, p.busy == 0
	p.aliases = nil
	p.mu.Unlock()

	p.node.processes.remove(p)
	if name != "" {
		p.node.unname(name, p)
	}
	for ref := range aliases {
		p.node.aliases.remove(ref)
	}
	p.node.events.forget(p)
	if cancel != nil {
		cancel(err) // now: who has waited for the end finds the name free
	}
	if idle {
		finish(p)
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
	links, monitors, watchers, ties := p.links, p.monitors, p.watchers, p.ties
	p.links, p.monitors, p.watchers, p.ties = nil, nil, nil, nil
	r := p.reason
	p.mu.Unlock()

	for _, s := range ties {
		s.untie(p)
	}
	payload := r.bytes()
	for to, l := range links {
		if l.active {
			p.node.emit(l.session, &dist.Signal{Kind: dist.Exit, From: p.pid, To: to, Payload: payload})
		}
	}
	for ref, w := range watchers {
		p.node.emitDown(ref, w, p.pid, payload)
	}
	for ref, m := range monitors {
		p.node.emit(m.session, &dist.Signal{Kind: dist.Demonitor, From: p.pid, To: m.target.pid, ToName: m.target.name, Ref: ref})
	}
}

// gotExit handles the exit signal of a broken link. One that comes after the link has been taken back is not meant.
func (p *Process) gotExit(from etf.Pid, r reason) {
	p.mu.Lock()
	l := p.links[from]
	delete(p.links, from)
	p.mu.Unlock()
	if l != nil && l.active {
		p.exitSignal(from, r, true)
	}
}

// exitSignal is what an exit signal, of a link or of erlang:exit/2, does to the process.
func (p *Process) exitSignal(from etf.Pid, r reason, linked bool) {
	if p.kernel {
		return
	}
	p.mu.Lock()
	trap := p.trapExit
	p.mu.Unlock()
	switch {
	case !linked && r.is(kill):
		p.exitBySignal(reasonOf(killed))
	case trap:
		p.deliver(Message{from: from, notice: &notice{kind: exitNotice, from: from, reason: r}})
	case r.is(normal) && (linked || from != p.pid):
	default:
		p.exitBySignal(r)
	}
}

// exitBySignal ends the process from the outside. Its own exit signals may end others and so on: each gets a goroutine,
// so that a long chain of links does not become a deep stack.
func (p *Process) exitBySignal(r reason) {
	p.exitBy(r, func(p *Process) {
		if !p.node.spawn(p.finish) {
			p.finish()
		}
	})
}

// SendExit sends an exit signal, as erlang:exit/2 does: a process that does not trap exits ends with the reason, unless it
// is normal; kill ends any, with the reason killed. It connects to the node if need be; the errors are those of Send.
func (p *Process) SendExit(to etf.Pid, v any) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	s, err := p.node.reach(p.Context(), to.Node)
	if err != nil {
		return err
	}
	return p.node.transmit(p.Context(), s, &dist.Signal{Kind: dist.Exit2, From: p.pid, To: to, Payload: reasonOf(v).bytes()})
}

// panicked logs a panic of the process's function as OTP logs a crash, and is the reason that its peers see.
func (p *Process) panicked(v any) reason {
	text := fmt.Sprint(v)
	p.mu.Lock()
	name := p.name
	p.mu.Unlock()
	p.node.log.Error("process panicked", slog.String("pid", p.pid.String()), slog.String("name", string(name)),
		slog.String("panic", text), slog.String("stack", string(debug.Stack())))
	return reasonOf(etf.Tuple{etf.Atom("panic"), etf.Binary(text)})
}
