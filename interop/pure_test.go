//go:build unix

package interop

import (
	"testing"
)

// The pure functions that a Go node offers, each called by rpc at the BEAM node that asks and at the Go node: the same results,
// by =:=, and the same reasons of errors. The order of a map's keys is the VM's own affair, and errors have the files of OTP and
// what it knows of them in their stacks: neither is compared.
func TestPureAsBEAM(t *testing.T) {
	_, beam := pair(t)
	beam.Eval(t, `G = 'go@127.0.0.1', pong = net_adm:ping(G).`)
	beam.Eval(t, `Sorted = fun(L) when is_list(L) -> lists:sort(L); (X) -> X end,
		At = fun(N, M, F, A) ->
			case rpc:call(N, M, F, A) of
				{badrpc, {'EXIT', {Why, [{SM, SF, SA, _} | _]}}} -> {raised, Why, {SM, SF, SA}};
				L when M =:= maps -> case lists:member(F, [keys, values, to_list]) of true -> Sorted(L); false -> L end;
				V -> V
			end
		end,
		Differ = fun(M, F, Lists) ->
			[{A, B, C} || A <- Lists, B <- [At(node(), M, F, A)], C <- [At(G, M, F, A)], B =/= C]
		end.`)
	// Keys that are equal by == only, keys that are terms, and what is no map.
	beam.Eval(t, `Maps = [#{}, #{a => 1}, #{1 => i, 1.0 => f}, #{[x] => {y}, <<"k">> => #{n => nil}}, maps:from_list([{I, -I} || I <- lists:seq(1, 100)]), x, [], [{a, 1}]],
		Keys = [a, b, 1, 1.0, 1.5, [x], <<"k">>, {}],
		Lists = [[], [1], [a, [b], {c}], [1 | 2], [1, 2 | x], "text", lists:seq(1, 300), x, {}, #{}],
		Numbers = [0, 1, -1, 2.5, -2.5, 1.0e308, -1.0e308, 1 bsl 62, 1 bsl 63 - 1, -(1 bsl 63), 1 bsl 64, -(1 bsl 64), 1 bsl 1100, 3.0e-320, a, [], <<>>],
		Tuples = [{}, {a}, {a, b, {c}}, list_to_tuple(lists:seq(1, 300)), [], x].`)
	for _, tt := range []struct{ module, function, args string }{
		{"maps", "new", "[[]]"},
		{"maps", "get", "[[K, M] || K <- Keys, M <- Maps]"},
		{"maps", "get", "[[K, M, d] || K <- Keys, M <- Maps]"},
		{"maps", "put", "[[K, v, M] || K <- Keys, M <- Maps]"},
		{"maps", "remove", "[[K, M] || K <- Keys, M <- Maps]"},
		{"maps", "find", "[[K, M] || K <- Keys, M <- Maps]"},
		{"maps", "is_key", "[[K, M] || K <- Keys, M <- Maps]"},
		{"maps", "merge", "[[M, N] || M <- Maps, N <- Maps]"},
		{"maps", "keys", "[[M] || M <- Maps]"},
		{"maps", "values", "[[M] || M <- Maps]"},
		{"maps", "to_list", "[[M] || M <- Maps, is_map(M) orelse is_atom(M)]"}, // OTP 26 takes iterators too
		{"maps", "size", "[[M] || M <- Maps]"},
		{"erlang", "map_size", "[[M] || M <- Maps]"},
		{"erlang", "hd", "[[L] || L <- Lists]"},
		{"erlang", "tl", "[[L] || L <- Lists]"},
		{"erlang", "length", "[[L] || L <- Lists]"},
		{"erlang", "'++'", "[[L, R] || L <- Lists, R <- Lists]"},
		{"erlang", "element", "[[I, T] || I <- [-1, 0, 1, 3, 4, 300, 1 bsl 70, 1.0, a], T <- Tuples]"},
		{"erlang", "tuple_size", "[[T] || T <- Tuples]"},
		{"erlang", "abs", "[[X] || X <- Numbers]"},
		{"erlang", "'+'", "[[X, Y] || X <- Numbers, Y <- Numbers]"},
		{"erlang", "'-'", "[[X, Y] || X <- Numbers, Y <- Numbers]"},
		{"erlang", "'*'", "[[X, Y] || X <- Numbers, Y <- Numbers]"},
	} {
		if got := beam.Eval(t, "Differ("+tt.module+", "+tt.function+", "+tt.args+")."); got != "[]" {
			t.Errorf("%s:%s, {Args, BEAM, Go}:\n%.2000s", tt.module, tt.function, got)
		}
	}
}
