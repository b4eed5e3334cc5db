package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// gotExit handles the exit signal of a broken link. One that comes after the link has been taken back is not meant: the
// link goes and the signal takes effect under one hold of the lock, so that none does after Unlink.
func (p *Process) gotExit(from etf.Pid, r reason) {
	p.mu.Lock()
	l := p.links[from]
	delete(p.links, from)
	ended := l != nil && l.active && p.signalLocked(from, r, true)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// exitSignal is what an exit signal, of a link or of erlang:exit/2, does to the process.
func (p *Process) exitSignal(from etf.Pid, r reason, linked bool) {
	p.mu.Lock()
	ended := p.signalLocked(from, r, linked)
	p.mu.Unlock()
	if ended {
		p.bury(true)
	}
}

// signalLocked reports whether the process has ended by the signal. The caller holds the lock, and buries it without.
func (p *Process) signalLocked(from etf.Pid, r reason, linked bool) (ended bool) {
	switch {
	case p.kernel:
		return false
	case !linked && r.is(kill):
		return p.exitLocked(reasonOf(killed))
	case p.trapExit:
		return p.pushLocked(Message{from: from, notice: &notice{kind: exitNotice, from: from, reason: r}})
	case r.is(normal) && (linked || from != p.pid):
		return false
	}
	return p.exitLocked(r)
}

// SendExit sends an exit signal, as erlang:exit/2 does: a process that does not trap exits ends with the reason, unless it
// is normal; kill ends any, with the reason killed. It connects to the node if need be; the errors are those of Send.
func (p *Process) SendExit(to etf.Pid, v any) error {
	if err := p.begin(); err != nil {
		return err
	}
	defer p.end()
	s, err := p.reach(p.Context(), to.Node)
	if err != nil {
		return err
	}
	return p.transmit(p.Context(), s, &dist.Signal{Kind: dist.Exit2, From: p.pid, To: to, Payload: reasonOf(v).bytes()})
}
