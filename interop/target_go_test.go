//go:build unix

package interop

import (
	"testing"

	"github.com/erlnode/erlnode/interop/otp"
)

// TestScenariosGo runs the scenarios against the Go target: what a BEAM node answers, it has to answer.
func TestScenariosGo(t *testing.T) {
	testScenarios(t, func(t testing.TB, _ *otp.Install, o otp.Options) { otp.Go(t, "./target", o) }, basicKinds)
}
