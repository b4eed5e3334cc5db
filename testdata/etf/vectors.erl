%% Makes the golden vectors of package etf. See make.sh.
%%
%% Each line is the external form of a term in hexadecimal (what term_to_binary makes of it, version byte included), a
%% tab, and the term in Erlang syntax. A long external form is given as sha256:<hash>, and a long term as an expression.
%% Lines that begin with % say what the lines below them are for:
%%
%%   % encode print   OTP sends these bytes to other nodes, and prints this text
%%   % encode         OTP sends these bytes; the order of the map in the text may be another
%%   % default        term_to_binary/1 makes these bytes, in this release
%%   % decode         OTP reads these bytes, but sends others
%%   % refuse         OTP refuses these bytes
%%
%% The text is that of io_lib:format("~0tp", [Term]) with +pc unicode, but pids, ports, references and funs have the
%% forms that package etf prints, put together from the external form.
-module(vectors).
-export([main/0]).

main() ->
    io:setopts([{encoding, unicode}]),
    %% print is for one release: they do not print all floats and atoms alike
    section(case release() of 25 -> "encode print"; _ -> "encode" end),
    [same(T) || T <- plain() ++ idents() ++ funs()],
    [big(T, X) || {T, X} <- long()],
    section("encode"),
    %% the order of a large map is another in each run of the VM, and OTP 23 has no deterministic
    [io:format("~s\t~ts~n", [hex(term_to_binary(T, [{minor_version, 2}, deterministic])), own(T)]) || release() >= 25, T <- large_maps()],
    [io:format("~s\t~ts~n", [hex(enc(T)), Text]) || {T, Text} <- records()],
    section("default"),
    [io:format("~s\t~ts~n", [hex(term_to_binary(T)), text(T)]) ||
        T <- atoms() ++ [T || T <- idents(), not local(T)] ++ [1.5, {a, 'ж'}, ['é' | 'ü'], #{'é' => ["ab", {}]}, fun a:b/1]],
    section("decode"),
    [other(B) || B <- compressed() ++ old_minor() ++ old_tags()],
    section("refuse"),
    [refuse(B) || B <- malformed()],
    halt().

section(Name) -> io:format("% ~s~n", [Name]).

%% minor_version 2 writes atoms as they are sent to other nodes
same(T) -> line(enc(T), T).

enc(T) -> term_to_binary(T, [{minor_version, 2}]).

other(B) ->
    try binary_to_term(B) of
        T -> line(B, T)
    catch
        error:badarg when B =/= <<>> -> true = release() =/= 25 % as above
    end.

line(B, T) -> io:format("~s\t~ts~n", [hex(B), text(T)]).

big(T, Expr) ->
    io:format("sha256:~s\t~ts~n", [hex(crypto:hash(sha256, enc(T))), Expr]).

refuse(B) ->
    try binary_to_term(B) of
        T -> release() =:= 25 andalso error({accepted, B, T}) % the other releases differ: see doc.go
    catch
        error:badarg -> io:format("~s\tbadarg~n", [hex(B)])
    end.

hex(B) -> [io_lib:format("~2.16.0b", [X]) || <<X>> <= B].

release() -> list_to_integer(erlang:system_info(otp_release)).

local(T) -> is_pid(T) andalso node(T) =:= node().

%% ---- text

text(T) ->
    case plain(T) of
        true -> io_lib:format("~0tp", [T]);
        false -> own(T)
    end.

plain(T) when is_pid(T); is_port(T); is_reference(T) -> false;
plain(T) when is_function(T) -> erlang:fun_info(T, type) =:= {type, external};
plain(T) when is_tuple(T) -> plain(tuple_to_list(T));
plain([H|T]) -> plain(H) andalso plain(T);
plain(T) when is_map(T) -> plain(maps:to_list(T));
plain(_) -> true.

own(T) when is_pid(T) ->
    <<131, 88, R/binary>> = enc(T),
    {N, <<Id:32, Serial:32, Creation:32>>} = node_of(R),
    io_lib:format("#Pid<~ts.~w.~w/~w>", [N, Id, Serial, Creation]);
own(T) when is_port(T) ->
    {N, Id, Creation} =
        case enc(T) of
            <<131, 89, R/binary>> -> {A, <<I:32, C:32>>} = node_of(R), {A, I, C};
            <<131, 120, R/binary>> -> {A, <<I:64, C:32>>} = node_of(R), {A, I, C}
        end,
    io_lib:format("#Port<~ts.~w/~w>", [N, Id, Creation]);
own(T) when is_reference(T) ->
    <<131, 90, _:16, R/binary>> = enc(T),
    {N, <<Creation:32, Words/binary>>} = node_of(R),
    io_lib:format("#Ref<~ts/~w~s>", [N, Creation, [io_lib:format(".~w", [W]) || <<W:32>> <= Words]]);
own(T) when is_function(T) ->
    <<131, 112, _:32, Arity, Uniq:16/binary, Index:32, _/binary>> = enc(T),
    {module, M} = erlang:fun_info(T, module),
    {index, OldIndex} = erlang:fun_info(T, index),
    {uniq, OldUniq} = erlang:fun_info(T, uniq),
    {pid, Pid} = erlang:fun_info(T, pid),
    {env, Env} = erlang:fun_info(T, env),
    %% the order of fun_info's env is that of the external form
    io_lib:format("#Fun<~0tp.~w.~w/~w,~w,~s,~ts,~ts>",
                  [M, OldIndex, OldUniq, Arity, Index, hex(Uniq), text(Pid), seq("[", Env, "]")]);
own(T) when is_tuple(T) -> seq("{", tuple_to_list(T), "}");
own(T) when is_list(T) -> own_list(T, []);
own(T) when is_map(T) ->
    ["#{", lists:join(",", [[text(K), " => ", text(V)] || {K, V} <- lists:sort(maps:to_list(T))]), "}"].

own_list([H|T], Acc) -> own_list(T, [text(H)|Acc]);
own_list([], Acc) -> ["[", lists:join(",", lists:reverse(Acc)), "]"];
own_list(Tail, Acc) -> ["[", lists:join(",", lists:reverse(Acc)), "|", text(Tail), "]"].

seq(Open, Terms, Close) -> [Open, lists:join(",", [text(T) || T <- Terms]), Close].

node_of(<<119, L, N:L/binary, R/binary>>) ->
    case re:run(N, "^[A-Za-z0-9_@.-]+$") of
        nomatch -> {quoted(N), R};
        _ -> {N, R}
    end.

quoted(N) ->
    case lists:flatten(io_lib:format("~0tp", [binary_to_atom(N)])) of
        "'" ++ _ = Q -> Q;
        Bare -> ["'", Bare, "'"]
    end.

%% ---- terms

plain() -> ints() ++ floats() ++ atoms() ++ binaries() ++ lists() ++ tuples() ++ maps().

ints() ->
    Edges = lists:append([[1 bsl N - 1, 1 bsl N, 1 bsl N + 1] || N <- [8, 16, 24, 27, 28, 31, 32, 59, 60, 63, 64]]),
    Bytes = [(1 bsl (8 * N)) - D || N <- [9, 254, 255, 256], D <- [1, 0]],
    lists:usort([0, 1, 127, 128] ++ Edges ++ Bytes ++ [-I || I <- [1, 127, 128, 129] ++ Edges ++ Bytes]).

floats() ->
    [0.0, -0.0, 1.0, -1.0, 1.5, 0.1, 3.14, 100.0, 1000.0, 99999.0, 1.0e5, 123456.0, 1.2e6, 1.0e10, 1.0e15, 1.0e16, 1.0e22,
     9007199254740991.0, 9007199254740992.0, 9007199254740994.0, 123456789.123, 1.1e21, 12345678901234567890.0,
     0.01, 0.001, 0.0001, 0.00001, 0.00123, 0.000012, 1.5e-5, 1.0e-7, 1.0e100, 1.0e-100, 5.0e-324, 2.2250738585072014e-308,
     1.7976931348623157e308, -2.5e-3, 4.35, 0.3, 2.0e-3, 1.0e3, 12345.678].

atoms() ->
    [list_to_atom(lists:duplicate(N, C)) || C <- [$a, 16#e9, 16#430, 16#1f600], N <- [1, 2, 63, 64, 127, 128, 254, 255]] ++
    ['', a, 'A', ok, 'hello world', a1, 'a@b', 'a.b', 'a-b', 'a\'b', 'a"b', 'a\\b', '_x', '1a', 'été', 'Été', 'aЖ', 'ж',
     '\n\t\r\b\f\v\e\d', '\000', '\001', '\x{80}', '\x{9f}', '\x{a0}', list_to_atom([16#fffe]), '÷', '×', 'a÷', 'ß', 'ÿ', 'À',
     'Elixir.GenServer', nonode@nohost, '$gen_call', 'EXIT', 'DOWN', true, false, nil, undefined, infinity] ++
    ['after', 'and', 'andalso', 'band', 'begin', 'bnot', 'bor', 'bsl', 'bsr', 'bxor', 'case', 'catch', 'cond', 'div',
     'end', 'fun', 'if', 'let', 'not', 'of', 'or', 'orelse', 'receive', 'rem', 'try', 'when', 'xor', query, spec].

binaries() ->
    [<<>>, <<0>>, <<1, 2, 3>>, <<"abc">>, <<"a\"b\\c\n">>, <<"'">>, <<"a", 0>>, <<"é"/utf8>>, <<"ж"/utf8>>, <<233>>, <<233, 1>>,
     <<"é"/utf8, 233>>, <<16#1f600/utf8>>, <<160>>, <<127>>, <<128>>, <<27>>, <<255>>, list_to_binary(lists:seq(0, 255)),
     binary:copy(<<"x">>, 300)] ++
    [<<16#a5a5a5:N>> || N <- [1, 2, 3, 4, 5, 6, 7, 9, 10, 15, 17, 23]] ++
    [<<"abc", 1:3>>, <<255, 255:7>>, <<0:7>>, <<127:7>>].

lists() ->
    [[], [[]], [0], [255], [256], [-1], [1, 2, 3], "abc", "a\"b\\c", "\n\t", [0, 255], [1, 256], [1.0], [a], [a, b], [1, a], [[1], [2]],
     "é", "ж", [16#1f600], [16#a0], [16#80], [127], [16#d7ff], [16#e000], [16#fffd], [16#d800], [16#fffe], [16#10ffff], [16#110000],
     [a|b], [1|2], [1, 2|3], "ab" ++ c, [[a|b]|c], [a|<<"x">>], [{a, 1}, {b, 2}], ["abc", "def"], [[]|a],
     lists:seq(1, 300), lists:duplicate(300, a)].

tuples() ->
    [{}, {{}}, {a}, {a, "b", <<"c">>}, {1, [2, {3}]}, {ok, 1, 2.0}, erlang:make_tuple(255, a), erlang:make_tuple(256, a),
     {a, [b|c], #{d => "e"}}, nested(50)].

nested(0) -> [];
nested(N) -> {[nested(N - 1)]}.

maps() ->
    [#{}, #{a => 1}, #{a => #{b => #{}}}, #{1 => 2, 1.0 => 3}, #{"a" => <<"b">>, <<"a">> => "b"}, #{[] => {}, {} => []},
     #{0.0 => zero}, #{(1 bsl 64) => big}, #{[a|b] => improper}, #{<<1:3>> => bits}, #{#{a => 1} => map}, #{{a, [1]} => tuple},
     #{'__struct__' => 'Elixir.User', name => <<"Ann">>}, #{fun lists:map/2 => export},
     maps:from_list([{pid(<<"a@b">>, 1, 0, 1), pid}]), maps:from_list([{ref(<<"a@b">>, 1, [1, 2, 3]), ref}]),
     maps:from_list([{port(<<"a@b">>, 1, 1), port}])].

large_maps() ->
    [maps:from_list([{I, a} || I <- lists:seq(1, N)]) || N <- [32, 33, 100]] ++
    [maps:from_list([{K, V} || {K, V} <- lists:zip(
        [a, 1, 1.0, -1, 1 bsl 70, <<"b">>, <<1:1>>, "str", [], {}, {a}, #{}, #{a => b}, [x|y], fun lists:map/2,
         pid(<<"n@h">>, 1, 2, 3), ref(<<"n@h">>, 1, [1]), port(<<"n@h">>, 1, 1)] ++ lists:seq(100, 120),
        lists:seq(1, 39))])].

long() ->
    [{[list_to_atom(lists:duplicate(N, C)) || N <- lists:seq(0, 255)], io_lib:format("atoms(~w)", [C])} || C <- [$a, 16#e9, 16#430, 16#1f600]] ++
    [{lists:duplicate(N, 7), io_lib:format("lists:duplicate(~w, 7)", [N])} || N <- [65534, 65535, 65536, 65537]] ++
    [{binary:copy(<<"x">>, N), io_lib:format("binary:copy(<<\"x\">>, ~w)", [N])} || N <- [65535, 65536, 1000000]] ++
    [{lists:duplicate(70000, a), "lists:duplicate(70000, a)"}, {1 bsl (8 * 65536), "1 bsl 524288"}, {1 bsl (8 * 65536 - 1), "1 bsl 524287"},
     {-(1 bsl (8 * 65535) - 1), "-(1 bsl 524280 - 1)"}, {erlang:make_tuple(70000, []), "erlang:make_tuple(70000, [])"}].

node_ext(N) -> <<119, (byte_size(N)), N/binary>>.

%% OTP 23 has no ports of more than 28 bits, no pids of more than 28, no references of more than three words.
b2t(B) ->
    try binary_to_term(B) catch error:badarg when B =/= <<>> -> 23 = release(), 'not in OTP 23' end.

pid(N, Id, Serial, Creation) -> b2t(<<131, 88, (node_ext(N))/binary, Id:32, Serial:32, Creation:32>>).

ref(N, Creation, Words) ->
    b2t(<<131, 90, (length(Words)):16, (node_ext(N))/binary, Creation:32, << <<W:32>> || W <- Words >>/binary>>).

port(N, Id, Creation) when Id < 1 bsl 28 -> b2t(<<131, 89, (node_ext(N))/binary, Id:32, Creation:32>>);
port(N, Id, Creation) -> b2t(<<131, 120, (node_ext(N))/binary, Id:64, Creation:32>>).

idents() ->
    Max = 1 bsl 32 - 1,
    [whereis(init), pid(<<"a@b">>, 0, 0, 0), pid(<<"node@host.example.org">>, Max, Max, Max), pid(<<"x@127.0.0.1">>, 85, 3, 4),
     pid(<<"odd name">>, 1, 2, 3), pid(<<"été@hôte"/utf8>>, 1, 2, 3), pid(<<"a/b">>, 1, 2, 3), pid(<<"a>b">>, 1, 2, 3), pid(<<"1.2.3">>, 4, 5, 6),
     port(<<"a@b">>, 0, 0), port(<<"a@b.c">>, 1 bsl 28 - 1, Max), port(<<"a@b">>, 1 bsl 28, 1), port(<<"a@b">>, 1 bsl 64 - 1, Max),
     ref(<<"a@b">>, 0, [0]), ref(<<"a@b.c">>, Max, [Max, Max, Max]), ref(<<"a@b">>, 1, [1, 2]), ref(<<"a@b">>, 1, [1, 2, 3, 4]),
     ref(<<"a@b">>, 7, [1, 2, 3, 4, 5]), ref(<<"odd name">>, 7, [1, 2, 3]),
     {'$gen_call', {pid(<<"a@b">>, 100, 0, 9), [alias|ref(<<"a@b">>, 9, [1, 2, 3])]}, {get, <<"key">>, 42}},
     {hello, from, pid(<<"a@b">>, 100, 0, 9)}, [pid(<<"a@b">>, 1, 0, 9)|ref(<<"a@b">>, 9, [1])], [port(<<"a@b">>, 1, 2), 1]].

funs() ->
    X = {free, <<"x">>}, Y = [1, 2, 3],
    [fun lists:map/2, fun 'A':'b c'/0, fun a:b/255,
     fun() -> ok end, fun(A) -> A end, fun(A, B) -> {A, B, X} end, fun(_) -> {X, Y, 1.5} end,
     {f, fun(A) -> [A|Y] end}, #{fun(A) -> [A|X] end => closure}].

%% the native records of OTP 29, with their text
records() ->
    [{b2t(<<131, 67, (length(Fs)):32, X, 119, 1, "m", 119, 3, "rec",
            << <<119, (length(F)), (list_to_binary(F))/binary>> || {F, _} <- Fs >>/binary,
            << <<(tail(term_to_binary(V, [{minor_version, 2}])))/binary>> || {_, V} <- Fs >>/binary>>),
      ["#m:rec", case X of 1 -> "/exported"; 0 -> "" end, "{", lists:join(",", [[F, "=", text(V)] || {F, V} <- Fs]), "}"]} ||
        release() >= 29, X <- [0, 1], Fs <- [[], [{"a", 1}], [{"k", "str"}], [{"f", {1.5, <<"x">>}}], [{"m", #{a => [b]}}], [{"b", 2}, {"a", x}]]].

tail(<<131, B/binary>>) -> B.

%% ---- other bytes for terms

compressed() ->
    Ts = [lists:duplicate(200, a), binary:copy(<<"abc">>, 100), maps:from_list([{I, I} || I <- lists:seq(1, 40)])],
    [term_to_binary(T, [compressed, {minor_version, 2}]) || T <- Ts] ++ [zip(2, <<97, 1>>)].

zip(Size, Inner) -> <<131, 80, Size:32, (zlib:compress(Inner))/binary>>.

old_minor() ->
    [term_to_binary(T, [{minor_version, 0}]) || T <- [1.5, -0.0, 1.0e100, 5.0e-324, 1.7976931348623157e308, ok, 'été']] ++
    [term_to_binary(T, [{minor_version, 1}]) || T <- [ok, 'été', 'ж', {a, [b]}]].

old_tags() ->
    N = <<100, 3:16, "a@b">>,
    Bodies = [
     <<115, 2, "ok">>, <<115, 1, 233>>, <<115, 0>>, <<100, 0:16>>, <<118, 2:16, "ok">>, <<119, 0>>,
     <<103, N/binary, 1:32, 2:32, 3>>, <<103, 115, 3, "a@b", -1:32, -1:32, 0>>, <<88, N/binary, 1:32, 2:32, 3:32>>,
     <<102, N/binary, 1:32, 3>>, <<102, N/binary, -1:32, 3>>, <<89, N/binary, -1:32, 3:32>>, <<120, N/binary, 1:64, 3:32>>,
     <<101, N/binary, 1:32, 3>>, <<101, N/binary, (1 bsl 18 - 1):32, 0>>, <<114, 3:16, N/binary, 3, 1:32, -1:32, -1:32>>,
     <<114, 4:16, N/binary, 3, 1:32, 2:32, 3:32, 4:32>>, <<90, 1:16, N/binary, 3:32, -1:32>>,
     <<98, 5:32>>, <<98, -1:32>>, <<110, 0, 0>>, <<110, 0, 1>>, <<110, 1, 0, 5>>, <<110, 1, 1, 5>>, <<110, 1, 7, 5>>, <<110, 10, 1, 5, 0:72>>,
     <<110, 8, 1, 0:56, 128>>, <<110, 8, 0, 0:56, 128>>, <<110, 9, 0, 0:64, 1>>, <<111, 0:32, 0>>, <<111, 1:32, 0, 255>>, <<111, 300:32, 1, 1, 0:(299 * 8)>>,
     <<107, 0:16>>, <<108, 0:32, 106>>, <<108, 0:32, 119, 1, "a">>, <<108, 0:32, 107, 2:16, 1, 2>>, <<108, 1:32, 97, 1, 106>>,
     <<108, 1:32, 97, 1, 108, 1:32, 119, 1, "b", 106>>, <<108, 1:32, 97, 1, 107, 2:16, 2, 3>>, <<108, 1:32, 97, 1, 108, 0:32, 106>>,
     <<108, 1:32, 97, 1, 108, 1:32, 97, 2, 97, 3>>, <<105, 0:32>>, <<105, 1:32, 106>>,
     <<77, 0:32, 0>>, <<77, 1:32, 8, 255>>, <<77, 1:32, 3, 255>>, <<77, 2:32, 1, 1, 255>>,
     <<113, 119, 1, "a", 119, 1, "b", 98, 2:32>>, <<113, 100, 1:16, "a", 115, 1, "b", 97, 2>>, <<113, 119, 1, "a", 119, 1, "b", 110, 1, 0, 5>>,
     <<99, "1.5e+00", 0, "what is behind the zero">>, <<99, "+1.5E0", 0:200>>, <<99, "1.0", 0:224>>, <<99, "1.0e-400", 0:184>>],
    [<<131, B/binary>> || B <- Bodies].

malformed() ->
    A = <<119, 1, "a">>,
    Bodies = [
     <<>>, <<0>>, <<131, 97, 1>>, <<97>>, <<98, 0:24>>, <<70, 0:56>>, <<70, 16#7ff8:16, 0:48>>, <<70, 16#7ff0:16, 0:48>>, <<70, 16#fff0:16, 0:48>>,
     <<99, "15e+00", 0:200>>, <<99, "15", 0:232>>, <<99, "1.5e+00x", 0:184>>, <<99, " 1.5e+00", 0:184>>, <<99, ".5e+00", 0:200>>,
     <<99, "1.e+00", 0:200>>, <<99, "1.0e400", 0:192>>, <<99, "inf", 0:224>>, <<99, "1.5", 0:216>>,
     <<77, 1:32, 0, 255>>, <<77, 0:32, 8>>, <<77, 1:32, 9, 255>>, <<77, 2:32, 1, 1>>, <<109, 5:32, "abcd">>, <<109, -1:32>>,
     <<100, 256:16, (binary:copy(<<"a">>, 256))/binary>>, <<118, 256:16, (binary:copy(<<"a">>, 256))/binary>>, <<119, 2, "a">>, <<118, 2:16, "a">>,
     <<119, 1, 255>>, <<119, 3, 16#ed, 16#a0, 16#80>>, <<119, 2, 16#c0, 16#80>>, <<119, 4, 16#f4, 16#90, 16#80, 16#80>>, <<82, 0>>,
     <<88, A/binary, 0:88>>, <<88, 97, 1, 0:96>>, <<103, A/binary, 1:32, 2:32, 4>>, <<102, A/binary, 1:32, 4>>, <<120, A/binary, 0:88>>,
     <<101, A/binary, 1:32, 4>>, <<101, A/binary, (1 bsl 18):32, 3>>, <<114, 1:16, A/binary, 4, 1:32>>, <<114, 1:16, A/binary, 1, -1:32>>,
     <<90, 6:16, A/binary, 1:32, 0:192>>, <<90, 3:16, A/binary, 1:32, 0:64>>,
     <<104, 2, 97, 1>>, <<105, -1:32>>, <<105, 2:32, 106>>, <<107, 2:16, 1>>, <<108, 1:32, 97, 1>>, <<108, 2:32, 97, 1, 106>>, <<108, -1:32, 106>>,
     <<110, 2, 0, 1>>, <<111, -1:32, 0>>, <<111, 2:32, 0, 1>>,
     <<116, 1:32, 97, 1>>, <<116, -1:32>>, <<116, 2:32, 97, 1, 97, 1, 97, 1, 97, 2>>,
     <<116, 2:32, 107, 1:16, 1, 97, 1, 108, 1:32, 97, 1, 106, 97, 2>>,
     <<116, 2:32, 116, 2:32, 97, 1, 97, 1, 97, 2, 97, 2, 97, 1, 116, 2:32, 97, 2, 97, 2, 97, 1, 97, 1, 97, 2>>,
     <<113, 97, 1, A/binary, 97, 1>>, <<113, A/binary, A/binary, A/binary>>, <<113, A/binary, A/binary>>,
     <<112, 0:32, 0, 0:128, 0:32, 0:32, A/binary>>, <<117, 0:32>>, <<121, 0:32, 97, 1>>, <<104, 1, 121, 0:32, 97, 1>>, <<104, 1, 80, 2:32, (zlib:compress(<<97, 1>>))/binary>>],
    Z = zlib:compress(<<97, 1>>),
    Cut = binary:part(Z, 0, byte_size(Z) - 1),
    In = binary:part(zip(2, <<97, 1>>), 1, byte_size(zip(2, <<97, 1>>)) - 1),
    [<<>>, <<130, 97, 1>>, <<131>>] ++ [<<131, B/binary>> || B <- Bodies] ++
    [zip(1, <<97, 1>>), zip(3, <<97, 1>>), zip(1000, <<97, 1>>), zip(byte_size(In), In), zip(3, <<131, 97, 1>>), <<131, 80, 2:32, Cut/binary>>,
     <<131, 80, 2:32, Cut/binary, 0>>, <<131, 80>>, <<131, 80, 0:32>>, <<131, 80, 2:32, "garbage">>].
