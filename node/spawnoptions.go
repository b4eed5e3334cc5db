package node

import (
	"runtime"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// spawnOptions are the options of a spawn request that mean something on this side of it; the others tune a BEAM process.
type spawnOptions struct {
	link, monitor bool
}

// parseSpawnOptions reads the options of a request, and reports false for one that a BEAM node would not take
// (erl_bif_info.c, erl_process.c: erts_parse_spawn_opts).
func parseSpawnOptions(raw etf.Raw) (o spawnOptions, ok bool) {
	t, err := raw.Term()
	if err != nil {
		return o, false
	}
	list, isList := t.(etf.List)
	if !isList {
		return o, false
	}
	for _, t := range list {
		switch t := t.(type) {
		case etf.Atom:
			switch t {
			case "link":
				o.link = true
			case "monitor":
				o.monitor = true
			default:
				return o, false
			}
		case etf.Tuple:
			if !tuning(t) {
				return o, false
			}
		default:
			return o, false
		}
	}
	return o, true
}

// tuning tells whether a term is {Option, Value} of the options of spawn_opt that tune a process.
func tuning(t etf.Tuple) bool {
	if len(t) != 2 {
		return false
	}
	name, _ := t[0].(etf.Atom)
	value, _ := t[1].(etf.Atom)
	number, isInt := t[1].(etf.Int)
	size := isInt && number >= 0
	switch name {
	case "priority":
		return slices.Contains([]etf.Atom{"low", "normal", "high", "max"}, value)
	case "message_queue_data":
		return value == "on_heap" || value == "off_heap"
	case "async_dist":
		return value == "true" || value == "false"
	case "min_heap_size", "min_bin_vheap_size", "fullsweep_after":
		return size
	case "scheduler":
		return size && int(number) <= runtime.NumCPU()
	case "max_heap_size":
		m, isMap := t[1].(etf.Map)
		for _, pair := range m {
			if isMap = isMap && maxHeap(pair); !isMap {
				return false
			}
		}
		return isMap || maxHeap(etf.Pair{Key: etf.Atom("size"), Value: t[1]})
	}
	return false
}

// maxHeap tells whether a pair may be in the map of the option max_heap_size. No heap is smaller than BEAM's least, 233 words.
func maxHeap(p etf.Pair) bool {
	switch p.Key {
	case etf.Term(etf.Atom("size")):
		size, ok := p.Value.(etf.Int)
		return ok && (size == 0 || size >= 233)
	case etf.Term(etf.Atom("kill")), etf.Term(etf.Atom("error_logger")), etf.Term(etf.Atom("include_shared_binaries")):
		return p.Value == etf.Term(etf.Atom("true")) || p.Value == etf.Term(etf.Atom("false"))
	}
	return false
}
