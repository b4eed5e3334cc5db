package rpc_test

import (
	"errors"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// The functions of terms, with the results and reasons that OTP 25 gives.
func TestPure(t *testing.T) {
	n, err := node.Start(t.Context(), "a@test", node.Config{Cookie: "secret", NoListen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := rpc.Start(n); err != nil {
		t.Fatal(err)
	}
	p := n.Open()
	for _, tt := range []struct {
		module, function etf.Atom
		args, want       string
	}{
		{"Elixir.Map", "put", "[#{a => 1}, b, 2]", "#{a => 1,b => 2}"},
		{"Elixir.Map", "put", "[#{a => 1}, a, 2]", "#{a => 2}"},
		{"Elixir.Map", "put", "[x, a, 2]", "{badmap,x}"},
		{"Elixir.Map", "get", "[#{a => 1}, a]", "1"},
		{"Elixir.Map", "get", "[#{1 => x}, 1.0]", "nil"},
		{"Elixir.Map", "get", "[#{}, a, z]", "z"},
		{"Elixir.Map", "fetch", "[#{a => 1}, a]", "{ok,1}"},
		{"Elixir.Map", "fetch", "[#{}, a]", "error"},
		{"Elixir.Map", "fetch!", "[#{}, a]", "{badkey,a}"},
		{"Elixir.Map", "delete", "[#{a => 1,b => 2}, a]", "#{b => 2}"},
		{"Elixir.Map", "has_key?", "[#{a => 1}, a]", "true"},
		{"Elixir.Map", "merge", "[#{a => 1,b => 2}, #{b => 3}]", "#{a => 1,b => 3}"},
		{"Elixir.Map", "pop", "[#{a => 1,b => 2}, a]", "{1,#{b => 2}}"},
		{"Elixir.Map", "pop", "[#{}, a]", "{nil,#{}}"},
		{"Elixir.Map", "pop", "[#{b => 2}, a, 3]", "{3,#{b => 2}}"},
		{"Elixir.Map", "pop", "[x, a]", "{badmap,x}"},
		{"Elixir.Map", "keys", "[#{b => 1,a => 2}]", "[a,b]"},
		{"Elixir.Map", "values", "[#{b => 1,a => 2}]", "[2,1]"},
		{"maps", "get", "[a, #{a => 1}]", "1"},
		{"maps", "get", "[a, #{}]", "{badkey,a}"},
		{"maps", "get", "[a, #{}, d]", "d"},
		{"maps", "put", "[b, 2, #{a => 1}]", "#{a => 1,b => 2}"},
		{"maps", "remove", "[a, #{a => 1}]", "#{}"},
		{"maps", "find", "[a, []]", "{badmap,[]}"},
		{"maps", "is_key", "[b, #{a => 1}]", "false"},
		{"maps", "to_list", "[#{b => 1,a => 2}]", "[{a,2},{b,1}]"},
		{"maps", "size", "[#{b => 1,a => 2}]", "2"},
		{"erlang", "hd", "[[a, b]]", "a"},
		{"erlang", "hd", "[[a|b]]", "a"},
		{"erlang", "hd", "[[]]", "badarg"},
		{"erlang", "tl", "[[a]]", "[]"},
		{"erlang", "tl", "[[a|b]]", "b"},
		{"erlang", "length", "[[a|b]]", "badarg"},
		{"erlang", "element", "[2, {a, b}]", "b"},
		{"erlang", "element", "[3, {a, b}]", "badarg"},
		{"erlang", "tuple_size", "[{a, b}]", "2"},
		{"erlang", "+", "[9223372036854775807, 1]", "9223372036854775808"},
		{"erlang", "-", "[9223372036854775808, 1]", "9223372036854775807"},
		{"erlang", "*", "[4294967296, -4294967296]", "-18446744073709551616"},
		{"erlang", "*", "[a, 2]", "badarith"},
		{"erlang", "abs", "[-9223372036854775808]", "9223372036854775808"},
		{"erlang", "abs", "[-1.5]", "1.5"},
		{"erlang", "abs", "[-0.0]", "0.0"},
		{"erlang", "abs", "[a]", "badarg"},
		{"erlang", "++", "[[], a]", "a"},
		{"erlang", "++", "[[1], [2|x]]", "[1,2|x]"},
		{"erlang", "++", "[[1|2], []]", "badarg"},
		{"erlang", "+", "[1, 0.5]", "1.5"},
		{"erlang", "-", "[a, 1]", "badarith"},
		{"erlang", "+", "[1.7e308, 1.7e308]", "badarith"},
	} {
		list, err := etf.Parse(tt.args)
		if err != nil {
			t.Fatal(tt, err)
		}
		b, _ := etf.AppendTerm(nil, list)
		args, err := node.ArgList(etf.Raw{Bytes: b})
		if err != nil {
			t.Fatal(tt, err)
		}
		v, err := p.Apply(t.Context(), tt.module, tt.function, args)
		got, _ := v.(etf.Term)
		if e, ok := errors.AsType[*node.Exception](err); ok {
			got = e.Reason
		}
		if got == nil || got.String() != tt.want {
			t.Errorf("%s:%s%s: %v, %v; want %s", tt.module, tt.function, tt.args, v, err, tt.want)
		}
	}
}
