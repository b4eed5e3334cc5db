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
	terminate := func(dst []byte, from node.From) ([]byte, error) {
		return from.Message(dst, system, tuple2{etf.Atom("terminate"), reason})
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

// System sends a request of the module sys to a behaviour, here or in Erlang, and decodes the reply as Call does:
//
//	state, err := gen.System[etf.Term](ctx, n, node.At("counter", "iex@localhost"), etf.Atom("get_state"))
//
// The requests, as atoms or tuples: get_state, get_status, suspend, resume, {replace_state, Fun}, {terminate, Reason},
// {change_code, Module, Vsn, Extra}, {debug, What}; sys.erl has their replies. A refusal, {error, Reason}, is a reply. That of
// get_state and replace_state is the state, and of a node of OTP 26.1 or later {ok, State}.
func System[R any](ctx context.Context, c Caller, to, request any) (R, error) {
	var reply R
	raw, err := c.Request(ctx, to, func(dst []byte, from node.From) ([]byte, error) {
		return from.Message(dst, system, request)
	})
	if err != nil {
		return reply, fmt.Errorf("gen: system request to %v: %w", to, err)
	}
	if err := raw.Decode(&reply); err != nil {
		return reply, fmt.Errorf("gen: system reply of %v: %w", to, err)
	}
	return reply, nil
}

const ok etf.Atom = "ok"

// system answers a request of the module sys, as sys:handle_system_msg/6 does in a gen_server. Its error ends the server.
func (l *loop) system(from From, request etf.Raw) error {
	t, err := request.Term()
	if err != nil {
		return nil // no BEAM node sends what is no term
	}
	reply, end := l.systemReply(t, from)
	Reply(l.p, from, reply)
	return end
}

func (l *loop) systemReply(request etf.Term, from From) (reply etf.Term, end error) {
	switch r := request.(type) {
	case etf.Atom:
		switch r {
		case "get_state":
			return stateReply(l.tryState, "system_get_state", from), nil
		case "get_status":
			return l.status(), nil
		case "suspend":
			l.suspended = true
			return ok, nil
		case "resume":
			l.suspended = false
			return ok, nil
		}
	case etf.Tuple:
		switch op, args := split(r); {
		case op == "replace_state" && len(args) == 1:
			return stateReply(func() (etf.Term, error) { return l.replaceState(args[0]) }, "system_replace_state", from), nil
		case op == "debug" && len(args) == 1:
			return l.debugCommand(args[0]), nil
		case op == "terminate" && len(args) == 1:
			return ok, &node.ExitError{Reason: args[0]}
		case op == "change_code" && len(args) == 3 && l.suspended:
			return l.changeCode(args[1], args[2]), nil
		}
	}
	return failed(etf.Tuple{etf.Atom("unknown_system_msg"), request}), nil
}

// split takes a tuple that begins with an atom apart.
func split(t etf.Tuple) (etf.Atom, []etf.Term) {
	if len(t) == 0 {
		return "", nil
	}
	op, _ := t[0].(etf.Atom)
	return op, t[1:]
}

// failed is {error, Reason}.
func failed(reason etf.Term) etf.Term { return etf.Tuple{etf.Atom("error"), reason} }
