//go:build unix

package interop

import (
	"testing"

	"github.com/erlnode/erlnode/interop/otp"
)

// TestScenariosBEAM runs every scenario against the Erlang target: what it answers is what the table must say.
func TestScenariosBEAM(t *testing.T) {
	testScenarios(t, beamTarget, append(append([]string(nil), basicKinds...), clusterKinds...))
}

// beamTarget is the target on a real Erlang node.
func beamTarget(t testing.TB, install *otp.Install, o otp.Options) {
	install.Erl(t, o).Eval(t, "target:start().")
}
