package node

import (
	"fmt"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// gotExit handles the exit signal of a broken link. One that comes after the link has been taken back is not meant: the
// link goes and the signal takes effect under one hold of the lock, so that none does after Unlink.
func (p *Process) gotExit(from etf.Pid, r reason) {
	p.mu.Lock()
	var l link
	if found := p.links.get(from); found != nil {
		l = *found
		p.links.remove(from)
	}
	ended := l.active && p.signalLocked(from, r, true, l.priority)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// exitSignal is what an exit signal, of a link or of erlang:exit/2, does to the process.
func (p *Process) exitSignal(from etf.Pid, r reason, linked, priority bool) {
	p.mu.Lock()
	ended := p.signalLocked(from, r, linked, priority)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// signalLocked reports whether the process has ended by the signal. The caller holds the lock, and buries it without.
func (p *Process) signalLocked(from etf.Pid, r reason, linked, priority bool) (ended bool) {
	switch {
	case p.kernel:
		return false
	case !linked && r.is(kill):
		return p.exitLocked(reasonOf(killed))
	case p.trapExit:
		kept := r
		return p.pushLocked(Message{origin: &origin{from: from}, notice: &notice{kind: exitNotice, reason: &kept}}, priority)
	case r.is(normal) && (linked || from != p.pid):
		return false
	}
	return p.exitLocked(r)
}

// exitThrough is an exit signal to an alias. It does not end an alias that one message ends.
func (p *Process) exitThrough(ref etf.Ref, from etf.Pid, r reason, priority bool) {
	p.mu.Lock()
	mode, ok := p.aliases[ref]
	ended := ok && p.signalLocked(from, r, false, priority && mode&AliasPriority != 0)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// SendExit sends an exit signal to a process, given as etf.Pid, *Process or etf.Ref (an alias), as erlang:exit/2 does: one
// that does not trap exits ends with the reason, unless it is normal; kill ends any, with the reason killed. It connects to
// the node if need be; the errors are those of Send. Only peers from OTP 28 on take an exit signal to an alias.
func (p *Process) SendExit(to, v any) error { return p.sendExit(to, v, false) }

// SendExitPriority is SendExit with priority: if it goes to an alias with AliasPriority, of a process that traps exits, the
// message that it becomes comes before those without priority (exit(Alias, Reason, [priority]) of OTP 28).
func (p *Process) SendExitPriority(to, v any) error { return p.sendExit(to, v, true) }

func (p *Process) sendExit(to, v any, priority bool) error {
	t, err := p.node.target(to)
	if err == nil && t.byName() {
		err = fmt.Errorf("node: an exit signal goes to a process or alias, not to the name %v", to)
	}
	if err != nil {
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	s, err := p.reach(p.Context(), t.node)
	if err != nil {
		return err
	}
	return p.transmit(p.Context(), s, &dist.Signal{Kind: dist.Exit2, From: p.pid, To: t.pid, ToRef: t.alias, Payload: reasonOf(v).bytes(), Priority: priority})
}
