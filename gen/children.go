package gen

import (
	"math"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

var (
	notFound  = failed(etf.Atom("not_found"))
	running   = failed(etf.Atom("running"))
	undefined = etf.Atom("undefined")
)

// HandleCall answers what the functions of the module supervisor ask (supervisor:handle_call/3).
func (s *supervisor) HandleCall(_ *node.Process, _ From, request etf.Raw) (any, error) {
	t, err := request.Term()
	if err != nil {
		return nil, err
	}
	switch t {
	case etf.Term(etf.Atom("which_children")):
		return s.which(), nil
	case etf.Term(etf.Atom("count_children")):
		return s.count(), nil
	}
	r, isTuple := t.(etf.Tuple)
	if !isTuple || len(r) != 2 {
		return failed(etf.Atom("function_clause")), nil
	}
	if r[0] == etf.Term(etf.Atom("start_child")) {
		return s.startChild(r[1]), nil
	}
	return s.aboutChild(r[0], r[1]), nil
}

// aboutChild answers a request that is about one of the children.
func (s *supervisor) aboutChild(op, id etf.Term) etf.Term {
	c := s.find(id)
	pid, isPid := id.(etf.Pid)
	switch op {
	case etf.Term(etf.Atom("terminate_child")), etf.Term(etf.Atom("get_childspec")):
		for _, o := range s.children {
			if isPid && c == nil && o.pid == pid {
				c = o
			}
		}
	case etf.Term(etf.Atom("restart_child")), etf.Term(etf.Atom("delete_child")), etf.Term(etf.Atom("which_child")):
	default:
		return failed(etf.Atom("function_clause"))
	}
	if c == nil {
		return notFound
	}
	switch op {
	case etf.Term(etf.Atom("terminate_child")):
		s.stop(c)
		if c.Restart == Temporary {
			s.drop(c)
		}
		return ok
	case etf.Term(etf.Atom("get_childspec")):
		return etf.Tuple{ok, c.spec()}
	case etf.Term(etf.Atom("which_child")):
		return etf.Tuple{ok, c.shown()}
	}
	if c.runs() {
		return running
	}
	if op == etf.Term(etf.Atom("delete_child")) {
		s.drop(c)
		return ok
	}
	pid, err := c.Start(s.p)
	if err != nil {
		return failed(errorTerm(err))
	}
	c.pid = pid
	return etf.Tuple{ok, pid}
}

func (s *supervisor) find(id etf.Term) *child {
	for _, c := range s.children {
		if etf.Equal(c.id, id) {
			return c
		}
	}
	return nil
}

// which is [{Id, Pid | undefined, Type, Modules}], the youngest first.
func (s *supervisor) which() etf.List {
	list := etf.List{}
	for i := range s.children {
		list = append(list, s.children[len(s.children)-1-i].shown())
	}
	return list
}

func (c *child) shown() etf.Term {
	var pid etf.Term = undefined
	if c.runs() {
		pid = c.pid
	}
	return etf.Tuple{c.id, pid, c.kind(), c.modules()}
}

func (c *child) kind() etf.Atom {
	if c.Supervisor {
		return "supervisor"
	}
	return "worker"
}

func (c *child) modules() etf.List {
	list := etf.List{}
	for _, m := range c.Modules {
		list = append(list, m)
	}
	return list
}

// count is how many children there are, and how many of them live.
func (s *supervisor) count() etf.List {
	var active, supervisors, workers etf.Int
	for _, c := range s.children {
		if c.runs() && s.p.Node().Alive(c.pid) {
			active++
		}
		if c.Supervisor {
			supervisors++
		} else {
			workers++
		}
	}
	return etf.List{pair("specs", etf.Int(len(s.children))), pair("active", active),
		pair("supervisors", supervisors), pair("workers", workers)}
}

// The kinds of restart as OTP calls them.
var restarts = []etf.Atom{Permanent: "permanent", Transient: "transient", Temporary: "temporary"}

// spec is the child as a child_spec() map.
func (c *child) spec() etf.Map {
	var shutdown etf.Term = etf.Int(c.Shutdown / time.Millisecond)
	switch {
	case c.Shutdown < 0:
		shutdown = etf.Atom("brutal_kill")
	case c.Shutdown == etf.Infinity:
		shutdown = etf.Atom("infinity")
	}
	return etf.Map{
		{Key: etf.Atom("id"), Value: c.id},
		{Key: etf.Atom("modules"), Value: c.modules()},
		{Key: etf.Atom("restart"), Value: restarts[c.Restart]},
		{Key: etf.Atom("shutdown"), Value: shutdown},
		{Key: etf.Atom("significant"), Value: etf.Atom("false")},
		{Key: etf.Atom("start"), Value: c.start},
		{Key: etf.Atom("type"), Value: c.kind()},
	}
}

// startChild starts a child by a specification from a peer. Its function is one that the node offers.
func (s *supervisor) startChild(spec etf.Term) etf.Term {
	c, invalid := readSpec(spec)
	if invalid != nil {
		return failed(invalid)
	}
	if old := s.find(c.id); old != nil && old.runs() {
		return failed(etf.Tuple{etf.Atom("already_started"), old.pid})
	} else if old != nil {
		return failed(etf.Atom("already_present"))
	}
	pid, err := c.Start(s.p)
	if err != nil {
		reason := errorTerm(err)
		if t, isTuple := reason.(etf.Tuple); isTuple && len(t) == 2 && t[0] == etf.Term(etf.Atom("already_started")) {
			return failed(reason)
		}
		return failed(etf.Tuple{reason, c.record()})
	}
	c.pid = pid
	s.children = append(s.children, c)
	return etf.Tuple{ok, pid}
}

// record is a child that did not start, as supervisor.erl has it.
func (c *child) record() etf.Term {
	spec := c.spec()
	return etf.Tuple{etf.Atom("child"), undefined, c.id, c.start, spec[2].Value, spec[4].Value, spec[3].Value, spec[6].Value, spec[1].Value}
}

// readSpec reads a child_spec(), the map or the tuple of six, and says what is wrong with it as supervisor:check_childspec/2.
func readSpec(spec etf.Term) (c *child, invalid etf.Term) {
	fields := map[etf.Atom]etf.Term{}
	names := []etf.Atom{"id", "start", "restart", "shutdown", "type", "modules"}
	switch spec := spec.(type) {
	case etf.Map:
		for _, f := range spec {
			if name, isAtom := f.Key.(etf.Atom); isAtom {
				fields[name] = f.Value
			}
		}
	case etf.Tuple:
		if len(spec) != len(names) {
			return nil, etf.Tuple{etf.Atom("invalid_child_spec"), spec}
		}
		for i, name := range names {
			fields[name] = spec[i]
		}
	default:
		return nil, etf.Tuple{etf.Atom("invalid_child_spec"), spec}
	}
	for _, name := range names[:2] {
		if fields[name] == nil {
			return nil, "missing_" + name
		}
	}
	start, _ := fields["start"].(etf.Tuple)
	if len(start) != 3 {
		return nil, etf.Tuple{etf.Atom("invalid_mfa"), fields["start"]}
	}
	module, isAtom1 := start[0].(etf.Atom)
	function, isAtom2 := start[1].(etf.Atom)
	args, isList := start[2].(etf.List)
	if !isAtom1 || !isAtom2 || !isList {
		return nil, etf.Tuple{etf.Atom("invalid_mfa"), start}
	}
	c = newChild(Child{Modules: []etf.Atom{module}})
	c.id, c.start = fields["id"], start
	c.ID = c.id.String()
	c.Child.Start = func(sup *node.Process) (etf.Pid, error) { return startMFA(sup, module, function, args) }
	return c, c.readOptions(fields)
}

func (c *child) readOptions(fields map[etf.Atom]etf.Term) (invalid etf.Term) {
	if t := fields["type"]; t != nil {
		if t != etf.Term(etf.Atom("worker")) && t != etf.Term(etf.Atom("supervisor")) {
			return etf.Tuple{etf.Atom("invalid_child_type"), t}
		}
		c.Supervisor = t == etf.Term(etf.Atom("supervisor"))
	}
	if c.Supervisor {
		c.Shutdown = etf.Infinity
	}
	if t := fields["restart"]; t != nil {
		known := false
		for i, name := range restarts {
			if t == etf.Term(name) {
				c.Restart, known = Restart(i), true
			}
		}
		if !known {
			return etf.Tuple{etf.Atom("invalid_restart_type"), t}
		}
	}
	switch t := fields["shutdown"].(type) {
	case nil:
	case etf.Int:
		if t < 0 || t > math.MaxUint32 {
			return etf.Tuple{etf.Atom("invalid_shutdown"), t}
		}
		c.Shutdown = max(time.Duration(t)*time.Millisecond, 1)
	default:
		switch t {
		case etf.Term(etf.Atom("brutal_kill")):
			c.Shutdown = -1
		case etf.Term(etf.Atom("infinity")):
			c.Shutdown = etf.Infinity
		default:
			return etf.Tuple{etf.Atom("invalid_shutdown"), t}
		}
	}
	modules, isList := fields["modules"].(etf.List)
	switch {
	case isList:
		c.Modules = nil
		for _, m := range modules {
			name, isAtom := m.(etf.Atom)
			if !isAtom {
				return etf.Tuple{etf.Atom("invalid_modules"), modules}
			}
			c.Modules = append(c.Modules, name)
		}
	case fields["modules"] != nil && fields["modules"] != etf.Term(etf.Atom("dynamic")):
		return etf.Tuple{etf.Atom("invalid_modules"), fields["modules"]}
	}
	return nil
}

// startMFA has a function of the node start a child. What it returns is {ok, Pid}, or the reason why there is none.
func startMFA(sup *node.Process, module, function etf.Atom, args etf.List) (etf.Pid, error) {
	result, exc := applyMFA(sup.Context(), sup, module, function, args)
	if exc != nil {
		reason := exc.Reason
		if exc.Class == "error" {
			reason = etf.Tuple{reason, exc.Stack}
		}
		return etf.Pid{}, node.Exit(etf.Tuple{etf.Atom("EXIT"), reason})
	}
	if t, isTuple := result.(etf.Tuple); isTuple && len(t) >= 2 {
		if pid, isPid := t[1].(etf.Pid); isPid && t[0] == etf.Term(ok) {
			return pid, nil
		}
		if len(t) == 2 && t[0] == etf.Term(etf.Atom("error")) {
			return etf.Pid{}, node.Exit(t[1])
		}
	}
	return etf.Pid{}, node.Exit(result)
}

// State shows how the supervisor restarts, and its children.
func (s *supervisor) State() any {
	return etf.Map{
		{Key: etf.Atom("strategy"), Value: etf.Atom("one_for_one")},
		{Key: etf.Atom("intensity"), Value: etf.Int(max(s.cfg.MaxRestarts, 0))},
		{Key: etf.Atom("period"), Value: etf.Int(s.cfg.Period / time.Second)},
		{Key: etf.Atom("children"), Value: s.which()},
	}
}
