//go:build unix

package interop

import (
	"strings"
	"testing"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// tally is a gen_server whose state is a list.
type tally struct{ got etf.List }

func (s *tally) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	t, err := request.Term()
	if err != nil {
		return nil, err
	}
	s.got = append(s.got, t)
	return len(s.got), nil
}

func (s *tally) State() any { return s.got }

func (s *tally) SetState(state etf.Raw) error { return state.Decode(&s.got) }

// An agent in Go from a real iex, an agent of iex from Go, both under global names, and a server in Go under the hands of :sys.
func TestAgentAndSysFromIEx(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	n := goNode(t, "go@127.0.0.1", port, func(c *erlnode.Config) { c.EPMD = node.EPMDEmbedded })
	agent, err := gen.StartAgent(n, etf.Map{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Global.Register(t.Context(), etf.Atom("go_agent"), agent); err != nil {
		t.Fatal(err)
	}
	if _, err := gen.Start(n, &tally{got: etf.List{}}, node.Register("counter")); err != nil {
		t.Fatal(err)
	}
	iex := install.IEx(t, otp.Options{Name: "iex@127.0.0.1", Cookie: cookie, EPMDPort: port})
	types := func(line, want string) {
		t.Helper()
		if got := strings.TrimSpace(iex.Type(t, line)); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
	types(`Node.connect(:"go@127.0.0.1")`, "true")
	types(`:global.sync()`, ":ok")
	types(`a = {:global, :go_agent}; Agent.get(a, Function, :identity, [])`, "%{}")
	types(`Agent.update(a, Map, :put, [:k, 1])`, ":ok")
	types(`Agent.cast(a, Map, :put, ["text", [1, 2]])`, ":ok")
	types(`Agent.get(a, &Function.identity/1) == %{:k => 1, "text" => [1, 2]}`, "true")
	types(`Agent.get(a, Map, :fetch!, [:k])`, "1")
	types(`Agent.get(:global.whereis_name(:go_agent), &map_size/1)`, "2")
	types(`:sys.get_state(a) == Agent.get(a, Function, :identity, [])`, "true")
	types(`catch_exit = fn f -> try do f.() catch :exit, {r, _} -> r end end; :ok`, ":ok")
	types(`match?({:undef, [{_, [%{}], []} | _]}, catch_exit.(fn -> Agent.get(a, fn s -> s end) end))`, "true")

	types(`c = {:counter, :"go@127.0.0.1"}; GenServer.call(c, :one)`, "1")
	types(`:sys.get_state(c)`, "[:one]")
	types(`:sys.suspend(c)`, ":ok")
	types(`:erlang.element(2, List.pop_at(elem(:sys.get_status(c), 3), 1)) |> length`, "4")
	types(`t = Task.async(fn -> GenServer.call(c, :two) end); Task.yield(t, 100)`, "nil")
	types(`:sys.resume(c)`, ":ok")
	types(`Task.await(t)`, "2")
	types(`:sys.replace_state(c, &:lists.reverse/1)`, "[:two, :one]")
	types(`:sys.get_state(c)`, "[:two, :one]")
	types(`GenServer.stop(c)`, ":ok")
	types(`catch_exit.(fn -> :sys.get_state(c) end)`, ":noproc")

	types(`elem(Agent.start(fn -> %{a: 1} end, name: {:global, :ex_agent}), 0)`, ":ok")
	exAgent := n.Global.Name("ex_agent")
	if m, err := gen.AgentGet[map[etf.Atom]int](t.Context(), n, exAgent, etf.Export{Module: "Elixir.Function", Function: "identity", Arity: 1}); err != nil || m["a"] != 1 {
		t.Error(m, err)
	}
	if err := gen.AgentUpdate(t.Context(), n, exAgent, gen.MFA{Module: "Elixir.Map", Function: "put", Args: []any{etf.Atom("b"), 2}}); err != nil {
		t.Error(err)
	}
	if v, err := gen.AgentGetAndUpdate[int](t.Context(), n, exAgent, gen.MFA{Module: "Elixir.Map", Function: "pop", Args: []any{etf.Atom("a")}}); v != 1 || err != nil {
		t.Error(v, err)
	}
	types(`Agent.get({:global, :ex_agent}, & &1)`, "%{b: 2}")
}
