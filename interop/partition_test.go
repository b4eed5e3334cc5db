//go:build linux

package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// subnet is the first three parts of the addresses in the test's network.
const subnet = "10.77.13"

// network makes network namespaces on a bridge, in which connections can be cut. Without the rights for that the test is skipped.
type network struct {
	t      *testing.T
	bridge string
	spaces []string
}

func newNetwork(t *testing.T) *network {
	n := &network{t: t, bridge: "erlnodebr"}
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	t.Cleanup(func() {
		for i, s := range n.spaces {
			exec.Command("ip", "link", "del", fmt.Sprintf("erlnodev%d", i)).Run() // at once; with the namespace it goes some time
			exec.Command("ip", "netns", "del", s).Run()
		}
		exec.Command("ip", "link", "del", n.bridge).Run()
	})
	for _, args := range []string{"link add " + n.bridge + " type bridge", "addr add " + subnet + ".254/24 dev " + n.bridge, "link set " + n.bridge + " up"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Skipf("no network namespaces here: ip %s: %v: %s", args, err, out)
		}
	}
	return n
}

func (n *network) ip(args string) {
	n.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// space makes the namespace of host i.
func (n *network) space(i int) string {
	s := fmt.Sprintf("erlnode%d", i)
	n.ip("netns add " + s)
	n.spaces = append(n.spaces, s)
	exec.Command("ip", "link", "del", fmt.Sprintf("erlnodev%d", i)).Run() // of a run that was ended
	n.ip(fmt.Sprintf("link add erlnodev%d type veth peer name eth0 netns %s", i, s))
	n.ip(fmt.Sprintf("link set erlnodev%d master %s up", i, n.bridge))
	for _, args := range []string{fmt.Sprintf("addr add %s.%d/24 dev eth0", subnet, i+1), "link set eth0 up", "link set lo up"} {
		n.ip("netns exec " + s + " ip " + args)
	}
	return s
}

// cut drops all that two hosts send to each other, or ends that.
func (n *network) cut(i, j int, on bool) {
	verb := "del"
	if on {
		verb = "add"
	}
	for _, d := range [][2]int{{i, j}, {j, i}} {
		n.ip(fmt.Sprintf("netns exec erlnode%d ip route %s blackhole %s.%d/32", d[0], verb, subnet, d[1]+1))
	}
}

const partitionTick = 4 // net_ticktime in seconds

// newPartitionCluster starts members on hosts of their own.
func newPartitionCluster(t *testing.T, n *network, members ...string) *cluster {
	install := otp.Find(t)
	c := &cluster{t: t, beams: map[string]*otp.Node{}, gos: map[string]*otp.Program{}, ended: map[string]bool{},
		options: otp.Options{Cookie: "cluster", EPMDPort: install.EPMD(t)}}
	target := filepath.Join(t.TempDir(), "target")
	if out, err := exec.Command("go", "build", "-o", target, "./target").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o := c.options
	o.Name, o.Hidden = "driver@"+subnet+".254", true
	c.driver = driverOf(t, install).Erl(t, o)
	for i, m := range members {
		space := n.space(i)
		name := fmt.Sprintf("n%d@%s.%d", i, subnet, i+1)
		c.names = append(c.names, "'"+name+"'")
		if m == "go" {
			startIn(t, space, regexp.MustCompile("(?m)^ready "), c.options.EPMDPort, target, "-name", name, "-cookie", c.options.Cookie,
				"-ticktime", fmt.Sprint(partitionTick), "-epmd", "embedded")
			continue
		}
		at := release(t, m)
		startIn(t, space, nil, c.options.EPMDPort, at.Path("epmd"), "-port", fmt.Sprint(c.options.EPMDPort))
		o := c.options
		o.Name, o.NetTickTime = name, partitionTick
		wrapped(t, at, space).Erl(t, o).Eval(t, "target:start([]).")
	}
	for _, name := range c.names[1:] {
		c.connect(name, c.names[0])
	}
	return c
}

// wrapped is an install whose erl runs in a namespace.
func wrapped(t *testing.T, at *otp.Install, space string) *otp.Install {
	dir := t.TempDir()
	for _, command := range []string{"erl", "erlc", "epmd", "iex", "elixir"} {
		run := "exec "
		if command == "erl" {
			run = "exec ip netns exec " + space + " "
		}
		if err := os.WriteFile(filepath.Join(dir, command), []byte("#!/bin/sh\n"+run+at.Path(command)+" \"$@\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	i, err := otp.LookupIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// startIn runs a program in a namespace until the test ends, and waits until it has said that it is ready.
func startIn(t *testing.T, space string, ready *regexp.Regexp, epmdPort int, args ...string) {
	cmd := exec.Command("ip", append([]string{"netns", "exec", space}, args...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("ERL_EPMD_PORT=%d", epmdPort), "HOME="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s in %s:\n%s", args[0], space, out.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ready != nil && !ready.MatchString(out.String()) {
		select {
		case <-ctx.Done():
			t.Fatalf("%s is not ready:\n%s", args[0], out.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Real cuts: a cluster splits, both halves go on, and when they can reach each other again and are connected they agree, with a
// name of both settled once. A cut between two nodes only has one of them, or both, leave.
func TestGlobalPartition(t *testing.T) {
	for _, shape := range someShapes(t, []string{"25 go 29 go", "25 25 29 25", "go 25 go 25"}, 1) {
		t.Run(shape, func(t *testing.T) {
			n := newNetwork(t)
			c := newPartitionCluster(t, n, strings.Fields(shape)...)
			c.whole()
			cross := [][2]int{{0, 2}, {0, 3}, {1, 2}, {1, 3}}
			for _, pair := range cross {
				n.cut(pair[0], pair[1], true)
			}
			c.want(`[A, B, C, D] = Nodes, Until(fun() -> [Do(Puppet(N), nodes) || N <- Nodes] =:= [[B], [A], [D], [C]] end, 40000)`, "true")
			c.want(`[A, B, C, D] = Nodes, P = Puppet(B), Q = Puppet(D), yes = Do(P, {global_register, nemo, random_notify_name}),
				yes = Do(Q, {global_register, nemo, random_notify_name}),
				{Do(Puppet(A), {global_whereis, nemo}) =:= P, Do(Puppet(C), {global_whereis, nemo}) =:= Q}`, "{true,true}")
			for _, pair := range cross {
				n.cut(pair[0], pair[1], false)
			}
			c.want(`[A, B, C, D] = Nodes, P = Puppet(A), Q = Puppet(C), yes = Do(P, {global_register, both, random_notify_name}),
				yes = Do(Q, {global_register, both, random_notify_name}), true = Do(P, {connect, D}),
				Whole = Until(fun() -> lists:all(fun(N) -> length(Do(Puppet(N), nodes)) =:= 3 end, Nodes) end, 30000),
				Same = Until(fun() -> length(lists:usort(All([Puppet(N) || N <- Nodes], {global_whereis, both}))) =:= 1 end, 30000),
				Told = receive {got, Loser, {global_name_conflict, both}} -> Loser =:= Q end,
				{Whole, Same, Do(Puppet(B), {global_whereis, both}) =:= P, Told, receive {got, _, M} -> M after 500 -> once end}`, "{true,true,true,true,once}")
			n.cut(1, 2, true)
			c.apart(c.names[1], c.names[2])
			n.cut(1, 2, false)
			c.connect(c.names[0], c.names[1])
			c.connect(c.names[3], c.names[2])
			c.connect(c.names[0], c.names[3])
			c.whole()
		})
	}
}
