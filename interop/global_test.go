//go:build unix

package interop

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

// shapes are clusters of releases that OTP lets work together, with Go nodes in every place.
var shapes = [][]string{
	{"25", "go", "27", "29", "go", "25"},
	{"23", "go", "25"},
	{"go", "25", "29"},
	{"27", "29", "go"},
	{"go", "go", "29"},
	{"go", "25"},
	{"25", "go"},
	{"go", "23", "25"},
	{"23", "25", "go"},
	{"25", "23", "go"},
	{"go", "23", "go", "25"},
	{"go", "25", "27", "29"},
	{"29", "go", "25", "go", "27"},
}

var namesEach = flag.Int("names", 20, "names that each node registers in TestGlobalClusters")

// A cluster grows one by one; then it is whole, and names registered anywhere are known everywhere.
func TestGlobalClusters(t *testing.T) {
	for _, shape := range someShapes(t, shapes, 3) {
		t.Run(strings.Join(shape, " "), func(t *testing.T) {
			c := newCluster(t, shape...)
			c.whole()
			c.want(`Ps = [Puppet(N) || N <- Nodes], R = All(Ps, global_names), lists:usort(R)`, "[[]]")
			c.want(`Ps = [{N, Puppet(N)} || N <- Nodes],
				[yes = Do(P, {global_register, {name, N}}) || {N, P} <- Ps],
				lists:usort([Do(Q, {global_whereis, {name, N}}) =:= P || {N, P} <- Ps, {_, Q} <- Ps])`, "[true]")
			c.want(`Until(fun() -> lists:usort(All([Puppet(N) || N <- Nodes], global_names)) =:= [[]] end, 10000)`, "true")
			// A puppet answers to who made it. All register at the same time.
			c.want(fmt.Sprintf(`Names = [{N, I} || N <- Nodes, I <- lists:seq(1, %d)], Me = self(),
				[spawn_link(fun() -> P = Puppet(N), [yes = Do(P, {global_reregister, {N, I}}) || {M, I} <- Names, M =:= N], Me ! {registered, N, P},
					receive enough -> ok end end) || N <- Nodes],
				Ps = [receive {registered, N, P} -> {N, P} end || N <- Nodes], Qs = [Puppet(N) || N <- Nodes],
				{[lists:sort(L) =:= lists:sort(Names) || L <- All(Qs, global_names)],
					lists:usort([Do(Q, {global_whereis, {N, I}}) =:= P || {N, P} <- Ps, Q <- Qs, I <- [1, %[1]d div 2, %[1]d]])}`, *namesEach),
				"{["+strings.Repeat("true,", len(shape)-1)+"true],[true]}")
		})
	}
}

// Nodes that all connect to all at the same time become one cluster, again and again, without anybody leaving.
func TestGlobalAtOnce(t *testing.T) {
	for _, shape := range someShapes(t, []string{"25 go 29 go", "go 25 27 29", "go go go go", "25 25 29 27", "23 go 25 go"}, 1) {
		t.Run(shape, func(t *testing.T) {
			c := newCluster(t)
			for _, m := range strings.Fields(shape) {
				c.add(m)
			}
			for range 3 {
				c.want(`Me = self(), [spawn(fun() -> P = Puppet(N), [Do(P, {connect, M}) || M <- Nodes, M =/= N], Me ! {connected, N} end) || N <- Nodes],
					[receive {connected, N} -> ok after 20000 -> late end || N <- Nodes]`, "["+strings.Repeat("ok,", len(c.names)-1)+"ok]")
				c.whole()
				c.want(`Ps = [Puppet(N) || N <- Nodes], {lists:usort([Do(P, {global_register, {name, node(P)}}) || P <- Ps]),
					lists:usort([Do(Q, {global_whereis, {name, node(P)}}) =:= P || P <- Ps, Q <- Ps])}`, "{[yes],[true]}")
				c.want(`[Do(Puppet(N), global_disconnect) || N <- Nodes], Until(fun() -> lists:usort(All([Puppet(N) || N <- Nodes], nodes)) =:= [[]] end, 10000)`, "true")
			}
		})
	}
}

// manyShapes runs the tests of clusters with every shape; without, with those that have shown the most.
var manyShapes = flag.Bool("manyshapes", false, "test global with more shapes of clusters")

func someShapes[T any](t *testing.T, all []T, few int) []T {
	switch {
	case *manyShapes:
		return all
	case testing.Short():
		return all[:1]
	}
	return all[:few]
}

var lockRounds = flag.Int("lockrounds", 60, "rounds of each node in TestGlobalContention")

// Every node locks, again and again, and no two have the lock at a time.
func TestGlobalContention(t *testing.T) {
	for _, shape := range someShapes(t, []string{"25 go 29 go", "23 go 25 go", "25 27 go 29", "go go go go"}, 1) {
		t.Run(shape, func(t *testing.T) {
			c := newCluster(t, strings.Fields(shape)...)
			c.whole()
			c.want(fmt.Sprintf(`Me = self(),
				Umpire = spawn_link(fun U() -> receive {enter, W} -> receive {leave, W} -> U(); Else -> Me ! {both, Else}, U() end end end),
				Players = [spawn_link(fun() -> P = drive:puppet(N), Id = {arena, P},
					[begin true = Do(P, {global_set_lock, Id, Nodes, infinity}), Umpire ! {enter, P}, Umpire ! {leave, P}, true = Do(P, {global_del_lock, Id, Nodes}) end
						|| _ <- lists:seq(1, %d)], Me ! {finished, N} end) || N <- Nodes],
				[receive {finished, _} -> ok; Bad -> Bad after 100000 -> late end || _ <- Players]`, *lockRounds), "[ok,ok,ok,ok]")
		})
	}
}

// A Go node that is killed takes its names and locks with it; the others stay together.
func TestGlobalKill(t *testing.T) {
	c := newCluster(t, "25", "29", "go", "25")
	c.whole()
	c.want(`P = Puppet('n2@127.0.0.1'), Q = Puppet('n0@127.0.0.1'), yes = Do(P, {global_register, nemo}), true = Do(P, {global_set_lock, {r, P}, Nodes, 0}),
		[false, true] = [Do(Q, {global_set_lock, {r, Q}, Nodes, 0}), Do(Q, {global_whereis, nemo}) =:= P]`, "[false,true]")
	// It is at it when it is killed: it holds the lock of all names most of the time.
	c.want(`Me = self(), spawn(fun() -> P = Puppet('n2@127.0.0.1'), (fun F(I) -> Do(P, {global_reregister, {busy, I}}), I =:= 50 andalso (Me ! begun), F(I + 1) end)(1) end),
		receive begun -> ok after 20000 -> late end`, "ok")
	c.kill("'n2@127.0.0.1'")
	c.want(`Until(fun() -> lists:usort(All([Puppet(N) || N <- Nodes], {global_whereis, nemo})) =:= [undefined] end, 10000)`, "true")
	c.want(`Until(fun() -> lists:usort(All([Puppet(N) || N <- Nodes], global_names)) =:= [[]] end, 10000)`, "true")
	c.want(`[Do(Puppet(N), {global_register, {again, N}}) || N <- Nodes]`, "[yes,yes,yes]")
	c.want(`Q = Puppet('n0@127.0.0.1'), Until(fun() -> Do(Q, {global_set_lock, {r, Q}, Nodes, 0}) end, 10000)`, "true")
	c.whole()
}

// Two partitions in which a name has different processes join: the method decides, once, wherever it has to run.
func TestGlobalConflict(t *testing.T) {
	// The members, the two that have the name, and the two that connect; the others are joined to the first of these before.
	type conflict struct {
		members string
		owners  [2]int
		joined  [2]int
	}
	for _, tt := range someShapes(t, []conflict{
		{"25 go", [2]int{0, 1}, [2]int{0, 1}},
		{"go 25", [2]int{0, 1}, [2]int{0, 1}},
		{"25 go 29", [2]int{1, 2}, [2]int{0, 2}}, // OTP 25 has a Go node run the method
		{"go 25 29", [2]int{1, 2}, [2]int{0, 2}}, // and the other way round
		{"go go", [2]int{0, 1}, [2]int{0, 1}},
		{"29 go go", [2]int{1, 2}, [2]int{0, 2}},
		{"go go 25", [2]int{1, 2}, [2]int{0, 2}},
		{"23 go", [2]int{0, 1}, [2]int{0, 1}},
		{"go 23", [2]int{0, 1}, [2]int{0, 1}},
		{"23 go 25", [2]int{1, 2}, [2]int{0, 2}},
		{"go 23 25", [2]int{1, 2}, [2]int{0, 2}},
		{"25 go 23", [2]int{1, 2}, [2]int{0, 2}},
	}, 4) {
		t.Run(tt.members, func(t *testing.T) {
			c := newCluster(t)
			for _, m := range strings.Fields(tt.members) {
				c.add(m)
			}
			for _, method := range []string{"random_exit_name", "random_notify_name", "notify_all_name", "keep_last"} {
				if len(c.names) == 3 {
					c.connect(c.names[0], c.names[1])
					c.want(`All([Puppet(N) || N <- lists:droplast(Nodes)], global_sync)`, "[ok,ok]")
				}
				// The driver keeps the puppets as long as it needs them.
				c.want(fmt.Sprintf(`[P, Q] = Ps = [Puppet(lists:nth(I + 1, Nodes)) || I <- [%d, %d]], R = [monitor(process, X) || X <- Ps],
					yes = Do(P, {global_register, nemo, %[3]s}), yes = Do(Q, {global_register, nemo, %[3]s}),
					[A, B] = [lists:nth(I + 1, Nodes) || I <- [%[4]d, %[5]d]], true = Do(Puppet(A), {connect, B}), All([Puppet(N) || N <- Nodes], global_sync),
					All([Puppet(N) || N <- Nodes], global_sync),
					Told = lists:sort([receive {got, P, M} -> {p, M} after 300 -> no end, receive {got, Q, M2} -> {q, M2} after 300 -> no end]),
					Down = receive {'DOWN', D, process, _, Why} -> {D =:= lists:last(R), Why} after 300 -> no end,
					Find = fun() -> lists:usort(All([Puppet(N) || N <- Nodes], {global_whereis, nemo})) end,
					true = Until(fun() -> length(Find()) =:= 1 end, 5000), Where = Find(),
					[Do(Puppet(N), {disconnect, M3}) || N <- Nodes, M3 <- Nodes, M3 =/= N],
					drive:name({Told, Down, Where}, [{P, p}, {Q, q}])`, tt.owners[0], tt.owners[1], method, tt.joined[0], tt.joined[1]),
					map[string]string{
						"random_exit_name":   "{[no,no],{true,killed},[p]}",
						"random_notify_name": "{[no,{q,{global_name_conflict,nemo}}],no,[p]}",
						"notify_all_name":    "{[{p,{global_name_conflict,nemo,q}},{q,{global_name_conflict,nemo,p}}],no,[undefined]}",
						"keep_last":          "{[no,no],no,[q]}", // not OTP's, but the nodes' own
					}[method])
			}
		})
	}
}

// When two nodes lose each other one of them leaves or both do, by who hears of it first, as among BEAM nodes; nobody else.
func TestGlobalOverlap(t *testing.T) {
	for _, shape := range someShapes(t, []string{"25 go 29 25", "29 go go 25", "25 25 25 25", "go 25 27 29", "25 25 go go"}, 2) {
		t.Run(shape, func(t *testing.T) {
			c := newCluster(t, strings.Fields(shape)...)
			c.whole()
			c.do("'n1@127.0.0.1'", "{disconnect, 'n2@127.0.0.1'}")
			c.apart("'n1@127.0.0.1'", "'n2@127.0.0.1'")
			// They join again, and are whole.
			c.connect("'n0@127.0.0.1'", "'n1@127.0.0.1'")
			c.connect("'n0@127.0.0.1'", "'n2@127.0.0.1'")
			c.whole()
		})
	}
}

// A node with global groups leaves the names of all that are in no group of its, BEAM and Go nodes alike, stays connected to
// them, and nobody waits for it.
func TestGlobalGroups(t *testing.T) {
	for _, tt := range someShapes(t, []struct{ release, groups string }{
		{"25", "[{mine,['n2@127.0.0.1','n9@127.0.0.1']}]"},
		{"29", "[{mine,['n2@127.0.0.1','n0@127.0.0.1','n1@127.0.0.1']}]"}, // but these know nothing of it
		{"25", "[{mine,['n2@127.0.0.1','n0@127.0.0.1','n1@127.0.0.1']}]"},
		{"29", "[{mine,['n2@127.0.0.1','n9@127.0.0.1']}]"},
	}, 2) {
		t.Run(tt.release, func(t *testing.T) {
			c := newCluster(t, "25", "go")
			c.whole()
			c.add(tt.release, "-kernel", "global_groups", tt.groups)
			c.connect(c.names[2], c.names[0])
			c.connect(c.names[1], c.names[2])
			c.want(`[A, B, C] = Nodes, [P, Q, R] = [Puppet(N) || N <- Nodes], [yes, yes, yes] = [Do(X, {global_register, {name, node(X)}}) || X <- [P, Q, R]],
				Names = fun() -> [[node(X) || X <- [P, Q, R], Do(Y, {global_whereis, {name, node(X)}}) =:= X] || Y <- [P, Q, R]] end,
				Until(fun() -> Names() =:= [[A, B], [A, B], [C]] end, 5000)`, "true")
			c.want(`[A, B, _] = Nodes, [lists:sort(Do(Puppet(N), nodes)) || N <- Nodes]`, "[['n1@127.0.0.1','n2@127.0.0.1'],['n0@127.0.0.1','n2@127.0.0.1'],['n0@127.0.0.1','n1@127.0.0.1']]")
			c.want(`[A, B, _] = Nodes, Do(Puppet(B), global_sync)`, "ok") // a BEAM node waits for ever
			c.want(`[A, B, _] = Nodes, Ask = fun(N, M, F) -> V = rpc:call(N, M, F, []), case F of own_nodes -> length(V); _ -> V end end,
				[X || X = {M, F} <- [{global_group, F} || F <- [get_own_nodes, global_groups, own_nodes, info, sync, get_own_nodes_with_errors, group_configured]],
					Ask(A, M, F) =/= Ask(B, M, F)]`, "[]")
			c.want(`[A, B, _] = Nodes, [begin {state, {conf, true, true}, #{X := 8}, [X], [], [], N, L, R, no_trace, false} = rpc:call(N, global, info, []),
				{node(L), node(R)} =:= {N, N} end || {N, X} <- [{A, B}, {B, A}]]`, "[true,true]")
			c.want(`[_, B, _] = Nodes, gen_server:call({global_group, B}, foo)`, "{illegal_message,foo}")
			c.want(`[A, B, C] = Nodes, ok = rpc:call(C, global_group, sync, []), timer:sleep(300), lists:sort(Do(Puppet(A), nodes) ++ Do(Puppet(B), nodes))`,
				"['n0@127.0.0.1','n1@127.0.0.1','n2@127.0.0.1','n2@127.0.0.1']")
			c.kill(c.names[2])
			c.want(`Until(fun() -> [length(Do(Puppet(N), nodes)) || N <- Nodes] =:= [1, 1] end, 5000)`, "true")
			c.want(`[_, B] = Nodes, Do(Puppet(B), global_sync)`, "ok")
		})
	}
}

// A thousand names from every node are known to all, and to register one from Go takes no longer than from BEAM: the nodes take
// turns, and of their times the medians are compared. The third node is the one that is locked first, so it is not compared.
func TestGlobalManyNames(t *testing.T) {
	c := newCluster(t, "25", "go", "25")
	c.whole()
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	got := c.eval(fmt.Sprintf(`Ps = [{N, Puppet(N)} || N <- Nodes],
		Turn = fun(R, {N, P}) -> element(1, timer:tc(fun() -> [yes = Do(P, {global_reregister, {N, R, I}}) || I <- lists:seq(1, 100)] end)) div 100 end,
		Times = [[Turn(R, P) || P <- Ps] || R <- lists:seq(1, %d)],
		[Beam, Go, _] = [lists:nth(length(L) div 2 + 1, L) || L <- [lists:sort([lists:nth(I, T) || T <- Times]) || I <- [1, 2, 3]]],
		{lists:usort([length(L) || L <- All([P || {_, P} <- Ps], global_names)]), Beam, Go}`, rounds))
	var names, beam, native int
	if _, err := fmt.Sscanf(got, "{[%d],%d,%d}", &names, &beam, &native); err != nil || names != 3*100*rounds {
		t.Fatalf("names known to the nodes, and times: %s, %v", got, err)
	}
	t.Logf("a name registered in a cluster of 3: %d µs from OTP 25, %d µs from Go, ratio %.2f", beam, native, float64(native)/float64(beam))
	if 2*native > 3*beam { // which leaves room for what else runs here
		t.Errorf("it takes %d µs from Go, %d from OTP 25", native, beam)
	}
}
