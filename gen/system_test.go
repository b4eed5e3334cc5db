package gen_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// stock is a server without methods for sys: what etf.Marshal makes of it is its state.
type stock struct {
	Item   string `etf:"item"`
	Left   int    `etf:"left"`
	secret int
}

func (s *stock) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	var n int
	if request.Decode(&n) != nil {
		return gen.NoReply, nil
	}
	s.Left -= n
	return s.Left, nil
}

func ask(t *testing.T, n *node.Node, to any, request string) string {
	t.Helper()
	r, err := etf.Parse(request)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gen.System[etf.Term](t.Context(), n, to, r)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return got.String()
}

// What sys answers, in the words of a BEAM node's gen_server (sys.erl).
func TestSystemReplies(t *testing.T) {
	a := start(t, "a@test")[0]
	pid, err := gen.Start(a, &stock{Item: "nail", Left: 10}, node.Register("stock"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ request, want string }{
		{"get_state", `#{item => <<"nail">>,left => 10}`},
		{"{replace_state,fun nomod:f/1}", "{error,{callback_failed,{gen_server,system_replace_state},{error,undef}}}"},
		{"{replace_state,fun lists:map/2}", `{error,{callback_failed,{gen_server,system_replace_state},{error,{badarity,{fun lists:map/2,[#{item => <<"nail">>,left => 10}]}}}}}`},
		{"{replace_state,no_fun}", "{error,{callback_failed,{gen_server,system_replace_state},{error,{badfun,no_fun}}}}"},
		{"{change_code,m,1,x}", "{error,{unknown_system_msg,{change_code,m,1,x}}}"},
		{"whatever", "{error,{unknown_system_msg,whatever}}"},
		{"{a,b,c}", "{error,{unknown_system_msg,{a,b,c}}}"},
		{"{}", "{error,{unknown_system_msg,{}}}"},
		{"17", "{error,{unknown_system_msg,17}}"},
		{"suspend", "ok"},
		{"get_state", `#{item => <<"nail">>,left => 10}`},
		{"{change_code,m,1,x}", `{error,{'EXIT',{undef,[{'gen_test.stock',code_change,[1,#{item => <<"nail">>,left => 10},x],[]}]}}}`},
		{"resume", "ok"},
		{"{debug,{statistics,get}}", "{ok,no_statistics}"},
		{"{debug,{log,get}}", "{ok,[]}"},
		{"{debug,{log,{true,3}}}", "ok"},
		{"{debug,{log,{true,0}}}", "unknown_debug"},
		{"{debug,{statistics,true}}", "ok"},
		{"{debug,{log_to_file,\"/tmp/no\"}}", "{error,open_file}"},
		{"{debug,{log_to_file,false}}", "ok"},
		{"{debug,{install,{fun nomod:f/3,0}}}", "ok"},
		{"{debug,{remove,nobody}}", "ok"},
		{"{debug,nonsense}", "unknown_debug"},
	}
	for _, tt := range tests {
		if got := ask(t, a, pid, tt.request); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.request, got, tt.want)
		}
	}
	if _, err := gen.Call[int](t.Context(), a, pid, 1); err != nil {
		t.Fatal(err)
	}
	gen.Cast(t.Context(), a, pid, etf.Atom("one"))
	a.SendContext(t.Context(), pid, etf.Atom("two"))
	got := ask(t, a, pid, "{debug,{log,get}}")
	if want := `{ok,[{noreply,#{item => <<"nail">>,left => 9}},{in,two},{noreply,#{item => <<"nail">>,left => 9}}]}`; got != want {
		t.Errorf("log: %s, want %s", got, want)
	}
	if got := ask(t, a, pid, "{debug,{statistics,get}}"); !strings.HasSuffix(got, "{messages_in,3},{messages_out,1}]}") {
		t.Error(got)
	}
	status := ask(t, a, etf.Atom("stock"), "get_status")
	for _, want := range []string{"{status," + pid.String() + ",{module,gen_server},", "{'$initial_call',{'gen_test.stock',init,1}}",
		`{header,"Status for generic server stock"}`, `{"Status",running}`, `{data,[{"State",#{item => <<"nail">>,left => 9}}]}]]}`} {
		if !strings.Contains(status, want) {
			t.Errorf("get_status has no %s: %s", want, status)
		}
	}
	if got := ask(t, a, pid, "{debug,no_debug}") + ask(t, a, pid, "{debug,{log,get}}"); got != "ok{ok,[]}" {
		t.Error(got)
	}
}

// A suspended server lets everything wait but sys, and its end is not put off.
func TestSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := node.Start(t.Context(), "a@test", node.Config{Cookie: "secret", NoListen: true})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		pid, _ := gen.Start(a, &stock{Left: 10})
		ask(t, a, pid, "suspend")
		got := make(chan string)
		var order [3]chan int
		for i := range order {
			order[i] = make(chan int, 1)
			go func() {
				n, err := gen.Call[int](t.Context(), a, pid, 1)
				if err != nil {
					t.Error(err)
				}
				order[i] <- n
			}()
			synctest.Wait() // each is in the mailbox before the next
			if s := ask(t, a, pid, "get_state"); !strings.Contains(s, "left => 10") {
				t.Error(i, s)
			}
		}
		ask(t, a, pid, "resume")
		for i := range order {
			if n := <-order[i]; n != 9-i {
				t.Errorf("call %d: %d, want %d", i, n, 9-i)
			}
		}
		ask(t, a, pid, "suspend")
		go func() {
			_, err := gen.Call[int](t.Context(), a, pid, 1)
			got <- fmt.Sprint(errors.AsType[*node.ExitError](err))
		}()
		synctest.Wait()
		if err := gen.Stop(t.Context(), a, pid, etf.Atom("over")); err != nil {
			t.Error(err)
		}
		if s := <-got; s != "exit: over true" {
			t.Error(s)
		}
	})
}

// vault shows and takes what it wants to as its state.
type vault struct {
	stock
	versions []string
}

func (v *vault) State() any { return etf.Tuple{etf.Atom("vault"), etf.Int(v.Left)} }

func (v *vault) SetState(state etf.Raw) error {
	var s struct {
		_    struct{} `etf:"vault,tuple"`
		Left int
	}
	if err := state.Decode(&s); err != nil {
		return err
	}
	v.Left = s.Left
	return nil
}

func (v *vault) CodeChange(vsn, extra etf.Term) error {
	if vsn == etf.Term(etf.Atom("bad")) {
		return node.Exit(extra)
	}
	v.versions = append(v.versions, vsn.String())
	return nil
}

func TestOwnState(t *testing.T) {
	a := start(t, "a@test")[0]
	a.Offer("m", "double", 1, func(_ context.Context, _ *node.Process, args []etf.Raw) (any, error) {
		v, err := etf.As[etf.Tuple](args[0])
		if err != nil {
			return nil, err
		}
		return etf.Tuple{v[0], 2 * v[1].(etf.Int)}, nil
	})
	a.Offer("m", "spoil", 1, func(context.Context, *node.Process, []etf.Raw) (any, error) { return "no vault", nil })
	a.Offer("m", "throw", 1, func(context.Context, *node.Process, []etf.Raw) (any, error) {
		return nil, &node.Exception{Class: "throw", Reason: etf.Atom("ball")}
	})
	pid, _ := gen.Start(a, &vault{stock: stock{Left: 5, secret: 1}})
	for _, tt := range [][2]string{
		{"get_state", "{vault,5}"},
		{"{replace_state,fun m:double/1}", "{vault,10}"},
		{"{replace_state,fun m:throw/1}", "{error,{callback_failed,{gen_server,system_replace_state},{throw,ball}}}"},
		{"get_state", "{vault,10}"},
		{"suspend", "ok"},
		{"{change_code,m,\"1\",x}", "ok"},
		{"{change_code,m,bad,why}", "{error,why}"},
		{"resume", "ok"},
	} {
		if got := ask(t, a, pid, tt[0]); got != tt[1] {
			t.Errorf("%s: %s, want %s", tt[0], got, tt[1])
		}
	}
	if got := ask(t, a, pid, "{replace_state,fun m:spoil/1}"); !strings.HasPrefix(got, "{error,{callback_failed,") {
		t.Error(got)
	}
	if got := ask(t, a, pid, "get_state"); got != "{vault,10}" {
		t.Errorf("after a state that does not fit: %s", got)
	}
}

// sleepy is a server that has more to prepare, and does something when nobody comes.
type sleepy struct {
	stock
	log chan string
}

func (s *sleepy) HandleContinue(*node.Process) error { s.log <- "continued"; return nil }
func (s *sleepy) Idle() time.Duration                { return time.Duration(s.Left) * time.Second }
func (s *sleepy) HandleIdle(*node.Process) error     { s.Left = 0; s.log <- "idle"; return nil }

func TestContinueAndIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := node.Start(t.Context(), "a@test", node.Config{Cookie: "secret", NoListen: true})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		s := &sleepy{stock{Left: 10}, make(chan string)}
		begin := time.Now()
		pid, err := gen.Start(a, s)
		if got := <-s.log; err != nil || got != "continued" {
			t.Fatal(got, err)
		}
		time.Sleep(5 * time.Second)
		gen.Call[int](t.Context(), a, pid, 1) // 9 s from here
		if got := <-s.log; got != "idle" || time.Since(begin) != 14*time.Second {
			t.Error(got, time.Since(begin))
		}
		time.Sleep(time.Hour) // 0 is for ever
		if n, err := gen.Call[int](t.Context(), a, pid, 0); n != 0 || err != nil {
			t.Error(n, err)
		}
	})
}

// The exit of its parent ends a server that traps exits, as OTP has it; those of others are messages.
func TestParentExits(t *testing.T) {
	a := start(t, "a@test")[0]
	log := make(chan string, 2)
	parent, other := a.Open(), a.Open()
	pid, err := gen.Start(a, &bank{log: log}, node.TrapExit(), node.Linked(parent))
	if err != nil {
		t.Fatal(err)
	}
	other.SendExit(pid, etf.Atom("hello"))
	if got, want := <-log, "{'EXIT',"+other.Self().String()+",hello}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	parent.Exit(etf.Atom("bye"))
	if got := <-log; got != "terminated: exit: bye" {
		t.Error(got)
	}
}

// supervisor:which_children/1 and the like, in the words of supervisor.erl.
func TestSupervisorCalls(t *testing.T) {
	a := start(t, "a@test")[0]
	child := func(id string, restart gen.Restart) gen.Child {
		return gen.Child{ID: id, Restart: restart, Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(a, &stock{}, node.Linked(sup), node.Register(etf.Atom(id)))
		}}
	}
	sup, err := gen.StartSupervisor(a, gen.SupervisorConfig{},
		[]gen.Child{child("a", gen.Permanent), child("b", gen.Temporary), {ID: "c", Restart: gen.Transient, Shutdown: etf.Infinity,
			Supervisor: true, Modules: []etf.Atom{"m"}, Start: child("c", 0).Start}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ request, want string }{
		{"which_children", "[{c,$c,supervisor,[m]},{b,$b,worker,[gen_server]},{a,$a,worker,[gen_server]}]"},
		{"count_children", "[{specs,3},{active,3},{supervisors,1},{workers,2}]"},
		{"{get_childspec,a}", "{ok,#{id => a,modules => [gen_server],restart => permanent,shutdown => 5000,significant => false,start => {erlnode,start_child,[a]},type => worker}}"},
		{"{get_childspec,x}", "{error,not_found}"},
		{"{which_child,c}", "{ok,{c,$c,supervisor,[m]}}"},
		{"{restart_child,a}", "{error,running}"},
		{"{delete_child,a}", "{error,running}"},
		{"{terminate_child,a}", "ok"},
		{"{terminate_child,b}", "ok"},
		{"which_children", "[{c,$c,supervisor,[m]},{a,undefined,worker,[gen_server]}]"},
		{"count_children", "[{specs,2},{active,1},{supervisors,1},{workers,1}]"},
		{"{delete_child,a}", "ok"},
		{"{delete_child,a}", "{error,not_found}"},
		{"{start_child,foo}", "{error,{invalid_child_spec,foo}}"},
		{"{start_child,#{id => z}}", "{error,missing_start}"},
		{"{start_child,#{id => z,start => {a,b}}}", "{error,{invalid_mfa,{a,b}}}"},
		{"{start_child,#{id => z,start => {a,b,[]},restart => x}}", "{error,{invalid_restart_type,x}}"},
		{"{start_child,#{id => z,start => {a,b,[]},type => x}}", "{error,{invalid_child_type,x}}"},
		{"{start_child,{z,{a,b,[]},permanent,-1,worker,[x]}}", "{error,{invalid_shutdown,-1}}"},
		{"{start_child,{z,{a,b,[]},permanent,brutal_kill,worker,[1]}}", "{error,{invalid_modules,[1]}}"},
		{"{start_child,{z,{nomod,f,[1]},transient,infinity,worker,dynamic}}", "{error,{{'EXIT',{undef,[{nomod,f,[1],[]}]}},{child,undefined,z,{nomod,f,[1]},transient,false,infinity,worker,[nomod]}}}"},
		{"{start_child,#{id => c,start => {a,b,[]}}}", "{error,{already_started,$c}}"},
		{"nonsense", "{error,function_clause}"},
	}
	for _, tt := range tests {
		request, err := etf.Parse(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []etf.Atom{"a", "b", "c"} {
			if pid, ok := a.Whereis(name); ok {
				tt.want = strings.ReplaceAll(tt.want, "$"+string(name), pid.String())
			}
		}
		got, err := gen.Call[etf.Term](t.Context(), a, sup, request)
		if err != nil || got.String() != tt.want {
			t.Errorf("%s: %v, %v, want %s", tt.request, got, err, tt.want)
		}
	}
	if got := ask(t, a, sup, "get_state"); !strings.Contains(got, "one_for_one") {
		t.Error(got)
	}
	if got, err := gen.Call[etf.Term](context.Background(), a, sup, etf.Tuple{etf.Atom("terminate_child"), etf.Atom("c")}); err != nil || got.String() != "ok" {
		t.Error(got, err)
	}
	old := etf.Tuple{etf.Atom("restart_child"), etf.Atom("c")}
	if got, err := gen.Call[etf.Result[etf.Pid]](t.Context(), a, sup, old); err != nil || !a.Alive(got.Value) {
		t.Error(got, err)
	}
}
