package gen

import (
	"context"
	"sync"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// MultiCall calls the servers of one name on several nodes at the same time (gen_server:multi_call/4). Every node is in one of
// the results: its reply, or the error with which Call has failed there.
func MultiCall[R any](ctx context.Context, c Caller, nodes []etf.Atom, name etf.Atom, request any) (replies map[etf.Atom]R, failed map[etf.Atom]error) {
	replies, failed = make(map[etf.Atom]R), make(map[etf.Atom]error)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, on := range nodes {
		all.Go(func() {
			reply, err := Call[R](ctx, c, node.At(name, on), request)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[on] = err
			} else {
				replies[on] = reply
			}
		})
	}
	all.Wait()
	return replies, failed
}
