%% A puppet: a process under remote control of its owner. It answers {do, Tag, Command} with {done, Tag, Result}, passes
%% every other message on as {got, Puppet, Message}, and exits normally with its owner.
-module(target_puppet).
-export([start/1, init/1, keep_last/3]).

start(Owner) ->
    spawn(?MODULE, init, [Owner]).

init(Owner) ->
    loop(Owner, monitor(process, Owner), none).

loop(Owner, Monitor, Filled) ->
    receive
        {do, Tag, {fill, Bytes}} ->
            Filling = binary:copy(<<0>>, Bytes),
            Owner ! {done, Tag, ok},
            loop(Owner, Monitor, Filling);
        {do, _, {exit, Reason}} ->
            exit(Reason);
        {do, Tag, Command} ->
            Owner ! {done, Tag, run(Command)},
            loop(Owner, Monitor, Filled);
        {'DOWN', Monitor, process, _, _} ->
            exit(normal);
        Message ->
            Owner ! {got, self(), Message},
            loop(Owner, Monitor, Filled)
    end.

%% A method of this node's own for conflicts of global names.
keep_last(_Name, A, B) when node(A) > node(B) -> A;
keep_last(_Name, _A, B) -> B.

run(Command) ->
    try
        do(Command)
    catch
        Class:Reason -> {raised, Class, Reason}
    end.

do({send, Dest, Msg}) -> Dest ! Msg, ok;
do({link, Pid}) -> link(Pid);
do({unlink, Pid}) -> unlink(Pid);
do({monitor, Dest}) -> monitor(process, Dest);
do({demonitor, Ref}) -> demonitor(Ref, [flush]);
do({trap_exit, Bool}) -> process_flag(trap_exit, Bool);
do({exit, Pid, Reason}) -> exit(Pid, Reason);
do({register, Name}) -> register(Name, self());
do({unregister, Name}) -> unregister(Name);
do({whereis, Name}) -> whereis(Name);
do({alias, Options}) -> erlang:alias(Options);
do({monitor_alias, Dest, Mode}) -> erlang:monitor(process, Dest, [{alias, Mode}]);
do({unalias, Ref}) -> erlang:unalias(Ref);
do({call, Dest, Req, Ms}) -> {reply, gen_server:call(Dest, Req, Ms)};
do({cast, Dest, Req}) -> gen_server:cast(Dest, Req);
do({spawn, Node, M, F, A, Options}) -> spawn_opt(Node, M, F, A, Options);
do({spawn_request, Node, M, F, A, Options}) -> erlang:spawn_request(Node, M, F, A, Options);
do({spawn_request_abandon, Ref}) -> erlang:spawn_request_abandon(Ref);
do({rpc, Node, M, F, A, Ms}) -> rpc:call(Node, M, F, A, Ms);
do({erpc, Node, M, F, A, Ms}) -> {return, erpc:call(Node, M, F, A, Ms)};
do({group_leader, Pid}) -> group_leader(Pid, self());
do({monitor_node, Node, Bool}) -> monitor_node(Node, Bool);
do({monitor_nodes, Bool, Options}) -> net_kernel:monitor_nodes(Bool, Options);
do(nodes) -> nodes();
do({nodes, Type}) -> nodes(Type);
do({connect, Node}) -> net_kernel:connect_node(Node);
do({disconnect, Node}) -> disconnect_node(Node);
do({ping, Node}) -> net_adm:ping(Node);
do({global_register, Name}) -> global:register_name(Name, self());
do({global_register, Name, keep_last}) -> global:register_name(Name, self(), fun ?MODULE:keep_last/3);
do({global_register, Name, Method}) -> global:register_name(Name, self(), fun global:Method/3);
do({global_reregister, Name}) -> global:re_register_name(Name, self());
do({global_register_ext, Name, Pid}) -> global:register_name_external(Name, Pid);
do(global_sync) -> global:sync();
do(global_disconnect) -> global:disconnect();
do({global_unregister, Name}) -> global:unregister_name(Name);
do({global_whereis, Name}) -> global:whereis_name(Name);
do(global_names) -> global:registered_names();
do({global_set_lock, Id, Nodes, Retries}) -> global:set_lock(Id, Nodes, Retries);
do({global_del_lock, Id, Nodes}) -> global:del_lock(Id, Nodes);
do({pg, Fun, Args}) -> apply(pg, Fun, [self_or(A) || A <- Args]).

self_or(self) -> self();
self_or(Arg) -> Arg.
