package user

import (
	"context"
	"strings"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// offer offers the functions of IO and io that print and read, by way of the group leader of the process that runs them.
func offer(n *node.Node) {
	leader := func(module, function etf.Atom, arity int, f func(args []etf.Term) (request, result etf.Term)) {
		// The last arity+1 form has the device first.
		for _, withDevice := range []bool{false, true} {
			k := arity
			if withDevice {
				k++
			}
			n.Offer(module, function, k, func(ctx context.Context, p *node.Process, raw []etf.Raw) (any, error) {
				args := make([]etf.Term, len(raw))
				for i := range raw {
					var err error
					if args[i], err = raw[i].Term(); err != nil {
						return nil, err
					}
				}
				rest := args
				var device any = p.GroupLeader()
				if withDevice {
					rest = args[1:]
					if device = deviceOf(args[0], device); device == nil {
						return nil, badArg(module, function, args)
					}
				}
				request, result := f(rest)
				if request == nil {
					return nil, badArg(module, function, args)
				}
				reply, err := Request(ctx, p.Node(), device, request)
				switch {
				case err != nil:
					return nil, &node.Exception{Class: "error", Reason: etf.Atom("terminated"), Stack: etf.List{etf.Tuple{module, function, etf.List(args), etf.List{}}}}
				case isError(reply) && result != nil:
					return nil, badArg(module, function, args)
				case result != nil:
					return result, nil
				}
				return reply, nil
			})
		}
	}
	put := func(chars etf.Term) etf.Term { return etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), chars} }
	leader("Elixir.IO", "puts", 1, func(a []etf.Term) (etf.Term, etf.Term) {
		return put(etf.List{text(a[0]), etf.Int('\n')}), ok
	})
	leader("Elixir.IO", "write", 1, func(a []etf.Term) (etf.Term, etf.Term) { return put(text(a[0])), ok })
	leader("Elixir.IO", "inspect", 1, func(a []etf.Term) (etf.Term, etf.Term) {
		return put(etf.Binary(etf.Inspect(a[0]) + "\n")), a[0]
	})
	leader("Elixir.IO", "gets", 1, func(a []etf.Term) (etf.Term, etf.Term) {
		return etf.Tuple{etf.Atom("get_line"), etf.Atom("unicode"), a[0]}, nil
	})
	leader("io", "put_chars", 1, func(a []etf.Term) (etf.Term, etf.Term) {
		chars, valid := appendChars(nil, a[0], false)
		if !valid {
			return nil, nil
		}
		return put(etf.Binary(chars)), ok
	})
	leader("io", "get_line", 1, func(a []etf.Term) (etf.Term, etf.Term) {
		return etf.Tuple{etf.Atom("get_line"), etf.Atom("unicode"), a[0]}, nil
	})
	leader("io", "nl", 0, func([]etf.Term) (etf.Term, etf.Term) { return put(etf.List{etf.Int('\n')}), ok })
	// The group leader of io:format/2 on another node asks for the text here.
	n.Offer("io_lib", "format", 2, func(_ context.Context, _ *node.Process, raw []etf.Raw) (any, error) {
		args := node.ArgTerms(raw)
		chars, err := formatted(args[0], args[1])
		if err != nil {
			return nil, badArg("io_lib", "format", args)
		}
		text, _ := chars.(etf.Binary)
		return charlist(string(text)), nil
	})
	format := func(a []etf.Term) (etf.Term, etf.Term) {
		return etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), etf.Atom("io_lib"), etf.Atom("format"), etf.List(a)}, ok
	}
	for _, name := range []etf.Atom{"format", "fwrite"} {
		leader("io", name, 2, format) // and format(Device, Format, Args)
		n.Offer("io", name, 1, func(ctx context.Context, p *node.Process, raw []etf.Raw) (any, error) {
			return p.Apply(ctx, "io", name, []etf.Raw{raw[0], {Bytes: etf.AppendNil(nil)}})
		})
	}
}

func badArg(module, function etf.Atom, args []etf.Term) error {
	return &node.Exception{Class: "error", Reason: etf.Atom("badarg"), Stack: etf.List{etf.Tuple{module, function, etf.List(args), etf.List{}}}}
}

// deviceOf is what the functions of IO take as a device: a pid, a name, stdio for the group leader.
func deviceOf(t etf.Term, leader any) any {
	switch t := t.(type) {
	case etf.Pid:
		return t
	case etf.Atom:
		if t == "stdio" || t == "standard_io" {
			return leader
		}
		return t
	}
	return nil
}

// text is a term as IO.puts/1 prints it: chardata as it is, and what String.Chars makes of others.
func text(t etf.Term) etf.Term {
	switch t := t.(type) {
	case etf.Atom:
		if t == "nil" {
			return etf.Binary{}
		}
		return etf.Binary(strings.TrimPrefix(string(t), "Elixir."))
	case etf.Int, *etf.Big, etf.Float:
		return etf.Binary(t.String())
	}
	return t
}

// Request sends a request of the I/O protocol to a device, as node.Process.Send takes it, and waits for the reply. It fails with
// the cause of ctx, and with the device's *node.ExitError when that has ended.
func Request(ctx context.Context, n *node.Node, device any, request etf.Term) (etf.Term, error) {
	p := n.Open()
	defer p.Exit(nil)
	ref, err := p.Monitor(device)
	if err != nil {
		return nil, err
	}
	if err := p.SendContext(ctx, device, etf.Tuple{etf.Atom("io_request"), p.Self(), ref, request}); err != nil {
		return nil, err
	}
	for {
		m, err := p.Receive(ctx)
		if err != nil {
			return nil, err
		}
		if down, ok := m.Down(); ok {
			return nil, &node.ExitError{Reason: down.Reason}
		}
		var r struct {
			_       struct{} `etf:"io_reply,tuple"`
			ReplyAs etf.Term
			Reply   etf.Term
		}
		if m.Decode(&r) == nil && r.ReplyAs == etf.Term(ref) {
			return r.Reply, nil
		}
	}
}
