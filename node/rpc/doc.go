// Package rpc calls functions on other nodes, and serves Go functions to them: the modules rpc and erpc of OTP, both ways.
//
//	up, err := rpc.Call[[]etf.Atom](ctx, n, "iex@localhost", "erlang", "nodes")
//
//	err = rpc.Handle(n, "math", "add", func(ctx context.Context, a, b int) (int, error) { return a + b, nil })
//
// After that iex has :rpc.call(:"go@localhost", :math, :add, [1, 2]), :erpc.call, :erpc.multicall, Node.spawn/4 and whatever
// else OTP builds on a spawn request. What nobody has offered is undef, as on a BEAM node.
//
// # Exceptions
//
// What a called function raised is an *Error: class, reason and stack as terms. A handler that returns an *Error raises it:
//
//	return 0, rpc.ErrorOf(etf.Atom("badarith"))    // error(badarith)
//	return 0, rpc.Exit(etf.Atom("shutdown"))       // exit(shutdown)
//	return 0, rpc.Throw(etf.Atom("not_found"))     // throw(not_found)
//	return 0, fmt.Errorf("no disk")                // error({error, <<"no disk">>})
//
// and so do *node.ExitError (exit) and *etf.ReasonError (error). An argument that does not fit the Go type is function_clause,
// and a panic is error({panic, Text}) with the Go functions as the stack.
//
// # Contexts
//
// The context of a call is its timeout: when it is done the function over there is no longer waited for, as when erpc's time
// is over. The context of a handler is done when the caller is gone, has timed out, or has given the call up.
//
// Protocol: the results of erpc come as the exit reason of the process that erpc:execute_call/4 runs in; rex, the server of
// rpc, still has block_call, and all calls from and to peers without SPAWN_REQUEST. See lib/kernel/src/erpc.erl and rpc.erl.
package rpc
