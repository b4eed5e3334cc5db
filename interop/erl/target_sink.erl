%% The target's sink: counts every message until {flush, From} asks for the count. A plain process, as a gen_server
%% would take some messages for itself.
-module(target_sink).
-export([start_link/0, init/1]).

start_link() ->
    proc_lib:start_link(?MODULE, init, [self()]).

init(Parent) ->
    register(sink, self()),
    proc_lib:init_ack(Parent, {ok, self()}),
    loop(0).

loop(N) ->
    receive
        {flush, From} when is_pid(From) ->
            From ! {count, N},
            loop(0);
        _ ->
            loop(N + 1)
    end.
