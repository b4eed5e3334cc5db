package rpc

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// memoryItems are the items of erlang:memory/0, in its order.
var memoryItems = []etf.Atom{"total", "processes", "processes_used", "system", "atom", "atom_used", "binary", "code", "ets"}

// memoryOf is the memory of the whole Go program in bytes: what is in use is that of processes, the rest is the system's.
func memoryOf(item etf.Atom, m *runtime.MemStats) uint64 {
	total, used := m.Sys-m.HeapReleased, m.HeapInuse+m.StackInuse
	switch item {
	case "total":
		return total
	case "processes":
		return used
	case "processes_used":
		return m.HeapAlloc + m.StackInuse
	case "system":
		return total - used
	}
	return 0
}

// bifMemory is erlang:memory/0,1.
func bifMemory(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
	items := memoryItems
	if len(args) == 1 {
		single, isAtom := args[0].(etf.Atom)
		list, isList := args[0].(etf.List)
		if !isAtom && !isList {
			return nil, errBadArg
		}
		items = nil
		for _, t := range list {
			item, _ := t.(etf.Atom)
			items = append(items, item)
		}
		if isAtom {
			items = []etf.Atom{single}
		}
		for _, item := range items {
			if !slices.Contains(memoryItems, item) {
				return nil, errBadArg
			}
		}
		if isAtom {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return memoryOf(single, &m), nil
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	all := etf.List{}
	for _, item := range items {
		all = append(all, property(item, etf.Int(memoryOf(item, &m))))
	}
	return all, nil
}

// statistics is what erlang:statistics/1 remembers: when the node was started, and when it was last asked.
type statistics struct {
	mu          sync.Mutex
	start, last time.Time
}

func newStatistics() *statistics { return &statistics{start: time.Now(), last: time.Now()} }

// get is erlang:statistics/1. What Go does not count is 0.
func (s *statistics) get(_ context.Context, _ *node.Process, args []etf.Term) (any, error) {
	item, _ := args[0].(etf.Atom)
	two := etf.Tuple{etf.Int(0), etf.Int(0)}
	switch item {
	case "wall_clock":
		s.mu.Lock()
		defer s.mu.Unlock()
		now := time.Now()
		total, since := now.Sub(s.start), now.Sub(s.last)
		s.last = now
		return etf.Tuple{etf.Int(total.Milliseconds()), etf.Int(since.Milliseconds())}, nil
	case "garbage_collection":
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return etf.Tuple{etf.Int(m.NumGC), etf.Int(0), etf.Int(0)}, nil
	case "runtime", "reductions", "exact_reductions", "context_switches":
		return two, nil
	case "io":
		return etf.Tuple{property("input", etf.Int(0)), property("output", etf.Int(0))}, nil
	case "run_queue", "total_run_queue_lengths", "total_run_queue_lengths_all", "total_active_tasks", "total_active_tasks_all":
		return 0, nil
	}
	return nil, errBadArg
}
