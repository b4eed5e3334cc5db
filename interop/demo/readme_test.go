//go:build unix

package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/interop/otp"
)

// TestREADME builds the two programs of README.md and does with them in an iex what it says there. In the root package
// another test holds the rest of its Go code to examples.
func TestREADME(t *testing.T) {
	t.Parallel()
	inst := otp.Find(t)
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	programs := blocks(readme, "go", "package main\n")
	stack := blocks(readme, "elixir", "defmodule Stack do\n")
	if len(programs) != 2 || len(stack) != 1 {
		t.Fatalf("README.md has %d programs and %d times the module Stack", len(programs), len(stack))
	}
	port := otp.FreePort(t)
	start := func(program string) *output {
		file := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(file+".go", []byte(program), 0o666); err != nil {
			t.Fatal(err)
		}
		build := exec.CommandContext(t.Context(), "go", "build", "-o", file, file+".go")
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		return startOutput(t, exec.Command(file), "ERL_EPMD_PORT="+strconv.Itoa(port), "HOME="+t.TempDir())
	}

	greeter := start(programs[0]) // which embeds the EPMD for all of them
	await(t, greeter, func() bool {
		names, err := epmd.Names(t.Context(), net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		return err == nil && len(names) == 1 && names[0].Name == "go"
	})
	// The cookie is known to everybody, so nobody else may connect.
	x := inst.IEx(t, otp.Options{Name: "iex@localhost", Cookie: "secret", EPMDPort: port,
		Args: []string{"--erl", "-kernel inet_dist_use_interface {127,0,0,1}"}})
	try := func(line, answer string) {
		t.Helper()
		w := want(answer)
		if !regexp.MustCompile("> " + regexp.QuoteMeta(line) + "\n" + w.pattern() + "\n").Match(readme) {
			t.Errorf("README.md does not say: %s\n%s", line, answer)
		}
		got, err := x.TryType(line, patience)
		if err == nil {
			err = w.check(got)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	try(`send({:greeter, :go@localhost}, "Ada")`, `"Ada"`)
	try(`receive do answer -> answer end`, `"Hello, Ada"`)

	for line := range strings.Lines(stack[0]) {
		x.Type(t, strings.TrimSuffix(line, "\n"))
	}
	try(`GenServer.start(Stack, ["hello"], name: :stack)`, `{:ok, PID}`)
	caller := start(programs[1])
	await(t, caller, func() bool { return caller.String() == "popped: hello <nil>\n" })
	await(t, caller, func() bool { // the monitor
		return strings.Contains(x.Type(t, `Process.info(Process.whereis(:stack), :monitored_by)`), "#PID")
	})
	try(`GenServer.stop(:stack, {:shutdown, :done})`, `:ok`)
	<-caller.exited
	if got, want := caller.String(), "popped: hello <nil>\nthe stack has ended: {shutdown,done}\n"; got != want || caller.err != nil {
		t.Errorf("the second program (%v) printed %q, want %q", caller.err, got, want)
	}
}

// blocks returns the code blocks of a language that begin as told.
func blocks(markdown []byte, language, begin string) []string {
	var all []string
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```\n").FindAllSubmatch(markdown, -1) {
		if text := string(m[1]) + "\n"; strings.HasPrefix(text, begin) {
			all = append(all, text)
		}
	}
	return all
}

// output is a program that runs, with what it has printed.
type output struct {
	mu     sync.Mutex
	text   bytes.Buffer
	exited chan struct{}
	err    error // after exited
}

func startOutput(t *testing.T, cmd *exec.Cmd, env ...string) *output {
	t.Helper()
	o := &output{exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = o, o
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		o.err = cmd.Wait()
		close(o.exited)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-o.exited
		if t.Failed() {
			t.Logf("%s printed:\n%s", cmd, o)
		}
	})
	return o
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits for what a program does.
func await(t *testing.T, o *output, done func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for !done() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-o.exited:
			t.Fatalf("it has ended: %v", o.err)
		case <-timeout:
			t.Fatalf("not within %v", patience)
		}
	}
}
