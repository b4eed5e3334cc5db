package main

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/global"
	"github.com/erlnode/erlnode/node/pg"
)

// puppet is a process under remote control of its owner. It carries out commands one at a time and passes every other
// message on.
type puppet struct {
	*node.Process
	owner    etf.Pid
	trapping bool
	filled   []byte
	groups   *pg.Scope
	global   *global.Global
}

// do is {do, Tag, Command}, what an owner sends; done and got are {done, Tag, Result} and {got, Puppet, Message}, what it
// gets.
type do struct {
	_       struct{} `etf:"do,tuple"`
	Tag     etf.Raw
	Command etf.Term
}

type done struct {
	_      struct{} `etf:"done,tuple"`
	Tag    etf.Raw
	Result any
}

type got struct {
	_       struct{} `etf:"got,tuple"`
	Puppet  etf.Pid
	Message etf.Raw
}

// noLimits is for terms that owners send, which may be as deep and long as they like.
var noLimits = etf.WithLimits(etf.Limits{Depth: -1, Elements: -1, Inflated: -1})

// run is the puppet's life. It ends normally when its owner is gone.
func (u *puppet) run(p *node.Process) error {
	u.Process = p
	ownership, err := p.Monitor(u.owner)
	if err != nil {
		return err
	}
	for {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if down, ok := m.Down(); ok && down.Ref == ownership {
			return nil
		}
		if err := u.take(m); err != nil {
			return err
		}
	}
}

// take handles one message. Its error is what the puppet exits with. Whether an answer arrives is the owner's affair.
func (u *puppet) take(m node.Message) error {
	raw, err := m.Raw()
	if err != nil {
		return err
	}
	var d do
	if m.IsNotice() || raw.Decode(&d, etf.Alias(), noLimits) != nil {
		u.Send(u.owner, got{Puppet: u.Self(), Message: raw})
		return nil
	}
	result, err := u.execute(d.Command)
	if r := (*raised)(nil); errors.As(err, &r) {
		result = etf.Tuple{etf.Atom("raised"), r.class, r.reason}
	} else if err != nil {
		return err
	}
	if err := u.Send(u.owner, done{Tag: d.Tag, Result: result}); err != nil && !errors.Is(err, node.ErrNoConnection) {
		return err
	}
	return nil
}
