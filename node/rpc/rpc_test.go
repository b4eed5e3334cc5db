package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/handshake"
	"github.com/erlnode/erlnode/node"
)

// nodes starts nodes that find each other without an EPMD; the last serves rpc.
func nodes(t testing.TB, change func(*node.Config), names ...string) []*node.Node {
	t.Helper()
	ports := map[string]int{}
	var all []*node.Node
	for _, name := range names {
		cfg := node.Config{Cookie: "secret", EPMD: node.EPMDNone, Listen: "127.0.0.1:0",
			Resolve: func(_ context.Context, name string) (string, error) {
				if ports[name] == 0 {
					return "", errors.New("no such node")
				}
				return net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[name])), nil
			}}
		if change != nil {
			change(&cfg)
		}
		n, err := node.Start(t.Context(), name, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		all = append(all, n)
	}
	for i, n := range all {
		ports[names[i]] = n.Port()
	}
	if err := Start(all[len(all)-1]); err != nil {
		t.Fatal(err)
	}
	return all
}

// both runs a test inside one node and across two: b is a itself or a peer of it.
func both(t *testing.T, f func(t *testing.T, a, b *node.Node)) {
	t.Run("one node", func(t *testing.T) {
		n := nodes(t, nil, "a@test")
		f(t, n[0], n[0])
	})
	t.Run("two nodes", func(t *testing.T) {
		n := nodes(t, nil, "a@test", "b@test")
		f(t, n[0], n[1])
	})
}

type user struct {
	Name string `etf:"name"`
	Age  int    `etf:"age"`
}

// offers are the handlers that the tests call.
func offers(t testing.TB, n *node.Node) {
	t.Helper()
	for name, f := range map[etf.Atom]any{
		"add":     func(_ context.Context, a, b int) (int, error) { return a + b, nil },
		"older":   func(u user) user { u.Age++; return u },
		"nothing": func() {},
		"fail":    func() error { return errors.New("no disk") },
		"reason":  func() (int, error) { return 0, ErrorOf(etf.Atom("badarith")) },
		"exit":    func() error { return fmt.Errorf("because: %w", Exit(etf.Atom("enough"))) },
		"throw":   func() (string, error) { return "", Throw([]int{1, 2}) },
		"noproc": func(p *node.Process) error {
			_, err := gen.Call[int](p.Context(), p, etf.Atom("nobody"), 1)
			return err
		},
		"panics": func(a []int) int { return a[1] },
		"chan":   func() chan int { return make(chan int) },
		"self":   func(_ context.Context, p *node.Process) etf.Pid { return p.Self() },
		"die":    func(p *node.Process) { p.Exit(etf.Atom("died")) },
		"term":   func(v etf.Term) etf.Term { return v },
	} {
		if err := Handle(n, "m", name, f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCall(t *testing.T) {
	both(t, func(t *testing.T, a, b *node.Node) {
		offers(t, b)
		on := b.Name()
		if sum, err := Call[int](t.Context(), a, on, "m", "add", 1, 2); err != nil || sum != 3 {
			t.Error(sum, err)
		}
		if u, err := Call[user](t.Context(), a, on, "m", "older", user{"Ann", 41}); err != nil || u != (user{"Ann", 42}) {
			t.Error(u, err)
		}
		p := a.Open()
		if pid, err := Call[etf.Pid](t.Context(), p, on, "m", "self"); err != nil || pid.Node != on || pid == p.Self() {
			t.Error(pid, err)
		}
		if leader, err := Call[etf.Pid](t.Context(), p, on, "erlang", "group_leader"); err != nil || leader != p.GroupLeader() {
			t.Error(leader, err)
		}
		if _, err := Call[string](t.Context(), a, on, "m", "add", 1, 2); err == nil || !strings.Contains(err.Error(), "rpc: m:add/2 on "+string(on)+": ") {
			t.Error("an int as a string:", err)
		}
		if _, err := Call[int](t.Context(), a, on, "m", "add", 1, make(chan int)); err == nil {
			t.Error("a channel as an argument")
		}
		if v, err := Call[etf.Atom](t.Context(), a, on, "m", "nothing"); err != nil || v != "ok" {
			t.Error(v, err)
		}
	})
}

// What goes wrong over there has the same class, reason and stack, by whichever way it is called.
func TestErrors(t *testing.T) {
	tests := []struct {
		module, function etf.Atom
		args             []any
		class            etf.Atom
		reason, stack    string
	}{
		{"m", "fail", nil, "error", `{error,<<"no disk">>}`, "[{m,fail,0,[]}]"},
		{"m", "reason", nil, "error", "badarith", "[{m,reason,0,[]}]"},
		{"m", "exit", nil, "exit", "enough", ""},
		{"m", "throw", nil, "throw", "[1,2]", ""},
		{"m", "noproc", nil, "exit", "noproc", ""},
		{"m", "add", []any{1, "x"}, "error", "function_clause", `[{m,add,[1,<<"x">>],[]}]`},
		{"m", "add", []any{1}, "error", "undef", "[{m,add,[1],[]}]"},
		{"nomod", "nofun", []any{"x"}, "error", "undef", `[{nomod,nofun,[<<"x">>],[]}]`},
		{"m", "panics", []any{[]int{1}}, "error", `{panic,<<"runtime error: index out of range [1] with length 1">>}`, "…{m,panics,1,[]}]"},
		{"m", "chan", nil, "error", `{bad_return_value,<<"etf: cannot encode (chan int): this kind of value has no encoding">>}`, "[{m,chan,[],[]}]"},
		{"erlang", "error", []any{etf.Atom("why")}, "error", "why", "[{erlang,error,[why],[]}]"},
		{"erlang", "apply", []any{etf.Atom("nomod"), etf.Atom("f"), etf.List{}}, "error", "undef", "[{nomod,f,[],[]},{erlang,apply,3,[]}]"},
		{"erlang", "apply", []any{1, 2, 3}, "error", "badarg", "[{erlang,apply,[1,2,3],[{error_info,#{module => erl_erts_errors}}]}]"},
		{"erlang", "whereis", []any{1}, "error", "badarg", "[{erlang,whereis,[1],[{error_info,#{module => erl_erts_errors}}]}]"},
	}
	ways := map[string]func(t *testing.T, a *node.Node, on etf.Atom, m, f etf.Atom, args []any) (etf.Term, error){
		"erpc": func(t *testing.T, a *node.Node, on, m, f etf.Atom, args []any) (etf.Term, error) {
			return Call[etf.Term](t.Context(), a, on, m, f, args...)
		},
		"rex": func(t *testing.T, a *node.Node, on, m, f etf.Atom, args []any) (etf.Term, error) {
			list, err := argList(args)
			if err != nil {
				return nil, err
			}
			raw, err := rexCall(t.Context(), a, "call", on, m, f, list)
			if err != nil {
				return nil, &CallError{on, m, f, len(args), err}
			}
			return raw.Term()
		},
		"rex, blocking": func(t *testing.T, a *node.Node, on, m, f etf.Atom, args []any) (etf.Term, error) {
			return BlockCall[etf.Term](t.Context(), a, on, m, f, args...)
		},
	}
	both(t, func(t *testing.T, a, b *node.Node) {
		offers(t, b)
		for way, call := range ways {
			for _, tt := range tests {
				v, err := call(t, a, b.Name(), tt.module, tt.function, tt.args)
				if tt.class == "throw" && way != "erpc" { // rex returns it
					if err != nil || v.String() != tt.reason {
						t.Errorf("%s, %s:%s: %v, %v", way, tt.module, tt.function, v, err)
					}
					continue
				}
				e, ok := errors.AsType[*Error](err)
				if !ok {
					t.Errorf("%s, %s:%s: %v, %v", way, tt.module, tt.function, v, err)
					continue
				}
				stack := ""
				if e.Stack != nil {
					stack = e.Stack.String()
				}
				if after, rest := strings.CutPrefix(tt.stack, "…"); rest {
					if !strings.HasSuffix(stack, after) || !strings.Contains(stack, `{file,"rpc_test.go"}`) {
						t.Errorf("%s, %s:%s: stack %s", way, tt.module, tt.function, stack)
					}
					stack = tt.stack
				}
				if e.Class != tt.class || e.Reason.String() != tt.reason || stack != tt.stack {
					t.Errorf("%s, %s:%s:\n got %s:%v %s\nwant %s:%s %s", way, tt.module, tt.function, e.Class, e.Reason, stack, tt.class, tt.reason, tt.stack)
				}
				if undef := tt.reason == "undef" && tt.module != "erlang"; errors.Is(err, ErrUndef) != undef {
					t.Errorf("%s, %s:%s: errors.Is ErrUndef is %v", way, tt.module, tt.function, !undef)
				}
			}
		}
	})
}

// A process that a signal ends is no exception.
func TestSignalled(t *testing.T) {
	both(t, func(t *testing.T, a, b *node.Node) {
		offers(t, b)
		_, err := Call[etf.Term](t.Context(), a, b.Name(), "m", "die")
		if e, ok := errors.AsType[*node.ExitError](err); !ok || e.Reason.String() != "died" {
			t.Error(err)
		}
		list, _ := argList(nil)
		_, err = rexCall(t.Context(), a, "call", b.Name(), "m", "die", list)
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != "exit" || e.Reason.String() != "died" {
			t.Error(err)
		}
	})
}

// The handler's context ends with its caller's: cancelled, exited, or disconnected.
func TestAbandoned(t *testing.T) {
	n := nodes(t, nil, "a@test", "b@test")
	a, b := n[0], n[1]
	started, stopped := make(chan struct{}), make(chan error)
	Handle(b, "m", "wait", func(ctx context.Context) {
		started <- struct{}{}
		<-ctx.Done()
		stopped <- context.Cause(ctx)
	})
	list, _ := argList(nil)
	kinds := map[string]func(ctx context.Context, c Caller) error{
		"erpc": func(ctx context.Context, c Caller) error {
			_, err := Call[etf.Term](ctx, c, "b@test", "m", "wait")
			return err
		},
		"rex": func(ctx context.Context, c Caller) error {
			_, err := rexCall(ctx, c, "call", "b@test", "m", "wait", list)
			return err
		},
		"block": func(ctx context.Context, c Caller) error {
			_, err := BlockCall[etf.Term](ctx, c, "b@test", "m", "wait")
			return err
		},
	}
	for kind, call := range kinds {
		done := make(chan error)
		p := a.Open()
		go func() { done <- call(t.Context(), p) }()
		<-started
		p.Exit(etf.Atom("gone"))
		if e, ok := errors.AsType[*node.ExitError](<-done); !ok || e.Reason.String() != "gone" {
			t.Errorf("%s, the caller exits: %v", kind, e)
		}
		if err := <-stopped; !errors.Is(err, node.ErrAbandoned) {
			t.Errorf("%s, the caller exits: %v", kind, err)
		}
		go func() { done <- call(t.Context(), a) }()
		<-started
		a.Disconnect("b@test")
		if err := <-done; !errors.Is(err, node.ErrNoConnection) {
			t.Errorf("%s, the connection is lost: %v", kind, err)
		}
		if err := <-stopped; !errors.Is(err, node.ErrAbandoned) {
			t.Errorf("%s, the connection is lost: %v", kind, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() { done <- kinds["erpc"](ctx, a) }()
	<-started
	cancel(errors.New("enough"))
	if err := <-done; err == nil || !strings.HasSuffix(err.Error(), ": enough") {
		t.Error(err)
	}
	if err := <-stopped; !errors.Is(err, node.ErrAbandoned) {
		t.Error(err)
	}
}

func TestNoConnection(t *testing.T) {
	a := nodes(t, nil, "a@test")[0]
	for _, err := range []error{
		func() error { _, err := Call[int](t.Context(), a, "none@test", "m", "f"); return err }(),
		func() error { _, err := BlockCall[int](t.Context(), a, "none@test", "m", "f"); return err }(),
		Cast(t.Context(), a, "none@test", "m", "f"),
	} {
		if !errors.Is(err, node.ErrNoConnection) {
			t.Error(err)
		}
	}
}

// A peer without SPAWN_REQUEST is called over rex; one without rex cannot be.
func TestNoSpawn(t *testing.T) {
	n := nodes(t, func(c *node.Config) { c.Flags = handshake.Default &^ handshake.Spawn }, "a@test", "b@test")
	a, b := n[0], n[1]
	offers(t, b)
	if sum, err := Call[int](t.Context(), a, "b@test", "m", "add", 1, 2); err != nil || sum != 3 {
		t.Error(sum, err)
	}
	if _, err := Call[int](t.Context(), a, "b@test", "m", "nofun"); !errors.Is(err, ErrUndef) {
		t.Error(err)
	}
	if _, err := Call[int](t.Context(), b, "a@test", "m", "f"); !errors.Is(err, node.ErrNotSup) {
		t.Error(err)
	}
	got := make(chan string, 1)
	Handle(b, "m", "tell", func(s string) { got <- s })
	if err := Cast(t.Context(), a, "b@test", "m", "tell", "hello"); err != nil || <-got != "hello" {
		t.Error(err)
	}
}

func TestCast(t *testing.T) {
	both(t, func(t *testing.T, a, b *node.Node) {
		got := make(chan string, 1)
		Handle(b, "m", "tell", func(s string) { got <- s })
		if err := Cast(t.Context(), a, b.Name(), "m", "tell", "hello"); err != nil || <-got != "hello" {
			t.Error(err)
		}
		if err := Cast(t.Context(), a, b.Name(), "m", "tell", make(chan int)); err == nil {
			t.Error("a channel as an argument")
		}
	})
}

func TestMulticall(t *testing.T) {
	n := nodes(t, nil, "a@test", "b@test", "c@test")
	results := Multicall[etf.Atom](t.Context(), n[0], []etf.Atom{"c@test", "none@test", "b@test"}, "erlang", "node")
	if r := results[0]; r.Node != "c@test" || r.Value != "c@test" || r.Err != nil {
		t.Error(r)
	}
	if r := results[1]; r.Node != "none@test" || !errors.Is(r.Err, node.ErrNoConnection) {
		t.Error(r)
	}
	r := results[2] // it does not serve rpc
	if e, ok := errors.AsType[*node.ExitError](r.Err); !ok || !strings.HasPrefix(e.Reason.String(), "{undef,[{erpc,execute_call,") {
		t.Error(r)
	}
}

func TestGo(t *testing.T) {
	n := nodes(t, nil, "a@test", "b@test")
	a, b := n[0], n[1]
	release := make(chan struct{})
	Handle(b, "m", "wait", func() int { <-release; return 7 })
	p := Go[int](t.Context(), a, "b@test", "m", "wait")
	soon, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(soon); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	select {
	case <-p.Done():
		t.Error("done too early")
	default:
	}
	close(release)
	for range 2 {
		if v, err := p.Wait(t.Context()); v != 7 || err != nil {
			t.Error(v, err)
		}
	}
	if v, err := p.Wait(soon); v != 7 || err != nil { // it is there
		t.Error(v, err)
	}
}

func TestHandleRefuses(t *testing.T) {
	n := nodes(t, nil, "a@test")[0]
	for _, f := range []any{nil, 1, (func())(nil), func(...int) {}, func() (int, int) { return 1, 2 }, func() (int, int, error) { return 1, 2, nil }} {
		if err := Handle(n, "m", "f", f); err == nil {
			t.Errorf("%T is taken", f)
		}
	}
	if err := Handle(n, etf.Atom(strings.Repeat("x", 256)), "f", func() {}); err == nil {
		t.Error("a long module")
	}
}

// No result of a call, whatever a peer makes of it, is more than an error.
func TestResult(t *testing.T) {
	ref := etf.Ref{Node: "a@test", Creation: 1, Len: 3, Words: [5]uint32{1, 2, 3}}
	other := ref
	other.Words[0]++
	encode := func(t etf.Term) etf.Raw {
		b, _ := etf.AppendTerm(nil, t)
		return etf.Raw{Bytes: b}
	}
	a := func(s string) etf.Atom { return etf.Atom(s) }
	for _, tt := range []struct {
		reason etf.Raw
		want   string
	}{
		{encode(etf.Tuple{ref, a("return"), etf.Int(1)}), "1 <nil>"},
		{encode(etf.Tuple{ref, a("throw"), etf.Int(1)}), " throw: 1"},
		{encode(etf.Tuple{ref, a("error"), etf.Tuple{a("erpc"), a("system_limit")}}), " error: {erpc,system_limit}"},
		{encode(etf.Tuple{ref, a("error"), a("badarg"), etf.List{}}), " error: badarg"},
		{encode(etf.Tuple{other, a("return"), etf.Int(1)}), " exit: {"},
		{encode(etf.Tuple{a("x"), a("return"), etf.Int(1)}), " exit: {x,return,1}"},
		{encode(etf.Tuple{ref, etf.Int(1), etf.Int(1)}), " exit: {"},
		{encode(etf.Tuple{}), " exit: {}"},
		{encode(a("killed")), " exit: killed"},
		{encode(a("noconnection")), " node: spawning on b@test: noconnection"},
		{etf.Raw{Bytes: []byte{104, 3}}, " etf: "},
		{etf.Raw{}, " etf: "},
	} {
		v, err := result("b@test", ref, tt.reason)
		got := fmt.Sprint(" ", err)
		if err == nil {
			got = fmt.Sprint(v, " ", err)
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.reason, got, tt.want)
		}
	}
}
