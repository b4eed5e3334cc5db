package node

import (
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// receiveSpawn answers a spawn request. No function is offered yet, and on a BEAM node a function that does not exist is no
// error of the spawn: the process starts and exits with undef, which a monitor or link of the caller then sees
// (erts_internal:dist_spawn_init).
func (n *Node) receiveSpawn(sig *dist.Signal, s *session) {
	link, monitor, ok := spawnOptions(sig.Options)
	reply := dist.Signal{Kind: dist.SpawnReply, To: sig.From, Ref: sig.Ref, Linked: link, Monitored: monitor}
	if !ok {
		n.emit(s, &dist.Signal{Kind: dist.SpawnReply, To: sig.From, Ref: sig.Ref, FromName: "badopt"})
		return
	}
	p, err := n.newProcess([]Option{func(s *setup) { s.leader = sig.Leader }})
	if err != nil {
		n.emit(s, &dist.Signal{Kind: dist.SpawnReply, To: sig.From, Ref: sig.Ref, FromName: "system_limit"})
		return
	}
	if link {
		p.gotLink(sig.From, s)
	}
	if monitor {
		p.watch(watchKey{s, sig.Ref}, watcher{pid: sig.From})
	}
	reply.From = p.pid
	n.emit(s, &reply)
	p.exit(undef(sig.Module, sig.Function, sig.Payload))
}

// undef is {undef, [{Module, Function, Args, []}]}.
func undef(module, function etf.Atom, args etf.Raw) reason {
	b := etf.AppendTupleHeader(nil, 2)
	b = etf.AppendAtom(b, "undef")
	b = etf.AppendListHeader(b, 1)
	b = etf.AppendTupleHeader(b, 4)
	b = etf.AppendAtom(b, module)
	b = etf.AppendAtom(b, function)
	b, err := etf.Append(b, args)
	if err != nil {
		return reasonOf(etf.Atom("argument_list_decode_failure"))
	}
	b = etf.AppendNil(b)
	b = etf.AppendNil(b)
	return reason{raw: etf.Raw{Bytes: b}}
}

// spawnOptions reads the options that mean something here, and reports false for one that a BEAM node would not take.
func spawnOptions(raw etf.Raw) (link, monitor, ok bool) {
	t, err := raw.Term()
	if err != nil {
		return false, false, false
	}
	list, isList := t.(etf.List)
	if !isList {
		return false, false, false
	}
	for _, o := range list {
		switch o := o.(type) {
		case etf.Atom:
			switch o {
			case "link":
				link = true
			case "monitor":
				monitor = true
			default:
				return false, false, false
			}
		case etf.Tuple:
			if len(o) != 2 {
				return false, false, false
			}
			if name, isAtom := o[0].(etf.Atom); !isAtom || !tuningOptions[name] {
				return false, false, false
			}
		default:
			return false, false, false
		}
	}
	return link, monitor, true
}

// tuningOptions are the options of spawn_opt that tune a BEAM process (erl_process.c: erts_parse_spawn_opts).
var tuningOptions = map[etf.Atom]bool{
	"priority":           true,
	"min_heap_size":      true,
	"min_bin_vheap_size": true,
	"fullsweep_after":    true,
	"max_heap_size":      true,
	"message_queue_data": true,
	"scheduler":          true,
	"async_dist":         true,
}
