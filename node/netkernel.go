package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// startNetKernel registers net_kernel, which every node has: peers monitor and call it to see whether the node answers
// (net_adm:ping/1), and each other's tools ask it for this and that. What it is asked it answers as OTP's does, of OTP 25 to
// 29; what that one leaves without a reply has none here.
func (n *Node) startNetKernel() error {
	_, err := n.Spawn(func(p *Process) error {
		k := &netKernel{Process: p}
		for {
			m, err := p.Receive(context.Background())
			if err != nil {
				return err
			}
			if !k.take(m) {
				n.log.Info("net_kernel got what it does not know", "from", m.From().String(), "message", fmt.Sprintf("%.300v", m))
			}
		}
	}, Register("net_kernel"), kernelProcess)
	return err
}

// netKernel is the process with that name.
type netKernel struct {
	*Process
	verbose etf.Term
}

// take handles one message, and reports false for one that net_kernel does not know.
func (k *netKernel) take(m Message) bool {
	t, err := m.Term()
	if err != nil {
		return false
	}
	msg, _ := t.(etf.Tuple)
	switch {
	case len(msg) == 3 && msg[0] == etf.Term(etf.Atom("$gen_call")):
		c := k.from(msg[1])
		if c == nil {
			return false
		}
		k.call(msg[2], c)
	case len(msg) == 3 && msg[0] == etf.Term(etf.Atom("system")): // sys:get_state/1 and its like
		c := k.from(msg[1])
		if c == nil {
			return false
		}
		if msg[2] == etf.Term(etf.Atom("get_state")) {
			c.reply(etf.Tuple{etf.Atom("ok"), k.node.netState()})
		} else {
			c.reply(etf.Tuple{etf.Atom("error"), etf.Tuple{etf.Atom("unknown_system_msg"), msg[2]}})
		}
	case len(msg) == 2 && msg[0] == etf.Term(etf.Atom("$gen_cast")):
		if r := tagged(msg[1], "async_disconnect", 2); r != nil {
			name, _ := r[1].(etf.Atom)
			k.node.spawn(func() { k.node.Disconnect(name) })
		}
	case len(msg) == 4 && msg[1] == etf.Term(etf.Atom("registered_send")):
		if to, ok := msg[2].(etf.Atom); ok {
			k.post(to, msg[3]) // nobody may have the name
		}
	case len(msg) == 4 && msg[1] == etf.Term(etf.Atom("badcookie")):
		if from, ok := msg[0].(etf.Pid); ok {
			k.node.spawn(func() { k.node.Disconnect(from.Node) })
		}
	case t == etf.Term(etf.Atom("tick")), t == etf.Term(etf.Atom("aux_tick")): // every connection ticks by itself
	default:
		return false
	}
	return true
}

// tagged returns t if it is a tuple of n elements that begins with the atom.
func tagged(t etf.Term, tag etf.Atom, n int) etf.Tuple {
	if tuple, ok := t.(etf.Tuple); ok && len(tuple) == n && tuple[0] == etf.Term(tag) {
		return tuple
	}
	return nil
}

// netKernelCall is a call that is to be answered, perhaps later.
type netKernelCall struct {
	k    *netKernel
	from etf.Pid
	tag  etf.Term
}

// from reads {Pid, Tag}, and returns nil for anything else.
func (k *netKernel) from(t etf.Term) *netKernelCall {
	caller, _ := t.(etf.Tuple)
	if len(caller) != 2 {
		return nil
	}
	if pid, ok := caller[0].(etf.Pid); ok {
		return &netKernelCall{k, pid, caller[1]}
	}
	return nil
}

func (c *netKernelCall) reply(t any) { c.k.post(ReplyTo(c.from, c.tag), replyTuple{c.tag, t}) }

// later answers with what f returns, in a goroutine of its own.
func (c *netKernelCall) later(f func() bool) {
	c.k.node.spawn(func() { c.reply(f()) })
}

// replyTuple is {Tag, Reply}.
type replyTuple struct {
	tag   etf.Term
	reply any
}

// MarshalETF appends the tuple.
func (t replyTuple) MarshalETF(dst []byte) ([]byte, error) {
	dst, err := etf.AppendTerm(etf.AppendTupleHeader(dst, 2), t.tag)
	if err != nil {
		return dst, err
	}
	return etf.Append(dst, t.reply)
}

// call answers what net_kernel:handle_call/3 answers.
func (k *netKernel) call(request etf.Term, c *netKernelCall) {
	n := k.node
	switch r := request.(type) {
	case etf.Atom:
		switch r {
		case "nodename":
			c.reply(n.name)
		case "longnames":
			c.reply(n.longNames())
		case "ticktime":
			c.reply(n.tickTime().Milliseconds())
		case "allowed":
			allowed := []etf.Atom{}
			for _, name := range n.Allowed() {
				allowed = append(allowed, etf.Atom(name))
			}
			c.reply(etf.Result[[]etf.Atom]{Value: allowed})
		case "get_state":
			c.reply(n.netState())
		}
	case etf.Tuple:
		if len(r) == 0 {
			return
		}
		name, _ := r[0].(etf.Atom)
		switch (signature{name, len(r)}) {
		case signature{"is_auth", 2}:
			c.reply(etf.Atom("yes"))
		case signature{"verbose", 2}:
			before := k.verbose
			if k.verbose = r[1]; before == nil {
				before = etf.Int(0)
			}
			c.reply(before)
		case signature{"connect", 3}:
			if to, ok := r[2].(etf.Atom); ok {
				c.later(func() bool { return n.Connect(n.ctx, to) == nil })
			}
		case signature{"passive_cnct", 2}:
			if to, ok := r[1].(etf.Atom); ok {
				c.later(func() bool { return n.Connect(n.ctx, to) == nil })
			}
		case signature{"disconnect", 2}:
			if to, ok := r[1].(etf.Atom); ok {
				c.later(func() bool { return n.Disconnect(to) })
			}
		case signature{"allow", 2}:
			c.reply(n.allowTerm(r[1]))
		case signature{"new_ticktime", 3}: // the time of a node that runs does not change here
			c.reply(etf.Atom("unchanged"))
		case signature{"setopts", 3}, signature{"getopts", 3}:
			why := etf.Atom("enotsup")
			if to, ok := r[1].(etf.Atom); !ok || name == "getopts" || to != "new" {
				if _, err := n.connected(to); err != nil || to == n.name {
					why = "noconnection"
				}
			}
			c.reply(etf.Tuple{etf.Atom("error"), why})
		case signature{"spawn", 5}:
			k.spawn(c, r[1:5], false)
		case signature{"spawn_link", 5}:
			k.spawn(c, r[1:5], true)
		case signature{"spawn_opt", 7}:
			k.spawn(c, etf.Tuple{r[1], r[2], r[3], r[6]}, r[5] == etf.Term(etf.Atom("link")))
		}
	}
}

type signature struct {
	name  etf.Atom
	arity int
}

// spawn makes a process for a peer that has no spawn requests (before OTP 23): Module, Function, Args, Leader.
func (k *netKernel) spawn(c *netKernelCall, r etf.Tuple, link bool) {
	badarg := etf.Tuple{etf.Atom("EXIT"), etf.Tuple{etf.Atom("badarg"), etf.List{}}}
	module, ok1 := r[0].(etf.Atom)
	function, ok2 := r[1].(etf.Atom)
	leader, ok3 := r[3].(etf.Pid)
	args, err := etf.AppendTerm(nil, r[2])
	if !ok1 || !ok2 || !ok3 || err != nil {
		c.reply(badarg)
		return
	}
	arity := 0
	if list, ok := r[2].(etf.List); ok {
		arity = len(list)
	}
	p, err := k.node.newProcess([]Option{func(s *setup) { s.leader, s.initial = leader, mfa{module, function, arity} }})
	if err != nil {
		c.reply(etf.Tuple{etf.Atom("EXIT"), etf.Tuple{etf.Atom("system_limit"), etf.List{}}})
		return
	}
	start := func() {
		c.reply(p.pid)
		p.start(p.Context(), etf.Raw{Bytes: args})
	}
	if !link {
		start()
		return
	}
	k.node.spawn(func() { // a link waits while the peer does not read
		p.Link(c.from)
		start()
	})
}

// allowTerm is {allow, Nodes}: ok, or error for what is no list of atoms.
func (n *Node) allowTerm(t etf.Term) etf.Atom {
	list, ok := t.(etf.List)
	if !ok {
		return "error"
	}
	var names []string
	for _, t := range list {
		name, ok := t.(etf.Atom)
		if !ok {
			return "error"
		}
		names = append(names, string(name))
	}
	n.Allow(names...)
	return "ok"
}

// longNames tells whether the node has a long name (erl -name), which is one with a dot in its host.
func (n *Node) longNames() bool {
	_, host := splitName(string(n.name))
	return strings.Contains(host, ".")
}

// tickTime is the net_ticktime, 0 if there are no ticks.
func (n *Node) tickTime() time.Duration { return max(0, cmp.Or(n.cfg.Dist.NetTickTime, time.Minute)) }

// netState is what net_kernel:get_state/0 returns.
func (n *Node) netState() etf.Map {
	domain, nameType := etf.Atom("shortnames"), etf.Atom("static")
	if n.longNames() {
		domain = "longnames"
	}
	if n.namer != "" {
		nameType = "dynamic"
	}
	return etf.Map{
		{Key: etf.Atom("started"), Value: etf.Atom("static")},
		{Key: etf.Atom("name_type"), Value: nameType},
		{Key: etf.Atom("name"), Value: n.name},
		{Key: etf.Atom("name_domain"), Value: domain},
	}
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
		if _, ok := list.Tail.(etf.Ref); ok && first == "alias" {
			return list.Tail // as it is: to take it out and put it into another interface would cost memory
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
	raw, err := n.Request(ctx, Name{"net_kernel", name}, func(dst []byte, from From) ([]byte, error) {
		return etf.AppendTerm(dst, etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{from.Pid, from.Tag()}, etf.Tuple{etf.Atom("is_auth"), n.name}})
	})
	if err != nil {
		return err
	}
	if answer, err := raw.Term(); err != nil || answer != etf.Term(etf.Atom("yes")) {
		return &ConnectError{string(name), errors.New("net_kernel answers " + raw.String())}
	}
	return nil
}
