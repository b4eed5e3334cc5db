%% Makes the vectors of order, phash2 and deterministic encoding of package etf. See make-terms.sh.
%%
%% Each line is a term, with tabs between:
%%
%%   its external form in hexadecimal, as term_to_binary(T, [deterministic, {minor_version, 2}]) gives it; or bin:N for the binary of N bytes 0, 1, … 250, 0, 1, …; or list:N for the list of
%%     the same numbers; or nested:N for N tuples of one element around the atom x
%%   its place in the order of erlang:'<'/2; terms that are == have the same
%%   its place in the order that keys of maps are compared by, in which 1 and 1.0 differ; or - for what has maps with
%%     several atoms as keys in it: there OTP 26 and later go by the numbers that the atoms have in the VM
%%   erlang:phash2(T, 1 bsl 32); or - for native records of several fields, which OTP 29 hashes by the numbers of atoms too
%%
%% That the places say all is checked here: each term is compared with each.
-module(terms).
-export([main/0]).

main() ->
    rand:seed(exsss, {1, 2, 3}),
    Ts = dedup(boundary() ++ [T || _ <- lists:seq(1, 400), T <- [rnd(4)], erlang:external_size(T) < 300]),
    Loose = ranks(fun(A, B) -> A =< B end, Ts),
    Exact = ranks(fun(A, B) -> #{A => 0} =< #{B => 0} end, [T || T <- Ts, stable(T)]),
    Places = lists:foldl(fun(T, Acc) -> Acc#{term_to_binary(T) => maps:get(maps:size(Acc) + 1, Exact)} end, #{}, [T || T <- Ts, stable(T)]),
    [line(T, maps:get(I, Loose), maps:get(term_to_binary(T), Places, '-')) || {I, T} <- index(Ts)],
    [io:format("~s:~w\t-\t-\t~w~n", [K, N, erlang:phash2(T, 1 bsl 32)]) || {K, N, T} <- long()],
    halt().

line(T, Loose, Exact) ->
    Ext = term_to_binary(T, [deterministic, {minor_version, 2}]),
    Hash = case Ext of
               <<131, 67, N:32, _/binary>> when N > 1 -> '-';
               _ -> erlang:phash2(T, 1 bsl 32)
           end,
    io:format("~s\t~w\t~s\t~s~n", [hex(Ext), Loose, known(Exact), known(Hash)]).

known('-') -> "-";
known(N) -> integer_to_list(N).

stable(T) when is_map(T) -> length([K || K <- maps:keys(T), is_atom(K)]) < 2 andalso stable(maps:to_list(T));
stable(T) when is_tuple(T) -> stable(tuple_to_list(T));
stable([H|T]) -> stable(H) andalso stable(T);
stable(_) -> true.

hex(B) -> string:lowercase(binary:encode_hex(B)).

long() ->
    Num = fun(N) -> [I rem 251 || I <- lists:seq(0, N - 1)] end,
    [{"bin", N, list_to_binary(Num(N))} || N <- [11, 12, 13, 255, 256, 4095, 65536, 1000003]] ++
    [{"list", N, Num(N)} || N <- [3, 4, 5, 65535, 65536, 200001]] ++
    [{"nested", N, lists:foldl(fun(_, T) -> {T} end, x, lists:seq(1, N))} || N <- [1, 100, 9000]].

dedup(Ts) -> dedup(Ts, #{}, []).
dedup([T|Ts], Seen, Acc) ->
    %% by the bytes, for 0.0 and -0.0 are the same key before OTP 27
    B = term_to_binary(T),
    case Seen of
        #{B := _} -> dedup(Ts, Seen, Acc);
        _ -> dedup(Ts, Seen#{B => x}, [T|Acc])
    end;
dedup([], _, Acc) -> lists:reverse(Acc).

index(Ts) -> lists:zip(lists:seq(1, length(Ts)), Ts).

%% the place of each term by its index
ranks(Le, Ts) ->
    Sorted = lists:sort(fun({_, A}, {_, B}) -> Le(A, B) end, index(Ts)),
    {Ranks, _} = lists:mapfoldl(
        fun({I, T}, none) -> {{I, 1}, {1, T}};
           ({I, T}, {R, Prev}) ->
               case Le(T, Prev) of
                   true -> {{I, R}, {R, T}};
                   false -> {{I, R + 1}, {R + 1, T}}
               end
        end, none, Sorted),
    Map = maps:from_list(Ranks),
    [case {Le(A, B), maps:get(I, Map) =< maps:get(J, Map)} of
         {Same, Same} -> ok;
         _ -> error({no_order, A, B})
     end || {I, A} <- index(Ts), {J, B} <- index(Ts)],
    Map.

%% ---- terms

boundary() ->
    ints() ++ floats() ++ atoms() ++ ids() ++ funs() ++ bits() ++ records() ++
    [{}, {a}, {b}, {a, b}, {a, 1}, {a, 1.0}, {1, 2}, {1.0, 2}, {[]}, {{}}, {{{}}},
     [], [[]], [[], []], [a], [a|b], [a, b], [a, b|c], [a|1], [a|#{}], [a|<<>>], [1, 2, 3], [1, 2, 3|4], [1, 2, 3, 4], [1, 2, 3, 4, 5],
     "hello", [0], [255], [256], [254, 255, 256, 1, 2], [1.0, 2, 3], [1|2.0], [-1, 0], [x, 1, 2, 3, 4, 5, y],
     [$a, $b, {1}, $c, $d, $e, $f, $g], [[1, 2], [3]], ["ab", "cd"], [<<"ab">>, "cd"],
     #{}, #{a => 1}, #{a => 1.0}, #{b => 1}, #{a => 2}, #{1 => a}, #{1.0 => a}, #{2 => a}, #{a => 1, b => 2}, #{a => 2, b => 1},
     #{a => 1, c => 0}, #{1 => x, 1.0 => y}, #{1 => y, 1.0 => x}, #{1 => x, 2.0 => y}, #{1.0 => x, 2 => y},
     #{[] => 1}, #{#{} => 1}, #{#{a => 1} => 1}, #{#{a => 1.0} => 1}, #{{1} => x}, #{{1.0} => x}, #{a => #{1 => 1}}, #{a => #{1.0 => 1}},
     #{<<"k">> => #{z => 1, y => 2, x => 3}, k => [#{q => 1, p => 2}]}, #{zz => 1, aa => 2, 'Å' => 3, 'ж' => 4, 'Z' => 5, "l" => 6, {t} => 7, 1 => 8, 2.5 => 9},
     #{#{b => 1, a => 2} => #{d => 1, c => 2}, #{a => 1} => x},
     #{1 => 1, a => 1, fun lists:map/2 => 1, {} => 1, #{} => 1, [] => 1, [a] => 1, <<>> => 1, <<1:1>> => 1, 1 bsl 70 => 1, 1.0e30 => 1},
     maps:from_list([{I, I * I} || I <- lists:seq(1, 32)]), maps:from_list([{I, I * I} || I <- lists:seq(1, 33)]),
     maps:from_list([{I, I * I} || I <- lists:seq(2, 34)]), maps:from_list([{I, I * I + I div 33} || I <- lists:seq(1, 33)]),
     maps:from_list([{I, float(I)} || I <- lists:seq(1, 40)]), maps:from_list([{float(I), I} || I <- lists:seq(1, 40)]),
     maps:from_list([{list_to_atom("k" ++ integer_to_list(I)), #{I => I, -I => I, a => b}} || I <- lists:seq(1, 40)]),
     maps:from_list([{{I rem 3, integer_to_binary(I)}, [I]} || I <- lists:seq(1, 50)]),
     {deep, [[[[[[[[x]]]]]]]]}, {[a, {b, [c, #{d => {e}}]}]}].

ints() ->
    E = lists:append([[(1 bsl N) - 1, 1 bsl N, (1 bsl N) + 1] || N <- [7, 8, 26, 27, 28, 31, 32, 52, 53, 54, 58, 59, 60, 62, 63, 64, 65, 127, 128, 192, 1000]]),
    [0, 1, 2, 42, 1000, 256 bsl 64, (1 bsl 1023), (1 bsl 1024) - 1, 1 bsl 1024, 1 bsl 1100] ++ E ++ [-I || I <- [1, 42, 1000, 1 bsl 1024|E]].

floats() ->
    E = [math:pow(2, N) || N <- [27, 31, 32, 52, 53, 54, 59, 60, 62, 63, 64, 65, 127, 128, 1000, 1023]] ++
        [0.1, 0.5, 1.0, 1.5, 2.0, 42.0, 255.0, 256.0, 1.0e22, 1.0e23, 1.0e300, 5.0e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
         9007199254740991.0, 9007199254740994.0, 18014398509481988.0, 9223372036854774784.0, 9223372036854777856.0, 18446744073709549568.0],
    [0.0] ++ negzero() ++ E ++ [-F || F <- E].

%% 0.0 and -0.0 are the same key before OTP 27
negzero() ->
    case list_to_integer(erlang:system_info(otp_release)) >= 27 of
        true -> [binary_to_term(<<131, 70, 1:1, 0:63>>)];
        false -> []
    end.

atoms() -> ['', a, b, aa, ab, 'A', 'B', 'Z', z, 'é', 'ÿ', 'Ā', 'ж', '漢', '\x{1F600}', '\x{fffd}', true, false, nil, undefined, 'Elixir.Foo', 'a@b', abcd, abce, abcde,
            list_to_atom(lists:duplicate(255, $x)), list_to_atom(lists:duplicate(255, $é)), list_to_atom(lists:duplicate(100, 16#1F600))].

ids() ->
    [pid(N, I, S, C) || N <- ["a@b", "b@a"], {I, S} <- [{1, 0}, {2, 0}, {1, 1}, {32767, 0}, {32767, 8191}], C <- [1, 2, 16#ffffffff]] ++
    [port(N, I, C) || N <- ["a@b", "b@a"], I <- [0, 1, 1 bsl 28 - 1, 1 bsl 28, 1 bsl 32, 1 bsl 64 - 1], C <- [1, 2]] ++
    [ref(N, C, W) || N <- ["a@b", "b@a"], C <- [1, 2], W <- [[1], [2], [1, 2], [2, 1], [1, 2, 3], [3, 2, 1], [1, 2, 4], [0, 0, 9], [1, 2, 3, 4], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]]].

node_name(N) -> [119, length(N), N].
term(IO) -> binary_to_term(iolist_to_binary([131|IO])).
pid(N, I, S, C) -> term([88, node_name(N), <<I:32, S:32, C:32>>]).
port(N, I, C) -> term([120, node_name(N), <<I:64, C:32>>]).
ref(N, C, Ws) -> term([90, <<(length(Ws)):16>>, node_name(N), <<C:32>>, [<<W:32>> || W <- Ws]]).

funs() ->
    [fun lists:map/2, fun lists:map/3, fun lists:foldl/2, fun erlang:abs/1, fun a:b/0, fun a:b/255, fun a:c/0, fun 'É':b/0,
     closure("m", 0, 0, []), closure("m", 0, 1, []), closure("m", 1, 0, []), closure("n", 0, 0, []), closure("m", 0, 0, [1]),
     closure("m", 0, 0, [1.0]), closure("m", 0, 0, [2]), closure("m", 0, 0, [1, 2]), closure("m", 0, 0, [a, {b}, <<"c">>]),
     closure("m", 3, -7, []), closure("m", 3, 1000000, ["x"]), {closure("m", 0, 0, [])}].

closure(M, Index, Uniq, Free) ->
    Rest = iolist_to_binary([1, <<0:128, Index:32, (length(Free)):32>>, 119, length(M), M, <<98, Index:32, 98, Uniq:32>>,
                             88, node_name("a@b"), <<1:32, 0:32, 1:32>>, [begin <<131, B/binary>> = term_to_binary(T, [{minor_version, 2}]), B end || T <- Free]]),
    term([112, <<(byte_size(Rest) + 4):32>>, Rest]).

bits() ->
    [<<>>, <<0>>, <<1>>, <<255>>, <<0, 0>>, <<"a">>, <<"b">>, <<"ab">>, <<"key">>, <<0:1>>, <<1:1>>, <<0:2>>, <<1:2>>, <<2:2>>, <<127:7>>, <<128>>, <<0:7>>, <<64:7>>,
     <<1:3>>, <<0, 0:1>>, <<0, 1:1>>, <<1, 0:7>>, <<255, 1:1>>, <<255, 127:7>>, <<"hello world!">>, <<"hello world!!">>, <<"hello world", 5:3>>, <<"hello world!", 5:3>>, <<"hello world!", 5:4>>].

%% the native records of OTP 29
records() ->
    case list_to_integer(erlang:system_info(otp_release)) >= 29 of
        false -> [];
        true ->
            [record(X, M, N, Fs) || {X, M, N, Fs} <- [
                {1, "m", "r", []}, {0, "m", "r", []}, {1, "m", "s", []}, {1, "n", "r", []}, {1, "m", "r", [{"a", 1}]}, {0, "m", "r", [{"a", 1}]}, {1, "m", "r", [{"a", 1.0}]},
                {1, "m", "r", [{"a", 2}]}, {1, "m", "r", [{"b", 1}]}, {1, "m", "r", [{"a", 1}, {"b", 2}]}, {1, "m", "r", [{"b", 2}, {"a", 1}]}, {1, "m", "r", [{"a", 2}, {"b", 1}]},
                {1, "m", "r", [{"a", #{z => 1, 2 => 2}}]}, {1, "A", "z", [{"k", <<"v">>}]}, {0, "n", "r", [{"a", x}, {"b", [y]}, {"c", {z}}]}]]
    end.

record(X, M, N, Fs) ->
    term([67, <<(length(Fs)):32, X>>, 119, length(M), M, 119, length(N), N, [[119, length(F), F] || {F, _} <- Fs],
          [begin <<131, B/binary>> = term_to_binary(V, [{minor_version, 2}]), B end || {_, V} <- Fs]]).

%% random terms, of few leaves so that they differ late
rnd(0) -> lists:nth(rand:uniform(14), [0, 1, 1.0, 2, a, b, <<"x">>, <<1:1>>, [], {}, #{}, 1 bsl 64, math:pow(2, 64), -1]);
rnd(D) ->
    N = rand:uniform(3),
    case rand:uniform(9) of
        1 -> rnd(0);
        2 -> list_to_tuple([rnd(D - 1) || _ <- lists:seq(1, N)]);
        3 -> [rnd(D - 1) || _ <- lists:seq(1, N)];
        4 -> [rnd(D - 1)|rnd(D - 1)];
        5 -> maps:from_list([{rnd(D - 1), rnd(D - 1)} || _ <- lists:seq(1, N)]);
        6 -> maps:from_list([{I, rnd(D - 1)} || I <- lists:seq(1, N)]);
        7 -> [rand:uniform(3) || _ <- lists:seq(1, rand:uniform(9))] ++ rnd(0);
        8 -> rand:bytes(rand:uniform(30));
        9 -> rand:uniform(1 bsl (20 * rand:uniform(8))) - 1 bsl 60
    end.

