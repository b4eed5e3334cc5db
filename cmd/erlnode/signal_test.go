//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary be the command itself, for what only a process of its own can show.
func TestMain(m *testing.M) {
	if os.Getenv("ERLNODE_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestSignals ends what stays running the way a shell or a service manager does.
func TestSignals(t *testing.T) {
	commands := map[string]string{
		"serve --name=sig@localhost --cookie=secret --epmd=none": "ready sig@localhost port ",
		fmt.Sprintf("epmd -port %d", freePort(t)):                "epmd running",
	}
	for line, ready := range commands {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			var out syncBuffer
			cmd := exec.Command(os.Args[0], strings.Fields(line)...)
			cmd.Env = append(os.Environ(), "ERLNODE_TEST_MAIN=1")
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			out.await(t, ready)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v: %v\n%s", line, sig, err, &out)
			}
		}
	}
}
