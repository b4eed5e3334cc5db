//go:build unix

package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/pg"
)

// releases are the OTP releases that are on this machine: the one that all tests use, and what scripts/get-otp has brought.
func releases(t testing.TB) map[string]*otp.Install {
	t.Helper()
	usual := otp.Find(t)
	release, err := usual.Release()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*otp.Install{strconv.Itoa(release): usual}
	cache := os.Getenv("ERLNODE_OTP_CACHE")
	if cache == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			cache = filepath.Join(dir, "erlnode", "otp")
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(cache, "*", "bin"))
	for _, dir := range dirs {
		name := filepath.Base(filepath.Dir(dir))
		if install, err := otp.LookupIn(dir); err == nil && all[name] == nil {
			all[name] = install
		}
	}
	return all
}

// groupNode is a node with a scope pg: ours, or a BEAM.
type groupNode interface {
	// fill makes processes and lets each join one of the groups 1 to groups, one after the other.
	fill(processes, groups int) error
	// seen is how many members all groups have, and how many groups there are.
	seen() (members, groups int, err error)
	connect(node string) error
	empty() error // ends all processes of fill
}

type goGroups struct {
	n       *erlnode.Node
	s       *pg.Scope
	members []*node.Process
}

func (g *goGroups) fill(processes, groups int) error {
	for i := range processes {
		p := g.n.Open()
		g.members = append(g.members, p)
		if err := g.s.Join(i%groups+1, p.Self()); err != nil {
			return err
		}
	}
	return nil
}

func (g *goGroups) seen() (members, groups int, err error) {
	all := g.s.Groups()
	for _, name := range all {
		members += len(g.s.Members(name))
	}
	return members, len(all), nil
}

func (g *goGroups) connect(name string) error {
	return g.n.Connect(context.Background(), etf.Atom(name))
}

func (g *goGroups) empty() error {
	for _, p := range g.members {
		p.Exit(etf.Atom("shutdown"))
	}
	return nil
}

type beamGroups struct{ *otp.Node }

func (b beamGroups) fill(processes, groups int) error {
	_, err := b.TryEval(fmt.Sprintf(`Ps = [begin P = spawn(fun() -> receive stop -> ok end end), ok = pg:join(I rem %d + 1, P), P end || I <- lists:seq(1, %d)], ok.`, groups, processes), 0)
	return err
}

func (b beamGroups) seen() (members, groups int, err error) {
	text, err := b.TryRun(`All = pg:which_groups(), {lists:sum([length(pg:get_members(G)) || G <- All]), length(All)}.`, 0)
	if err == nil {
		_, err = fmt.Sscanf(text, "{%d,%d}", &members, &groups)
	}
	return members, groups, err
}

func (b beamGroups) connect(name string) error {
	_, err := b.TryRun(fmt.Sprintf(`true = net_kernel:connect_node('%s').`, name), 0)
	return err
}

func (b beamGroups) empty() error {
	_, err := b.TryEval(`[P ! stop || P <- Ps], ok.`, 0)
	return err
}

// groupCluster starts nodes of the given kinds, "go" or an OTP release, one after the other, each connected to all before it.
func groupCluster(t *testing.T, installs map[string]*otp.Install, kinds []string) []groupNode {
	t.Helper()
	var port int
	for _, kind := range kinds {
		if install := installs[kind]; install != nil {
			port = install.EPMD(t)
		}
	}
	var all []groupNode
	var names []string
	for i, kind := range kinds {
		name := fmt.Sprintf("n%d@127.0.0.1", i)
		var n groupNode
		if kind == "go" {
			cfg := erlnode.Config{Cookie: cookie, EPMDPort: port, EPMD: node.EPMDExternal}
			started, err := erlnode.Start(t.Context(), name, cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { started.Close() })
			n = &goGroups{n: started, s: started.PG}
		} else {
			beam := installs[kind].Erl(t, otp.Options{Name: name, Cookie: cookie, EPMDPort: port})
			beam.Eval(t, "{ok, Scope} = pg:start_link().")
			n = beamGroups{beam}
		}
		for _, peer := range names {
			if err := n.connect(peer); err != nil {
				t.Fatal(err)
			}
		}
		all, names = append(all, n), append(names, name)
	}
	return all
}

// inStep waits until every node sees so many members and groups, and returns how long that took.
func inStep(t *testing.T, nodes []groupNode, members, groups int) time.Duration {
	t.Helper()
	begin := time.Now()
	for i, n := range nodes {
		for {
			m, g, err := n.seen()
			if err != nil {
				t.Fatal(err)
			}
			if m == members && g == groups {
				break
			}
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("node %d sees %d members in %d groups, want %d in %d", i, m, g, members, groups)
			}
		}
	}
	return time.Since(begin)
}

// TestGroupsInStep has four nodes of the mixes that OTP supports in one scope, 10,000 members in 500 groups in all. OTP 29
// with 25 and earlier is none: the scope of 25 crashes.
func TestGroupsInStep(t *testing.T) {
	installs := releases(t)
	mixes := [][2]string{{"25", "25"}, {"25", "27"}, {"27", "29"}, {"29", "29"}, {"23", "25"}, {"23", "23"}, {"27", "27"}}
	for _, mix := range someShapes(t, mixes, 5) {
		if installs[mix[0]] == nil || installs[mix[1]] == nil {
			continue
		}
		for position := range 4 {
			if testing.Short() && position > 0 {
				continue
			}
			kinds := []string{mix[0], mix[1], mix[1]}
			kinds = append(kinds[:position], append([]string{"go"}, kinds[position:]...)...)
			t.Run(strings.Join(kinds, " "), func(t *testing.T) { groupsInStep(t, groupCluster(t, installs, kinds)) })
		}
		t.Run(fmt.Sprintf("%s go %s go", mix[0], mix[1]), func(t *testing.T) {
			groupsInStep(t, groupCluster(t, installs, []string{mix[0], "go", mix[1], "go"}))
		})
	}
}

func groupsInStep(t *testing.T, nodes []groupNode) {
	const processes, groups = 2500, 500
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() {
			if err := n.fill(processes, groups); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	took := inStep(t, nodes, processes*len(nodes), groups)
	t.Logf("in step %v after the last join", took.Round(time.Millisecond))
	if took > 2*time.Second {
		t.Error("too late") // a second is what we promise, were nothing else running here
	}
	for _, n := range nodes[1:] {
		if err := n.empty(); err != nil {
			t.Error(err)
		}
	}
	inStep(t, nodes, processes, groups)
	for i, n := range nodes {
		if beam, ok := n.(beamGroups); ok {
			if beam.Run(t, `is_pid(whereis(pg)).`) != "true" || strings.Contains(beam.Log(), "CRASH") || beam.Eval(t, `whereis(pg) =:= Scope.`) != "true" {
				t.Errorf("the scope of node %d has crashed:\n%s", i, beam.Log())
			}
		}
	}
}

// TestGroupsKilled kills a Go node: its members vanish everywhere, the others stay together.
func TestGroupsKilled(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	a := install.Erl(t, otp.Options{Name: "a", Cookie: cookie, EPMDPort: port})
	b := install.Erl(t, otp.Options{Name: "b", Cookie: cookie, EPMDPort: port})
	target := otp.Go(t, "./target", otp.Options{Name: "go", Cookie: cookie, EPMDPort: port})
	for _, beam := range []*otp.Node{a, b} {
		beam.Eval(t, fmt.Sprintf(`pg:start_link(), pg:join(g, self()), Go = '%s', true = net_kernel:connect_node(Go), true = net_kernel:connect_node('%s').`, target.Name(), a.Name()))
	}
	a.Eval(t, `P = drive:puppet(Go), ok = drive:do(P, {pg, join, [g, self]}), ok = drive:do(P, {pg, join, [h, self]}).`)
	for _, beam := range []*otp.Node{a, b} {
		beam.Eval(t, `true = drive:until(fun() -> length(pg:get_members(g)) =:= 3 andalso length(pg:get_members(h)) =:= 1 end).`)
	}
	target.Kill()
	for _, beam := range []*otp.Node{a, b} {
		beam.Eval(t, `true = drive:until(fun() -> length(pg:get_members(g)) =:= 2 andalso pg:which_groups() =:= [g] end).`)
		if got := beam.Eval(t, `length(nodes()).`); got != "1" {
			t.Errorf("%s has %s peers", beam.Name(), got)
		}
	}
}

// TestHiddenFindsScopes has scopes that start, and start again, on a BEAM node that tells a hidden node nothing of it, under
// names and with groups as Phoenix.PubSub has them.
func TestHiddenFindsScopes(t *testing.T) {
	install := otp.Find(t)
	beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie})
	n := goNode(t, "go@127.0.0.1", beam.EPMDPort, func(c *erlnode.Config) { c.Hidden = true })
	rooms, err := pg.Start(n, "Elixir.Phoenix.PubSub")
	if err != nil {
		t.Fatal(err)
	}
	p := n.Open()
	group := etf.Atom("Elixir.my_pubsub.Adapter")
	if err := rooms.Join(group, p.Self()); err != nil {
		t.Fatal(err)
	}
	if err := n.Connect(t.Context(), etf.Atom(beam.Name())); err != nil {
		t.Fatal(err)
	}
	_, events, err := rooms.Monitor(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, `Scope = 'Elixir.Phoenix.PubSub', Group = 'Elixir.my_pubsub.Adapter'.`)
	for range 2 {
		beam.Eval(t, `{ok, _} = pg:start(Scope), pg:join(Scope, Group, self()).`)
		if e := <-events; e.Kind != pg.Joined || e.Pids[0].Node != etf.Atom(beam.Name()) {
			t.Fatal(e)
		}
		beam.Eval(t, `true = drive:until(fun() -> length(pg:get_members(Scope, Group)) =:= 2 end).`)
		beam.Eval(t, `[P ! {forward_to_local, <<"topic">>, hello, 'Elixir.Phoenix.PubSub'} || P <- pg:get_members(Scope, Group), node(P) =/= node()].`)
		await(t, p, `{forward_to_local,<<"topic">>,hello,'Elixir.Phoenix.PubSub'}`)
		beam.Eval(t, `exit(whereis(Scope), kill).`)
		if e := <-events; e.Kind != pg.Left {
			t.Fatal(e)
		}
	}
}

// TestGroupsFlap loses the connection again and again while groups change on both sides: the BEAM's scope has to live, since it
// crashes on what it does not expect, and in the end all agree.
func TestGroupsFlap(t *testing.T) {
	n, beam := pair(t)
	beam.Eval(t, `{ok, Scope} = pg:start_link(), Churn = fun F() -> P = spawn(fun() -> timer:sleep(rand:uniform(5)) end), pg:join(rand:uniform(5), P), pg:join(rand:uniform(5), P),
		receive stop -> ok after 1 -> F() end end, Churner = spawn(Churn).`)
	name := etf.Atom(beam.Name())
	stop := make(chan struct{})
	var churn sync.WaitGroup
	for i := range 2 {
		churn.Go(func() {
			group := i
			for {
				select {
				case <-stop:
					return
				default:
				}
				p := n.Open()
				n.PG.Join(group, p.Self(), p.Self())
				n.PG.Join(-group, p.Self())
				n.PG.Leave(group, p.Self())
				if group++; group%2 == 0 {
					n.PG.Leave(-group+1, p.Self())
				}
				p.Exit(etf.Atom("done"))
				group %= 5
			}
		})
	}
	for range 100 {
		if err := n.Connect(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if err := n.Ping(t.Context(), name); err != nil && !errors.Is(err, node.ErrNoConnection) {
			t.Fatal(err)
		}
		n.Disconnect(name)
	}
	close(stop)
	churn.Wait()
	beam.Eval(t, `Churner ! stop, pg:join(last, self()).`)
	_, events, err := n.PG.MonitorScope(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := n.Open()
	n.PG.Join("last", last.Self())
	if err := n.Connect(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, `true = drive:until(fun() -> lists:sort(pg:which_groups()) =:= [last, <<"last">>] end), 1 = length(pg:get_members(<<"last">>)).`)
	patience := time.After(10 * time.Second)
	for len(n.PG.Groups()) != 2 {
		select {
		case <-events:
		case <-patience:
			t.Fatalf("groups %v, want two", n.PG.Groups())
		}
	}
	if got := beam.Eval(t, `whereis(pg) =:= Scope.`); got != "true" {
		t.Errorf("the scope has crashed: %s", beam.Log())
	}
}
