package main

import (
	"context"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// startSink starts the process that counts its messages, until {flush, From} asks for the count. It is a plain process: a
// gen_server would take some messages for itself.
func startSink(n *node.Node, sup *node.Process) (etf.Pid, error) {
	p, err := n.Spawn(sink, node.Register("sink"), node.Linked(sup))
	if err != nil {
		return etf.Pid{}, err
	}
	return p.Self(), nil
}

func sink(p *node.Process) error {
	var count int
	for {
		m, err := p.Receive(context.Background())
		if err != nil {
			return err
		}
		if from, ok := flush(m); ok {
			p.Send(from, counted{N: count}) // as in Erlang nobody knows whether that arrives
			count = 0
		} else {
			count++
		}
	}
}

// counted is {count, N}.
type counted struct {
	_ struct{} `etf:"count,tuple"`
	N int
}

const (
	smallTuple = 'h' // SMALL_TUPLE_EXT
	largeTuple = 'i' // LARGE_TUPLE_EXT
)

// flush reads {flush, From}. The tag is looked at first: for what is no tuple at all the Reader would make an error, and
// nearly every message that comes here is none.
func flush(m node.Message) (from etf.Pid, ok bool) {
	raw, err := m.Raw()
	if err != nil {
		return from, false
	}
	r := etf.NewReader(raw)
	if tag, err := r.Tag(); err != nil || tag != smallTuple && tag != largeTuple {
		return from, false
	}
	if n, err := r.Tuple(); err != nil || n != 2 {
		return from, false
	}
	if a, err := r.Atom(); err != nil || a != "flush" {
		return from, false
	}
	from, err = r.Pid()
	return from, err == nil
}
