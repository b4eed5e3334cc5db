//go:build unix

package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// served runs erlnode serve with an embedded EPMD of its own, and returns its name and the options for BEAM nodes.
func served(t testing.TB) otp.Options {
	t.Helper()
	port := freePort(t)
	var stdout, stderr syncBuffer
	start(t, &stdout, &stderr, "serve", "--name=go@127.0.0.1", "--cookie=secret", "--epmd=embedded", "--epmd-port="+strconv.Itoa(port))
	stdout.await(t, "ready go@127.0.0.1")
	return otp.Options{Cookie: "secret", EPMDPort: port}
}

func named(o otp.Options, name string) otp.Options {
	o.Name = name
	return o
}

// TestErlang is the servers as Erlang sees them.
func TestErlang(t *testing.T) {
	otpInstall := otp.Find(t)
	options := served(t)
	a := otpInstall.Erl(t, named(options, "a"))
	b := otpInstall.Erl(t, named(options, "b"))
	tests := []struct{ expr, want string }{
		{"N = 'go@127.0.0.1', net_adm:ping(N)", "pong"},
		{"{echo, N} ! {self(), hello}, receive M -> M end", "{echo,hello}"},
		{"gen_server:call({echo, N}, #{a => [1, 2.5]})", "#{a => [1,2.5]}"},
		{"gen_server:call({counter, N}, {add, 1 bsl 70})", "1180591620717411303424"},
		{"gen_server:call({kv, N}, {set, #{b => 1, a => {2}}, fun(X) -> X + 1 end})", "ok"},
		{"(gen_server:call({kv, N}, {get, #{a => {2}, b => 1}}))(41)", "42"},
		{"gen_server:call({kv, N}, keys) =:= [#{a => {2},b => 1}]", "true"},
		{"gen_server:call({kv, N}, {get, none})", "nil"},
		{"gen_server:call({pubsub, N}, {subscribe, news})", "ok"},
		{"R = monitor(process, {counter, N}), gen_server:call({counter, N}, {stop, {bad, day}}), " +
			"receive {'DOWN', R, process, {counter, N}, Why} -> Why end", "{bad,day}"},
		// It is restarted at the same time as its monitors hear of its end.
		{"(fun Up() -> case catch gen_server:call({counter, N}, get) of I when is_integer(I) -> I; _ -> Up() end end)()", "0"},
		{"process_flag(trap_exit, true), link(gen_server:call({counter, N}, pid))", "true"},
		{"gen_server:call({counter, N}, {stop, boom}), receive {'EXIT', _, Exit} -> Exit end", "boom"},
	}
	for _, tt := range tests {
		if got := a.Eval(t, tt.expr); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.expr, got, tt.want)
		}
	}

	b.Eval(t, "gen_server:call({pubsub, 'go@127.0.0.1'}, {subscribe, news}), gen_server:call({pubsub, 'go@127.0.0.1'}, {broadcast, news, extra})")
	for _, n := range []*otp.Node{a, b} {
		if got := n.Eval(t, "receive extra -> got end"); got != "got" {
			t.Errorf("%s: %s", n.Name(), got)
		}
	}
	if got := a.Eval(t, "length(gen_server:call({pubsub, N}, {subscribers, news}))"); got != "2" {
		t.Errorf("subscribers: %s, want 2", got)
	}
	b.Kill()
	awaitEval(t, a, "gen_server:call({pubsub, N}, {subscribers, news}) =:= [self()]", "true")
}

// awaitEval evaluates until the value is the wanted one.
func awaitEval(t testing.TB, n *otp.Node, expr, want string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := n.Eval(t, expr)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %s, want %s", expr, got, want)
		}
	}
}

// TestClientsWithErlang is the client commands with a real node.
func TestClientsWithErlang(t *testing.T) {
	otpInstall := otp.Find(t)
	n := otpInstall.Erl(t, otp.Options{Name: "erl", Cookie: "secret"})
	release, err := otpInstall.Release()
	if err != nil {
		t.Fatal(err)
	}
	common := []string{"--cookie=secret", "--epmd-port=" + strconv.Itoa(n.EPMDPort)}
	tests := []struct {
		words          []string
		code           int
		stdout, stderr string
	}{
		{[]string{"ping", n.Name()}, exitOK, "pong from erl@127.0.0.1", ""},
		{[]string{"ping", n.Name(), "--cookie=wrong"}, exitFailed, "pang", "cookies differ"},
		{[]string{"ping", "erl@localhost"}, exitFailed, "pang", `node name "erl@127.0.0.1"`},
		{[]string{"call", n.Name(), "erlang", "system_info", "[otp_release]"}, exitOK, strconv.Quote(strconv.Itoa(release)) + "\n", ""},
		{[]string{"call", n.Name(), "erlang", "node"}, exitOK, "'erl@127.0.0.1'\n", ""},
		{[]string{"call", n.Name(), "erlang", "nodes", "[]"}, exitOK, "[]\n", ""}, // we are hidden
		{[]string{"call", n.Name(), "lists", "seq", "[1, 5]"}, exitOK, "[1,2,3,4,5]\n", ""},
		{[]string{"call", n.Name(), "maps", "from_list", `[[{k, <<"v">>}]]`}, exitOK, `#{k => <<"v">>}` + "\n", ""},
		{[]string{"call", n.Name(), "erlang", "nope"}, exitFailed, "", "There is no function erlang:nope/0"},
		{[]string{"call", n.Name(), "erlang", "error", "[boom]"}, exitFailed, "", "{badrpc,{'EXIT',{boom,"},
		{[]string{"call", n.Name(), "timer", "sleep", "[20000]", "--timeout=300ms"}, exitFailed, "", "no answer within 300ms"},
		{[]string{"call", n.Name(), "io", "put_chars", `["printed here\n"]`}, exitOK, "printed here\nok\n", ""},
		{[]string{"call", n.Name(), "erlang", "halt", "[]"}, exitFailed, "", "the connection to erl@127.0.0.1 was lost"},
		{[]string{"call", n.Name(), "erlang", "node"}, exitFailed, "", "cannot connect"},
	}
	for _, tt := range tests {
		want(t, append(append([]string{tt.words[0]}, common...), tt.words[1:]...), tt.code, tt.stdout, tt.stderr)
	}
}

// TestIEx is two people at their iex, of whom one is cut off.
func TestIEx(t *testing.T) {
	otpInstall := otp.Find(t)
	options := served(t)
	a := otpInstall.IEx(t, named(options, "a"))
	b := otpInstall.IEx(t, named(options, "b"))
	for _, x := range []*otp.IEx{a, b} {
		x.Type(t, `n = :"go@127.0.0.1"`)
	}
	steps := []struct {
		who         *otp.IEx
		line, shows string
	}{
		{a, "Node.connect(n)", "true"},
		{a, "Node.ping(n)", ":pong"},
		{a, "send({:echo, n}, {self(), :hello}); receive do m -> m end", "{:echo, :hello}"},
		{a, "GenServer.call({:counter, n}, {:add, 42})", "42"},
		{a, "GenServer.call({:kv, n}, {:set, :foo, 123})", ":ok"},
		{b, "GenServer.call({:kv, n}, {:get, :foo})", "123"},
		{a, `GenServer.call({:pubsub, n}, {:subscribe, "news"})`, ":ok"},
		{b, `GenServer.call({:pubsub, n}, {:subscribe, "news"})`, ":ok"},
		{b, `GenServer.call({:pubsub, n}, {:broadcast, "news", :extra})`, ":ok"},
		{a, "receive do m -> m end", ":extra"},
		{b, "receive do m -> m end", ":extra"},
		{a, `length(GenServer.call({:pubsub, n}, {:subscribers, "news"}))`, "2"},
		{a, "Agent.get({:agent, n}, Function, :identity, [])", "%{}"},
		{a, ":global.sync()", ":ok"},
		{a, "g = {:global, :go_agent}; Agent.update(g, Map, :put, [:foo, 1])", ":ok"},
		{a, "Agent.cast(g, Map, :put, [:bar, 2])", ":ok"},
		{a, "Agent.get(g, Map, :get, [:foo])", "1"},
		{a, "Agent.get(g, &map_size/1)", "2"},
		{b, "Agent.get_and_update({:agent, n}, Map, :pop, [:foo])", "1"},
		{b, "Agent.get({:agent, n}, &Function.identity/1)", "%{bar: 2}"},
		{a, ":sys.get_state(g)", "%{bar: 2}"},
		{a, "up = fn f -> try do Agent.get(g, Function, :identity, []) catch :exit, _ -> f.(f) end end; Agent.stop(g)", ":ok"},
		{a, "up.(up)", "%{}"}, // restarted, under its name in :global
		{a, "Agent.update(g, Map, :put, [:foo, 3])", ":ok"},
		{a, "try do Agent.get(g, fn s -> s end) catch :exit, _ -> :ended end", ":ended"},
		{a, "up.(up)", "%{}"},
	}
	for _, s := range steps {
		if got := strings.TrimSpace(s.who.Type(t, s.line)); got != s.shows {
			t.Errorf("%s: %s\n got %s\nwant %s", s.who.Name(), s.line, got, s.shows)
		}
	}
	code, out, errs := erlnodeCmd(t, "call", a.Name(), "erlang", "system_info", "[otp_release]", "--cookie=secret",
		"--epmd-port="+strconv.Itoa(options.EPMDPort))
	if code != exitOK || !strings.HasPrefix(out, `"`) {
		t.Errorf("erlnode call: %d, %q, %q", code, out, errs)
	}
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	a.Type(t, `alone = fn f -> GenServer.call({:pubsub, n}, {:subscribers, "news"}) == [self()] || f.(f) end`)
	if got := strings.TrimSpace(a.Type(t, "alone.(alone)")); got != "true" {
		t.Errorf("after the end of b: %s", got)
	}
}
