package main

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestPing(t *testing.T) {
	n, epmdPort := goNode(t, "go@localhost")
	nobody := "--epmd-port=" + strconv.Itoa(freePort(t))
	at := func(port int) string { return "--address=" + strconv.Itoa(port) }
	tests := []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"go@localhost", epmdPort}, exitOK, "pong from go@localhost in ", ""},
		{[]string{"go@localhost", at(n.Port()), nobody}, exitOK, "pong", ""},
		{[]string{"go@localhost", at(n.Port()), "--name=me@localhost"}, exitOK, "pong", ""},
		{[]string{"go@localhost", epmdPort, "--cookie=wrong"}, exitFailed, "pang", "the cookies differ"},
		{[]string{"nobody@localhost", epmdPort}, exitFailed, "pang", "there is no node \"nobody\" on localhost\n"},
		{[]string{"go@localhost", nobody}, exitFailed, "pang", "no epmd on localhost port"},
		{[]string{"go@no-such-host.invalid", epmdPort}, exitFailed, "pang", `host "no-such-host.invalid" not found`},
		{[]string{"go@localhost", "--address=no-such-host.invalid:1"}, exitFailed, "pang", `host "no-such-host.invalid" not found`},
		{[]string{"go@127.0.0.1", epmdPort}, exitFailed, "pang", `node name "go@localhost"`},
		{[]string{"go@localhost", at(freePort(t))}, exitFailed, "pang", "nothing takes connections on its port"},
	}
	for _, tt := range tests {
		want(t, append([]string{"ping", "--cookie=secret"}, tt.args...), tt.code, tt.stdout, tt.stderr)
	}

	code, out, errs := erlnodeCmd(t, "ping", "go@localhost", epmdPort, "--cookie=secret", "--count=3", "--interval=1ms")
	if code != exitOK || strings.Count(out, "pong") != 3 || strings.Count(out, "to connect") != 1 || errs != "" {
		t.Errorf("three pings: %d, %q, %q", code, out, errs)
	}
	want(t, []string{"ping", "go@localhost", nobody, "--cookie=secret", "--count=2", "--interval=1ms"}, exitFailed, "pang\npang\n",
		"2 of 2 without an answer; the last one: cannot connect")
}

// TestPingSilent pings what takes the connection and says nothing.
func TestPingSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want(t, []string{"ping", "go@127.0.0.1", "--address=" + l.Addr().String(), "--cookie=secret", "--timeout=100ms"},
		exitFailed, "pang", "go@127.0.0.1: no answer within 100ms")
}

// TestPingCookieFile takes the cookie from the home folder, where the first node creates it.
func TestPingCookieFile(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ERL_EPMD_PORT", strconv.Itoa(freePort(t)))
	var stdout, stderr syncBuffer
	stop := start(t, &stdout, &stderr, "serve", "--name=home@localhost")
	stdout.await(t, "ready home@localhost port ")
	want(t, []string{"ping", "home@localhost"}, exitOK, "pong", "")
	want(t, []string{"ping", "home@localhost", "--cookie=other"}, exitFailed, "pang", "cookies differ")
	if code := stop(); code != exitOK {
		t.Errorf("serve exits with %d", code)
	}
}

func TestPingUntilInterrupted(t *testing.T) {
	_, epmdPort := goNode(t, "go@localhost")
	var stdout, stderr syncBuffer
	stop := start(t, &stdout, &stderr, "ping", "go@localhost", epmdPort, "--cookie=secret", "--count=0", "--interval=1ms")
	stdout.await(t, "pong from go@localhost")
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}
