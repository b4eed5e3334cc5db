package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestServe(t *testing.T) {
	epmdPort := "--epmd-port=" + strconv.Itoa(freePort(t))
	distPort := strconv.Itoa(freePort(t))
	var outA, errA, outB, errB syncBuffer
	stopA := start(t, &outA, &errA, "serve", "--name=a", "--cookie=it's", epmdPort, "--port", distPort)
	host, err := shortHost()
	if err != nil {
		t.Fatal(err)
	}
	hint := errA.await(t, "GenServer.call({:pubsub")
	if want := "ready a@" + host + " port " + distPort + "\n"; outA.String() != want {
		t.Errorf("standard output %q, want %q", outA.String(), want)
	}
	for _, part := range []string{"ERL_EPMD_PORT=", `iex --sname me --cookie 'it'\''s'` + "\n", `n = :"a@` + host + `"`} {
		if !strings.Contains(hint, part) {
			t.Errorf("no %q in the hint:\n%s", part, hint)
		}
	}

	stopB := start(t, &outB, &errB, "serve", "--name=b", "--cookie=it's", epmdPort, "--connect=a", "--ticktime=4", "--verbose")
	outB.await(t, "ready b@"+host)
	if log := errB.String(); !strings.Contains(log, "peer=a@"+host) {
		t.Errorf("b has not connected to a:\n%s", log)
	}
	want(t, []string{"ping", "b", "--cookie=it's", epmdPort}, exitOK, "pong from b@"+host, "")
	want(t, []string{"serve", "--name=a", "--cookie=c", epmdPort}, exitFailed, "", "Another node has that name")
	want(t, []string{"serve", "--name=c", "--cookie=c", epmdPort, "--port", distPort}, exitFailed, "", "The port is taken")
	want(t, []string{"serve", "--name=c", "--cookie=c", epmdPort, "--epmd=embedded"}, exitFailed, "", "The port is taken")
	want(t, []string{"serve", "--name=c", "--cookie=c", epmdPort, "--connect=a"}, exitFailed, "", "cookies differ")
	want(t, []string{"serve", "--name=d", "--cookie=c", epmdPort, "--connect=nobody"}, exitFailed, "", `there is no node "nobody"`)
	if code := stopB(); code != exitOK {
		t.Errorf("b exits with %d", code)
	}
	if code := stopA(); code != exitOK {
		t.Errorf("a exits with %d", code)
	}
	want(t, []string{"serve", "--cookie=c", "--epmd=external", epmdPort}, exitFailed, "", "No epmd runs on port")
}

func TestServeWithoutEPMD(t *testing.T) {
	var stdout, stderr syncBuffer
	start(t, &stdout, &stderr, "serve", "--name=solo@localhost", "--cookie=secret", "--epmd=none")
	ready := regexp.MustCompile(`ready solo@localhost port (\d+)`).FindStringSubmatch(stdout.await(t, "\n"))
	if ready == nil {
		t.Fatalf("not ready: %s", stdout.String())
	}
	command := "erlnode ping solo@localhost --address localhost:" + ready[1]
	stderr.await(t, command)
	want(t, append(strings.Fields(command)[1:], "--cookie=secret"), exitOK, "pong", "")
}
