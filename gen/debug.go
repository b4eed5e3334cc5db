package gen

import (
	"time"

	"github.com/erlnode/erlnode/etf"
)

// debug are the debug options of a server that are on, the youngest first (the list of sys:debug_options/1).
type debug []*debugOption

// debugOption is one of them: statistics, log, trace, or a function that was installed, under its id.
type debugOption struct {
	id    etf.Term
	stats *statistics
	log   *eventLog
	fun   etf.Term // of an installed one
	state etf.Term // of its function
	short bool     // its id is its function
}

type statistics struct {
	start   time.Time
	in, out int
}

// eventLog keeps the last max events.
type eventLog struct {
	max    int
	events []etf.Term
}

func (g *eventLog) add(event etf.Term) {
	if len(g.events) == g.max {
		copy(g.events, g.events[1:])
		g.events = g.events[:g.max-1]
	}
	g.events = append(g.events, event)
}

const (
	trace       etf.Atom = "trace"
	logOption   etf.Atom = "log"
	stats       etf.Atom = "statistics"
	logToFile   etf.Atom = "log_to_file"
	defaultLog           = 10
	maxLog               = 100_000 // events; OTP has no bound
	unknownWhat etf.Atom = "unknown_debug"
)

func (d debug) find(id etf.Term) *debugOption {
	for _, o := range d {
		if etf.Equal(o.id, id) {
			return o
		}
	}
	return nil
}

// install adds an option, unless there is one with its id.
func (d *debug) install(o *debugOption) {
	if d.find(o.id) == nil {
		*d = append(debug{o}, *d...)
	}
}

func (d *debug) remove(id etf.Term) {
	for i, o := range *d {
		if etf.Equal(o.id, id) {
			*d = append((*d)[:i:i], (*d)[i+1:]...)
			return
		}
	}
}

// debugCommand is {debug, What} (sys:debug_cmd/2). A file is never opened for a peer.
func (l *loop) debugCommand(what etf.Term) etf.Term {
	if what == etf.Term(etf.Atom("no_debug")) {
		l.debug = nil
		return ok
	}
	t, isTuple := what.(etf.Tuple)
	if !isTuple || len(t) != 2 {
		return unknownWhat
	}
	on, off, get := t[1] == etf.Term(etf.Atom("true")), t[1] == etf.Term(etf.Atom("false")), t[1] == etf.Term(etf.Atom("get"))
	op, _ := t[0].(etf.Atom)
	switch {
	case op == trace && on:
		l.debug.install(&debugOption{id: trace})
	case op == logOption && t[1] == etf.Term(etf.Atom("print")):
		for _, e := range l.debug.events() {
			l.print(e)
		}
	case op == logOption && get:
		return etf.Tuple{ok, l.debug.logged()}
	case op == logOption && !off:
		max, valid := logSize(t[1])
		if !valid {
			return unknownWhat
		}
		l.debug.install(&debugOption{id: logOption, log: &eventLog{max: max}})
	case op == stats && on:
		l.debug.install(&debugOption{id: stats, stats: &statistics{start: time.Now()}})
	case op == stats && get:
		return etf.Tuple{ok, l.debug.statistics()}
	case (op == trace || op == logOption || op == stats) && off:
		l.debug.remove(op)
	case op == logToFile && !off:
		return failed(etf.Atom("open_file"))
	case op == logToFile:
	case op == "install":
		return l.install(t[1])
	case op == "remove":
		l.debug.remove(t[1])
	default:
		return unknownWhat
	}
	return ok
}

// logSize reads true or {true, N}.
func logSize(t etf.Term) (max int, valid bool) {
	if t == etf.Term(etf.Atom("true")) {
		return defaultLog, true
	}
	pair, isTuple := t.(etf.Tuple)
	if !isTuple || len(pair) != 2 || pair[0] != etf.Term(etf.Atom("true")) {
		return 0, false
	}
	n, isInt := pair[1].(etf.Int)
	return int(min(n, maxLog)), isInt && n >= 1
}

// install takes {Func, State} or {Id, Func, State}. A function that cannot be run goes with the first event, as in sys.
func (l *loop) install(what etf.Term) etf.Term {
	t, _ := what.(etf.Tuple)
	switch len(t) {
	case 2:
		l.debug.install(&debugOption{id: t[0], fun: t[0], state: t[1], short: true})
	case 3:
		l.debug.install(&debugOption{id: t[0], fun: t[1], state: t[2]})
	default:
		return unknownWhat
	}
	return ok
}

// event tells the debug options of {in, Message}, {out, Reply, From, State} or {noreply, State} (sys:handle_debug/4).
func (l *loop) event(e etf.Tuple) {
	kept := l.debug[:0:0]
	for _, o := range l.debug {
		switch {
		case o.stats != nil && e[0] == etf.Term(etf.Atom("in")):
			o.stats.in++
		case o.stats != nil && e[0] == etf.Term(etf.Atom("out")):
			o.stats.out++
		case o.log != nil:
			o.log.add(e)
		case o.fun != nil:
			next, exc := applyFun(l.p.Context(), l.p, o.fun, etf.List{o.state, e, l.name()})
			if exc != nil && exc.Class == "throw" {
				next, exc = exc.Reason, nil
			}
			if exc != nil || next == etf.Term(etf.Atom("done")) {
				continue
			}
			o.state = next
		case o.id == etf.Term(trace):
			l.print(e)
		}
		kept = append(kept, o)
	}
	l.debug = kept
}

// events are those that the log has, the oldest first.
func (d debug) events() []etf.Term {
	if o := d.find(logOption); o != nil && o.log != nil {
		return o.log.events
	}
	return nil
}

func (d debug) logged() etf.List { return append(etf.List{}, d.events()...) }

func (d debug) statistics() etf.Term {
	o := d.find(stats)
	if o == nil || o.stats == nil {
		return etf.Atom("no_statistics")
	}
	return etf.List{
		pair("start_time", localTime(o.stats.start)),
		pair("current_time", localTime(time.Now())),
		pair("reductions", etf.Int(0)), // Go counts none
		pair("messages_in", etf.Int(o.stats.in)),
		pair("messages_out", etf.Int(o.stats.out)),
	}
}

// terms is the list of options as a gen_server has it in its status.
func (d debug) terms(name etf.Term) etf.Term {
	list := etf.List{}
	for _, o := range d {
		var value etf.Term = etf.Atom("true")
		switch {
		case o.stats != nil:
			value = etf.Tuple{localTime(o.stats.start), pair("reductions", etf.Int(0)), etf.Int(o.stats.in), etf.Int(o.stats.out)}
		case o.log != nil:
			value = o.log.term(name)
		case o.short:
			value = o.state
		case o.fun != nil:
			value = etf.Tuple{o.fun, o.state}
		}
		list = append(list, etf.Tuple{o.id, value})
	}
	return list
}

// term is the log as sys keeps it: [[] | Items] when it is full, else how many more fit and the items, youngest first.
func (g *eventLog) term(name etf.Term) etf.Term {
	items := etf.List{}
	for _, e := range g.events {
		items = append(items, etf.Tuple{e, name, etf.Export{Module: genServer, Function: "print_event", Arity: 3}})
	}
	if len(items) == g.max {
		return append(etf.List{etf.List{}}, items...)
	}
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	return append(etf.List{etf.Int(g.max - len(items))}, items...)
}

// print has an event printed by the group leader, where its format is filled in (gen_server:print_event/3). It does not
// wait for it: a leader that has gone must not hold up the server.
func (l *loop) print(event etf.Term) {
	format, args := l.eventText(event.(etf.Tuple))
	q := l.p.Node().Open()
	defer q.Exit(nil)
	request := etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), etf.Atom("io_lib"), etf.Atom("format"),
		etf.List{chars(format), append(etf.List{l.name()}, args...)}}
	q.SendNoConnect(l.p.GroupLeader(), etf.Tuple{etf.Atom("io_request"), q.Self(), l.p.Node().NewRef(), request})
}

func (l *loop) eventText(e etf.Tuple) (format string, args etf.List) {
	switch e[0] {
	case etf.Term(etf.Atom("out")):
		to := e[2].(etf.Tuple)[0]
		return "*DBG* ~tp sent ~tp to ~tw, new state ~tp~n", etf.List{e[1], to, e[3]}
	case etf.Term(etf.Atom("noreply")):
		return "*DBG* ~tp new state ~tp~n", etf.List{e[1]}
	}
	if m, isTuple := e[1].(etf.Tuple); isTuple {
		switch label, rest := split(m); {
		case label == genCall && len(rest) == 2:
			if from, isTuple := rest[0].(etf.Tuple); isTuple && len(from) == 2 {
				return "*DBG* ~tp got call ~tp from ~tw~n", etf.List{rest[1], from[0]}
			}
		case label == genCast && len(rest) == 1:
			return "*DBG* ~tp got cast ~tp~n", etf.List{rest[0]}
		}
	}
	return "*DBG* ~tp got ~tp~n", etf.List{e[1]}
}
