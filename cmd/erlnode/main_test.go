package main

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/node"
)

// erlnodeCmd runs a command line in this process.
func erlnodeCmd(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// want checks an exit code and that the two outputs contain what they should; "" stands for no output at all.
func want(t testing.TB, args []string, code int, stdout, stderr string) {
	t.Helper()
	gotCode, gotOut, gotErr := erlnodeCmd(t, args...)
	if gotCode != code || !strings.Contains(gotOut, stdout) || !strings.Contains(gotErr, stderr) ||
		(stdout == "") != (gotOut == "") || (stderr == "") != (gotErr == "") {
		t.Errorf("erlnode %s\n got %d, stdout %q, stderr %q\nwant %d, %q, %q", strings.Join(args, " "), gotCode, gotOut, gotErr, code, stdout, stderr)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// goNode starts a node for the time of the test, with an EPMD of its own, whose port it returns as an argument.
func goNode(t testing.TB, name string) (*erlnode.Node, string) {
	t.Helper()
	port := freePort(t)
	n, err := erlnode.Start(t.Context(), name, erlnode.Config{Cookie: "secret", EPMD: node.EPMDEmbedded, EPMDPort: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n, "--epmd-port=" + strconv.Itoa(port)
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args   string
		code   int
		stderr string
	}{
		{"nonsense", exitUsage, `unknown command "nonsense"`},
		{"ping", exitUsage, "Usage: erlnode ping NODE"},
		{"ping a b", exitUsage, "accepts 1 arg(s), received 2"},
		{"ping a@b@c", exitUsage, "more than one '@'"},
		{"ping ü@localhost", exitUsage, "before the '@'"},
		{"ping a@localhost --cookie c --count -1", exitUsage, "not negative"},
		{"ping a@localhost --cookie c --address x:y", exitUsage, "no [HOST:]PORT"},
		{"ping a@localhost --cookie c --epmd-port 65536", exitUsage, "--epmd-port 65536 is no port"},
		{"ping a@localhost --timeout 5", exitUsage, "invalid argument"},
		{"call a b", exitUsage, "received 2"},
		{"call a@localhost m f [1", exitUsage, "ARGS is no Erlang term"},
		{"call a@localhost m f {1}", exitUsage, "ARGS must be a list"},
		{"call a@localhost m f [1|2]", exitUsage, "ARGS must be a list"},
		{"call a@localhost 'm f", exitUsage, "MODULE 'm is no atom"},
		{"names a b", exitUsage, "accepts at most 1 arg(s)"},
		{"serve --epmd maybe", exitUsage, "not \"maybe\""},
		{"serve --ticktime 0", exitUsage, "--ticktime"},
		{"serve --port -1", exitUsage, "--port -1 is no port"},
		{"serve --port 5-4", exitUsage, "--port 5-4 is no port"},
		{"serve --port 0-4", exitUsage, "--port 0-4 is no port"},
		{"serve --node-port 65536", exitUsage, "--node-port 65536 is no port"},
		{"serve --tls-cert c --tls-key k", exitUsage, "--tls-ca"},
		{"serve --tls-cert c --tls-ca a", exitUsage, "go together"},
		{"serve --tls-ca a", exitUsage, "--tls-cert and --tls-key are needed"},
		{"ping a@localhost --cookie c --tls-key k --tls-ca a", exitUsage, "go together"},
		{"ping a@localhost --cookie c --node-port -1", exitUsage, "--node-port -1 is no port"},
		{"ping a@localhost --cookie c --tls-ca /nothing", exitFailed, "/nothing"},
		{"serve go", exitUsage, "unknown command \"go\" for \"erlnode serve\""},
		{"epmd -nonsense", exitFailed, "unknown shorthand"},
		{"epmd -packet_timeout 0", exitFailed, "-packet_timeout"},
		{"epmd -daemon", exitFailed, "no -daemon"},
		{"epmd -names -kill", exitFailed, "none of the others"},
	}
	for _, tt := range tests {
		want(t, strings.Split(tt.args, " "), tt.code, "", tt.stderr)
	}
}

// TestHelp holds every command to a help that says what it does, shows examples, and lists the exit codes.
func TestHelp(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		code, help, stderr := erlnodeCmd(t, cmd.Name(), "--help")
		if code != exitOK || stderr != "" {
			t.Errorf("%s --help: %d, %s", cmd.Name(), code, stderr)
		}
		if cmd.Name() == "version" {
			continue
		}
		for _, part := range []string{"Examples:\n  erlnode " + cmd.Name(), "Exit codes", "Flags:"} {
			if !strings.Contains(help, part) {
				t.Errorf("%s --help has no %q:\n%s", cmd.Name(), part, help)
			}
		}
		for line := range strings.Lines(help) {
			if !strings.HasPrefix(strings.TrimSpace(line), "-") && len([]rune(line)) > 82 {
				t.Errorf("%s --help is wider than a terminal: %q", cmd.Name(), line)
			}
		}
	}
	want(t, []string{"--help"}, exitOK, "Exit codes:", "")
}

func TestVersion(t *testing.T) {
	want(t, []string{"version"}, exitOK, "erlnode ", "")
	want(t, []string{"--version"}, exitOK, version(), "")
}

// start runs a command that stays, and returns what ends it and gives its exit code.
func start(t testing.TB, stdout, stderr *syncBuffer, args ...string) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() { code <- run(ctx, args, stdout, stderr) }()
	stop = func() int {
		cancel()
		c := <-code
		code <- c
		return c
	}
	t.Cleanup(func() { stop() })
	return stop
}
