package main

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// demo starts a node with the servers, that nobody else can find.
func demo(t testing.TB) *erlnode.Node {
	t.Helper()
	n, err := erlnode.Start(t.Context(), "demo@localhost", erlnode.Config{Cookie: "secret", EPMD: node.EPMDNone, Listen: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	if _, err := startDemo(t.Context(), n, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return n
}

// ask makes a call, in Erlang syntax, in the name of c.
func ask(t testing.TB, c gen.Caller, server etf.Atom, request string) string {
	t.Helper()
	reply, err := gen.Call[etf.Term](t.Context(), c, server, raw(t, request))
	if err != nil {
		return "error: " + err.Error()
	}
	return reply.String()
}

// TestServers is what --help of serve says, in the order of the calls.
func TestServers(t *testing.T) {
	n := demo(t)
	tests := []struct {
		server        etf.Atom
		request, want string
	}{
		{"echo", "{any, [term], 1.5}", "{any,[term],1.5}"},
		{"echo", "get", "get"},
		{"counter", "get", "0"},
		{"counter", "inc", "1"},
		{"counter", "{add, 41}", "42"},
		{"counter", "{add, 100000000000000000000}", "100000000000000000042"},
		{"counter", "{add, -100000000000000000041}", "1"},
		{"counter", "{add, foo}", "{error,{unknown_call,{add,foo}}}"},
		{"counter", "reset", "0"},
		{"counter", "what", "{error,{unknown_call,what}}"},
		{"kv", "keys", "[]"},
		{"kv", "{get, foo}", "nil"},
		{"kv", "{set, foo, 123}", "ok"},
		{"kv", "{get, foo}", "123"},
		{"kv", "{set, #{a => 1, b => {2}}, [value]}", "ok"},
		{"kv", "{get, #{b => {2}, a => 1}}", "[value]"},
		{"kv", "{set, 1, int}", "ok"},
		{"kv", "{set, 1.0, float}", "ok"},
		{"kv", "{get, 1}", "int"},
		{"kv", "{get, 1.0}", "float"},
		{"kv", "{set, foo, 124}", "ok"},
		{"kv", "{get, foo}", "124"},
		{"kv", "keys", "[foo,#{a => 1,b => {2}},1,1.0]"},
		{"kv", "{get, foo, bar}", "{error,{unknown_call,{get,foo,bar}}}"},
		{"pubsub", "{subscribers, news}", "[]"},
		{"pubsub", "{broadcast, news, hello}", "ok"},
		{"pubsub", "{unsubscribe, news}", "ok"},
		{"pubsub", "subscribe", "{error,{unknown_call,subscribe}}"},
		{"pubsub", "{frob, 1}", "{error,{unknown_call,{frob,1}}}"},
	}
	for _, tt := range tests {
		if got := ask(t, n, tt.server, tt.request); got != tt.want {
			t.Errorf("%s, %s: got %s, want %s", tt.server, tt.request, got, tt.want)
		}
	}
}

func TestEcho(t *testing.T) {
	n := demo(t)
	p := n.Open()
	for _, m := range []any{etf.Atom("ignored"), etf.Tuple{etf.Int(1), etf.Int(2)}, etf.Tuple{p.Self(), etf.List{etf.Int(-1)}}} {
		if err := p.Send(etf.Atom("echo"), m); err != nil {
			t.Fatal(err)
		}
	}
	m, err := p.Receive(t.Context())
	if err != nil || m.String() != "{echo,[-1]}" {
		t.Errorf("got %v, %v", m, err)
	}
}

func TestCounter(t *testing.T) {
	n := demo(t)
	for _, cast := range []string{"inc", "{add, 10}", "nonsense", "inc"} {
		if err := gen.Cast(t.Context(), n, etf.Atom("counter"), raw(t, cast)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, n, "counter", "get"); got != "12" {
		t.Errorf("after the casts: %s, want 12", got)
	}

	p := n.Open(node.TrapExit())
	pid, err := gen.Call[etf.Pid](t.Context(), p, etf.Atom("counter"), etf.Atom("pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Link(pid); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, p, "counter", "{stop, {because, 1}}"); got != "ok" {
		t.Errorf("stop: %s", got)
	}
	m, err := p.Receive(t.Context())
	exit, ok := m.Exit()
	if err != nil || !ok || exit.From != pid || exit.Reason.String() != "{because,1}" {
		t.Errorf("link: %v, %v", m, err)
	}
	// The supervisor is told at the same time as we are.
	for {
		count, err := gen.Call[int](t.Context(), n, etf.Atom("counter"), etf.Atom("get"))
		if errors.Is(err, node.ErrNoProc) {
			continue
		}
		if err != nil || count != 0 {
			t.Errorf("after the restart: %d, %v", count, err)
		}
		break
	}
}

func TestPubSub(t *testing.T) {
	n := demo(t)
	a, b := n.Open(), n.Open()
	for _, step := range []struct {
		who     gen.Caller
		request string
	}{
		{a, "{subscribe, #{topic => 1, x => 2}}"},
		{a, "{subscribe, #{x => 2, topic => 1}}"}, // the same again
		{a, "{subscribe, other}"},
		{b, "{subscribe, #{x => 2, topic => 1}}"},
		{a, "{unsubscribe, other}"},
		{a, "{unsubscribe, never}"},
		{n, "{broadcast, #{x => 2, topic => 1}, {hello, 1}}"},
		{n, "{broadcast, other, nobody}"},
	} {
		if got := ask(t, step.who, "pubsub", step.request); got != "ok" {
			t.Errorf("%s: %s", step.request, got)
		}
	}
	for _, p := range []*node.Process{a, b} {
		m, err := p.Receive(t.Context())
		if err != nil || m.String() != "{hello,1}" {
			t.Errorf("got %v, %v", m, err)
		}
	}
	subscribers := func() string { return ask(t, n, "pubsub", "{subscribers, #{topic => 1, x => 2}}") }
	if got, want := subscribers(), (etf.List{a.Self(), b.Self()}).String(); got != want {
		t.Errorf("subscribers %s, want %s", got, want)
	}
	a.Exit("gone") // the server hears of it before it hears the next call
	if got, want := subscribers(), (etf.List{b.Self()}).String(); got != want {
		t.Errorf("after the end of one: subscribers %s, want %s", got, want)
	}
	if got := ask(t, b, "pubsub", "{unsubscribe, #{topic => 1, x => 2}}"); got != "ok" {
		t.Error(got)
	}
	if got := subscribers(); got != "[]" {
		t.Errorf("after the last one has left: %s", got)
	}
}

// What sys:get_state shows of the servers, and the count set by sys:replace_state.
func TestStates(t *testing.T) {
	n := demo(t)
	for _, tt := range []struct{ server, request, state string }{
		{"counter", "{add, 12}", "12"},
		{"kv", "{set, foo, 123}", "#{foo => 123}"},
		{"pubsub", "{subscribers, news}", "[]"},
		{"agent", "{update, {'Elixir.Map', put, [a, 1]}}", "#{a => 1}"},
	} {
		ask(t, n, etf.Atom(tt.server), tt.request)
		state, err := gen.System[etf.Term](t.Context(), n, etf.Atom(tt.server), etf.Atom("get_state"))
		if err != nil || state.String() != tt.state {
			t.Errorf("%s: state %v, %v; want %s", tt.server, state, err, tt.state)
		}
	}
	if err := (&counter{}).SetState(raw(t, "{no, number}")); err == nil {
		t.Error("a tuple is taken for a count")
	}
	if c := new(counter); c.SetState(raw(t, "7")) != nil || c.n.Int64() != 7 {
		t.Error("a count is not taken")
	}
}
