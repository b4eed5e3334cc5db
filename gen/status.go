package gen

import (
	"time"

	"github.com/erlnode/erlnode/etf"
)

const genServer etf.Atom = "gen_server"

// status is {status, Pid, {module, gen_server}, [PDict, SysState, Parent, Debug, Misc]}, as sys:get_status/1 gives it of a
// gen_server (gen_server:format_status/2); observer and its like take it apart.
func (l *loop) status() etf.Term {
	parent, ancestors := l.p.Self(), etf.List{}
	if p := l.p.Parent(); p.Node != "" {
		parent, ancestors = p, etf.List{p}
	}
	var sysState etf.Atom = "running"
	if l.suspended {
		sysState = "suspended"
	}
	return etf.Tuple{etf.Atom("status"), l.p.Self(), etf.Tuple{etf.Atom("module"), genServer}, etf.List{
		etf.List{
			pair("$initial_call", etf.Tuple{l.module(), etf.Atom("init"), etf.Int(1)}),
			pair("$ancestors", ancestors),
		},
		sysState,
		parent,
		l.debug.terms(l.name()),
		etf.List{
			pair("header", chars("Status for generic server "+l.nameText())),
			pair("data", etf.List{
				etf.Tuple{chars("Status"), sysState},
				etf.Tuple{chars("Parent"), parent},
				etf.Tuple{chars("Logged events"), l.debug.logged()},
			}),
			pair("data", etf.List{etf.Tuple{chars("State"), l.stateTerm()}}),
		},
	}}
}

// name is the name under which the server is registered, else its pid.
func (l *loop) name() etf.Term {
	if name := l.p.Name(); name != "" {
		return name
	}
	return l.p.Self()
}

func (l *loop) nameText() string {
	if name := l.p.Name(); name != "" {
		return string(name)
	}
	n := l.p.Node()
	return etf.Home{Node: n.Name(), Creation: n.Creation()}.Text(l.p.Self())
}

func pair(key etf.Atom, value etf.Term) etf.Term { return etf.Tuple{key, value} }

// chars is a text as a list of characters.
func chars(s string) etf.List {
	l := make(etf.List, 0, len(s))
	for _, r := range s {
		l = append(l, etf.Int(r))
	}
	return l
}

// localTime is erlang:localtime/0 at t: {{Year, Month, Day}, {Hour, Minute, Second}}.
func localTime(t time.Time) etf.Term {
	t = t.Local()
	return etf.Tuple{
		etf.Tuple{etf.Int(t.Year()), etf.Int(t.Month()), etf.Int(t.Day())},
		etf.Tuple{etf.Int(t.Hour()), etf.Int(t.Minute()), etf.Int(t.Second())},
	}
}
