package gen

import (
	"context"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Stop asks a behaviour to end with a reason, anything that etf.Marshal takes, and waits until it has (gen:stop/3,
// GenServer.stop/3). It fails as Call does; a server that ends with another reason is an *node.ExitError with that one.
func Stop(ctx context.Context, c Caller, to, reason any) error {
	want, err := etf.Marshal(reason)
	if err != nil {
		return err
	}
	terminate := func(dst []byte, from etf.Pid, tag etf.Term) ([]byte, error) {
		dst = etf.AppendTupleHeader(dst, 3)
		dst = etf.AppendAtom(dst, system)
		dst, err := From{from, tag}.MarshalETF(dst)
		if err != nil {
			return dst, err
		}
		return etf.Append(dst, tuple2{etf.Atom("terminate"), reason})
	}
	// The reply, ok, comes before the end. The second request is one to a process that ends or has ended: it hears of that.
	_, err = c.Request(ctx, to, terminate)
	agreed := err == nil
	if agreed {
		_, err = c.Request(ctx, to, terminate)
	}
	if agreed && errors.Is(err, node.ErrNoProc) {
		return nil
	}
	if exit, ok := errors.AsType[*node.ExitError](err); ok {
		if got, merr := etf.Marshal(exit.Reason); merr == nil && string(got) == string(want) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("gen: stopping %v: %w", to, err)
	}
	return nil
}

// systemRequest answers a request of the module sys. terminate ends the process with the reason asked for; the others are
// refused as sys refuses what it does not know.
func systemRequest(p *node.Process, from From, request etf.Raw) error {
	t, err := request.Term()
	if err != nil {
		return nil
	}
	if r, ok := t.(etf.Tuple); ok && len(r) == 2 && r[0] == etf.Term(etf.Atom("terminate")) {
		Reply(p, from, etf.Atom("ok"))
		return &node.ExitError{Reason: r[1]}
	}
	Reply(p, from, etf.Tuple{etf.Atom("error"), etf.Tuple{etf.Atom("unknown_system_msg"), t}})
	return nil
}
