package node

import (
	"github.com/erlnode/erlnode/dist"
)

// receive is where a signal takes effect on this node. s is the connection that it came from, nil for one from this node.
// It runs in the goroutine that reads the connection, or in the sender's, and waits for nothing; what it answers is
// emitted to where the signal came from. What each signal does to a process that is there, and to one that is not, is
// dist.c:erts_net_message and erl_proc_sig_queue.c.
func (n *Node) receive(sig *dist.Signal, s *session) {
	if s != nil && s.bunches.n > 0 && sig.Kind != dist.Send {
		s.bunches.deliver()
	}
	switch sig.Kind {
	case dist.Send:
		n.receiveMessage(sig, s)

	case dist.Link: // only from a peer, as the next two: see link
		n.receiveLink(sig, s)
	case dist.Unlink:
		n.receiveUnlink(sig, s)
	case dist.UnlinkAck:
		if p := n.processes.find(n, sig.To); p != nil {
			p.gotUnlinkAck(sig.From, sig.ID)
		}

	case dist.Exit:
		if p := n.processes.find(n, sig.To); p != nil {
			p.gotExit(sig.From, reason{raw: sig.Payload})
		}
	case dist.Exit2:
		n.receiveExit2(sig)

	case dist.Monitor:
		n.receiveMonitor(sig, s)
	case dist.Demonitor:
		n.receiveDemonitor(sig, s)
	case dist.Down:
		if s != nil && s.answered(sig) {
			return
		}
		if p := n.processes.find(n, sig.To); p != nil {
			p.gotDown(sig.Ref, reason{raw: sig.Payload})
		}

	case dist.GroupLeader:
		if p := n.processes.find(n, sig.To); p != nil {
			p.mu.Lock()
			p.leader = sig.From
			p.mu.Unlock()
		}

	case dist.SpawnRequest:
		n.receiveSpawn(sig, s)
	case dist.SpawnReply:
		n.receiveSpawnReply(sig, s)
	}
}

// receiveLink and receiveUnlink are not in receive because signals are large, and its frame is on the stack of every reader: with both of them in it
// that took 8 KiB, not 4.
func (n *Node) receiveLink(sig *dist.Signal, s *session) {
	if p := n.processes.find(n, sig.To); p == nil || !p.gotLink(sig.From, s) {
		s.post(&dist.Signal{Kind: dist.Exit, From: sig.To, To: sig.From, Payload: missing.raw})
	}
}

func (n *Node) receiveUnlink(sig *dist.Signal, s *session) {
	if p := n.processes.find(n, sig.To); p != nil {
		p.gotUnlink(sig.From, sig.ID, s)
	} else {
		s.ackUnlink(sig.To, sig.From, sig.ID)
	}
}

// receiveMessage delivers a message. One for a process, name or alias that does not exist is dropped, as in Erlang.
func (n *Node) receiveMessage(sig *dist.Signal, s *session) {
	if s != nil && s.bunched(sig) {
		return
	}
	n.deliver(sig, s)
}

func (n *Node) deliver(sig *dist.Signal, s *session) {
	var p *Process
	switch {
	case sig.ToRef.Len != 0:
		n.throughAlias(sig, s)
		return
	case sig.To.Node != "":
		p = n.processes.find(n, sig.To)
	default:
		p = n.registered(sig.ToName, s)
	}
	if p == nil || p.answered(sig.Payload) {
		return
	}
	p.deliver(messageOf(sig), s)
}

func (n *Node) receiveExit2(sig *dist.Signal) {
	r := reason{raw: sig.Payload}
	var p *Process
	switch {
	case sig.ToRef.Len != 0:
		if a, _ := n.aliases.get(sig.ToRef); a.process != nil {
			a.process.exitThrough(sig.ToRef, sig.From, r, sig.Priority)
		}
		return
	case sig.ByName():
		p = n.names.get(sig.ToName)
	default:
		p = n.processes.find(n, sig.To)
	}
	if p != nil {
		p.exitSignal(sig.From, r, false, false)
	}
}

// receiveMonitor resolves a name once, now: who registers it later does not matter.
func (n *Node) receiveMonitor(sig *dist.Signal, s *session) {
	k, w := n.watchKey(s, &sig.Ref), watcher{pid: sig.From, named: sig.ByName(), name: sig.ToName}
	var p *Process
	if w.named {
		p = n.registered(sig.ToName, s)
	} else {
		p = n.processes.find(n, sig.To)
	}
	if p != nil && p.watch(k, w) {
		return
	}
	n.emitDown(k, w, sig.To, missing.raw)
}

// receiveDemonitor finds the watched process by the reference where the monitor was by name, and that is not the process's any more: it may have
// been given to another one since.
func (n *Node) receiveDemonitor(sig *dist.Signal, s *session) {
	k := n.watchKey(s, &sig.Ref)
	p := n.processes.find(n, sig.To)
	if sig.ByName() {
		if p = n.registered(sig.ToName, s); p != nil && p.unwatch(k, sig.From) {
			return
		}
		p = n.watchedByName.get(k)
	}
	if p != nil {
		p.unwatch(k, sig.From)
	}
}

// emit sends a signal that must not wait: to the peer of s, or on this node.
func (n *Node) emit(s *session, sig *dist.Signal) {
	if s == nil {
		n.receive(sig, nil)
		return
	}
	s.post(sig)
}
