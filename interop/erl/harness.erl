%% Lets a Go program drive this node (see interop/otp). The program holds the other ends of descriptors 3 and 4 and
%% sends frames of four bytes length: <<Id:32, Kind, Text/binary>>, Text being Erlang expressions in UTF-8. The answer
%% is <<Id:32, Status, Text/binary>>. When the program goes away, the node halts.
%%
%% Kind $e: evaluate in the driver process, which lives as long as the node, one at a time, bindings kept.
%% Kind $r: run in a process of its own with fresh bindings, at the same time as others.
%% Status $v: the value, as ~0tp prints it, but of {'$text', Chars} the characters. $x: an exception. $d: the process was killed. Id 0 is the greeting.
-module(harness).
-export([start/0]).

-record(state, {port, driver, busy = idle, waiting = queue:new(), running = #{}}).

start() ->
    spawn(fun() ->
        process_flag(trap_exit, true),
        Port = open_port({fd, 3, 4}, [binary, {packet, 4}]),
        answer(Port, 0, $v, io_lib:format("~0tp", [node()])),
        loop(driver(#state{port = Port}))
    end).

driver(State) ->
    Owner = self(),
    {Pid, _} = spawn_monitor(fun() -> drive(Owner, erl_eval:new_bindings()) end),
    State#state{driver = Pid, busy = idle}.

drive(Owner, Bindings) ->
    receive
        {Owner, Id, Text} ->
            {Status, Answer, Next} = evaluate(Text, Bindings),
            Owner ! {answer, self(), Id, Status, Answer},
            drive(Owner, Next)
    end.

loop(State = #state{port = Port, driver = Driver, busy = Busy, waiting = Waiting, running = Running}) ->
    receive
        {Port, {data, <<Id:32, $e, Text/binary>>}} ->
            loop(next(State#state{waiting = queue:in({Id, Text}, Waiting)}));
        {Port, {data, <<Id:32, $r, Text/binary>>}} ->
            Owner = self(),
            {Pid, _} = spawn_monitor(fun() ->
                {Status, Answer, _} = evaluate(Text, erl_eval:new_bindings()),
                Owner ! {answer, self(), Id, Status, Answer}
            end),
            loop(State#state{running = Running#{Pid => Id}});
        {answer, Driver, Id, Status, Answer} ->
            answer(Port, Id, Status, Answer),
            loop(next(State#state{busy = idle}));
        {answer, Pid, Id, Status, Answer} ->
            answer(Port, Id, Status, Answer),
            loop(State#state{running = maps:remove(Pid, Running)});
        {'DOWN', _, process, Driver, Reason} ->
            [died(Port, Id, Reason) || Id <- [Busy], Id =/= idle],
            loop(next(driver(State)));
        {'DOWN', _, process, Pid, Reason} ->
            [died(Port, Id, Reason) || {ok, Id} <- [maps:find(Pid, Running)]],
            loop(State#state{running = maps:remove(Pid, Running)});
        {'EXIT', Port, _} ->
            erlang:halt(0, [{flush, false}])
    end.

next(State = #state{busy = idle, driver = Driver, waiting = Waiting}) ->
    case queue:out(Waiting) of
        {{value, {Id, Text}}, Rest} ->
            Driver ! {self(), Id, Text},
            State#state{busy = Id, waiting = Rest};
        {empty, _} ->
            State
    end;
next(State) ->
    State.

evaluate(Text, Bindings) ->
    try
        {value, Value, Next} = erl_eval:exprs(parse(unicode:characters_to_list(Text)), Bindings),
        {$v, text(Value), Next}
    catch
        Class:Reason:Stack ->
            {$x, io_lib:format("~0tp:~0tp ~0tp", [Class, Reason, Stack]), Bindings}
    end.

text({'$text', Chars}) -> Chars;
text(Value) -> io_lib:format("~0tp", [Value]).

parse(Text) ->
    case erl_scan:string(Text) of
        {ok, Tokens, _} ->
            case erl_parse:parse_exprs(Tokens) of
                {ok, Exprs} -> Exprs;
                {error, {_, Module, What}} -> error({syntax, lists:flatten(Module:format_error(What))})
            end;
        {error, {_, Module, What}, _} ->
            error({syntax, lists:flatten(Module:format_error(What))})
    end.

died(Port, Id, Reason) ->
    answer(Port, Id, $d, io_lib:format("~0tp", [Reason])).

answer(Port, Id, Status, Text) ->
    port_command(Port, [<<Id:32, Status>>, unicode:characters_to_binary(Text)]).
