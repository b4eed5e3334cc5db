//go:build unix

package interop

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// scenario is something that a BEAM node does with a target, and what comes of it. It is run with a BEAM node as target
// and with a Go node as target, and the outcomes must be equal.
type scenario struct {
	name  string
	expr  string // Erlang, run in a process of its own; see drive.erl for helpers, and variables below
	want  string // the value, as ~0tp prints it, pids and references numbered; empty where releases differ
	since int    // the first OTP release that can, zero for all
}

// Every kind of scenario there is.
var scenarios = map[string][]scenario{
	"echo": echoScenarios, "sink": sinkScenarios, "order": orderScenarios, "crasher": crasherScenarios,
	"local": localScenarios, "names": nameScenarios, "link": linkScenarios, "monitor": monitorScenarios,
	"exits": exitScenarios, "alias": aliasScenarios, "call": callScenarios, "nodes": nodeScenarios,
	"net_kernel": netKernelScenarios,
	"reasons":    reasonScenarios, "signals": signalScenarios, "link races": linkRaceScenarios, "watch": watchScenarios,
	"signal order": signalOrderScenarios, "incarnations": incarnationScenarios, "disconnect": disconnectScenarios,
	"requests": requestScenarios, "alias modes": aliasModeScenarios, "more names": moreNameScenarios, "terms": termScenarios,
	"sys": sysScenarios, "spawn": spawnScenarios, "rpc": rpcScenarios, "global": globalScenarios, "pg": pgScenarios,
}

// The kinds that a Go target is held to so far; of the others only the BEAM's outcome is compared with the table.
var basicKinds = []string{"echo", "sink", "order", "crasher", "local", "names", "link", "monitor", "exits", "alias", "call", "pg", "sys", "net_kernel",
	"spawn", "rpc", "reasons", "signals", "link races", "watch", "signal order", "incarnations", "requests", "alias modes",
	"more names", "terms", "disconnect", "nodes", "global"}
var clusterKinds = []string{}

const (
	targetNode = "target@127.0.0.1"
	otherNode  = "other@127.0.0.1"
)

// In a scenario $T is the target's node name, and $O that of another BEAM node, which is a target too.
var variables = strings.NewReplacer("$T", "'"+targetNode+"'", "$O", "'"+otherNode+"'")

// Lost connections are what scenarios are about: that the BEAM nodes among themselves close more of them would come on top.
var scenarioArgs = []string{"-kernel", "prevent_overlapping_partitions", "false"}

// world is a target with the BEAM nodes that drive it, under an EPMD of their own, so that all worlds have the same names.
type world struct {
	driver *otp.Node
}

// newWorld starts a world, with the other node or without it. The function starts its target, which takes name, cookie and EPMD
// port as they are in the options.
func newWorld(t *testing.T, install *otp.Install, start func(testing.TB, *otp.Install, otp.Options), other bool) *world {
	o := otp.Options{Name: targetNode, Cookie: "scenarios", EPMDPort: install.EPMD(t)}
	start(t, install, o)
	beam := otp.Options{Cookie: o.Cookie, EPMDPort: o.EPMDPort, Args: scenarioArgs}
	beam.Name = "driver"
	w := &world{driver: install.Erl(t, beam)}
	if other {
		beam.Name = otherNode
		install.Erl(t, beam).Eval(t, "target:start().")
	}
	return w
}

func beamTarget(t testing.TB, install *otp.Install, o otp.Options) {
	o.Args = append(o.Args, scenarioArgs...)
	install.Erl(t, o).Eval(t, "target:start().")
}

func goTarget(t testing.TB, _ *otp.Install, o otp.Options) {
	o.Args = append(o.Args, "-allow-overlap")
	otp.Go(t, "./target", o)
}

// outcome is what a scenario came to in one world: its value, and all that was asked and came before.
type outcome struct {
	value string
	trace string
	err   error
}

func (o outcome) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return o.value + "\n\t" + strings.ReplaceAll(o.trace, "\n", "\n\t")
}

func (w *world) run(s scenario) outcome {
	expr := strings.TrimSuffix(strings.TrimSpace(variables.Replace(s.expr)), ".")
	text, err := w.driver.TryRun("drive:traced(fun() -> "+expr+" end)", time.Minute)
	value, trace, _ := strings.Cut(text, "\n")
	return outcome{value, trace, err}
}

// TestScenarios runs every scenario against a BEAM target and a Go target: what the one comes to is what the other must.
// With -short it is a sample.
func TestScenarios(t *testing.T) {
	install := otp.Find(t)
	release, err := install.Release()
	if err != nil {
		t.Fatal(err)
	}
	// The other node is there for those who want it only: what asks all nodes asks it too. Where the target leaves it, global is
	// not what it was (OTP 23 hangs), so that has worlds of its own.
	worlds := map[string][]*world{}
	worldsFor := func(kind string, s scenario) (beam, native *world) {
		other := strings.Contains(s.expr, "$O")
		key := fmt.Sprint(other, kind == "disconnect")
		if worlds[key] == nil {
			worlds[key] = []*world{newWorld(t, install, beamTarget, other), newWorld(t, install, goTarget, other)}
		}
		return worlds[key][0], worlds[key][1]
	}
	held := map[string]bool{}
	for _, kind := range basicKinds {
		held[kind] = true
	}
	for _, kind := range allKinds() {
		for i, s := range scenarios[kind] {
			if testing.Short() && i%4 != 0 {
				continue
			}
			if release < s.since {
				continue
			}
			beam, native := worldsFor(kind, s)
			t.Run(kind+"/"+s.name, func(t *testing.T) {
				compare(t, s, beam, native, held[kind])
			})
		}
	}
}

// compare runs a scenario in both worlds at the same time.
func compare(t *testing.T, s scenario, beam, native *world, held bool) {
	var b, g outcome
	var both sync.WaitGroup
	if held {
		both.Go(func() { g = native.run(s) })
	}
	both.Go(func() { b = beam.run(s) })
	both.Wait()
	expr := strings.TrimSpace(s.expr)
	if want := variables.Replace(s.want); b.err != nil || want != "" && b.value != want {
		t.Errorf("%s\nthe table has %s\nBEAM: %.5000v", expr, want, b)
	}
	if s.want == "" {
		t.Logf("BEAM: %.300s", b.value)
	}
	if held && (g.err != nil || g.value != b.value) {
		t.Errorf("%s\nBEAM: %.5000v\nGo: %.5000v", expr, b, g)
	}
}

func allKinds() []string { return append(append([]string(nil), basicKinds...), clusterKinds...) }

// TestScenarioTable holds the table to its own rules.
func TestScenarioTable(t *testing.T) {
	seen := map[string]bool{}
	if len(allKinds()) != len(scenarios) {
		t.Errorf("%d kinds are run, %d are there", len(allKinds()), len(scenarios))
	}
	for _, kind := range allKinds() {
		if len(scenarios[kind]) == 0 {
			t.Errorf("no scenario of kind %s", kind)
		}
		for _, s := range scenarios[kind] {
			name := fmt.Sprintf("%s/%s", kind, s.name)
			if seen[name] || s.expr == "" {
				t.Errorf("%s: twice or incomplete", name)
			}
			seen[name] = true
		}
	}
	if len(seen) < 200 {
		t.Errorf("%d scenarios, want 200 at least", len(seen))
	}
}
