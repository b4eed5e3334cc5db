//go:build unix

package main

import (
	"strconv"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node/pg"
)

func TestPG(t *testing.T) {
	n, epmdPort := goNode(t, "go@localhost")
	list := func(words ...string) []string {
		return append([]string{"pg", "--cookie=secret", "--timeout=10s", epmdPort, "go@localhost"}, words...)
	}
	want(t, list(), exitOK, "", "")
	p, q := n.Open(), n.Open()
	home := etf.Home{Node: p.Self().Node, Creation: p.Self().Creation}
	n.PG.Join(etf.Tuple{etf.Atom("room"), etf.Int(1)}, p.Self(), p.Self())
	n.PG.Join("lobby", q.Self())
	want(t, list(), exitOK, "{room,1}     go@localhost  "+home.Text(p.Self())+"\n{room,1}     go@localhost  "+home.Text(p.Self())+
		"\n<<\"lobby\">>  go@localhost  "+home.Text(q.Self())+"\n", "")
	want(t, list("--scope=rooms"), exitFailed, "", "go@localhost has no pg scope rooms")
	if _, err := pg.Start(n, "rooms"); err != nil {
		t.Fatal(err)
	}
	want(t, list("--scope=rooms"), exitOK, "", "")
	p.Exit(etf.Atom("done"))
	q.Exit(etf.Atom("done"))
	want(t, []string{"pg"}, exitUsage, "", "accepts 1 arg")
}

func TestPGWithErlang(t *testing.T) {
	beam := otp.Find(t).Erl(t, otp.Options{Name: "erl", Cookie: "secret"})
	list := []string{"pg", "--cookie=secret", "--epmd-port=" + strconv.Itoa(beam.EPMDPort), beam.Name()}
	want(t, list, exitFailed, "", "starts it: pg:start_link(pg)")
	pid := beam.Eval(t, "pg:start_link(), pg:join({room, 1}, self()), self()")
	want(t, list, exitOK, "{room,1}  erl@127.0.0.1  "+pid+"\n", "")
}
