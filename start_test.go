package erlnode_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/node"
)

// With ERLNODE_TRACE every signal is printed, a line each, with its direction.
func TestTrace(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = stderr }()

	b, err := erlnode.Start(t.Context(), "b@test", erlnode.Config{Cookie: "secret", EPMD: node.EPMDNone, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ERLNODE_TRACE", "1")
	a, err := erlnode.Start(t.Context(), "a@test", erlnode.Config{Cookie: "secret", NoListen: true,
		Resolve: func(context.Context, string) (string, error) { return fmt.Sprint("127.0.0.1:", b.Port()), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ping(t.Context(), "b@test"); err != nil {
		t.Error(err)
	}
	a.Close()
	b.Close()
	w.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a@test -> MONITOR ", "a@test -> SEND ", "{is_auth,a@test}", "a@test <- SEND ", ",yes}"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
