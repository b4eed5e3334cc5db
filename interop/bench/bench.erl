%% The OTP side of make bench-etf: measures term_to_binary/1 and binary_to_term/1 as it is told on standard input, a
%% command per line, and answers with a line each:
%%
%%   bytes Name         term_to_binary(Name's term), in base64
%%   enc Name Ms        nanoseconds per term_to_binary/1, measured for about Ms milliseconds
%%   dec Name Ms        nanoseconds per binary_to_term/1
%%
%% What it does about the heap: the term and its binary lie in persistent_term, so that no garbage collection copies
%% them. Each measurement runs in a process of its own, whose heap begins with 4 MB, and whose garbage collector finds
%% nothing alive. Its cost is part of the figure, as the cost of Go's is part of Go's.
-module(bench).
-export([main/0]).

main() ->
    [begin persistent_term:put({term, N}, T), persistent_term:put({bytes, N}, term_to_binary(T, [{minor_version, 2}])) end
     || {N, T} <- terms()],
    loop().

loop() ->
    case io:get_line("") of
        eof -> halt();
        Line ->
            case string:tokens(string:trim(Line), " ") of
                ["release"] -> io:format("~s~n", [erlang:system_info(otp_release)]);
                ["bytes", N] -> io:format("~s~n", [base64:encode(persistent_term:get({bytes, N}))]);
                [What, N, Ms] -> io:format("~w~n", [measure(list_to_atom(What), N, list_to_integer(Ms) * 1000000)])
            end,
            loop()
    end.

measure(What, Name, Ns) ->
    Key = case What of enc -> term; dec -> bytes end,
    Self = self(),
    {Pid, Mon} = spawn_opt(fun() ->
        X = persistent_term:get({Key, Name}),
        Self ! {self(), calibrate(What, X, Ns, 1)}
    end, [monitor, {min_heap_size, 500000}, {min_bin_vheap_size, 1000000}]),
    receive
        {Pid, R} -> demonitor(Mon, [flush]), R;
        {'DOWN', Mon, _, _, Why} -> error(Why)
    end.

calibrate(What, X, Ns, N) ->
    T = run(What, X, N),
    if
        T * 10 < Ns -> calibrate(What, X, Ns, N * 4);
        true -> M = max(1, round(N * Ns / T)), run(What, X, M) / M
    end.

run(What, X, N) ->
    T0 = erlang:monotonic_time(nanosecond),
    R = case What of enc -> enc(X, N); dec -> dec(X, N) end,
    T1 = erlang:monotonic_time(nanosecond),
    put(last, R),
    T1 - T0.

%% The result of a call is an argument of the next: one that nobody uses is no call at all since the compiler of OTP 27.
enc(X, N) -> enc(X, N, <<>>).

enc(_, N, R) when N =< 0 -> R;
enc(X, N, _) -> enc(X, N - 1, term_to_binary(X)).

dec(X, N) -> dec(X, N, []).

dec(_, N, R) when N =< 0 -> R;
dec(X, N, _) -> dec(X, N - 1, binary_to_term(X)).

terms() ->
    Pid = self(), Ref = make_ref(),
    Atoms = list_to_tuple([list_to_atom("status_" ++ integer_to_list(I)) || I <- lists:seq(1, 50)]),
    [{"hello", {hello, from, Pid}},
     {"gen_call", {'$gen_call', {Pid, [alias|Ref]}, {get, <<"key">>, 42}}},
     {"map10", maps:from_list([{list_to_atom("key_" ++ integer_to_list(I)), I * 100} || I <- lists:seq(0, 9)])},
     {"user", #{id => 1234567, name => <<"Grace Hopper">>, email => <<"grace@example.org">>, roles => [admin, editor, author],
                score => 98.25, active => true,
                profile => #{born => {1906, 12, 9}, tags => [<<"navy">>, <<"cobol">>, <<"compilers">>]}}},
     {"ints1000", [I * 1000 || I <- lists:seq(1, 1000)]},
     {"tuples1000", [{I, element(I rem 50 + 1, Atoms), <<"value">>} || I <- lists:seq(1, 1000)]},
     {"floats1000", [I * 1.25 || I <- lists:seq(1, 1000)]},
     {"binary64K", binary:copy(<<"0123456789abcdef">>, 4096)},
     {"big2048", (1 bsl 2047) + 16#123456789abcdef}].
