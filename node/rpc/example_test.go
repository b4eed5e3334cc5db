package rpc_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// A node that offers a function, and calls one: its own here, that of any node by name otherwise.
func Example() {
	ctx := context.Background()
	n, err := node.Start(ctx, "go@localhost", node.Config{Cookie: "secret", NoListen: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	if err := rpc.Start(n); err != nil { // erlnode.Start does this
		fmt.Println(err)
		return
	}
	rpc.Handle(n, "math", "div", func(ctx context.Context, a, b int) (int, error) {
		if b == 0 {
			return 0, rpc.ErrorOf(etf.Atom("badarith"))
		}
		return a / b, nil
	})

	v, err := rpc.Call[int](ctx, n, "go@localhost", "math", "div", 42, 6)
	fmt.Println(v, err)

	_, err = rpc.Call[int](ctx, n, "go@localhost", "math", "div", 42, 0)
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		fmt.Println(e.Class, e.Reason, e.Stack)
	}

	_, err = rpc.Call[int](ctx, n, "go@localhost", "math", "mod", 42, 6)
	fmt.Println(errors.Is(err, rpc.ErrUndef), err)
	// Output:
	// 7 <nil>
	// error badarith [{math,'div',2,[]}]
	// true rpc: math:mod/2 on go@localhost: error: undef
}
