//go:build unix

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// allReleases finds the OTP of this run and all others that scripts/get-otp has put beside it or into its cache.
func allReleases(t testing.TB) map[int]*otp.Install {
	t.Helper()
	all := map[int]*otp.Install{}
	add := func(i *otp.Install) {
		if release, err := i.Release(); err == nil && all[release] == nil {
			all[release] = i
		}
	}
	add(otp.Find(t))
	cache := os.Getenv("ERLNODE_OTP_CACHE")
	if user, err := os.UserCacheDir(); cache == "" && err == nil {
		cache = filepath.Join(user, "erlnode", "otp")
	}
	folders := []string{cache}
	if dir := os.Getenv("ERLNODE_OTP"); dir != "" {
		folders = append(folders, filepath.Dir(filepath.Dir(filepath.Clean(dir))))
	}
	for _, folder := range folders {
		bins, _ := filepath.Glob(filepath.Join(folder, "[0-9]*", "bin"))
		for _, bin := range bins {
			if i, err := otp.LookupIn(bin); err == nil {
				add(i)
			}
		}
	}
	return all
}

// Nodes of every release that is here have an embedded EPMD as their only one: they register, find each other and our node,
// are found by the epmd of each release, and are registered again two seconds after it has gone and come back.
func TestEmbeddedEPMD(t *testing.T) {
	installs := allReleases(t)
	server, err := epmd.Listen(epmd.ServerConfig{Port: otp.FreePort(t), Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	port := server.Port()
	t.Cleanup(func() { server.Close() })
	g := plainNode(t, "go@127.0.0.1", port, func(c *node.Config) { c.EPMD = node.EPMDExternal; c.Hidden = true })
	beams := map[int]*otp.Node{}
	for release, install := range installs {
		beams[release] = install.Erl(t, otp.Options{Name: fmt.Sprint("n", release), Cookie: cookie, EPMDPort: port, Args: alone})
	}
	t.Logf("releases: %d", len(beams))
	ports := func() map[string]int {
		list, err := epmd.Names(t.Context(), server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]int{}
		for _, e := range list {
			m[e.Name] = e.Port
		}
		return m
	}
	before := ports()
	if len(before) != len(beams)+1 {
		t.Fatalf("registered: %v", before)
	}
	for release, beam := range beams {
		for other := range beams {
			if min(release, other) < 24 && max(release, other) > 25 {
				continue // they refuse each other: V4_NC and UNLINK_ID are mandatory since 26
			}
			if got := beam.Eval(t, fmt.Sprintf("net_adm:ping('n%d@127.0.0.1')", other)); got != "pong" {
				t.Errorf("%d pings %d: %s", release, other, got)
			}
		}
		if got := beam.Eval(t, "net_adm:ping('go@127.0.0.1')"); got != "pong" {
			t.Errorf("%d: %s", release, got)
		}
		if got := beam.Eval(t, `{ok, Names} = net_adm:names("127.0.0.1"), length(Names).`); got != fmt.Sprint(len(before)) {
			t.Errorf("%d: net_adm:names gives %s", release, got)
		}
		info, err := epmd.Lookup(t.Context(), server.Addr(), fmt.Sprint("n", release))
		if err != nil || info.Type != epmd.Normal || info.HighVersion != 6 || info.LowVersion != 5 {
			t.Errorf("%d registers %+v, %v", release, info, err)
		}
	}

	// It is killed and started again, at once.
	server.Close()
	if server, err = epmd.Listen(epmd.ServerConfig{Port: port, Addresses: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	delete(before, "n23") // nodes before 23.3 do not register again
	missing := before
	for len(missing) > 0 {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("not registered again: %v", missing)
		}
		now := ports()
		for name, p := range missing {
			if now[name] == p {
				delete(missing, name)
				if d := time.Since(begin); d > 5*time.Second { // OTP tries every 2 s, by its clock; a busy machine takes its time
					t.Errorf("%s is registered again after %v", name, d)
				} else {
					t.Logf("%s is registered again after %v", name, d.Round(time.Millisecond))
				}
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	for release, beam := range beams {
		if release == 23 {
			continue
		}
		beam.Eval(t, "[erlang:disconnect_node(N) || N <- nodes(connected)].")
		if got := beam.Eval(t, "net_adm:ping('go@127.0.0.1')"); got != "pong" {
			t.Errorf("%d, afterwards: %s", release, got)
		}
		if err := g.Ping(t.Context(), "n25@127.0.0.1"); installs[25] != nil && err != nil {
			t.Error(err)
		}
	}
}
