package main

import (
	"slices"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// doMonitorNodes is net_kernel:monitor_nodes/2.
func (u *puppet) doMonitorNodes(args []etf.Term) (any, error) {
	on, isBool := boolean(args[0])
	if !isBool {
		return etf.Atom("error"), nil
	}
	var w node.NodeEvents
	var wrong etf.Term
	switch options := args[1].(type) {
	case etf.List:
		w, wrong = eventsOfList(options)
	case etf.Map:
		w, wrong = eventsOfMap(options)
	default:
		wrong = etf.Tuple{etf.Atom("invalid_options"), options}
	}
	if wrong != nil {
		return etf.Tuple{etf.Atom("error"), wrong}, nil
	}
	u.MonitorNodes(on, w)
	return ok, nil
}

var eventTypes = map[etf.Term]node.NodeType{
	etf.Atom("visible"): node.Visible, etf.Atom("hidden"): node.Hidden, etf.Atom("all"): node.Connected,
}

// eventsOfList reads the options as a list. What is wrong with them it finds in net_kernel's order (check_options/1).
func eventsOfList(options etf.List) (w node.NodeEvents, wrong etf.Term) {
	rest := slices.Clone(options)
	typ, rest, wrong := takeOption(rest, func(o etf.Term) bool {
		t, isTuple := o.(etf.Tuple)
		return isTuple && len(t) == 2 && t[0] == etf.Term(etf.Atom("node_type"))
	})
	if wrong != nil {
		return w, wrong
	}
	if typ != nil {
		if w.Types = eventTypes[typ.(etf.Tuple)[1]]; w.Types == 0 {
			return w, etf.Tuple{etf.Atom("bad_option_value"), typ}
		}
	}
	flag := func(name etf.Atom) bool {
		var found etf.Term
		found, rest, _ = takeOption(rest, func(o etf.Term) bool { return o == etf.Term(name) })
		return found != nil
	}
	w.Reason = flag("nodedown_reason")
	unknown := rest // net_kernel names connection_id among the unknown ones, if there are others
	w.ConnectionID = flag("connection_id")
	if len(rest) > 0 {
		return w, etf.Tuple{etf.Atom("unknown_options"), unknown}
	}
	return w, nil
}

// takeOption takes an option out of a list, which it turns round, if it is there. Two of different values are an error.
func takeOption(options etf.List, is func(etf.Term) bool) (found etf.Term, rest etf.List, wrong etf.Term) {
	for _, o := range options {
		switch {
		case !is(o):
			rest = append(etf.List{o}, rest...)
		case found == nil:
			found = o
		case !etf.Equal(found, o):
			return nil, nil, etf.Tuple{etf.Atom("option_value_mismatch"), etf.List{o, found}}
		}
	}
	if found == nil {
		return nil, options, nil
	}
	return found, rest, nil
}

func eventsOfMap(options etf.Map) (w node.NodeEvents, wrong etf.Term) {
	w.Map = true
	unknown := etf.Map{}
	for _, o := range options {
		valid := true
		switch o.Key {
		case etf.Term(etf.Atom("connection_id")):
			w.ConnectionID, valid = boolean(o.Value)
		case etf.Term(etf.Atom("nodedown_reason")):
			w.Reason, valid = boolean(o.Value)
		case etf.Term(etf.Atom("node_type")):
			w.Types = eventTypes[o.Value]
			valid = w.Types != 0
		default:
			unknown = append(unknown, o)
		}
		if !valid {
			return w, etf.Tuple{etf.Atom("bad_option_value"), etf.Map{o}}
		}
	}
	if len(unknown) > 0 {
		return w, etf.Tuple{etf.Atom("unknown_options"), unknown}
	}
	return w, nil
}

// doMonitorNode is erlang:monitor_node/2.
func (u *puppet) doMonitorNode(args []etf.Term) (any, error) {
	name, isAtom := args[0].(etf.Atom)
	on, isBool := boolean(args[1])
	if !isAtom || !isBool {
		return nil, errBadarg
	}
	u.MonitorNode(u.Context(), name, on)
	return true, nil
}
