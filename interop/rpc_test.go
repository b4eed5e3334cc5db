//go:build unix

package interop

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// Go calls functions on a BEAM node: what they return as Go values, and what they raise as *rpc.Error.
func TestRPCToBEAM(t *testing.T) {
	n, beam := pair(t)
	on := etf.Atom(beam.Name())
	ctx := t.Context()
	if sum, err := rpc.Call[int](ctx, n, on, "lists", "sum", []int{1, 2, 300}); err != nil || sum != 303 {
		t.Error(sum, err)
	}
	if name, err := rpc.Call[etf.Atom](ctx, n, on, "erlang", "node"); err != nil || name != on {
		t.Error(name, err)
	}
	big := strings.Repeat("0123456789", 300_000)
	if b, err := rpc.Call[string](ctx, n, on, "erlang", "iolist_to_binary", []string{big, "!"}); err != nil || b != big+"!" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for _, tt := range []struct {
		module, function etf.Atom
		args             []any
		class            etf.Atom
		reason, stack    string // the stack's beginning
	}{
		{"nomod", "nofun", []any{1}, "error", "undef", "[{nomod,nofun,[1],[]}"},
		{"lists", "nofun", nil, "error", "undef", "[{lists,nofun,[],[]}"},
		{"erlang", "error", []any{etf.Tuple{etf.Atom("a"), etf.Int(1)}}, "error", "{a,1}", "[{erlang,error,[{a,1}],[]}"},
		{"erlang", "exit", []any{etf.Atom("why")}, "exit", "why", ""},
		{"erlang", "throw", []any{etf.Atom("why")}, "throw", "why", ""},
		{"gen_server", "call", []any{etf.Atom("nobody"), 1}, "exit", "{noproc,{gen_server,call,[nobody,1]}}", ""},
	} {
		_, err := rpc.Call[etf.Term](ctx, n, on, tt.module, tt.function, tt.args...)
		e, ok := errors.AsType[*rpc.Error](err)
		if !ok || e.Class != tt.class || e.Reason.String() != tt.reason || tt.stack != "" && !strings.HasPrefix(e.Stack.String(), tt.stack) {
			t.Errorf("%s:%s: %v %+v", tt.module, tt.function, err, e)
		}
		if errors.Is(err, rpc.ErrUndef) != (tt.reason == "undef") {
			t.Errorf("%s:%s: %v", tt.module, tt.function, err)
		}
		_, err = rpc.BlockCall[etf.Term](ctx, n, on, tt.module, tt.function, tt.args...)
		if e, ok := errors.AsType[*rpc.Error](err); tt.class == "throw" {
			if err != nil {
				t.Error(err)
			}
		} else if !ok || e.Class != tt.class || e.Reason.String() != tt.reason {
			t.Errorf("block_call of %s:%s: %v", tt.module, tt.function, err)
		}
	}
	// A timeout, an abandoned process, and results of several nodes.
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := rpc.Call[etf.Term](short, n, on, "timer", "sleep", etf.Atom("infinity")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	results := rpc.Multicall[etf.Atom](ctx, n, []etf.Atom{on, "nosuch@127.0.0.1", n.Name()}, "erlang", "node")
	if results[0].Value != on || !errors.Is(results[1].Err, node.ErrNoConnection) || results[2].Value != n.Name() {
		t.Error(results)
	}
	p := n.Open(node.Register("receiver"))
	if err := rpc.Cast(ctx, p, on, "erlang", "send", p.Self(), etf.Atom("hello")); err != nil {
		t.Error(err)
	}
	await(t, p, "hello")

	// The node is killed: who waits hears of it at once.
	pending := rpc.Go[etf.Term](ctx, n, on, "timer", "sleep", etf.Atom("infinity"))
	pid, ref, err := p.SpawnOn(ctx, on, "timer", "sleep", []any{etf.Atom("infinity")}, node.SpawnOptions{Monitor: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rpc.Call[etf.Atom](ctx, n, on, "erlang", "node"); err != nil { // all of that has arrived
		t.Fatal(err)
	}
	beam.Kill()
	if _, err := pending.Wait(ctx); !errors.Is(err, node.ErrNoConnection) {
		t.Error(err)
	}
	if m, err := p.Receive(ctx); err != nil {
		t.Error(err)
	} else if down, ok := m.Down(); !ok || down.Ref != ref || down.Pid != pid || down.Reason != etf.Term(etf.Atom("noconnection")) {
		t.Error(m)
	}
}

// A BEAM node calls Go functions by all the ways that it has, and they hear when it waits no more.
func TestRPCToGo(t *testing.T) {
	n, beam := pair(t)
	started, stopped := make(chan struct{}, 10), make(chan error, 10)
	for name, f := range map[etf.Atom]any{
		"add":    func(a, b int) int { return a + b },
		"divide": func(_ context.Context, a, b int) (int, error) { return a / b, nil }, // panics for 0
		"fail":   func(what string) error { return errors.New(what) },
		"wait": func(ctx context.Context) {
			started <- struct{}{}
			<-ctx.Done()
			stopped <- context.Cause(ctx)
		},
	} {
		if err := rpc.Handle(n, "math", name, f); err != nil {
			t.Fatal(err)
		}
	}
	beam.Eval(t, "G = 'go@127.0.0.1', pong = net_adm:ping(G).")
	for _, tt := range []struct{ expr, want string }{
		{"rpc:call(G, math, add, [1, 2])", "3"},
		{"erpc:call(G, math, add, [1, 2])", "3"},
		{"rpc:block_call(G, math, add, [1, 2])", "3"},
		{"rpc:multicall([G, G], math, add, [1, 2])", "{[3,3],[]}"},
		{"rpc:yield(rpc:async_call(G, math, add, [1, 2]))", "3"},
		{"rpc:call(G, math, add, [1, x])", "{badrpc,{'EXIT',{function_clause,[{math,add,[1,x],[]}]}}}"},
		{"rpc:call(G, math, add, [1])", "{badrpc,{'EXIT',{undef,[{math,add,[1],[]}]}}}"},
		{"rpc:call(G, math, fail, [<<\"no disk\">>])", `{badrpc,{'EXIT',{{error,<<"no disk">>},[{math,fail,1,[]}]}}}`},
		{"{badrpc, {'EXIT', {R, [{_, _, 0, [{file, F}, {line, _}]} | _]}}} = rpc:call(G, math, divide, [1, 0]), {R, F}",
			`{{panic,<<"runtime error: integer divide by zero">>},"rpc_test.go"}`},
		{"{P1, M1} = spawn_opt(G, math, divide, [1, 0], [monitor]), receive {'DOWN', M1, process, P1, {R2, _}} -> R2 end",
			`{panic,<<"runtime error: integer divide by zero">>}`},
		{"erpc:call(G, math, wait, [], 50)", "timeout"},
		{"rpc:call(G, math, wait, [], 50)", "{badrpc,timeout}"},
		{"rpc:block_call(G, math, wait, [], 50)", "{badrpc,timeout}"},
		{"exit(spawn(fun() -> timer:sleep(50), exit(normal) end), none), {C, CM} = spawn_monitor(fun() -> rpc:call(G, math, wait, []) end), timer:sleep(50), exit(C, kill), receive {'DOWN', CM, _, _, W} -> W end", "killed"},
	} {
		got, err := beam.TryEval(tt.expr+".", 0)
		if e := (*otp.Exception)(nil); errors.As(err, &e) && strings.Contains(e.Text, "timeout") {
			got = "timeout"
		} else if err != nil {
			t.Error(err)
			continue
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.expr, got, tt.want)
		}
	}
	for range 4 {
		<-started
		if err := <-stopped; !errors.Is(err, node.ErrAbandoned) {
			t.Error(err)
		}
	}
	// Its end is that of every call.
	beam.Eval(t, "spawn(fun() -> rpc:call(G, math, wait, []) end), spawn(fun() -> rpc:block_call(G, math, wait, []) end), ok.")
	<-started
	<-started
	beam.Kill()
	for range 2 {
		if err := <-stopped; !errors.Is(err, node.ErrAbandoned) {
			t.Error(err)
		}
	}
}

// From iex: calls, and processes spawned by module and by capture. What is not there is undef, and says so.
func TestRPCFromIEx(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	n := goNode(t, "go@127.0.0.1", port)
	iex := install.IEx(t, otp.Options{Name: "iex@127.0.0.1", Cookie: cookie, EPMDPort: port})
	iex.Type(t, `go = :"go@127.0.0.1"`)
	rpc.Handle(n, "Elixir.Calc", "add", func(a, b int) int { return a + b })
	for _, tt := range []struct{ line, want string }{
		{`Node.connect(go)`, "true"},
		{`:rpc.call(go, :erlang, :nodes, [:this])`, `[:"go@127.0.0.1"]`},
		{`:erpc.call(go, :erlang, :node, [])`, `:"go@127.0.0.1"`},
		{`:erpc.call(go, Calc, :add, [1, 2])`, "3"},
		{`:erpc.call(go, &Node.self/0)`, `:"go@127.0.0.1"`},
		{`:rpc.call(go, Calc, :sub, [1, 2])`, "{:badrpc, {:EXIT, {:undef, [{Calc, :sub, [1, 2], []}]}}}"},
		{`:erpc.call(go, Calc, :sub, [1, 2])`, "** (ErlangError) Erlang error: {:exception, :undef, [{Calc, :sub, [1, 2], []}]}"},
		{`:erpc.multicall([go, node()], Node, :self, [])`, `[ok: :"go@127.0.0.1", ok: :"iex@127.0.0.1"]`},
		{`node(Node.spawn(go, Function, :identity, [1]))`, `:"go@127.0.0.1"`},
		{`node(Node.spawn(go, &Node.self/0))`, `:"go@127.0.0.1"`},
		{`{pid, ref} = Node.spawn(go, Process, :send_after_nothing, [1], [:monitor]); receive do {:DOWN, ^ref, _, ^pid, why} -> Process.sleep(500); why end`,
			"{:undef, [{Process, :send_after_nothing, [1], []}]}"},
		{`{pid, ref} = Node.spawn(go, :erlang, :exit, [:bye], [:monitor]); receive do {:DOWN, ^ref, _, ^pid, why} -> why end`, ":bye"},
		{`{_, ref} = Node.spawn(go, fn -> 1 end, [:monitor]); receive do {:DOWN, ^ref, _, _, {why, _}} -> Process.sleep(500); why end`, ":undef"},
		// Who spawns what fails reads it, as of another BEAM node.
		{`Node.spawn(go, Nothing, :here, [1]); Process.sleep(500)`, "(UndefinedFunctionError) function Nothing.here/1 is undefined"},
	} {
		if got := iex.Type(t, tt.line); !strings.Contains(got, tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

// What stock tools ask of a node (observer, etop, remote shells, PubSub): a Go node answers, or is undef or noproc at once, as a BEAM
// node without the tool is. Nothing waits.
func TestToolsFromIEx(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	goNode(t, "go@127.0.0.1", port)
	iex := install.IEx(t, otp.Options{Name: "iex@127.0.0.1", Cookie: cookie, EPMDPort: port})
	iex.Type(t, `go = :"go@127.0.0.1"; undef = fn m, f, a -> match?({:badrpc, {:EXIT, {:undef, [{^m, ^f, ^a, []} | _]}}}, :rpc.call(go, m, f, a)) end; :ok`)
	for _, tt := range []struct{ line, want string }{
		{`:net_adm.ping(go)`, ":pong"},
		{`{:ok, names} = :net_adm.names(); names |> Enum.map(&to_string(elem(&1, 0))) |> Enum.sort()`, `["go", "iex"]`},
		{`:rpc.call(go, :erlang, :memory, [:total]) > 0`, "true"},
		{`Keyword.keys(:rpc.call(go, :erlang, :memory, [])) |> length`, "9"},
		{`:rpc.call(go, :erlang, :system_info, [:process_count]) > 5`, "true"},
		{`is_list(:rpc.pinfo(:rpc.call(go, :erlang, :whereis, [:rex])))`, "true"},
		{`for f <- [:sys_info, :vsn], do: undef.(:observer_backend, f, [])`, "[true, true]"},
		{`undef.(:application, :which_applications, [])`, "true"},
		{`undef.(:init, :stop, [])`, "true"},
		{`:rpc.call(go, :code, :ensure_loaded, [IEx])`, "{:error, :nofile}"},
		{`:rpc.call(go, :code, :which, [:observer_backend])`, ":non_existing"},
		{`for n <- [:application_controller, :code_server, :init, :kernel_sup, :logger], do: (try do GenServer.call({n, go}, :x) catch :exit, {r, _} -> r end)`,
			"[:noproc, :noproc, :noproc, :noproc, :noproc]"},
		{`:rpc.multicall([node(), go], :erlang, :node, [])`, `{[:"iex@127.0.0.1", :"go@127.0.0.1"], []}`},
		{`:rpc.abcast([go], :nobody, :hello)`, ":abcast"},
		{`:rpc.sbcast([go], :nobody, :hello)`, `{[], [:"go@127.0.0.1"]}`},
		{`:rpc.block_call(go, :erlang, :node, [])`, `:"go@127.0.0.1"`},
		{`:rpc.yield(:rpc.async_call(go, :erlang, :node, []))`, `:"go@127.0.0.1"`},
		{`elem(:rpc.call(go, :global, :info, []), 0)`, ":state"},
		{`:pg.start_link(); :pg.join(:room, self()); :rpc.call(go, :pg, :get_members, [:room]) in [[], [self()]]`, "true"},
	} {
		if got := iex.Type(t, tt.line); !strings.Contains(got, tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, tt.want)
		}
	}
}

// Elixir's Task.Supervisor with a Go node behind it: tasks run there, and their results, failures and ends come back.
func TestTaskSupervisorFromIEx(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	n := goNode(t, "go@127.0.0.1", port)
	iex := install.IEx(t, otp.Options{Name: "iex@127.0.0.1", Cookie: cookie, EPMDPort: port})
	tasks, err := rpc.StartTasks(n, node.Register("tasks"))
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 10)
	attempts := make(chan int, 10)
	attempts <- 0
	rpc.Handle(n, "Elixir.Calc", "add", func(a, b int) int { return a + b })
	rpc.Handle(n, "Elixir.Calc", "wait", func(ctx context.Context, p *node.Process, tell etf.Pid) {
		p.Send(tell, etf.Atom("started"))
		<-ctx.Done()
		stopped <- context.Cause(ctx)
	})
	rpc.Handle(n, "Elixir.Calc", "second", func() error {
		a := <-attempts
		attempts <- a + 1
		if a == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	iex.Type(t, `Process.flag(:trap_exit, true); sup = {:tasks, :"go@127.0.0.1"}; {:ok, _} = Task.Supervisor.start_link(name: :here)`)
	for _, tt := range []struct{ line, want string }{
		{`Task.Supervisor.async(sup, Calc, :add, [1, 2]) |> Task.await()`, "3"},
		{`Task.Supervisor.async(sup, &Node.self/0) |> Task.await()`, `:"go@127.0.0.1"`},
		{`Task.Supervisor.async_nolink(sup, Calc, :add, [1, 2]) |> Task.await()`, "3"},
		{`1..3 |> Enum.map(&Task.Supervisor.async(sup, Calc, :add, [&1, 1000])) |> Enum.map(&Task.await/1)`, "[1001, 1002, 1003]"},
		{`Task.Supervisor.async_stream(sup, 1..3, Calc, :add, [10]) |> Enum.to_list()`, "[ok: 11, ok: 12, ok: 13]"},
		{`t = Task.Supervisor.async_nolink(sup, Calc, :sub, [1, 2]); {:exit, {why, [where | _]}} = Task.yield(t); {why, where}`, "{:undef, {Calc, :sub, [1, 2], []}}"},
		{`t = Task.Supervisor.async_nolink(sup, fn -> 1 end); {:exit, {why, _}} = Task.yield(t); why`, ":undef"},
		{`t = Task.Supervisor.async_nolink(sup, :erlang, :exit, [:bye]); Task.yield(t)`, "{:exit, :bye}"},
		{`{:ok, pid} = Task.Supervisor.start_child(sup, :erlang, :send, [self(), :started]); receive do :started -> node(pid) end`, `:"go@127.0.0.1"`},
		{`{:ok, pid} = Task.Supervisor.start_child(sup, Calc, :wait, [self()]); receive do :started -> 1 end; Task.Supervisor.children(sup) == [pid]`, "true"},
		{`Task.Supervisor.terminate_child(sup, pid)`, ":ok"},
		{`{Task.Supervisor.children(sup), Task.Supervisor.terminate_child(sup, pid)}`, "{[], {:error, :not_found}}"},
		{`t = Task.Supervisor.async_nolink(sup, Calc, :wait, [self()]); receive do :started -> Task.shutdown(t) end`, "nil"},
		{`spawn(fn -> Task.Supervisor.async_nolink(sup, Calc, :wait, [self()]); receive do :started -> 1 end end); :done`, ":done"},
		{`{:ok, _} = Task.Supervisor.start_child(sup, Calc, :second, [], restart: :transient); :done`, ":done"},
	} {
		if got := iex.Type(t, tt.line); !strings.Contains(got, tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, tt.want)
		}
	}
	for range 3 { // the one terminated, the one shut down, the one whose owner has ended
		<-stopped
	}
	for a := range attempts { // it fails, is started again, and is content
		if a == 2 {
			break
		}
		attempts <- a
	}
	if !n.Alive(tasks) {
		t.Error("the supervisor has ended")
	}
}

// What code prints appears where the user sits: in iex for what iex spawns on a Go node, on Config.Output for what a Go program
// calls on a BEAM node.
func TestOutput(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	out := &output{}
	n := goNode(t, "go@127.0.0.1", port, func(c *erlnode.Config) { c.Output, c.Input = out, strings.NewReader("a line\n") })
	iex := install.IEx(t, otp.Options{Name: "iex@127.0.0.1", Cookie: cookie, EPMDPort: port})
	iex.Type(t, `go = :"go@127.0.0.1"`)
	for _, tt := range []struct{ line, want string }{
		{`Node.spawn(go, IO, :puts, ["hello from there"]); Process.sleep(300)`, "hello from there"},
		{`Node.spawn(go, IO, :inspect, [%{a: [1, nil]}]); Process.sleep(300)`, "%{a: [1, nil]}"},
		{`Node.spawn(go, :io, :format, ["~p and ~s~n", [{:a, 1}, "text"]]); Process.sleep(300)`, "{a,1} and text"},
		{`:rpc.call(go, IO, :puts, ["called"])`, "called\r\n:ok"},
		{`:erpc.call(go, IO, :inspect, [[1, :b]])`, "[1, :b]"},
		{`IO.puts(:erpc.call(go, :erlang, :whereis, [:user]), "to its own")`, ":ok"},
	} {
		if got := iex.Type(t, tt.line); !strings.Contains(strings.ReplaceAll(got, "\r\n", "\n"), strings.ReplaceAll(tt.want, "\r\n", "\n")) {
			t.Errorf("%s\n got %q\nwant %s", tt.line, got, tt.want)
		}
	}
	if got := out.take(); got != "to its own\n" {
		t.Errorf("%q", got)
	}
	// What is read is read from who called.
	if err := iex.TypeOnly(`:rpc.call(go, IO, :gets, ["what? "])`); err != nil {
		t.Fatal(err)
	}
	if _, err := iex.TryAwait("what?", 0); err != nil {
		t.Fatal(err)
	}
	if got := iex.Type(t, "this"); !strings.Contains(got, `"this\n"`) {
		t.Error(got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	on := etf.Atom("iex@127.0.0.1")
	for _, tt := range []struct {
		module, function etf.Atom
		args             []any
		want             string
	}{
		{"Elixir.IO", "puts", []any{"printed"}, "printed\n"},
		{"Elixir.IO", "inspect", []any{[]int{1, 2}}, "[1, 2]\n"},
		{"io", "format", []any{etf.Charlist("~p~n"), []any{etf.Tuple{etf.Atom("a"), etf.Int(1)}}}, "{a,1}\n"},
		{"io", "put_chars", []any{"chars"}, "chars"},
		{"Elixir.IO", "gets", []any{"? "}, "? "},
	} {
		v, err := rpc.Call[etf.Term](ctx, n, on, tt.module, tt.function, tt.args...)
		if got := out.take(); err != nil || got != tt.want {
			t.Errorf("%s:%s prints %q, want %q; %v, %v", tt.module, tt.function, got, tt.want, v, err)
		}
		if tt.function == "gets" && v.String() != `<<"a line\n">>` {
			t.Error(v)
		}
	}
}

// output is what a test reads while others write.
type output struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.b.Reset()
	return o.b.String()
}
