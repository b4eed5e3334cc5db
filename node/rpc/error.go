package rpc

import (
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Error is an Erlang exception as a Go error: what the function that was called has raised, or what a handler raises.
type Error = node.Exception

// ErrUndef says that the node has no function of that module, name and arity, or does not offer it. The *Error is in the chain
// too.
var ErrUndef = errors.New("undef")

// ErrorOf is the exception error(Reason); reason is anything that etf.Marshal takes. The caller sees the handler alone in its
// stack.
func ErrorOf(reason any) error { return raise("error", reason) }

// Exit is the exception exit(Reason).
func Exit(reason any) error { return raise("exit", reason) }

// Throw is the exception throw(Value). rpc:call/4 returns the value as if the function had.
func Throw(value any) error { return raise("throw", value) }

func raise(class etf.Atom, v any) error {
	t, err := termOf(v)
	if err != nil {
		return fmt.Errorf("rpc: %s of %T: %w", string(class), v, err)
	}
	return &Error{Class: class, Reason: t}
}

// termOf is any Go value as a term.
func termOf(v any) (etf.Term, error) {
	switch v := v.(type) {
	case etf.Term:
		return v, nil
	case etf.Raw:
		return v.Term()
	}
	b, err := etf.Append(nil, v)
	if err != nil {
		return nil, err
	}
	return etf.Raw{Bytes: b}.Term()
}

// CallError says which call failed, and wraps why: an *Error that the function raised; a *node.ExitError if the process that ran
// it was ended by an exit signal; node.ErrNoConnection if there was no connection or it was lost, node.ErrNotSup if the
// peer has neither erpc nor rex, the cause of the context; a *node.SpawnError with another reason; an error of decoding.
type CallError struct {
	Node             etf.Atom
	Module, Function etf.Atom
	Arity            int
	Err              error
}

func (e *CallError) Error() string {
	return fmt.Sprintf("rpc: %s:%s/%d on %s: %v", e.Module, e.Function, e.Arity, string(e.Node), e.Err)
}

func (e *CallError) Unwrap() error { return e.Err }

// Is makes errors.Is find ErrUndef where the function itself is the one that does not exist.
func (e *CallError) Is(target error) bool {
	x, ok := errors.AsType[*Error](e.Err)
	if !ok || target != ErrUndef || x.Class != "error" || x.Reason != etf.Term(etf.Atom("undef")) {
		return false
	}
	stack, _ := x.Stack.(etf.List)
	if len(stack) == 0 {
		return false
	}
	top, _ := stack[0].(etf.Tuple)
	return len(top) >= 3 && top[0] == etf.Term(e.Module) && top[1] == etf.Term(e.Function) && arity(top[2]) == e.Arity
}

// arity is that of an entry of a stack, which has the arguments instead where there were none to call with.
func arity(t etf.Term) int {
	switch t := t.(type) {
	case etf.Int:
		return int(t)
	case etf.List:
		return len(t)
	}
	return -1
}
