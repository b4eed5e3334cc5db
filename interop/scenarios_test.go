//go:build unix

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// scenario is something a BEAM node does with a target, and what comes of it. The part of the name before the slash is
// its kind.
type scenario struct {
	name  string
	expr  string // Erlang, run in a process of its own; $T is the target's node name; see drive.erl for helpers
	want  string // the value, as ~0tp prints it
	since int    // the first OTP release that can, zero for all
}

// Every kind of scenario there is.
var scenarios = map[string][]scenario{
	"echo": echoScenarios, "sink": sinkScenarios, "order": orderScenarios, "crasher": crasherScenarios,
	"local": localScenarios, "names": nameScenarios, "link": linkScenarios, "monitor": monitorScenarios,
	"exits": exitScenarios, "alias": aliasScenarios, "call": callScenarios, "nodes": nodeScenarios,
	"spawn": spawnScenarios, "rpc": rpcScenarios, "global": globalScenarios, "pg": pgScenarios,
}

// The kinds that a Go target is held to so far; a BEAM target is held to all.
var basicKinds = []string{"echo", "sink", "order", "crasher", "local", "names", "link", "monitor", "exits", "alias", "call"}
var clusterKinds = []string{"nodes", "spawn", "rpc", "global", "pg"}

// testScenarios starts a target by a function and runs the scenarios of the given kinds against it from a BEAM node.
// The target is to take name, cookie and EPMD port as they are in the options. For a Go target that function is
//
//	func(t testing.TB, _ *otp.Install, o otp.Options) { otp.Go(t, "./target", o) }
func testScenarios(t *testing.T, start func(testing.TB, *otp.Install, otp.Options), kinds []string) {
	install := otp.Find(t)
	release, err := install.Release()
	if err != nil {
		t.Fatal(err)
	}
	o := otp.Options{Name: "target@127.0.0.1", Cookie: "scenarios", EPMDPort: install.EPMD(t)}
	start(t, install, o)
	driver := install.Erl(t, otp.Options{Name: "driver", Cookie: o.Cookie, EPMDPort: o.EPMDPort})
	target := strings.NewReplacer("$T", "'"+o.Name+"'")
	for _, kind := range kinds {
		for _, s := range scenarios[kind] {
			t.Run(kind+"/"+s.name, func(t *testing.T) {
				if release < s.since {
					t.Skipf("needs OTP %d, this is %d", s.since, release)
				}
				got, err := driver.TryRun(target.Replace(s.expr), time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				if want := target.Replace(s.want); got != want {
					t.Errorf("%s\n got %s\nwant %s", strings.TrimSpace(s.expr), got, want)
				}
			})
		}
	}
}

// TestScenarioTable holds the table to its own rules.
func TestScenarioTable(t *testing.T) {
	seen := map[string]bool{}
	kinds := append(append([]string(nil), basicKinds...), clusterKinds...)
	if len(kinds) != len(scenarios) {
		t.Errorf("%d kinds are run, %d are there", len(kinds), len(scenarios))
	}
	for _, kind := range kinds {
		if len(scenarios[kind]) == 0 {
			t.Errorf("no scenario of kind %s", kind)
		}
		for _, s := range scenarios[kind] {
			name := fmt.Sprintf("%s/%s", kind, s.name)
			if seen[name] || s.expr == "" || s.want == "" {
				t.Errorf("%s: twice or incomplete", name)
			}
			seen[name] = true
		}
	}
}
