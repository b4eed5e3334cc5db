//go:build unix

package interop

import (
	"strings"
	"testing"
)

// shapes are clusters of releases that OTP lets work together, with Go nodes in every place.
var shapes = [][]string{
	{"go", "25"},
	{"25", "go"},
	{"go", "25", "25"},
	{"25", "go", "29"},
	{"27", "29", "go"},
	{"25", "go", "27", "29", "go", "25"},
	{"23", "go", "25"},
	{"go", "go", "29"},
}

// A cluster grows one by one; then it is whole, and names registered anywhere are known everywhere.
func TestGlobalClusters(t *testing.T) {
	for _, shape := range shapes {
		t.Run(strings.Join(shape, " "), func(t *testing.T) {
			c := newCluster(t, shape...)
			c.whole()
			c.want(`Ps = [Puppet(N) || N <- Nodes], R = All(Ps, global_names), lists:usort(R)`, "[[]]")
			c.want(`Ps = [{N, Puppet(N)} || N <- Nodes],
				[yes = Do(P, {global_register, {name, N}}) || {N, P} <- Ps],
				lists:usort([Do(Q, {global_whereis, {name, N}}) =:= P || {N, P} <- Ps, {_, Q} <- Ps])`, "[true]")
			c.want(`Until(fun() -> lists:usort(All([Puppet(N) || N <- Nodes], global_names)) =:= [[]] end, 10000)`, "true")
		})
	}
}
