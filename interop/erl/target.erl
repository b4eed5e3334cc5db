%% The BEAM side of the interop target: registered servers and puppets under remote control, the same that
%% interop/target offers on a Go node. Scenarios run against both, and the outcomes must be equal.
%%
%% target:start() on a named node starts it; `erl -name ... -s target` does too.
-module(target).
-behaviour(supervisor).
-export([start/0, start/1, stop/0, echo/1, puppet/1, init/1]).

%% Starts everything and waits until it is there. Not linked to the caller.
start() ->
    start([pg]).

%% Without pg on nodes of a cluster in which its versions do not work together.
start(Also) ->
    {ok, Pid} = supervisor:start_link({local, ?MODULE}, ?MODULE, Also),
    unlink(Pid),
    ok.

stop() ->
    Ref = monitor(process, ?MODULE),
    exit(whereis(?MODULE), shutdown),
    receive {'DOWN', Ref, process, _, _} -> ok end.

%% For spawn and rpc from outside.
echo(Term) ->
    Term.

%% Turns the process that calls it into a puppet of Owner. Never returns.
puppet(Owner) ->
    target_puppet:init(Owner).

init(Also) ->
    Servers = [server(Name, [{local, Name}, target_server, Name, []]) || Name <- [echo, order, crasher, puppets]],
    Sink = #{id => sink, start => {target_sink, start_link, []}, shutdown => brutal_kill},
    Pg = [#{id => pg, start => {pg, start_link, []}} || lists:member(pg, Also), whereis(pg) =:= undefined],
    %% The crasher is to be restarted however often it is made to crash.
    {ok, {#{strategy => one_for_one, intensity => 1000, period => 1}, Pg ++ [Sink | Servers]}}.

server(Name, Args) ->
    #{id => Name, start => {gen_server, start_link, Args}}.
