//go:build unix

package interop

// What net_kernel of another node is asked and told.
var netKernelScenarios = []scenario{
	{name: "calls",
		expr: `C = fun(R) -> try gen_server:call({net_kernel, $T}, R, 2000) catch exit:{W, _} -> W end end,
			[C(R) || R <- [{is_auth, node()}, {is_auth, x}, longnames, nodename]].`,
		want: `[yes,yes,true,$T]`},
	{name: "ticktime", since: 25,
		expr: `C = fun(R) -> gen_server:call({net_kernel, $T}, R, 2000) end, [C(ticktime), C({new_ticktime, 60000, 1})].`,
		want: `[60000,unchanged]`},
	{name: "calls without a reply",
		expr: `C = fun(R) -> try gen_server:call({net_kernel, $T}, R, 200) catch exit:{W, _} -> W end end,
			[C(R) || R <- [x, {}, {is_auth}, {a, b, c, d}, {connect, a}, {apply, a, b, c}, #{}]].`,
		want: `[timeout,timeout,timeout,timeout,timeout,timeout,timeout]`},
	{name: "allowed", since: 25,
		expr: `C = fun(R) -> gen_server:call({net_kernel, $T}, R, 2000) end, [C(allowed), C({allow, [1]}), C({allow, x})].`,
		want: `[{ok,[]},error,error]`},
	{name: "get_state", since: 25,
		expr: `lists:sort(maps:to_list(gen_server:call({net_kernel, $T}, get_state, 2000))).`,
		want: `[{name,$T},{name_domain,longnames},{name_type,static},{started,static}]`},
	{name: "verbose",
		expr: `C = fun(R) -> gen_server:call({net_kernel, $T}, R, 2000) end, [C({verbose, N}) || N <- [1, 0]].`,
		want: `[0,1]`},
	{name: "connect and disconnect",
		expr: `C = fun(R) -> gen_server:call({net_kernel, $T}, R, 5000) end,
			[C(R) || R <- [{connect, normal, node()}, {connect, normal, $T}, {connect, hidden, 'nosuch@127.0.0.1'}, {disconnect, $T},
				{disconnect, 'nosuch@127.0.0.1'}, {disconnect, a_name}]].`,
		want: `[true,true,false,false,false,false]`},
	{name: "options of sockets",
		expr: `C = fun(R) -> gen_server:call({net_kernel, $T}, R, 2000) end,
			[C({getopts, 'nosuch@127.0.0.1', [nodelay]}), C({setopts, 'nosuch@127.0.0.1', []}), C({getopts, $T, []})].`,
		want: `[{error,noconnection},{error,noconnection},{error,noconnection}]`},
	{name: "spawn as before OTP 23",
		expr: `C = fun(R) -> gen_server:call({net_kernel, $T}, R, 2000) end, process_flag(trap_exit, true),
			[begin P = C(R), {node(P), drive:name(drive:next(), [{P, p}])} end
				|| R <- [{spawn_link, nomod, nofun, [a], group_leader()}, {spawn_opt, nomod, nofun, [], [], link, group_leader()}]] ++
			[node(C(R))
				|| R <- [{spawn, nomod, nofun, [], group_leader()}, {spawn_opt, nomod, nofun, [], [], no_link, group_leader()}]].`,
		want: `[{$T,{'EXIT',p,{undef,[{nomod,nofun,[a],[]}]}}},{$T,{'EXIT',p,{undef,[{nomod,nofun,[],[]}]}}},$T,$T]`},
	{name: "messages",
		expr: `[{net_kernel, $T} ! M || M <- [x, tick, aux_tick, {self(), registered_send, nobody_there, m}, {'$gen_cast', x}]],
			P = drive:puppet($T), drive:do(P, {register, told}), {net_kernel, $T} ! {self(), registered_send, told, hello},
			{drive:got(P), net_adm:ping($T)}.`,
		want: `{hello,pong}`},
}
