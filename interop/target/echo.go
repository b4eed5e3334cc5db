package main

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// echo is the gen_server that replies what it is asked, and answers {From, T} with {echo, T}. It never decodes T.
type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}

func (echo) HandleInfo(p *node.Process, m node.Message) error {
	if m.IsNotice() {
		return nil
	}
	raw, err := m.Raw()
	if err != nil {
		return nil
	}
	r := etf.NewReader(raw)
	if n, err := r.Tuple(); err != nil || n != 2 {
		return nil
	}
	from, err := r.Pid()
	if err != nil {
		return nil
	}
	t := etf.Raw{Bytes: r.Rest(), Atoms: raw.Atoms} // not r.Raw, which holds T to the limits of decoding
	if err := p.Send(from, echoed{Term: t}); err != nil && !errors.Is(err, node.ErrNoConnection) {
		return err
	}
	return nil
}

// echoed is {echo, T}.
type echoed struct {
	_    struct{} `etf:"echo,tuple"`
	Term etf.Raw
}

// State is what the Erlang target has: the kind of server.
func (echo) State() any { return etf.Atom("echo") }
