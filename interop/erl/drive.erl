%% What scenarios use to drive a target from the node they run on. All waiting is bounded: what does not come within
%% five seconds is `nothing`, which is then the outcome.
-module(drive).
-export([puppet/1, do/2, ask/2, answer/1, got/1, got/2, next/0, next/1, quiet/0, quiet/1, down/1, until/1,
         restarted/2, monitored/3, name/2, gone/1, stale/1, traced/1, helper/0, local/0, elsewhere/1, flush/0, reasons/0, cut/2]).

-define(PATIENCE, 5000).
-define(SILENCE, 150).

%% A puppet on the target's node, owned by the caller.
puppet(Node) ->
    {ok, Pid} = gen_server:call({puppets, Node}, new),
    Pid.

%% Has a puppet carry out a command and returns its result.
do(Puppet, Command) ->
    answer(ask(Puppet, Command)).

%% The same in two steps, for commands that wait.
ask(Puppet, Command) ->
    Tag = make_ref(),
    Puppet ! {do, Tag, Command},
    note(command, {Puppet, Tag}, Command),
    Tag.

answer(Tag) ->
    note(answer, Tag, receive {done, Tag, Result} -> Result after ?PATIENCE -> nothing end).

%% The next message that the puppet passes on.
got(Puppet) ->
    got(Puppet, ?PATIENCE).

got(Puppet, Ms) ->
    note(got, Puppet, receive {got, Puppet, Message} -> Message after Ms -> nothing end).

%% The next message of any kind.
next() ->
    next(?PATIENCE).

next(Ms) ->
    note(next, self(), receive Message -> Message after Ms -> nothing end).

%% That no message comes (or none from the puppet): quiet, or the message.
quiet() ->
    case next(?SILENCE) of nothing -> quiet; Message -> {message, Message} end.

quiet(Puppet) ->
    case got(Puppet, ?SILENCE) of nothing -> quiet; Message -> {message, Message} end.

%% The reason of a monitor's DOWN.
down(Ref) ->
    note(down, Ref, receive {'DOWN', Ref, process, _, Reason} -> Reason after ?PATIENCE -> nothing end).

%% Waits until the function gives true.
until(Fun) ->
    until(Fun, erlang:monotonic_time(millisecond) + ?PATIENCE).

until(Fun, End) ->
    case Fun() of
        true -> true;
        Other ->
            case erlang:monotonic_time(millisecond) < End of
                true -> timer:sleep(10), until(Fun, End);
                false -> {never, Other}
            end
    end.

%% Waits until the crasher is there, and is another process than Old. Says whether that came.
restarted(Puppet, Old) ->
    until(fun() -> Pid = do(Puppet, {whereis, crasher}), is_pid(Pid) andalso Pid =/= Old end).

%% Waits until a process with a name on a node is monitored by another, as it is while that one calls it.
monitored(Node, Name, By) ->
    until(fun() ->
        case rpc:call(Node, erlang, whereis, [Name]) of
            Pid when is_pid(Pid) -> {_, All} = rpc:call(Node, erlang, process_info, [Pid, monitored_by]), lists:member(By, All);
            _ -> false
        end
    end).

%% The term with the values of a list of {Value, Name} replaced by their names, wherever they are: so that pids and
%% references of one run compare with those of another.
name(Term, Names) ->
    case lists:keyfind(Term, 1, Names) of
        {_, Name} -> Name;
        false when is_list(Term) -> names(Term, Names);
        false when is_tuple(Term) -> list_to_tuple(names(tuple_to_list(Term), Names));
        false when is_map(Term) -> maps:from_list(names(maps:to_list(Term), Names));
        false -> Term
    end.

names([Head | Tail], Names) -> [name(Head, Names) | names(Tail, Names)];
names(Tail, _) -> Tail.

%% Waits until a process of the target is gone, and returns why.
gone(Pid) ->
    down(monitor(process, Pid)).

%% A process of this node that exits with whatever it is sent.
helper() ->
    spawn(fun() -> receive Reason -> exit(Reason) end end).

%% A puppet on this node.
local() ->
    target_puppet:start(self()).

%% The pid as it would be on a node that is not there.
elsewhere(Pid) ->
    Node = atom_to_binary(node(Pid), utf8),
    Size = byte_size(Node),
    <<131, 88, 119, Size, Node:Size/binary, Rest/binary>> = utf8(term_to_binary(Pid)),
    There = <<"nosuch@127.0.0.1">>,
    binary_to_term(<<131, 88, 119, (byte_size(There)), There/binary, Rest/binary>>).

%% Releases before 26 write the node's name as a Latin-1 atom.
utf8(<<131, 88, 100, 0, Size, Rest/binary>>) -> <<131, 88, 119, Size, Rest/binary>>;
utf8(Pid) -> Pid.

%% Has a puppet disconnect its node from that of another, and waits until that one has noticed: only then is a new connection
%% a new one for both.
cut(Puppet, Other) ->
    Result = do(Puppet, {disconnect, node(Other)}),
    until(fun() -> not lists:member(node(Puppet), do(Other, {nodes, connected})) end),
    Result.

%% The messages that are there.
flush() ->
    receive Message -> [Message | flush()] after 0 -> [] end.

%% Terms that processes exit with.
reasons() ->
    [boom, 0, -1, 1 bsl 80, 1.5, "text", <<"binary">>, <<5:3>>, {}, [], {a, {b, [c]}}, #{a => #{}}, [a | b], fun lists:map/2, 'ü',
     shutdown, {shutdown, why}, killed, noproc, noconnection, {nodedown, x}, undef, {badmatch, [{m, f, 1, []}]},
     lists:duplicate(300, x), binary:copy(<<"r">>, 100000)].

%% The pid as it would be had its node been started earlier.
stale(Pid) ->
    All = term_to_binary(Pid),
    Size = byte_size(All) - 4,
    <<Start:Size/binary, Creation:32>> = All,
    binary_to_term(<<Start/binary, (Creation - 1):32>>).

%% Runs a scenario. The answer is text: the value, and a line for each thing that was asked and that came, in which pids and
%% references have names by the order in which they turned up.
traced(Fun) ->
    put(?MODULE, []),
    Value = try Fun() catch Class:Reason:Stack -> note(raised, Class, Stack), {'EXCEPTION', Class, Reason} end,
    Events = lists:reverse(erase(?MODULE)),
    {Names, Canonical} = canon(Value, #{self() => driver}),
    {'$text', [io_lib:format("~0tp", [Canonical]) | lines(Events, Names)]}.

lines([], _) -> [];
lines([{What, Term} | Rest], Names) ->
    {More, Canonical} = canon(Term, Names),
    [io_lib:format("~n~w ~0tP", [What, Canonical, 60]) | lines(Rest, More)].

%% Adds what happened, to whom, to the trace of the process that traced/1 runs in, and gives the term back.
note(What, Whom, Term) ->
    case get(?MODULE) of
        undefined -> ok;
        Events -> put(?MODULE, [{What, {Whom, Term}} | Events])
    end,
    Term.

canon(Term, Names) when is_pid(Term); is_reference(Term); is_port(Term) ->
    case Names of
        #{Term := Name} -> {Names, Name};
        _ ->
            Kind = if is_pid(Term) -> "pid"; is_reference(Term) -> "ref"; true -> "port" end,
            Name = list_to_atom(Kind ++ integer_to_list(maps:size(Names))),
            {Names#{Term => Name}, Name}
    end;
canon([Head | Tail], Names) ->
    {Names1, Head1} = canon(Head, Names),
    {Names2, Tail1} = canon(Tail, Names1),
    {Names2, [Head1 | Tail1]};
canon(Term, Names) when is_tuple(Term) ->
    {Names1, List} = canon(tuple_to_list(Term), Names),
    {Names1, list_to_tuple(List)};
canon(Term, Names) when is_map(Term) ->
    {Names1, List} = canon(maps:to_list(Term), Names),
    {Names1, maps:from_list(List)};
canon(Term, Names) ->
    {Names, Term}.
