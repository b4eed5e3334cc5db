//go:build unix

package main

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
)

func TestNamesGlobal(t *testing.T) {
	n, epmdPort := goNode(t, "go@localhost")
	list := []string{"names", "--global", "--cookie=secret", "--timeout=10s", epmdPort, "go@localhost"}
	want(t, list, exitOK, "", "")
	var lines string
	for _, name := range []etf.Term{etf.Atom("counter"), etf.Tuple{etf.Atom("shard"), etf.Int(1)}} {
		p := n.Open()
		if err := n.Global.Register(t.Context(), name, p.Self()); err != nil {
			t.Fatal(err)
		}
		home := etf.Home{Node: p.Self().Node, Creation: p.Self().Creation}
		lines += fmt.Sprintf("%-9v  go@localhost  %s\n", name, home.Text(p.Self()))
	}
	want(t, list, exitOK, lines, "")
	want(t, []string{"names", "--global"}, exitUsage, "", "--global wants the name of a node")
}

// The names of erlnode serve, as a BEAM node in its cluster has them, and after one has been restarted.
func TestServeGlobalNames(t *testing.T) {
	beam := otp.Find(t).Erl(t, otp.Options{Name: "erl@localhost", Cookie: "secret"})
	epmdPort := "--epmd-port=" + strconv.Itoa(beam.EPMDPort)
	var stdout, stderr syncBuffer
	start(t, &stdout, &stderr, "serve", "--name=go@localhost", "--cookie=secret", epmdPort, "--connect=erl@localhost")
	stdout.await(t, "ready go@localhost")
	if got := beam.Eval(t, `global:sync(), lists:sort(global:registered_names())`); got != "[go_agent,kv1,ps1]" {
		t.Errorf("registered names %s", got)
	}
	list := []string{"names", "--global", "--cookie=secret", epmdPort, "erl@localhost"}
	want(t, list, exitOK, "go_agent  go@localhost  <", "")
	want(t, list, exitOK, "kv1       go@localhost  <", "")
	want(t, list, exitOK, "ps1       go@localhost  <", "")
	got := beam.Eval(t, `P = global:whereis_name(kv1), R = monitor(process, P), exit(P, kill), receive {'DOWN', R, _, _, killed} -> ok end,
		Wait = fun W() -> case global:whereis_name(kv1) of Q when is_pid(Q), Q =/= P -> gen_server:call(Q, keys); _ -> W() end end, Wait()`)
	if got != "[]" {
		t.Errorf("the restarted kv answers %s", got)
	}
}
