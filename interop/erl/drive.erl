%% What scenarios use to drive a target from the node they run on. All waiting is bounded: what does not come within
%% five seconds is `nothing`, which is then the outcome.
-module(drive).
-export([puppet/1, do/2, ask/2, answer/1, got/1, got/2, next/0, next/1, quiet/0, quiet/1, down/1, until/1,
         restarted/2, name/2, gone/1, stale/1, traced/1]).

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
    {Names, Text} = named(Value, #{self() => driver}),
    {'$text', [Text | lines(Events, Names)]}.

lines([], _) -> [];
lines([{What, Term} | Rest], Names) ->
    {More, Text} = named(Term, Names),
    [io_lib:format("~n~w ~ts", [What, Text]) | lines(Rest, More)].

named(Term, Names) ->
    {More, New} = canon(Term, Names),
    {More, io_lib:format("~0tp", [New])}.

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
