//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/ergo-services/ergo"
	"github.com/ergo-services/ergo/etf"
	"github.com/ergo-services/ergo/gen"
	"github.com/ergo-services/ergo/node"
	"github.com/ergo-services/ergo/proto/dist"
)

// ergoEcho answers calls and counts messages, on ergo.
type ergoEcho struct {
	gen.Server
	count int
}

func (*ergoEcho) HandleCall(_ *gen.ServerProcess, _ gen.ServerFrom, message etf.Term) (etf.Term, gen.ServerStatus) {
	return message, gen.ServerStatusOK
}

func (e *ergoEcho) HandleInfo(p *gen.ServerProcess, message etf.Term) gen.ServerStatus {
	t, ok := message.(etf.Tuple)
	if !ok || len(t) != 2 {
		e.count++
		return gen.ServerStatusOK
	}
	pid, _ := t[1].(etf.Pid)
	switch t[0] {
	case etf.Atom("ping"):
		p.Send(pid, etf.Atom("pong"))
	case etf.Atom("flush"):
		p.Send(pid, etf.Tuple{etf.Atom("count"), e.count})
		e.count = 0
	default:
		e.count++
	}
	return gen.ServerStatusOK
}

func runErgo(name, cookie string) error {
	port, err := strconv.Atoi(os.Getenv("ERL_EPMD_PORT"))
	if err != nil {
		return err
	}
	// A listener of its own finds a free port: ergo looks for one from 15000 on.
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	free := uint16(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	opts := node.Options{
		Registrar: dist.CreateRegistrarWithRemoteEPMD("127.0.0.1", uint16(port)),
		Listeners: []node.Listener{{Listen: free, ListenBegin: free, ListenEnd: free}},
	}
	opts.System.DisableAnonMetrics = true
	n, err := ergo.StartNode(name, cookie, opts)
	if err != nil {
		return err
	}
	names := []string{"echo", "pong", "mapsink"}
	for i := range 8 {
		names = append(names, fmt.Sprint("sink", i+1))
	}
	for _, name := range names {
		if _, err := n.Spawn(name, gen.ProcessOptions{MailboxSize: 65535}, &ergoEcho{}); err != nil {
			return err
		}
	}
	fmt.Println("ready ergo")
	wait()
	return nil
}
