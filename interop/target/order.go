package main

import (
	"math/big"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// order is the gen_server that sees whether integers come in ascending order.
type order struct {
	last     int64
	big      *big.Int // instead of last if that does not hold it
	received int
	late     int // not greater than the one before
}

// HandleCall answers report with {Received, OutOfOrder}, and begins again.
func (o *order) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	var a etf.Atom
	if err := request.Decode(&a); err != nil || a != "report" {
		return nil, functionClause()
	}
	reply := etf.Tuple{etf.Int(o.received), etf.Int(o.late)}
	*o = order{}
	return reply, nil
}

func (o *order) HandleInfo(_ *node.Process, m node.Message) error {
	if m.IsNotice() {
		return nil
	}
	raw, err := m.Raw()
	if err != nil {
		return nil
	}
	r := etf.NewReader(raw)
	if i, err := r.Int(); err == nil {
		o.got(i, nil)
	} else if b, err := r.BigInt(); err == nil {
		o.got(0, b)
	}
	return nil
}

func (o *order) got(i int64, b *big.Int) {
	if o.received > 0 && !o.greater(i, b) {
		o.late++
	}
	o.last, o.big = i, b
	o.received++
}

func (o *order) greater(i int64, b *big.Int) bool {
	switch {
	case o.big == nil && b == nil:
		return i > o.last
	case b == nil:
		b = big.NewInt(i)
	}
	last := o.big
	if last == nil {
		last = big.NewInt(o.last)
	}
	return b.Cmp(last) > 0
}

// State is {order, Last, Received, OutOfOrder}, as in the Erlang target.
func (o *order) State() any {
	s := orderState{Last: etf.Atom("none"), Received: o.received, Late: o.late}
	switch {
	case o.big != nil:
		s.Last = (*etf.Big)(o.big)
	case o.received > 0:
		s.Last = etf.Int(o.last)
	}
	return s
}

// SetState takes what State gives.
func (o *order) SetState(state etf.Raw) error {
	var s orderState
	if err := state.Decode(&s); err != nil {
		return err
	}
	*o = order{received: s.Received, late: s.Late}
	switch last := s.Last.(type) {
	case etf.Int:
		o.last = int64(last)
	case *etf.Big:
		o.big = (*big.Int)(last)
	}
	return nil
}

type orderState struct {
	_        struct{} `etf:"order,tuple"`
	Last     etf.Term
	Received int
	Late     int
}
