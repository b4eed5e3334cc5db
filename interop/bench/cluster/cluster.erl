%% The BEAM's side of make bench-cluster: the servers, and the driver that measures them. A driver reads commands on its
%% standard input, one a line, and answers each with a line: see doc.go.
-module(cluster).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

main() ->
    servers(),
    io:setopts([{binary, true}]),
    io:format("ready ~s~n", [erlang:system_info(otp_release)]),
    commands().

commands() ->
    case io:get_line("") of
        eof -> halt();
        Line ->
            Answer =
                try
                    [F | Args] = [word(W) || W <- binary:split(string:trim(Line), <<" ">>, [global])],
                    command(F, Args)
                catch C:R:S -> [error, io_lib:format("~0tp ~0tp ~0tp", [C, R, S])]
                end,
            io:format("~s~n", [lists:join(" ", [io_lib:format(if is_list(A) -> "~ts"; true -> "~w" end, [A]) || A <- Answer])]),
            commands()
    end.

word(W) ->
    try binary_to_integer(W) catch error:badarg -> binary_to_atom(W) end.

%% Servers

servers() ->
    {ok, _} = gen_server:start({local, echo}, ?MODULE, [], []),
    {ok, _} = pg:start(pg),
    register(pong, spawn(fun pong/0)),
    [register(sink_name(I), spawn(fun() -> sink(0) end)) || I <- lists:seq(1, 8)],
    register(mapsink, spawn(fun() -> mapsink(0, 0) end)),
    register(holder, spawn(fun holder/0)).

init([]) -> {ok, none}.
handle_call(Request, _From, S) -> {reply, Request, S}.
handle_cast(_, S) -> {noreply, S}.
handle_info(_, S) -> {noreply, S}.

pong() ->
    receive {ping, From} -> From ! pong end,
    pong().

sink_name(I) -> list_to_atom("sink" ++ integer_to_list(I)).

sink(N) ->
    receive
        {flush, From} -> From ! {count, N}, sink(0);
        _ -> sink(N + 1)
    end.

%% mapsink takes the map apart, as a program would that has a use for it.
mapsink(N, Sum) ->
    receive
        {flush, From} -> From ! {count, N}, mapsink(0, 0);
        #{id := Id, name := Name, email := _, active := true, score := Score, tags := [_ | _]} when is_binary(Name), is_float(Score) ->
            mapsink(N + 1, Sum + Id)
    end.

%% holder starts processes to be monitored and linked to.
holder() ->
    receive {start, N, From} -> From ! {started, [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)]} end,
    holder().

%% Terms

request(small) -> {add, 42};
request(map) ->
    #{id => 4711, name => <<"Ada Lovelace">>, email => <<"ada@example.org">>, active => true, score => 99.5,
      tags => [<<"mathematics">>, <<"engines">>, <<"poetry">>], city => <<"London">>, role => admin};
request(kib) -> binary:copy(<<"x">>, 1024).

%% Work

command(call, [Node, Kind, Conc, Ms]) ->
    Request = request(Kind),
    Each = fun(End) -> calls(Node, Request, End, 0, []) end,
    {Ops, Ns, Times} = during(Conc, Ms, Each),
    put(times, Times),
    [Ops, Ns, 0, 0];
command(latencies, []) ->
    [0, 0 | percentiles(get(times))];
command(ping, [Node, Ms]) ->
    {Ops, Ns, _} = during(1, Ms, fun(End) -> {pings({pong, Node}, {ping, self()}, End, 0), []} end),
    [Ops, Ns, 0, 0];
command(flood, [Node, Kind, Conc, Ms]) ->
    {Name, Message} = case Kind of tuple -> {none, {data, 4711}}; map -> {mapsink, request(map)} end,
    Start = now_ns(),
    {_, _, _} = during(Conc, Ms, fun(End) -> {0, []} = {flood(Name, Node, Message, End), []} end),
    Counts = [begin {N, Node} ! {flush, self()}, receive {count, C} -> C end end || N <- sinks(Name, Conc)],
    [lists:sum(Counts), now_ns() - Start, 0, 0];
command(stream, [Node, Bytes, Ms]) ->
    Start = now_ns(),
    stream({sink1, Node}, {data, binary:copy(<<7>>, Bytes)}, Start + Ms * 1000000),
    {sink1, Node} ! {flush, self()},
    receive {count, C} -> [C, now_ns() - Start, 0, 0] end;
command(mixed, [Node, Bytes, Ms]) ->
    Self = self(),
    Message = {data, binary:copy(<<7>>, Bytes)},
    End = now_ns() + Ms * 1000000,
    Streamer = spawn_link(fun() -> stream({sink1, Node}, Message, End), {sink1, Node} ! {flush, Self} end),
    {Ops, Times} = calls(Node, request(small), End, 0, []),
    receive {count, _} -> Streamer end,
    put(times, Times),
    [Ops, Ms * 1000000, 0, 0];
command(drop, [Node, N]) ->
    {holder, Node} ! {start, 100, self()},
    Targets = receive {started, Pids} -> Pids end,
    Self = self(),
    Watchers = [spawn(fun() -> watcher(Self, Targets, N div 100) end) || _ <- lists:seq(1, 100)],
    Linkers = [spawn(fun() -> linker(Self, lists:nth(1 + I rem 100, Targets)) end) || I <- lists:seq(1, N)],
    [receive {set, W} -> ok end || W <- Watchers ++ Linkers],
    %% What was set up is known to have arrived when a call has come back.
    {add, 42} = gen_server:call({echo, Node}, {add, 42}),
    Start = now_ns(),
    erlang:disconnect_node(Node),
    [receive {heard, W} -> ok end || W <- Watchers ++ Linkers],
    Ns = now_ns() - Start,
    connect(Node),
    [2 * N, Ns, 0, 0];
command(connect, [Node]) ->
    [connect(Node)];
command(global, [N]) ->
    Start = now_ns(),
    [yes = global:register_name({bench, I}, self()) || I <- lists:seq(1, N)],
    Ns = now_ns() - Start,
    [global:unregister_name({bench, I}) || I <- lists:seq(1, N)],
    [N, Ns, 0, 0];
command(pg, [Node, N]) ->
    Start = now_ns(),
    [ok = pg:join({bench, I}, self()) || I <- lists:seq(1, N)],
    wait(fun() -> rpc:call(Node, pg, get_members, [{bench, N}]) =:= [self()] end),
    Ns = now_ns() - Start,
    [ok = pg:leave({bench, I}, self()) || I <- lists:seq(1, N)],
    wait(fun() -> rpc:call(Node, pg, get_members, [{bench, N}]) =:= [] end),
    [N, Ns, 0, 0].

connect(Node) ->
    case net_kernel:connect_node(Node) of
        true -> true;
        _ -> timer:sleep(20), connect(Node)
    end.

wait(F) ->
    case F() of true -> ok; false -> wait(F) end.

watcher(Parent, Targets, PerTarget) ->
    Refs = [monitor(process, T) || T <- Targets, _ <- lists:seq(1, PerTarget div 100)],
    Parent ! {set, self()},
    [receive {'DOWN', R, process, _, noconnection} -> ok end || R <- Refs],
    Parent ! {heard, self()}.

linker(Parent, Target) ->
    process_flag(trap_exit, true),
    link(Target),
    Parent ! {set, self()},
    receive {'EXIT', Target, noconnection} -> Parent ! {heard, self()} end.

%% during runs a function in so many processes until the time is over, and adds up what they have done.
during(Conc, Ms, F) ->
    Self = self(),
    Start = now_ns(),
    End = Start + Ms * 1000000,
    Pids = [spawn_link(fun() -> put(me, I), Self ! {self(), F(End)} end) || I <- lists:seq(1, Conc)],
    Results = [receive {P, R} -> R end || P <- Pids],
    {lists:sum([N || {N, _} <- Results]), now_ns() - Start, lists:append([T || {_, T} <- Results])}.

calls(Node, Request, End, N, Times) ->
    T0 = now_ns(),
    if
        T0 >= End -> {N, Times};
        true ->
            Request = gen_server:call({echo, Node}, Request),
            calls(Node, Request, End, N + 1, [now_ns() - T0 | Times])
    end.

pings(To, Message, End, N) ->
    To ! Message,
    receive pong -> ok end,
    case N rem 16 =:= 0 andalso now_ns() >= End of
        true -> N + 1;
        false -> pings(To, Message, End, N + 1)
    end.

flood(Name, Node, Message, End) ->
    To = {case Name of none -> sink_name(get(me)); _ -> Name end, Node},
    flooding(To, Message, End).

flooding(To, Message, End) ->
    [To ! Message || _ <- lists:seq(1, 100)],
    case now_ns() >= End of true -> 0; false -> flooding(To, Message, End) end.

sinks(none, Conc) -> [sink_name(I) || I <- lists:seq(1, Conc)];
sinks(Name, _) -> [Name].

stream(To, Message, End) ->
    To ! Message,
    case now_ns() >= End of true -> ok; false -> stream(To, Message, End) end.

percentiles([]) -> [0, 0];
percentiles(Times) ->
    Sorted = lists:sort(Times),
    N = length(Sorted),
    [lists:nth(1 + N div 2, Sorted), lists:nth(1 + min(N - 1, N * 99 div 100), Sorted)].

now_ns() -> erlang:monotonic_time(nanosecond).
