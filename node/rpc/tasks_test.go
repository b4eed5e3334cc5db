package rpc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// A Task.Supervisor as the messages of Elixir's clients see it.
func TestTasks(t *testing.T) {
	n := nodes(t, nil, "a@test")[0]
	offers(t, n)
	hold := make(chan struct{})
	Handle(n, "m", "hold", func(ctx context.Context) { <-ctx.Done(); close(hold) })
	sup, err := StartTasks(n, node.Register("tasks"))
	if err != nil {
		t.Fatal(err)
	}
	p := n.Open(node.TrapExit())
	call := func(request etf.Term) string {
		t.Helper()
		v, err := gen.Call[etf.Term](t.Context(), p, etf.Atom("tasks"), request)
		if err != nil {
			t.Fatal(request, err)
		}
		return v.String()
	}
	a := func(s string) etf.Atom { return etf.Atom(s) }
	owner := etf.Tuple{n.Name(), p.Self(), p.Self()}
	start := func(args ...etf.Term) etf.Pid {
		t.Helper()
		v, err := gen.Call[etf.Tuple](t.Context(), p, sup, etf.Tuple{a("start_task"), etf.List(args), a("temporary"), a("nil")})
		if err != nil || len(v) != 2 || v[0] != etf.Term(a("ok")) {
			t.Fatal(v, err)
		}
		return v[1].(etf.Pid)
	}
	mfa := func(f string, args ...etf.Term) etf.Term { return etf.Tuple{a("m"), a(f), etf.List(args)} }
	ref := n.NewRef()

	// {Owner, Ref, ReplyTo, Callers, MFA} since Elixir 1.11, and what is not that before it.
	q := start(owner, a("monitor"))
	p.Send(q, etf.Tuple{ref, a("nonsense")})
	p.Send(q, etf.Tuple{etf.Pid{Node: "x@test", ID: 1}, ref, p.Self(), etf.List{}, mfa("add", etf.Int(1), etf.Int(1))})
	p.Send(q, etf.Tuple{p.Self(), ref, p.Self(), etf.List{}, mfa("add", etf.Int(1), etf.Int(2))})
	if got, want := next(t, p), fmt.Sprintf("{%v,3}", ref); got != want {
		t.Error(got, want)
	}
	// {Owner, Ref} before 1.11.
	q = start(owner, etf.List{}, a("monitor"), mfa("add", etf.Int(2), etf.Int(2)))
	p.Send(q, etf.Tuple{p.Self(), ref})
	if got, want := next(t, p), fmt.Sprintf("{%v,4}", ref); got != want {
		t.Error(got, want)
	}
	// How tasks end that fail, and whose owner is gone.
	w := n.Open()
	for f, want := range map[string]string{"fail": `{{error,<<"no disk">>},[{m,fail,0,[]}]}`, "exit": "enough", "throw": "{{nocatch,[1,2]},[{erts_internal,dist_spawn_init,1,[]}]}"} {
		q := start(owner, a("monitor"))
		m, _ := w.Monitor(q)
		p.Send(q, etf.Tuple{p.Self(), ref, p.Self(), etf.List{}, mfa(f)})
		if got, want := next(t, w), fmt.Sprintf("{'DOWN',%v,process,%v,%s}", m, q, want); got != want {
			t.Error(got, want)
		}
	}
	gone := n.Open()
	q = start(etf.Tuple{n.Name(), a("nil"), gone.Self()}, a("monitor"))
	m, _ := w.Monitor(q)
	for info, _ := n.ProcessInfo(gone.Self()); len(info.MonitoredBy) == 0; info, _ = n.ProcessInfo(gone.Self()) {
		runtime.Gosched() // until the task watches its owner
	}
	gone.Exit(a("tired"))
	if got, want := next(t, w), fmt.Sprintf("{'DOWN',%v,process,%v,{shutdown,tired}}", m, q); got != want {
		t.Error(got, want)
	}
	// What a DynamicSupervisor is asked, once it has heard of those ends.
	for call(a("which_children")) != "[]" {
		runtime.Gosched()
	}
	q = start(owner, etf.List{}, mfa("hold"))
	if got, want := call(a("which_children")), fmt.Sprintf("[{undefined,%v,worker,['Elixir.Task.Supervised']}]", q); got != want {
		t.Error(got, want)
	}
	if got, want := call(a("count_children")), "[{specs,1},{active,1},{supervisors,0},{workers,1}]"; got != want {
		t.Error(got, want)
	}
	if got := call(etf.Tuple{a("terminate_child"), q}); got != "ok" {
		t.Error(got)
	}
	<-hold
	// One that has to run for ever and does not is started again, until that is too often.
	sm, _ := w.Monitor(sup)
	call(etf.Tuple{a("start_task"), etf.List{owner, etf.List{}, mfa("fail")}, a("permanent"), a("nil")})
	if got, want := next(t, w), fmt.Sprintf("{'DOWN',%v,process,%v,shutdown}", sm, sup); got != want {
		t.Error(got, want)
	}
	// What it does not know ends it.
	for _, request := range []etf.Term{etf.Tuple{a("nonsense")}, etf.Tuple{a("start_task"), etf.List{a("x"), a("y")}, a("nil"), a("nil")},
		etf.Tuple{a("start_task"), etf.List{owner}, a("nil"), a("nil")}, etf.Tuple{a("start_task"), etf.List{owner, etf.Int(1), etf.Int(2)}, a("nil"), a("nil")},
		etf.Tuple{a("start_task"), etf.List{owner, etf.Int(1), etf.Int(2), etf.Int(3), etf.Int(4)}, a("nil"), a("nil")}} {
		sup, err := StartTasks(n)
		if err != nil {
			t.Fatal(err)
		}
		_, err = gen.Call[etf.Term](t.Context(), p, sup, request)
		if e, ok := errors.AsType[*node.ExitError](err); !ok || !strings.HasPrefix(e.Reason.String(), "{{bad_call,{") {
			t.Error(request, err)
		}
	}
}
