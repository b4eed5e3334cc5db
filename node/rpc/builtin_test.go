package rpc

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

var variable = regexp.MustCompile(`\b[A-Z]\w*`)

// parsed are arguments in Erlang syntax, with variables for what has no text.
func parsed(t *testing.T, text string, names map[string]etf.Term) []any {
	t.Helper()
	term, err := etf.Parse(variable.ReplaceAllString(text, "'$0'"))
	if err != nil {
		t.Fatal(text, err)
	}
	var args []any
	for _, a := range term.(etf.List) {
		args = append(args, named(a, names))
	}
	return args
}

func named(t etf.Term, names map[string]etf.Term) etf.Term {
	switch t := t.(type) {
	case etf.Atom:
		if v, ok := names[string(t)]; ok {
			return v
		}
	case etf.List:
		list := make(etf.List, len(t))
		for i := range t {
			list[i] = named(t[i], names)
		}
		return list
	case etf.Tuple:
		return etf.Tuple(named(etf.List(t), names).(etf.List))
	}
	return t
}

func TestBuiltins(t *testing.T) {
	both(t, func(t *testing.T, a, b *node.Node) {
		leader, parent := b.Open(), b.Open()
		p := b.Open(node.Register("subject"), node.TrapExit(), node.Linked(parent))
		p.SetGroupLeader(leader.Self(), p.Self())
		p.Send(p.Self(), etf.Atom("kept"))
		watched := b.Open()
		p.Monitor(watched)
		p.Monitor(node.At("rex", b.Name()))
		plain, dead := b.Open(), b.Open()
		dead.Exit(nil)
		stranger := etf.Pid{Node: "else@test", ID: 1, Creation: 1}
		names := map[string]etf.Term{"P": p.Self(), "Plain": plain.Self(), "Dead": dead.Self(), "Stranger": stranger,
			"Self": etf.Export{Module: "erlang", Function: "self", Arity: 0}, "Node": etf.Export{Module: "erlang", Function: "node", Arity: 0},
			"Rev": etf.Export{Module: "lists", Function: "reverse", Arity: 1},
			"Fun": &etf.Fun{Arity: 1, Module: "nomod", Pid: stranger}}
		here := b.Name().String()
		nobody := ""
		tests := []struct{ call, args, want string }{
			{"erlang:node", "[]", here},
			{"Elixir.Node:self", "[]", here},
			{"erlang:is_alive", "[]", "true"},
			{"erlang:nodes", "[this]", "[" + here + "]"},
			{"erlang:nodes", "[[]]", "[]"},
			{"erlang:nodes", "[nonsense]", "badarg"},
			{"erlang:nodes", "[[this, 1]]", "badarg"},
			{"erlang:nodes", "[1]", "badarg"},
			{"Elixir.Node:list", "[this]", "[" + here + "]"},
			{"erlang:whereis", "[subject]", p.Self().String()},
			{"erlang:whereis", "[nobody]", "undefined"},
			{"erlang:whereis", "[1]", "badarg"},
			{"Elixir.Process:whereis", "[subject]", p.Self().String()},
			{"Elixir.Process:whereis", "[nobody]", "nil"},
			{"Elixir.Process:whereis", "[1]", "badarg"},
			{"erlang:registered", "[]", "[net_kernel,rex,subject]"},
			{"erlang:is_process_alive", "[P]", "true"},
			{"erlang:is_process_alive", "[Dead]", "false"},
			{"erlang:is_process_alive", "[Stranger]", "badarg"},
			{"Elixir.Process:alive?", "[P]", "true"},
			{"erlang:send", "[nobody, 1]", "badarg"},
			{"erlang:send", "[1, 1]", "badarg"},
			{"erlang:send", "[Plain, hello]", "hello"},
			{"erlang:send", "[{subject, " + here + "}, hello]", "hello"},
			{"erlang:group_leader", "[1, P]", "badarg"},
			{"erlang:group_leader", "[Plain, Plain]", "true"},
			{"erlang:exit", "[a]", "exit: a"},
			{"erlang:error", "[{a, 1}]", "{a,1}"},
			{"erlang:throw", "[a]", "throw: a"},
			{"erlang:function_exported", "[erlang, self, 0]", "true"},
			{"erlang:function_exported", "[erlang, self, 1]", "false"},
			{"erlang:function_exported", "[erlang, self, -1]", "badarg"},
			{"erlang:function_exported", "[1, self, 0]", "badarg"},
			{"erlang:apply", "[erlang, node, []]", here},
			{"erlang:apply", `[lists, reverse, ["ab"]]`, `"ba"`},
			{"erlang:apply", "[lists, reverse, [a | b]]", "badarg"},
			{"erlang:apply", "[lists, reverse, a]", "badarg"},
			{"erlang:apply", "[Node, []]", here},
			{"erlang:apply", "[Rev, [[1, 2]]]", "[2,1]"},
			{"erlang:apply", "[Rev, []]", "{badarity,{fun lists:reverse/1,[]}}"},
			{"erlang:apply", "[Rev, a]", "badarg"},
			{"erlang:apply", "[Fun, [1]]", "undef"},
			{"erlang:apply", "[Fun, []]", "{badarity,{"},
			{"erlang:apply", "[foo, []]", "{badfun,foo}"},
			{"erlang:apply", "[{m, f}, []]", "{badfun,{m,f}}"},
			{"timer:sleep", "[0]", "ok"},
			{"timer:sleep", "[1]", "ok"},
			{"timer:sleep", "[-1]", "timeout_value"},
			{"timer:sleep", "[x]", "timeout_value"},
			{"timer:sleep", `["x"]`, "timeout_value"},
			{"lists:reverse", "[[1, 2, 3]]", "[3,2,1]"},
			{"lists:reverse", "[a]", "function_clause"},
			{"Elixir.Function:identity", "[{a, [b]}]", "{a,[b]}"},
			{"erlang:system_info", "[otp_release]", `"29"`},
			{"erlang:system_info", "[creation]", fmt.Sprint(b.Creation())},
			{"erlang:system_info", "[wordsize]", "8"},
			{"erlang:system_info", "[nonsense]", "badarg"},
			{"erlang:system_info", "[1]", "badarg"},
			{"code:ensure_loaded", "[shell]", "{error,nofile}"},
			{"code:ensure_loaded", "[1]", "badarg"},
			{"code:is_loaded", "[lists]", "false"},
			{"code:which", "[lists]", "non_existing"},
			{"erlang:memory", "[nonsense]", "badarg"},
			{"erlang:memory", "[[total, nonsense]]", "badarg"},
			{"erlang:memory", "[17]", "badarg"},
			{"erlang:memory", "[[]]", "[]"},
			{"erlang:memory", "[ets]", "0"},
			{"erlang:memory", "[[atom, ets]]", "[{atom,0},{ets,0}]"},
			{"erlang:statistics", "[reductions]", "{0,0}"},
			{"erlang:statistics", "[io]", "{{input,0},{output,0}}"},
			{"erlang:statistics", "[run_queue]", "0"},
			{"erlang:statistics", "[nonsense]", "badarg"},
			{"erlang:process_info", "[P, registered_name]", "{registered_name,subject}"},
			{"erlang:process_info", "[Plain, registered_name]", "[]"},
			{"erlang:process_info", "[Plain, [registered_name, status]]", "[{registered_name,[]},{status,waiting}]"},
			{"erlang:process_info", "[P, group_leader]", fmt.Sprintf("{group_leader,%v}", leader.Self())},
			{"erlang:process_info", "[P, links]", fmt.Sprintf("{links,[%v]}", parent.Self())},
			{"erlang:process_info", "[P, parent]", fmt.Sprintf("{parent,%v}", parent.Self())},
			{"erlang:process_info", "[Plain, parent]", "{parent,undefined}"},
			{"erlang:process_info", "[P, trap_exit]", "{trap_exit,true}"},
			{"erlang:process_info", "[P, messages]", "{messages,[kept,hello]}"},
			{"erlang:process_info", "[P, message_queue_len]", "{message_queue_len,2}"},
			{"erlang:process_info", "[P, dictionary]", "{dictionary,[]}"},
			{"erlang:process_info", "[P, initial_call]", "{initial_call,{erlang,apply,2}}"},
			{"erlang:process_info", "[P, current_location]", "{current_location,{erlang,apply,2,[]}}"},
			{"erlang:process_info", "[Dead, links]", "undefined"},
			{"erlang:process_info", "[Dead]", "undefined"},
			{"erlang:process_info", "[P, nonsense]", "badarg"},
			{"erlang:process_info", "[P, [links, 1]]", "badarg"},
			{"erlang:process_info", "[P, 1]", "badarg"},
			{"erlang:process_info", "[Stranger]", "badarg"},
			{"erlang:process_info", "[P]", "[{registered_name,subject},{current_function,{erlang,apply,2}},{initial_call,{erlang,apply,2}}," +
				"{status,waiting},{message_queue_len,2},"},
			{"erlang:process_info", "[Plain]", "[{current_function,{erlang,apply,2}},"},
		}
		for _, tt := range tests {
			module, function, _ := strings.Cut(tt.call, ":")
			v, err := Call[etf.Term](t.Context(), a, b.Name(), etf.Atom(module), etf.Atom(function), parsed(t, tt.args, names)...)
			got := nobody
			if e, ok := errors.AsType[*Error](err); ok && e.Class == "error" {
				got = e.Reason.String()
			} else if ok {
				got = e.Error()
			} else if err != nil {
				got = err.Error()
			} else {
				got = v.String()
			}
			if got != tt.want && !(strings.HasSuffix(tt.want, ",") || strings.HasSuffix(tt.want, ",{")) || !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s%s: %s, want %s", tt.call, tt.args, got, tt.want)
			}
		}
		for _, item := range append(append([]etf.Atom(nil), processItems...), moreItems...) {
			v, err := Call[etf.Term](t.Context(), a, b.Name(), "erlang", "process_info", p.Self(), item)
			if tuple, ok := v.(etf.Tuple); err != nil || !ok || len(tuple) != 2 || tuple[0] != etf.Term(item) || tuple[1] == nil {
				t.Errorf("process_info(P, %v): %v, %v", item, v, err)
			}
		}
		monitors, err := Call[etf.List](t.Context(), a, b.Name(), "erlang", "process_info", p.Self(), etf.List{etf.Atom("monitors")})
		if text := monitors.String(); err != nil || !strings.Contains(text, fmt.Sprintf("{process,%v}", watched.Self())) || !strings.Contains(text, "{process,{rex,") {
			t.Error(monitors, err)
		}
		by, err := Call[etf.Term](t.Context(), a, b.Name(), "erlang", "process_info", watched.Self(), etf.Atom("monitored_by"))
		if want := fmt.Sprintf("{monitored_by,[%v]}", p.Self()); err != nil || by.String() != want {
			t.Errorf("%v, %v; want %s", by, err, want)
		}
		for _, item := range []etf.Atom{"version", "system_version", "system_architecture", "machine", "process_count", "process_limit", "port_count",
			"schedulers", "schedulers_online", "logical_processors", "logical_processors_available", "logical_processors_online", "smp_support", "threads"} {
			if v, err := Call[etf.Term](t.Context(), a, b.Name(), "erlang", "system_info", item); err != nil {
				t.Errorf("system_info(%v): %v, %v", item, v, err)
			}
		}
		items, err := Call[etf.List](t.Context(), a, b.Name(), "erlang", "memory")
		memory := map[etf.Term]etf.Int{}
		for _, item := range items {
			pair := item.(etf.Tuple)
			memory[pair[0]] = pair[1].(etf.Int)
		}
		if total := memory[etf.Atom("total")]; err != nil || len(memory) != 9 || memory[etf.Atom("processes_used")] <= 0 ||
			total != memory[etf.Atom("processes")]+memory[etf.Atom("system")] {
			t.Errorf("%v, %v", items, err)
		}
		for _, item := range []etf.Atom{"wall_clock", "garbage_collection"} {
			if v, err := Call[etf.Tuple](t.Context(), a, b.Name(), "erlang", "statistics", item); err != nil || len(v) < 2 {
				t.Errorf("statistics(%v): %v, %v", item, v, err)
			}
		}
		pids, err := Call[[]etf.Pid](t.Context(), a, b.Name(), "erlang", "processes")
		count, err2 := Call[int](t.Context(), a, b.Name(), "erlang", "system_info", etf.Atom("process_count"))
		if err != nil || err2 != nil || len(pids) != count {
			t.Error(len(pids), count, err, err2)
		}
		self, err := Call[etf.Pid](t.Context(), a, b.Name(), "erlang", "apply", etf.Export{Module: "erlang", Function: "self"}, etf.List{})
		if err != nil || self.Node != b.Name() {
			t.Error(self, err)
		}
	})
}
