//go:build unix

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// cluster is a number of visible nodes, BEAM and Go, each with a target, and a hidden BEAM node that drives them.
type cluster struct {
	t       *testing.T
	driver  *otp.Node
	options otp.Options
	names   []string // as Erlang atoms
	beams   map[string]*otp.Node
	gos     map[string]*otp.Program
	ended   map[string]bool
}

// newCluster starts a cluster. A member is "go" or an OTP release: "25". The nth is called nN@127.0.0.1, and connects to the first
// when it is up.
func newCluster(t *testing.T, members ...string) *cluster {
	t.Helper()
	install := otp.Find(t)
	c := &cluster{t: t, beams: map[string]*otp.Node{}, gos: map[string]*otp.Program{}, ended: map[string]bool{},
		options: otp.Options{Cookie: "cluster", EPMDPort: install.EPMD(t)}}
	o := c.options
	o.Name, o.Hidden = "driver", true
	c.driver = driverOf(t, install).Erl(t, o)
	for _, m := range members {
		c.join(c.add(m))
	}
	return c
}

// driverOf is the release of a driver: 25 can connect to 23 and to 29, which cannot connect to each other.
func driverOf(t testing.TB, install *otp.Install) *otp.Install {
	t.Helper()
	if i := lookup(t, "25"); i != nil {
		return i
	}
	return install
}

// add starts one more member, connected to nobody. args are for a BEAM node.
func (c *cluster) add(member string, args ...string) string {
	c.t.Helper()
	o := c.options
	if member != "go" {
		o.Args = args
	}
	o.Name = fmt.Sprintf("n%d@127.0.0.1", len(c.names))
	name := "'" + o.Name + "'"
	c.start(member, o, name)
	c.names = append(c.names, name)
	return name
}

// join connects a member to the first.
func (c *cluster) join(name string) {
	c.t.Helper()
	if name != c.names[0] {
		c.connect(name, c.names[0])
	}
}

func (c *cluster) connect(a, b string) {
	c.t.Helper()
	if got := c.do(a, "{connect, "+b+"}"); got != "true" {
		c.t.Fatalf("%s does not connect to %s: %s", a, b, got)
	}
}

func (c *cluster) start(member string, o otp.Options, name string) {
	c.t.Helper()
	if member == "go" {
		c.gos[name] = otp.Go(c.t, "./target", o)
		return
	}
	c.beams[name] = release(c.t, member).Erl(c.t, o)
	c.beams[name].Eval(c.t, "target:start([]).") // OTP 29's pg kills that of OTP 25
}

// release finds an OTP release; without it the test is skipped.
func release(t testing.TB, name string) *otp.Install {
	t.Helper()
	i := lookup(t, name)
	if i == nil {
		t.Skipf("OTP %s is not on this machine (scripts/get-otp %s)", name, name)
	}
	return i
}

// lookup finds an OTP release: the one that tests run with, that of the system, or what scripts/get-otp has brought. Nil without it.
func lookup(t testing.TB, name string) *otp.Install {
	t.Helper()
	if i := releases(t)[name]; i != nil {
		return i
	}
	for _, dir := range []string{"", filepath.Join(os.TempDir(), "otps", name, "bin")} {
		if i, err := otp.LookupIn(dir); err == nil {
			if have, err := i.Release(); err == nil && strconv.Itoa(have) == name {
				return i
			}
		}
	}
	return nil
}

// do has a fresh puppet on a node carry out a command.
func (c *cluster) do(name, command string) string {
	c.t.Helper()
	return c.eval("Do(Puppet(" + name + "), " + command + ")")
}

// prelude is what expressions in a cluster can use.
const prelude = `Puppet = fun(N) -> drive:puppet(N) end,
	Do = fun(P, C) -> T = drive:ask(P, C), receive {done, T, R} -> R after 60000 -> nothing end end,
	All = fun(Ps, C) -> Ts = [drive:ask(P, C) || P <- Ps], [receive {done, T, R} -> R after 60000 -> nothing end || T <- Ts] end,
	Until = fun U(F, Ms) -> case F() of true -> true; Other when Ms =< 0 -> {never, Other}; _ -> timer:sleep(20), U(F, Ms - 20) end end,
	Nodes = [%s],
	_ = {Puppet, Do, All, Until, Nodes}, `

// eval evaluates an expression on the driver.
func (c *cluster) eval(expr string) string {
	c.t.Helper()
	var alive []string
	for _, n := range c.names {
		if !c.ended[n] {
			alive = append(alive, n)
		}
	}
	got, err := c.driver.TryRun(fmt.Sprintf(prelude, strings.Join(alive, ","))+strings.TrimSuffix(strings.TrimSpace(expr), ".")+".", 2*time.Minute)
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

// want evaluates an expression and compares.
func (c *cluster) want(expr, want string) {
	c.t.Helper()
	if got := c.eval(expr); got != want {
		c.t.Errorf("%s\n got %s\nwant %s", expr, got, want)
		c.logs()
	}
}

func (c *cluster) logs() {
	for name, p := range c.gos {
		c.t.Logf("%s: %s", name, p.Log())
	}
	for name, p := range c.beams {
		c.t.Logf("%s: %s", name, p.Log())
	}
}

// kill ends a member by SIGKILL.
func (c *cluster) kill(name string) {
	if p := c.gos[name]; p != nil {
		p.Kill()
	} else {
		c.beams[name].Kill()
	}
	c.ended[name] = true
}

// whole waits until every member is connected to every other and in sync with it.
func (c *cluster) whole() {
	c.t.Helper()
	c.want(`Until(fun() -> lists:all(fun(N) -> lists:sort([N | Do(Puppet(N), nodes)]) =:= lists:sort(Nodes) end, Nodes) end, 20000)`, "true")
	c.want(`lists:usort(All([Puppet(N) || N <- Nodes], global_sync))`, "[ok]")
}

// apart waits until two members are in different partitions, of which none overlap, and all others are together.
func (c *cluster) apart(a, b string) {
	c.t.Helper()
	c.want(fmt.Sprintf(`Until(fun() ->
		Parts = lists:usort([lists:sort([N | Do(Puppet(N), nodes)]) || N <- Nodes]),
		Of = fun(N) -> [P || P <- Parts, lists:member(N, P)] end,
		lists:sort(lists:append(Parts)) =:= lists:sort(Nodes) andalso Of(%[1]s) =/= Of(%[2]s)
			andalso length(lists:usort([Of(N) || N <- Nodes, N =/= %[1]s, N =/= %[2]s])) =:= 1 end, 30000)`, a, b), "true")
}
