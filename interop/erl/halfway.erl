%% Processes that send something large and others that watch them, for tests in which the sender or the connection dies in the middle.
-module(halfway).
-export([sink/0, events/1, sender/4, go/1, kill/2, arguments/1, held/0]).

%% Starts a process with the name sink that links and monitors whoever sends {watch, Pid}, and keeps what comes from him.
sink() ->
    register(sink, spawn(fun() -> process_flag(trap_exit, true), sink([]) end)),
    ok.

sink(Events) ->
    receive
        {watch, Pid} ->
            link(Pid),
            monitor(process, Pid),
            Pid ! {watching, self()},
            sink(Events);
        {events, N, From, Ref} when length(Events) >= N ->
            From ! {Ref, lists:reverse(Events)},
            sink([]);
        {'EXIT', _, Reason} -> sink([{exit, short(Reason)} | Events]);
        {'DOWN', _, process, _, Reason} -> sink([{down, short(Reason)} | Events]);
        Large when is_binary(Large) -> sink([short(Large) | Events])
    end.

short(Large) when is_binary(Large) -> {large, byte_size(Large), erlang:crc32(Large)};
short(Small) -> Small.

%% What has come, when it is so much; or what there is of it after a while.
events(N) ->
    Ref = make_ref(),
    sink ! {events, N, self(), Ref},
    receive {Ref, Events} -> Events
    after 10000 -> sink ! {events, 0, self(), Ref}, receive {Ref, Events} -> {only, Events} end
    end.

%% Starts a process with a name that sends Bytes to {sink, Node} when it is told to, in one of several forms. Returns when it is watched.
sender(Name, Node, Bytes, Form) ->
    Parent = self(),
    Large = binary:copy(<<"0123456789abcdef">>, Bytes div 16),
    Pid = spawn(fun() ->
        register(Name, self()),
        {sink, Node} ! {watch, self()},
        Sink = receive {watching, S} -> Parent ! {watched, self()}, S end,
        receive go -> send(Form, Sink, Large) end,
        receive never -> ok end
    end),
    receive {watched, Pid} -> ok after 10000 -> not_watched end.

send(name, Sink, Large) -> {sink, node(Sink)} ! Large;
send(pid, Sink, Large) -> Sink ! Large;
send(exit, Sink, Large) -> exit(Sink, Large);
send(reason, _, Large) -> exit(Large);
send(spawn, Sink, Large) -> spawn(node(Sink), ?MODULE, arguments, [Large]).

%% What a process is started with by a large spawn request.
arguments(Large) ->
    sink ! Large.

go(Name) ->
    Name ! go,
    ok.

%% Ends a process that is in the middle of sending, and says where it was.
kill(Name, Reason) ->
    Pid = whereis(Name),
    Where = where(Pid, 1000),
    Ref = monitor(process, Pid),
    exit(Pid, Reason),
    receive {'DOWN', Ref, _, _, Reason1} -> {Where, Reason1} after 10000 -> {Where, alive} end.

where(Pid, N) ->
    case process_info(Pid, [status, current_function]) of
        [{status, suspended}, {current_function, {_, F, _}}] when F =:= dsend_continue_trap; F =:= spawn_request_yield -> F;
        Other when N =:= 0 -> Other;
        _ -> timer:sleep(10), where(Pid, N - 1)
    end.

%% How many bytes the node holds, binaries twice.
held() ->
    [garbage_collect(P) || P <- processes()],
    erlang:memory(binary) + erlang:memory(system).
