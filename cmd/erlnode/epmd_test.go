package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/node"
)

func TestNames(t *testing.T) {
	n, epmdPort := goNode(t, "go@localhost")
	line := "name go at port " + strconv.Itoa(n.Port()) + "\n"
	want(t, []string{"names", epmdPort}, exitOK, line, "")
	want(t, []string{"names", "localhost", epmdPort}, exitOK, line, "")
	want(t, []string{"names", "no-such-host.invalid", epmdPort}, exitFailed, "", "not found")
	port := strconv.Itoa(freePort(t))
	want(t, []string{"names", "--epmd-port", port}, exitFailed, "", "no epmd on 127.0.0.1 port "+port)
	t.Setenv("ERL_EPMD_PORT", strings.TrimPrefix(epmdPort, "--epmd-port="))
	want(t, []string{"names"}, exitOK, "epmd: up and running on port "+strings.TrimPrefix(epmdPort, "--epmd-port=")+" with data:\n"+line, "")
}

// TestEPMD runs the port mapper and all that its command line can do to it.
func TestEPMD(t *testing.T) {
	port := freePort(t)
	at := "-port=" + strconv.Itoa(port)
	want(t, []string{"epmd", "-names", at}, exitFailed, "", "no epmd")
	want(t, []string{"epmd", "-kill", at}, exitFailed, "", "no epmd")
	want(t, []string{"epmd", "-stop", "a", at}, exitFailed, "", "no epmd")
	want(t, []string{"epmd", "-dump", at}, exitFailed, "", "no epmd")
	want(t, []string{"epmd", "-started", at}, exitFailed, "", "no epmd")
	want(t, []string{"epmd", "-delay_write", "-1", at}, exitFailed, "", "number")
	want(t, []string{"epmd", "-address", "300.1.1.1", at}, exitFailed, "", "cannot parse IP address")

	var stdout, stderr syncBuffer
	stop := start(t, &stdout, &stderr, "epmd", "-d", "-debug", "-address", "127.0.0.1", at)
	stderr.await(t, "epmd running")
	answers(t, port)
	want(t, []string{"epmd", at}, exitOK, "", "already")
	want(t, []string{"epmd", "-names", "--port", strconv.Itoa(port)}, exitOK, "up and running on port "+strconv.Itoa(port), "")

	n, err := erlnode.Start(t.Context(), "live@localhost", erlnode.Config{Cookie: "secret", EPMD: node.EPMDExternal, EPMDPort: port})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	stderr.await(t, "registering 'live:")
	want(t, []string{"epmd", "-names", at}, exitOK, "name live at port", "")
	want(t, []string{"epmd", "-started", at}, exitOK, "", "")
	want(t, []string{"epmd", "-dump", at}, exitOK, "active name     <live> at port "+strconv.Itoa(n.Port())+", fd = ", "")
	want(t, []string{"epmd", "-kill", at}, exitFailed, "Killing not allowed - living nodes in database.\n", "stop the nodes first")
	want(t, []string{"epmd", "-stop", "live", at}, exitFailed, "", "-relaxed_command_check")
	if code := stop(); code != exitOK {
		t.Errorf("interrupted: exit code %d", code)
	}

	stderr = syncBuffer{}
	stop = start(t, &stdout, &stderr, "epmd", "-relaxed_command_check", at)
	stderr.await(t, "epmd running")
	answers(t, port)
	want(t, []string{"epmd", "-stop", "nobody", at}, exitOK, "NOEXIST\n", "")
	want(t, []string{"epmd", "-kill", at}, exitOK, "Killed\n", "")
	if code := stop(); code != exitOK {
		t.Errorf("killed: exit code %d", code)
	}
	if out := stdout.String(); out != "" {
		t.Errorf("epmd prints %q to standard output", out)
	}
}

// answers waits until an epmd, which says that it runs before it listens, as the original does, can be asked.
func answers(t testing.TB, port int) {
	t.Helper()
	for {
		if _, err := epmd.Names(t.Context(), net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil || t.Context().Err() != nil {
			return
		}
	}
}
