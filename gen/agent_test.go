package gen_test

import (
	"context"
	"errors"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// An agent runs what its node offers, and ends as Elixir's does by what it cannot.
func TestAgent(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	a, b := nodes[0], nodes[1]
	offer := func(name etf.Atom, arity int, f func(args []etf.Term) (any, error)) {
		b.Offer("m", name, arity, func(_ context.Context, _ *node.Process, args []etf.Raw) (any, error) {
			return f(node.ArgTerms(args))
		})
	}
	offer("same", 1, func(args []etf.Term) (any, error) { return args[0], nil })
	offer("add", 2, func(args []etf.Term) (any, error) { return args[0].(etf.Int) + args[1].(etf.Int), nil })
	offer("swap", 2, func(args []etf.Term) (any, error) { return etf.Tuple{args[0], args[1]}, nil })
	offer("throw", 1, func([]etf.Term) (any, error) { return nil, &node.Exception{Class: "throw", Reason: etf.Atom("ball")} })
	offer("exit", 1, func([]etf.Term) (any, error) { return nil, node.Exit(etf.Atom("why")) })

	same := etf.Export{Module: "m", Function: "same", Arity: 1}
	add := gen.MFA{Module: "m", Function: "add", Args: []any{5}}
	to := node.At("agent", "b@test")
	restart := func() {
		t.Helper()
		if _, err := gen.StartAgent(b, 1, node.Register("agent")); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	if err := gen.AgentUpdate(t.Context(), a, to, add); err != nil {
		t.Error(err)
	}
	if err := gen.AgentCast(t.Context(), a, to, add); err != nil {
		t.Error(err)
	}
	if n, err := gen.AgentGet[int](t.Context(), a, to, same); n != 11 || err != nil {
		t.Error(n, err)
	}
	if n, err := gen.AgentGet[int](t.Context(), a, to, add); n != 16 || err != nil {
		t.Error(n, err)
	}
	if n, err := gen.AgentGetAndUpdate[int](t.Context(), a, to, gen.MFA{Module: "m", Function: "swap", Args: []any{"new"}}); n != 11 || err != nil {
		t.Error(n, err)
	}
	if s, err := gen.System[string](t.Context(), b, to, etf.Atom("get_state")); s != "new" || err != nil {
		t.Error(s, err)
	}
	for _, tt := range []struct{ request, want string }{
		{"{get,fun m:nosuch/1}", `{undef,[{m,nosuch,[<<"new">>],[]}]}`},
		{"{get,fun m:add/2}", "{{badarity,{fun m:add/2,[1]}},[]}"},
		{"{get,nothing}", "{{badfun,nothing},[]}"},
		{"{get,{m,f,x}}", "{badarg,[]}"},
		{"{update,fun m:throw/1}", "{bad_return_value,ball}"},
		{"{update,fun m:exit/1}", "why"},
		{"{get_and_update,fun m:same/1}", "{bad_return_value,1}"},
		{"{steal,fun m:same/1}", "{function_clause,[]}"},
		{"nonsense", "{function_clause,[]}"},
	} {
		request, err := etf.Parse(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := b.Whereis("agent")
		_, err = gen.Call[etf.Term](t.Context(), a, pid, request)
		if exit, ok := errors.AsType[*node.ExitError](err); !ok || exit.Reason.String() != tt.want {
			t.Errorf("%s: %v, want %s", tt.request, err, tt.want)
		}
		restart()
	}
	// Closures, whose code is elsewhere.
	for _, arity := range []uint8{1, 2} {
		closure := &etf.Fun{Arity: arity, Module: "iex", Pid: a.Open().Self(), Free: []etf.Term{}}
		want := etf.Tuple{etf.Atom("undef"), etf.List{etf.Tuple{closure, etf.List{etf.Int(1)}, etf.List{}}}}
		if arity != 1 {
			want = etf.Tuple{etf.Tuple{etf.Atom("badarity"), etf.Tuple{closure, etf.List{etf.Int(1)}}}, etf.List{}}
		}
		_, err := gen.AgentGet[etf.Term](t.Context(), a, to, closure)
		if exit, ok := errors.AsType[*node.ExitError](err); !ok || !etf.Equal(exit.Reason, want) {
			t.Errorf("closure of arity %d: %v, want %v", arity, err, want)
		}
		restart()
	}
}

func TestMultiCall(t *testing.T) {
	nodes := start(t, "a@test", "b@test", "c@test")
	for i, n := range nodes[:2] {
		if _, err := gen.Start(n, &bank{balance: i}, node.Register("bank")); err != nil {
			t.Fatal(err)
		}
	}
	replies, failed := gen.MultiCall[int](t.Context(), nodes[0], []etf.Atom{"a@test", "b@test", "c@test", "d@test"}, "bank", etf.Atom("balance"))
	if len(replies) != 2 || replies["a@test"] != 0 || replies["b@test"] != 1 {
		t.Error(replies)
	}
	if len(failed) != 2 || !errors.Is(failed["c@test"], node.ErrNoProc) || !errors.Is(failed["d@test"], node.ErrNoConnection) {
		t.Error(failed)
	}
}
