package main

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// echo sends back what it gets: a call T is answered with T, and a plain message {From, T} with a message {echo, T}.
// Terms pass through it undecoded.
type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}

func (echo) HandleInfo(p *node.Process, m node.Message) error {
	var plain struct {
		_    struct{} `etf:",tuple"`
		From etf.Pid
		Term etf.Raw
	}
	if m.IsNotice() || m.Decode(&plain) != nil {
		return nil // everything else is ignored
	}
	p.Send(plain.From, echoed{Term: plain.Term}) // that the sender may be gone is its own affair
	return nil
}

// echoed is {echo, Term}.
type echoed struct {
	_    struct{} `etf:"echo,tuple"`
	Term etf.Raw
}
