package node

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// startNetKernel registers net_kernel, which every node has: peers monitor and call it to see whether the node answers
// (net_adm:ping/1). It serves those calls that make sense to a peer and, like OTP's, leaves the others without a reply.
func (n *Node) startNetKernel() error {
	_, err := n.Spawn(func(p *Process) error {
		for {
			m, err := p.Receive(context.Background())
			if err != nil {
				return err
			}
			if err := p.netKernelCall(m); err != nil {
				n.log.Debug("net_kernel does not answer", "from", m.From().String(), "error", err)
			}
		}
	}, Register("net_kernel"), kernelProcess)
	return err
}

var errNoCall = errors.New("not a call that is served")

// netKernelCall answers {'$gen_call', {Pid, Tag}, Request} (net_kernel:handle_call/3).
func (p *Process) netKernelCall(m Message) error {
	r := etf.NewReader(m.raw)
	if n, err := r.Tuple(); err != nil || n != 3 {
		return errNoCall
	}
	if a, err := r.Atom(); err != nil || a != "$gen_call" {
		return errNoCall
	}
	from, err := r.Term()
	if err != nil {
		return err
	}
	request, err := r.Term()
	if err != nil {
		return err
	}
	caller, ok := from.(etf.Tuple)
	if !ok || len(caller) != 2 {
		return errNoCall
	}
	pid, ok := caller[0].(etf.Pid)
	if !ok {
		return errNoCall
	}
	reply := p.node.netKernelReply(request)
	if reply == nil {
		return errNoCall
	}
	return p.post(ReplyTo(pid, caller[1]), etf.Tuple{caller[1], reply})
}

func (n *Node) netKernelReply(request etf.Term) etf.Term {
	switch r := request.(type) {
	case etf.Tuple:
		if len(r) == 2 && r[0] == etf.Term(etf.Atom("is_auth")) {
			return etf.Atom("yes")
		}
	case etf.Atom:
		switch r {
		case "nodename":
			return n.name
		}
	}
	return nil
}

// ReplyTo is where the reply to a call of OTP's gen goes: to the alias in the tag of the call, [alias | Ref] or
// [[alias | Ref] | MonitorRef], or else to the caller (gen:reply/2). The reply is {Tag, Reply} with the tag as it came.
func ReplyTo(caller etf.Pid, tag etf.Term) any {
	list, ok := tag.(etf.Improper)
	if !ok || len(list.Elems) != 1 {
		return caller
	}
	switch first := list.Elems[0].(type) {
	case etf.Atom:
		if ref, ok := list.Tail.(etf.Ref); ok && first == "alias" {
			return ref
		}
	case etf.Improper:
		return ReplyTo(caller, first)
	}
	return caller
}

// Ping connects to a node and asks its net_kernel whether it is alive, as net_adm:ping/1 does: nil is pong.
func (n *Node) Ping(ctx context.Context, name etf.Atom) error {
	if err := handshake.CheckName(string(name)); err != nil {
		return &ConnectError{string(name), err}
	}
	raw, err := n.Request(ctx, Name{"net_kernel", name}, func(dst []byte, from etf.Pid, tag etf.Term) ([]byte, error) {
		return etf.AppendTerm(dst, etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{from, tag}, etf.Tuple{etf.Atom("is_auth"), n.name}})
	})
	if err != nil {
		return err
	}
	if answer, err := raw.Term(); err != nil || answer != etf.Term(etf.Atom("yes")) {
		return &ConnectError{string(name), errors.New("net_kernel answers " + raw.String())}
	}
	return nil
}
