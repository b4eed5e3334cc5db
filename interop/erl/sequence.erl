%% Runs sequences of commands for puppets (see interop/sequences). A sequence is {Sites, Steps}: the site of each puppet, t for
%% the target's node and o for the other BEAM node, and steps {Id, Puppet, [Command]}. After each step everything comes to
%% rest, so that the next one finds a state that does not hang on time. A step's commands go out together: they are to be such
%% that nothing hangs on time among them.
%%
%% Within commands {p, I} is the I-th puppet, {s, I} the same of an earlier life of its node, {r, Id} the reference that the
%% first command of step Id gave, {n, I} a name, {b, Size} a binary, t and o in {node, _} the nodes.
-module(sequence).
-export([run/5]).

-record(state, {lane, nodes, pids, owned, observers, dead = [], refs = #{}, names, got = [], slow, checked}).

-define(PATIENCE, 15000).

%% The trace as text: for each sequence a line for each step and for what came of it, and an empty line. Sequences are run
%% Lanes at a time, those with a disconnect by themselves. Slow is how many milliseconds it waits before each round of asking
%% everybody; two rounds without news end a step.
run(Target, Other, Sequences, Lanes, Slow) ->
    Nodes = #{t => Target, o => Other},
    Numbered = lists:zip(lists:seq(1, length(Sequences)), Sequences),
    {Alone, Together} = lists:partition(fun({_, {_, Steps}}) -> disconnects(Steps) end, Numbered),
    Self = self(),
    Queue = spawn_link(fun() -> queue(Together) end),
    Workers = [spawn_monitor(fun() -> Self ! {self(), worker(Queue, Nodes, Lane, Slow, [])} end) || Lane <- lists:seq(1, Lanes)],
    Done = lists:append([receive {Pid, Traces} -> demonitor(Ref, [flush]), Traces;
                                 {'DOWN', Ref, _, _, Why} -> exit({lane, Why}) end || {Pid, Ref} <- Workers]),
    Rest = [{N, isolated(Nodes, 0, Slow, S)} || {N, S} <- Alone],
    {'$text', [[Text, $\n] || {_, Text} <- lists:keysort(1, Done ++ Rest)]}.

disconnects(Steps) ->
    [x || {_, _, Commands} <- Steps, {disconnect, _} <- Commands] =/= [].

queue([Next | Rest]) ->
    receive {next, From} -> From ! {next, Next}, queue(Rest) end;
queue([]) ->
    receive {next, From} -> From ! none, queue([]) end.

worker(Queue, Nodes, Lane, Slow, Done) ->
    Queue ! {next, self()},
    receive
        none -> Done;
        {next, {N, Sequence}} -> worker(Queue, Nodes, Lane, Slow, [{N, isolated(Nodes, Lane, Slow, Sequence)} | Done])
    end.

%% In a process of its own, with which its puppets exit.
isolated(Nodes, Lane, Slow, Sequence) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({trace, one(Nodes, Lane, Slow, Sequence)}) end),
    receive
        {'DOWN', Ref, _, Pid, {trace, Text}} -> Text;
        {'DOWN', Ref, _, Pid, Why} -> io_lib:format("failed ~0tp~n", [Why])
    end.

one(Nodes, Lane, Slow, {Sites, Steps}) ->
    #{t := T, o := O} = Nodes,
    Checked = disconnects(Steps),
    Observers = #{t => drive:puppet(T), o => drive:puppet(O)},
    pong = drive:do(maps:get(t, Observers), {ping, O}),
    Pids = [drive:puppet(maps:get(Site, Nodes)) || Site <- Sites],
    Owned = maps:from_list([{monitor(process, Pid), Pid} || Pid <- Pids]),
    Names = lists:zip(Pids, [list_to_atom([$p | integer_to_list(I)]) || I <- lists:seq(1, length(Pids))]),
    S = #state{lane = Lane, nodes = Nodes, pids = list_to_tuple(Pids), owned = Owned, observers = Observers,
               names = maps:from_list(Names), slow = Slow, checked = Checked},
    %% Our monitors and the puppets' signals go over different connections: ours are to be there first.
    {Text, _} = lists:mapfoldl(fun step/2, rounds(1, 0, none, S), Steps),
    %% The names are to be free for the next one.
    Refs = [{exit(Pid, kill), monitor(process, Pid)} || Pid <- Pids ++ maps:values(Observers)],
    [receive {'DOWN', Ref, _, _, _} -> ok end || {_, Ref} <- Refs],
    Text.

step({Id, I, Commands}, S0) ->
    Pid = element(I, S0#state.pids),
    case lists:keymember(Pid, 1, S0#state.dead) of
        true -> {[], S0};
        false ->
            Tags = [begin Tag = make_ref(), Pid ! {do, Tag, fill(Command, S0)}, Tag end || Command <- Commands],
            {Results, S1} = lists:mapfoldl(fun(Tag, S) -> result(Tag, Pid, S) end, S0, Tags),
            S2 = refer(Id, Results, S1),
            [apart(S2) || {{disconnect, _}, true} <- lists:zip(Commands, Results)],
            S3 = settle(Pid, S2),
            %% One that is ended by what it does may or may not get to answer.
            Answers = case lists:keymember(Pid, 1, S3#state.dead) of
                true -> died;
                false -> [canon(R, S3) || R <- Results]
            end,
            Line = io_lib:format("~w p~w ~0tp -> ~0tp~n", [Id, I, Commands, Answers]),
            {[Line | came(S3#state.dead -- S0#state.dead, S3)], S3#state{got = []}}
    end.

%% A reference that a step gave is named after it.
refer(Id, [Ref | _], S = #state{refs = Refs, names = Names}) when is_reference(Ref) ->
    S#state{refs = Refs#{Id => Ref}, names = Names#{Ref => list_to_atom([$r | integer_to_list(Id)])}};
refer(_, _, S) ->
    S.

%% What came of a step: for each puppet the messages in their order, then what tells of others, in no order. One that died
%% may or may not have got to pass on what came just before, from others than its end did: of it only the end counts.
came(Dead, #state{got = Got, pids = Pids} = S) ->
    Messages = lists:reverse(Got),
    [begin
        Died = [{died, canon(Why, S)} || {P, Why} <- Dead, P =:= Pid],
        {Notices, Plain} = lists:partition(fun notice/1, [canon(M, S) || {P, M} <- Messages, P =:= Pid, Died =:= []]),
        case {Plain, lists:sort(Notices), Died} of
            {[], [], []} -> [];
            All -> io_lib:format("    ~w ~0tp~n", [canon(Pid, S), All])
        end
     end || Pid <- tuple_to_list(Pids)].

notice({'EXIT', _, _}) -> true;
notice({'DOWN', _, _, _, _}) -> true;
notice({nodedown, _}) -> true;
notice(_) -> false.

%% The answer to a command; `died` if the puppet did before it answered.
result(Tag, Pid, S) ->
    case lists:keymember(Pid, 1, S#state.dead) of
        true -> receive {done, Tag, Result} -> {Result, S} after 0 -> {died, S} end;
        false ->
            receive
                {done, Tag, Result} -> {Result, S};
                {'DOWN', Ref, process, P, Why} when is_map_key(Ref, S#state.owned) -> result(Tag, Pid, died(P, Why, S))
            after ?PATIENCE -> {nothing, S}
            end
    end.

died(Pid, Why, S = #state{dead = Dead}) ->
    S#state{dead = [{Pid, Why} | Dead]}.

%% Where the two nodes are connected, fences go through that connection; otherwise it takes time, as they would connect it. One
%% that was connected a moment ago may take seconds (OTP refuses, or waits for, what it is not rid of): that is waited for first.
settle(Actor, S = #state{slow = Slow, checked = false}) ->
    rounds(2, Slow, Actor, S);
settle(Actor, S = #state{slow = Slow}) ->
    decided(erlang:monotonic_time(millisecond) + ?PATIENCE, S),
    case together(S) of
        true -> rounds(2, Slow, Actor, S);
        false -> rounds(2, max(5 * Slow, 25), none, S)
    end.

%% Waits until no node has an attempt to connect to the other under way. A Go node does not say: it takes a moment there.
decided(End, S = #state{nodes = #{t := T, o := O}}) ->
    case (connecting(T, O) orelse connecting(O, T)) andalso erlang:monotonic_time(millisecond) < End of
        true -> timer:sleep(5), decided(End, S);
        false -> ok
    end.

%% The table is net_kernel's, which has to hear first of what is sent: so it is asked for something before.
connecting(Node, To) ->
    _ = gen_server:call({net_kernel, Node}, {is_auth, node()}),
    case rpc:call(Node, ets, lookup, [sys_dist, To]) of
        [Connection] when element(1, Connection) =:= connection -> element(4, Connection) =/= up;
        _ -> false
    end.

%% Asks everybody, and lets the Actor and both observers reach everybody at the other node, until a number of rounds have
%% brought nothing.
rounds(0, _, _, S) -> S;
rounds(Left, Pause, Actor, S) ->
    timer:sleep(Pause),
    S1 = lists:foldl(fun fenced/2, S, fences(Actor, S)),
    Alive = alive(tuple_to_list(S1#state.pids) ++ maps:values(S#state.observers), S1),
    Tags = [{P, begin Tag = make_ref(), P ! {do, Tag, {whereis, '$nobody'}}, Tag end} || P <- Alive],
    S2 = collect(lists:foldl(fun({P, Tag}, Acc) -> {_, Next} = result(Tag, P, Acc), Next end, S1, Tags)),
    case {S2#state.got, S2#state.dead} =:= {S#state.got, S#state.dead} of
        true -> rounds(Left - 1, Pause, Actor, S2);
        false -> rounds(2, Pause, Actor, S2)
    end.

alive(Pids, S) ->
    [P || P <- Pids, not lists:keymember(P, 1, S#state.dead)].

%% What an actor has sent, and what the dead have, is there before a fence that is sent now.
fences(none, _) -> [];
fences(Actor, S = #state{observers = #{t := AtT, o := AtO}}) ->
    [begin
        Fence = make_ref(),
        From ! {do, fence, {send, To, {fence, Fence}}},
        {From, To, Fence}
     end || From <- alive([Actor, AtT, AtO], S), To <- alive([AtT, AtO | tuple_to_list(S#state.pids)], S), node(From) =/= node(To)].

fenced({From, To, Fence}, S) ->
    case alive([From, To], S) of
        [_, _] ->
            receive
                {got, To, {fence, Fence}} -> S;
                {'DOWN', Ref, process, P, Why} when is_map_key(Ref, S#state.owned) -> fenced({From, To, Fence}, died(P, Why, S))
            after ?PATIENCE -> S
            end;
        _ -> S
    end.

collect(S) ->
    receive
        {done, fence, _} -> collect(S);
        {got, _, {fence, _}} -> collect(S);
        {got, Pid, Message} -> collect(S#state{got = [{Pid, Message} | S#state.got]});
        {'DOWN', Ref, process, P, Why} when is_map_key(Ref, S#state.owned) -> collect(died(P, Why, S))
    after 0 -> S
    end.

%% Whether the two nodes are connected, as each of them sees it.
together(#state{observers = #{t := AtT, o := AtO}, nodes = #{t := T, o := O}}) ->
    lists:member(O, drive:do(AtT, {nodes, connected})) andalso lists:member(T, drive:do(AtO, {nodes, connected})).

%% Waits until each has noticed that the connection is gone.
apart(#state{observers = #{t := AtT, o := AtO}, nodes = #{t := T, o := O}}) ->
    drive:until(fun() ->
        not lists:member(O, drive:do(AtT, {nodes, connected})) andalso not lists:member(T, drive:do(AtO, {nodes, connected}))
    end).

fill({p, I}, S) -> element(I, S#state.pids);
fill({s, I}, S) -> drive:stale(element(I, S#state.pids));
fill({r, Id}, S) -> maps:get(Id, S#state.refs, none);
fill({n, I}, S) -> list_to_atom(lists:concat([lane, S#state.lane, '_', I]));
fill({b, Size}, _) -> binary:copy(<<"b">>, Size);
fill({node, Site}, S) -> maps:get(Site, S#state.nodes);
fill(T, S) when is_tuple(T) -> list_to_tuple(fill(tuple_to_list(T), S));
fill([H | T], S) -> [fill(H, S) | fill(T, S)];
fill(T, _) -> T.

%% The term with names for what is another in each run.
canon(T, #state{names = Names}) when is_pid(T); is_reference(T) ->
    maps:get(T, Names, if is_pid(T) -> a_pid; true -> a_ref end);
canon(T, S) when is_tuple(T) -> list_to_tuple(canon(tuple_to_list(T), S));
canon([H | T], S) -> [canon(H, S) | canon(T, S)];
canon(B, _) when is_binary(B), byte_size(B) > 100 -> {b, byte_size(B)};
canon(A, #state{lane = Lane}) when is_atom(A) ->
    Prefix = lists:concat([lane, Lane, '_']),
    case lists:prefix(Prefix, atom_to_list(A)) of
        true -> {n, list_to_integer(lists:nthtail(length(Prefix), atom_to_list(A)))};
        false -> A
    end;
canon(T, _) -> T.
