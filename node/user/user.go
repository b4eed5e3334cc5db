package user

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// Config says where output goes and input comes from.
type Config struct {
	Out    io.Writer    // default os.Stdout
	In     io.Reader    // default none: whoever reads gets the end of the file
	Logger *slog.Logger // what other nodes log for processes of this one; default: discards
}

// Start starts user and logger_proxy, makes user the group leader of the processes that the node starts from now on, and offers
// the functions of IO and io that print and read. erlnode.Start calls it.
func Start(n *node.Node, cfg Config) error {
	if cfg.Out == nil {
		cfg.Out = os.Stdout
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	t := &terminal{out: cfg.Out, in: newInput(cfg.In), binary: true}
	offer(n)
	_, err := gen.StartSupervisor(n, gen.SupervisorConfig{MaxRestarts: 3}, []gen.Child{
		{ID: "user", Start: func(sup *node.Process) (etf.Pid, error) {
			p, err := n.Spawn(t.run, node.Linked(sup), node.Register("user"))
			if err != nil {
				return etf.Pid{}, err
			}
			n.SetLeader(p.Self())
			return p.Self(), nil
		}},
		{ID: "logger_proxy", Start: func(sup *node.Process) (etf.Pid, error) {
			p, err := n.Spawn(proxy{cfg.Logger}.run, node.Linked(sup), node.Register("logger_proxy"))
			if err != nil {
				return etf.Pid{}, err
			}
			return p.Self(), nil
		}},
	})
	return err
}

// terminal is the server of the I/O protocol.
type terminal struct {
	mu     sync.Mutex // of out and binary
	out    io.Writer
	binary bool // input is given as binaries, not as lists
	in     *input
}

// ioRequest is {io_request, From, ReplyAs, Request}.
type ioRequest struct {
	_       struct{} `etf:"io_request,tuple"`
	From    etf.Pid
	ReplyAs etf.Raw
	Request etf.Term
}

type ioReply struct {
	_       struct{} `etf:"io_reply,tuple"`
	ReplyAs etf.Raw
	Reply   etf.Term
}

// run serves the requests. What only prints is done in order, here; what has to wait, for input or for the node of the
// requester, in a process of its own.
func (t *terminal) run(p *node.Process) error {
	for m := range p.Inbox(context.Background()) {
		var r ioRequest
		if m.IsNotice() || m.Decode(&r) != nil {
			continue
		}
		if name, args := open(r.Request); !waits(name, args, r.From.Node == p.Node().Name()) {
			p.SendNoConnect(r.From, ioReply{ReplyAs: r.ReplyAs, Reply: t.answer(p.Context(), p, r.From, r.Request)})
			continue
		}
		_, err := p.Node().Spawn(func(q *node.Process) error {
			q.SendNoConnect(r.From, ioReply{ReplyAs: r.ReplyAs, Reply: t.answer(q.Context(), q, r.From, r.Request)})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return p.Err()
}

// open is the name and the arguments of a request, which is a tuple or an atom.
func open(request etf.Term) (name etf.Atom, args []etf.Term) {
	switch r := request.(type) {
	case etf.Atom:
		return r, nil
	case etf.Tuple:
		if len(r) > 0 {
			name, _ = r[0].(etf.Atom)
			return name, r[1:]
		}
	}
	return "", nil
}

// waits tells the requests that may take their time; local are those of this node.
func waits(name etf.Atom, args []etf.Term, local bool) bool {
	switch name {
	case "put_chars":
		return len(args) >= 3 && !local // there is a function to be called over there
	case "get_line", "get_chars", "get_until", "requests":
		return true
	}
	return false
}
