package rpc

import (
	"context"
	"runtime"
	"slices"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// The release whose protocol a Go node speaks, for peers that ask for it before they do more.
const (
	otpRelease  = "29"
	ertsVersion = "17.1"
)

// bifSystemInfo is erlang:system_info/1, of those items that mean something here.
func bifSystemInfo(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	item, _ := args[0].(etf.Atom)
	switch item {
	case "otp_release":
		return etf.Charlist(otpRelease), nil
	case "version":
		return etf.Charlist(ertsVersion), nil
	case "system_version":
		return etf.Charlist("erlnode, the protocol of Erlang/OTP " + otpRelease + " in " + runtime.Version() + "\n"), nil
	case "system_architecture":
		return etf.Charlist(runtime.GOARCH + "-" + runtime.GOOS), nil
	case "machine":
		return etf.Charlist("Go"), nil
	case "creation":
		return p.Node().Creation(), nil
	case "process_count":
		return len(p.Node().Processes()), nil
	case "process_limit":
		return 1<<28 - 1, nil
	case "port_count":
		return 0, nil
	case "wordsize":
		return 8, nil
	case "schedulers", "schedulers_online":
		return runtime.GOMAXPROCS(0), nil
	case "logical_processors", "logical_processors_available", "logical_processors_online":
		return runtime.NumCPU(), nil
	case "smp_support", "threads":
		return true, nil
	}
	return nil, errBadArg
}

// The items of erlang:process_info/1, in its order.
var processItems = []etf.Atom{"registered_name", "current_function", "initial_call", "status", "message_queue_len", "links",
	"dictionary", "trap_exit", "error_handler", "priority", "group_leader", "total_heap_size", "heap_size", "stack_size",
	"reductions", "garbage_collection", "suspending"}

// bifProcessInfo is erlang:process_info/1 and process_info/2 of a process of this node. What a process here does not have, a
// heap for one, is 0 or empty.
func bifProcessInfo(_ context.Context, p *node.Process, args []etf.Term) (any, error) {
	pid, ok := args[0].(etf.Pid)
	if !ok || pid.Node != p.Node().Name() {
		return nil, errBadArg
	}
	items := processItems
	name, single := etf.Atom(""), false
	if len(args) == 2 {
		list, isList := args[1].(etf.List)
		if name, single = args[1].(etf.Atom); single {
			items = []etf.Atom{name}
		} else if isList {
			items = make([]etf.Atom, len(list))
			for i, t := range list {
				items[i], _ = t.(etf.Atom)
			}
		} else {
			return nil, errBadArg
		}
		for _, item := range items {
			if !knownItem(item) {
				return nil, errBadArg
			}
		}
	}
	info, ok := p.Node().ProcessInfo(pid)
	if !ok {
		return etf.Atom("undefined"), nil
	}
	all := etf.List{}
	for _, item := range items {
		v := itemOf(item, info, p)
		if item == "registered_name" && info.Name == "" {
			// It is missing from process_info/1, [] of process_info/2 with the item, and {registered_name, []} in its list.
			if single {
				return etf.List{}, nil
			}
			if len(args) == 1 {
				continue
			}
			v = etf.List{}
		}
		if single {
			return etf.Tuple{item, v}, nil
		}
		all = append(all, etf.Tuple{item, v})
	}
	return all, nil
}

// moreItems are the items of process_info/2 that process_info/1 leaves out.
var moreItems = []etf.Atom{"messages", "monitors", "monitored_by", "memory", "min_heap_size", "min_bin_vheap_size", "binary",
	"backtrace", "current_location", "current_stacktrace", "catchlevel", "last_calls", "message_queue_data", "fullsweep_after",
	"garbage_collection_info", "max_heap_size", "magic_ref", "sequential_trace_token", "async_dist", "parent", "label"}

func knownItem(item etf.Atom) bool {
	return slices.Contains(processItems, item) || slices.Contains(moreItems, item)
}

// itemOf is the value of an item; p is who asks.
func itemOf(item etf.Atom, info node.ProcessInfo, p *node.Process) etf.Term {
	switch item {
	case "registered_name":
		return info.Name
	case "initial_call", "current_function":
		return info.Initial
	case "current_location":
		return append(slices.Clone(info.Initial), etf.List{})
	case "status":
		if info.Pid == p.Self() {
			return etf.Atom("running")
		}
		return etf.Atom("waiting")
	case "message_queue_len":
		return etf.Int(len(info.Messages))
	case "messages":
		list := make(etf.List, 0, len(info.Messages))
		for _, m := range info.Messages {
			if t, err := m.Term(); err == nil {
				list = append(list, t)
			}
		}
		return list
	case "links":
		return pids(info.Links)
	case "monitors":
		list := make(etf.List, len(info.Monitors))
		for i, t := range info.Monitors {
			list[i] = etf.Tuple{etf.Atom("process"), t}
		}
		return list
	case "monitored_by":
		return pids(info.MonitoredBy)
	case "parent":
		if info.Parent == (etf.Pid{}) {
			return etf.Atom("undefined")
		}
		return info.Parent
	case "trap_exit":
		return atomOf(info.TrapExit)
	case "error_handler":
		return item
	case "priority":
		return etf.Atom("normal")
	case "group_leader":
		return info.GroupLeader
	case "message_queue_data":
		return etf.Atom("off_heap")
	case "garbage_collection":
		return etf.List{property("max_heap_size", noMaxHeap), property("min_bin_vheap_size", etf.Int(0)),
			property("min_heap_size", etf.Int(0)), property("fullsweep_after", etf.Int(0)), property("minor_gcs", etf.Int(0))}
	case "max_heap_size":
		return noMaxHeap
	case "backtrace":
		return etf.Binary{}
	case "label":
		return etf.Atom("undefined")
	case "last_calls", "async_dist":
		return etf.Atom("false")
	case "dictionary", "suspending", "binary", "current_stacktrace", "sequential_trace_token", "magic_ref", "garbage_collection_info":
		return etf.List{}
	}
	return etf.Int(0)
}

var noMaxHeap = etf.Map{{Key: etf.Atom("error_logger"), Value: etf.Atom("true")},
	{Key: etf.Atom("kill"), Value: etf.Atom("true")}, {Key: etf.Atom("size"), Value: etf.Int(0)}}

func property(name etf.Atom, v etf.Term) etf.Term { return etf.Tuple{name, v} }

func atomOf(b bool) etf.Atom {
	if b {
		return "true"
	}
	return "false"
}

func pids(all []etf.Pid) etf.List {
	list := make(etf.List, len(all))
	for i, p := range all {
		list[i] = p
	}
	return list
}
