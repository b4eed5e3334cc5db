%% What a BEAM node does in the tests that nothing is lost and nothing overtaken: senders and receivers of many messages,
%% with big ones, links and monitors among them, and processes that watch many others.
-module(flood).
-export([send/4, expect/3, watch/3]).

%% Starts a process that sends Count numbered messages to {Name, Node}, every Every-th with a binary of 5 MB. To the receiver's
%% pid, which answers the first message, go some of them, and monitors that are taken back. It ends with the reason
%% {done, Count}, linked.
%%
%% It takes no links back: OTP can lose a link that is set up again over a busy connection (see TestLinksOnTheWire). The sender in Go
%% does.
send(Name, Node, Count, Every) ->
    spawn(fun() ->
        {Name, Node} ! {from, self()},
        To = receive {to, P} -> P end,
        Big = binary:copy(<<"x">>, 5000000),
        [number({Name, Node}, To, I, Every, Big) || I <- lists:seq(1, Count)],
        link(To),
        exit({done, Count})
    end).

number(Named, To, I, Every, Big) ->
    Payload = if I rem Every =:= 0 -> Big; true -> <<"payload">> end,
    if I rem 3 =:= 0 -> Named ! {I, Payload}; true -> To ! {I, Payload} end,
    case I rem 100 of
        3 -> demonitor(monitor(process, To), [flush]);
        4 -> demonitor(monitor(process, Named), [flush]);
        _ -> ok
    end.

%% Starts a process with a name that expects Count numbered messages of one sender, whose pid comes first and is answered, and
%% then its end, which comes by link and by monitor. Tells what it has seen: all_in_order.
expect(Name, Count, Tell) ->
    P = spawn(fun() ->
        process_flag(trap_exit, true),
        From = receive {from, F} -> F end,
        Ref = monitor(process, From),
        From ! {to, self()},
        Tell ! {Name, expect(1, Count, From, Ref)}
    end),
    register(Name, P),
    P.

expect(I, Count, From, Ref) when I > Count ->
    Ends = lists:sort([receive {'EXIT', From, R} -> {exit, R}; {'DOWN', Ref, process, From, R} -> {down, R}; M -> M end || _ <- [1, 2]]),
    case Ends of
        [{down, {done, Count}}, {exit, {done, Count}}] -> all_in_order;
        _ -> Ends
    end;
expect(I, Count, From, Ref) ->
    receive
        {I, <<_:7/binary>>} -> expect(I + 1, Count, From, Ref);
        {I, B} when byte_size(B) =:= 5000000 -> expect(I + 1, Count, From, Ref);
        M -> {at, I, M}
    end.

%% Starts Watchers processes that each monitor and link every one of the pids. When all is set up Tell gets {set_up, Pid}; and
%% then one {heard, Downs, Exits, Others} when the given number of both has come, of those with noconnection, or nothing has for
%% a while.
watch(Pids, Watchers, Tell) ->
    Collector = spawn(fun() ->
        [receive set_up -> ok end || _ <- lists:seq(1, Watchers)],
        Tell ! {set_up, self()},
        Sums = [receive {heard, D, E, O} -> {D, E, O} end || _ <- lists:seq(1, Watchers)],
        {Ds, Es, Os} = lists:unzip3(Sums),
        Tell ! {heard, lists:sum(Ds), lists:sum(Es), lists:sum(Os)}
    end),
    [spawn(fun() ->
        process_flag(trap_exit, true),
        [begin monitor(process, P), link(P) end || P <- Pids],
        Collector ! set_up,
        Collector ! heard(length(Pids), 0, 0, 0)
    end) || _ <- lists:seq(1, Watchers)],
    Collector.

heard(N, N, N, O) -> {heard, N, N, O};
heard(N, D, E, O) ->
    receive
        {'DOWN', _, process, _, noconnection} -> heard(N, D + 1, E, O);
        {'EXIT', _, noconnection} -> heard(N, D, E + 1, O);
        _ -> heard(N, D, E, O + 1)
    after 60000 ->
        {heard, D, E, O}
    end.
