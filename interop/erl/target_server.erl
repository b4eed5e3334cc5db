%% The gen_servers of the target: echo, order, crasher, puppets. The state is the server's kind, or {order, ...}.
-module(target_server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

init(order) -> {ok, order()};
init(Kind) -> {ok, Kind}.

handle_call(Term, _, echo) ->
    {reply, Term, echo};
handle_call(report, _, {order, _, Received, OutOfOrder}) ->
    {reply, {Received, OutOfOrder}, order()};
handle_call({exit, Reason}, _, crasher) ->
    {stop, Reason, crasher};
handle_call({stop, Reason}, _, crasher) ->
    {stop, Reason, ok, crasher};
handle_call(hang, _, crasher) ->
    {noreply, crasher};
handle_call({later, Ms, Term}, From, crasher) ->
    erlang:send_after(Ms, self(), {reply, From, Term}),
    {noreply, crasher};
handle_call(new, {Owner, _}, puppets) ->
    {reply, {ok, target_puppet:start(Owner)}, puppets}.

handle_cast(_, State) ->
    {noreply, State}.

handle_info({From, Term}, echo) when is_pid(From) ->
    From ! {echo, Term},
    {noreply, echo};
handle_info(N, {order, Last, Received, OutOfOrder}) when is_integer(N) ->
    Late = case Last of
        none -> 0;
        _ when N > Last -> 0;
        _ -> 1
    end,
    {noreply, {order, N, Received + 1, OutOfOrder + Late}};
handle_info({reply, From, Term}, crasher) ->
    gen_server:reply(From, Term),
    {noreply, crasher};
handle_info(_, State) ->
    {noreply, State}.

%% The last integer, those received, and those not greater than the one before.
order() ->
    {order, none, 0, 0}.
