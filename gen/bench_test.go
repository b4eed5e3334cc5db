package gen_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

type echo struct{}

func (echo) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	return request, nil
}

type add struct {
	_ struct{} `etf:"add,tuple"`
	N int
}

// BenchmarkCall is a call of a small term, answered with the same term, by some callers at once: goroutines that are no
// process, or processes; on another node in the same program, over a TCP connection, or at home. One operation is a call.
func BenchmarkCall(b *testing.B) {
	nodes := start(b, "node1@test", "node2@test")
	for _, server := range nodes {
		if _, err := gen.Start(server, echo{}, node.Register("echo")); err != nil {
			b.Fatal(err)
		}
	}
	for _, callers := range []int{1, 16, 64} {
		for _, c := range []struct {
			name   string
			to     *node.Node
			caller func() gen.Caller
		}{
			{"there", nodes[1], func() gen.Caller { return nodes[0] }},
			{"there/process", nodes[1], func() gen.Caller { return nodes[0].Open() }},
			{"here", nodes[0], func() gen.Caller { return nodes[0] }},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, callers), func(b *testing.B) {
				to := node.At("echo", c.to.Name())
				var left atomic.Int64
				left.Store(int64(b.N))
				b.ReportAllocs()
				var all sync.WaitGroup
				for range callers {
					caller := c.caller()
					all.Go(func() {
						for left.Add(-1) >= 0 {
							if _, err := gen.Call[add](b.Context(), caller, to, add{N: 17}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
			})
		}
	}
}
