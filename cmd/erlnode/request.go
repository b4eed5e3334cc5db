package main

import (
	"fmt"

	"github.com/erlnode/erlnode/etf"
)

// request takes a request of the shape {name, A, B, …}, or just name, apart. It returns "name/2", as Erlang writes a name
// with the number of arguments, and the arguments undecoded; "" for any other term.
func request(raw etf.Raw) (name string, args []etf.Raw) {
	r := etf.NewReader(raw)
	if atom, err := r.Atom(); err == nil {
		return string(atom) + "/0", nil
	}
	arity, err := r.Tuple()
	if err != nil || arity == 0 {
		return "", nil
	}
	atom, err := r.Atom()
	if err != nil {
		return "", nil
	}
	for range arity - 1 {
		arg, err := r.Raw()
		if err != nil {
			return "", nil
		}
		args = append(args, arg)
	}
	return fmt.Sprintf("%s/%d", string(atom), len(args)), args
}

// unknown is the reply to a request that a server does not know: {error, {unknown_call, Request}}. A server of Erlang or
// Elixir would crash instead.
type unknown struct {
	_      struct{} `etf:"error,tuple"`
	Reason unknownCall
}

type unknownCall struct {
	_       struct{} `etf:"unknown_call,tuple"`
	Request etf.Raw
}
