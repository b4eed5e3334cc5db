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
                    ["ok" | [io_lib:format(" ~s=~w", [K, V]) || {K, V} <- command(F, Args)]]
                catch C:R:S -> io_lib:format("error ~0tp ~0tp ~0tp", [C, R, S])
                end,
            io:format("~ts~n", [Answer]),
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

%% holder starts processes to be monitored and linked to, which trap exits, and keeps when the last of them has heard of all its links.
holder() ->
    receive
        {start, Count, Links, From} ->
            Self = self(),
            From ! {started, [spawn(fun() -> process_flag(trap_exit, true), held(Self, Links) end) || _ <- lists:seq(1, Count)]},
            Last = lists:max([receive {heard, At} -> At end || _ <- lists:seq(1, Count)]),
            receive {last, Whom} -> Whom ! {last, Last} end
    end,
    holder().

held(Holder, 0) -> Holder ! {heard, os:system_time(nanosecond)};
held(Holder, Links) -> receive {'EXIT', _, noconnection} -> held(Holder, Links - 1) end.

%% Terms

request(small) -> {add, 42};
request(map) ->
    #{id => 4711, name => <<"Ada Lovelace">>, email => <<"ada@example.org">>, active => true, score => 99.5,
      tags => [<<"mathematics">>, <<"engines">>, <<"poetry">>], city => <<"London">>, role => admin};
request(kib) -> binary:copy(<<"x">>, 1024).

%% Work

command(call, [Node, Kind, Conc, Ms]) ->
    Request = request(Kind),
    {Ops, Ns, Times} = during(Conc, Ms, fun(End) -> calls(Node, Request, End, 0, []) end),
    put(times, lists:append(Times)),
    [{ops, Ops}, {ns, Ns}];
command(latencies, []) ->
    Sorted = lists:sort(get(times)),
    N = length(Sorted),
    [{p50, lists:nth(1 + N div 2, Sorted)}, {p99, lists:nth(1 + min(N - 1, N * 99 div 100), Sorted)}];
command(ping, [Node, Ms]) ->
    {Ops, Ns, _} = during(1, Ms, fun(End) -> {pings({pong, Node}, {ping, self()}, End, 0), none} end),
    [{ops, Ops}, {ns, Ns}];
command(flood, [Node, Kind, Conc, Ms]) ->
    {Name, Message} = case Kind of tuple -> {none, {data, 4711}}; map -> {mapsink, request(map)} end,
    Start = now_ns(),
    {Sent, _, _} = during(Conc, Ms, fun(End) -> {flood(Name, Node, Message, End), none} end),
    counted(Node, sinks(Name, Conc), Sent, Start);
command(stream, [Node, Bytes, Ms]) ->
    Start = now_ns(),
    Sent = stream({sink1, Node}, {data, binary:copy(<<7>>, Bytes)}, Start + Ms * 1000000, 0),
    counted(Node, [sink1], Sent, Start);
command(mixed, [Node, Bytes, Ms]) ->
    Self = self(),
    Message = {data, binary:copy(<<7>>, Bytes)},
    Start = now_ns(),
    End = Start + Ms * 1000000,
    spawn_link(fun() -> Self ! {sent, stream({sink1, Node}, Message, End, 0)} end),
    {Calls, Times} = calls(Node, request(small), End, 0, []),
    put(times, Times),
    receive {sent, Sent} -> [{calls, Calls} | counted(Node, [sink1], Sent, Start)] end;
command(drop, [Node, N]) ->
    {holder, Node} ! {start, 100, N div 100, self()},
    Targets = receive {started, Pids} -> Pids end,
    Self = self(),
    Watchers = [spawn(fun() -> watcher(Self, Targets, N div 100) end) || _ <- lists:seq(1, 100)],
    Linkers = [spawn(fun() -> linker(Self, T) end) || _ <- lists:seq(1, N div 100), T <- Targets],
    [receive set -> ok end || _ <- Watchers ++ Linkers],
    %% What was set up is known to have arrived when a call has come back.
    {add, 42} = gen_server:call({echo, Node}, {add, 42}, 60000),
    At = os:system_time(nanosecond),
    Start = now_ns(),
    erlang:disconnect_node(Node),
    [receive heard -> ok end || _ <- Watchers ++ Linkers],
    [{ops, 3 * N}, {ns, now_ns() - Start}, {at, At}];
command(heard, []) ->
    holder ! {last, self()},
    receive {last, At} -> [{at, At}] end;
command(connect, [Node]) ->
    connect(Node),
    [];
command(global, Args) ->
    {Ms, Nodes} = {lists:last(Args), lists:droplast(Args)},
    in_process(fun() ->
        Start = now_ns(),
        {N, Last} = names(Start + Ms * 1000000, 0),
        Ns = now_ns() - Start,
        [Last = rpc:call(Node, global, whereis_name, [{bench, N}]) || Node <- Nodes],
        [{ops, N}, {ns, Ns}]
    end, fun() -> [wait(fun() -> rpc:call(Node, global, registered_names, []) =:= [] end) || Node <- [node() | Nodes]] end);
command(pg, [Node, Ms]) ->
    in_process(fun() ->
        Start = now_ns(),
        N = joins(Start + Ms * 1000000, 0),
        wait(fun() -> rpc:call(Node, pg, get_members, [{bench, N}]) =:= [self()] end),
        [{ops, N}, {ns, now_ns() - Start}]
    end, fun() -> [wait(fun() -> rpc:call(At, pg, get_members, [{bench, 1}]) =:= [] end) || At <- [node(), Node]] end);
command(forget, []) ->
    case erase(process) of
        undefined -> []; % it has failed
        {Pid, Ref, After} ->
            Pid ! stop,
            receive {'DOWN', Ref, process, Pid, _} -> ok end,
            After(),
            []
    end;

command(collect, []) ->
    [garbage_collect(P) || P <- processes()],
    [];

%% Scale

command(state, []) ->
    command(collect, []),
    [{bytes, erlang:memory(total)}, {goroutines, erlang:system_info(process_count)}];
command(processes, [spawn, Count]) ->
    [{bytes, Before} | _] = command(state, []),
    Self = self(),
    Start = now_ns(),
    Pids = many(Count, fun() -> receive hello -> Self ! got end, receive stop -> ok end end, []),
    Ns = now_ns() - Start,
    Bytes = erlang:memory(total) - Before - 16 * Count, % less the list of pids
    Then = now_ns(),
    [P ! hello || P <- Pids],
    got(Count),
    [{ops, Count}, {ns, Ns}, {bytes, Bytes div Count}, {message, (now_ns() - Then) / Count}].

many(0, _, Pids) -> Pids;
many(N, F, Pids) -> many(N - 1, F, [spawn(F) | Pids]).

got(0) -> ok;
got(N) -> receive got -> got(N - 1) end.

%% counted asks the sinks how much they have got until that is everything: the question may overtake what others have sent.
counted(Node, Sinks, Sent, Start) ->
    case counted(Node, Sinks, Sent, now_ns() + 5000000000, 0) of
        Sent -> [{ops, Sent}, {ns, now_ns() - Start}];
        Got -> error({sent, Sent, got, Got})
    end.

counted(Node, Sinks, Sent, End, Got) ->
    Sum = Got + lists:sum([begin {N, Node} ! {flush, self()}, receive {count, C} -> C end end || N <- Sinks]),
    case Sum >= Sent orelse now_ns() >= End of
        true -> Sum;
        false -> counted(Node, Sinks, Sent, End, Sum)
    end.

%% in_process does something in a process of its own, which stays until the command forget, and then what is to come After.
in_process(F, After) ->
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() -> Self ! {done, F()}, receive stop -> exit(shutdown) end end),
    receive
        {done, Result} -> put(process, {Pid, Ref, After}), Result;
        {'DOWN', Ref, process, Pid, Reason} -> exit(Reason)
    end.

%% names registers a process for each name: one process has one.
names(End, N) ->
    Pid = spawn_link(fun() -> receive stop -> ok end end),
    yes = global:register_name({bench, N + 1}, Pid),
    case now_ns() >= End of true -> {N + 1, Pid}; false -> names(End, N + 1) end.

joins(End, N) ->
    ok = pg:join({bench, N + 1}, self()),
    case now_ns() >= End of true -> N + 1; false -> joins(End, N + 1) end.

connect(Node) ->
    case net_kernel:connect_node(Node) of
        true -> true;
        _ -> timer:sleep(20), connect(Node)
    end.

wait(F) ->
    case F() of true -> ok; false -> wait(F) end.

%% Nothing is looked for in a mailbox: what comes is counted.
watcher(Parent, Targets, Count) ->
    Refs = [monitor(process, T) || T <- Targets, _ <- lists:seq(1, Count div 100)],
    Parent ! set,
    [receive {'DOWN', _, process, _, noconnection} -> ok end || _ <- Refs],
    Parent ! heard.

linker(Parent, Target) ->
    process_flag(trap_exit, true),
    link(Target),
    Parent ! set,
    receive {'EXIT', Target, noconnection} -> Parent ! heard end.

%% during runs a function in so many processes until the time is over, and adds up what they have done.
during(Conc, Ms, F) ->
    Self = self(),
    Start = now_ns(),
    End = Start + Ms * 1000000,
    Pids = [spawn_link(fun() -> put(me, I), Self ! {self(), F(End)} end) || I <- lists:seq(1, Conc)],
    Results = [receive {P, R} -> R end || P <- Pids],
    {lists:sum([N || {N, _} <- Results]), now_ns() - Start, [T || {_, T} <- Results]}.

calls(Node, Request, End, N, Times) ->
    T0 = now_ns(),
    Request = gen_server:call({echo, Node}, Request),
    T1 = now_ns(),
    case T1 >= End of
        true -> {N + 1, [T1 - T0 | Times]};
        false -> calls(Node, Request, End, N + 1, [T1 - T0 | Times])
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
    flooding(To, Message, End, 0).

flooding(To, Message, End, N) ->
    [To ! Message || _ <- lists:seq(1, 100)],
    case now_ns() >= End of true -> N + 100; false -> flooding(To, Message, End, N + 100) end.

sinks(none, Conc) -> [sink_name(I) || I <- lists:seq(1, Conc)];
sinks(Name, _) -> [Name].

stream(To, Message, End, N) ->
    To ! Message,
    case now_ns() >= End of true -> N + 1; false -> stream(To, Message, End, N + 1) end.

now_ns() -> erlang:monotonic_time(nanosecond).
