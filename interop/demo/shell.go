//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// shell runs commands as a user of the demo's home folder would.
type shell struct {
	home string
	env  []string
}

// newShell makes a home with a cookie and a bin folder, in which erlnode is built and OTP's own epmd found.
func newShell(ctx context.Context, inst *otp.Install, cookie string, epmdPort int) (_ *shell, err error) {
	home, err := os.MkdirTemp("", "demo")
	if err != nil {
		return nil, err
	}
	s := &shell{home: home}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := os.WriteFile(filepath.Join(home, ".erlang.cookie"), []byte(cookie), 0o400); err != nil {
		return nil, err
	}
	bin := filepath.Join(home, "bin")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin+"/", "github.com/erlnode/erlnode/cmd/erlnode")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Symlink(inst.Path("epmd"), filepath.Join(bin, "epmd")); err != nil {
		return nil, err
	}
	s.env = append(os.Environ(), "HOME="+home, "ERL_EPMD_PORT="+strconv.Itoa(epmdPort), "ERLNODE_TRACE=")
	return s, nil
}

func (s *shell) close() { os.RemoveAll(s.home) }

// command makes a command of the words of a line; single quotes hold words together.
func (s *shell) command(ctx context.Context, line string) *exec.Cmd {
	words := split(line)
	cmd := exec.CommandContext(ctx, filepath.Join(s.home, "bin", words[0]), words[1:]...)
	cmd.Env, cmd.Dir = s.env, s.home
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs a command to its end and returns what it printed, and its exit status.
func (s *shell) run(ctx context.Context, line string) (out string, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b, err := s.command(ctx, line).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return strings.TrimRight(string(b), "\n"), exit.ExitCode(), nil
	}
	return strings.TrimRight(string(b), "\n"), 0, err
}

// job is a command that goes on in the background.
type job struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // after exited
	out    lines
	guard  io.Closer
}

// start starts a command, and returns when it has printed a line that begins as told.
func (s *shell) start(ctx context.Context, line, ready string) (*job, error) {
	j := &job{cmd: s.command(context.Background(), line), exited: make(chan struct{})}
	j.out.notify = make(chan struct{}, 1)
	j.cmd.Stdout = &j.out
	var stderr bytes.Buffer
	j.cmd.Stderr = &stderr
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo, which then ends it
	if err := j.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		j.err = j.cmd.Wait()
		close(j.exited)
	}()
	var err error
	if j.guard, err = guard(j.cmd.Process.Pid); err != nil {
		j.kill()
		return nil, err
	}
	timeout := time.After(patience)
	for !strings.HasPrefix(j.out.String(), ready) {
		select {
		case <-j.out.notify:
			continue
		case <-j.exited:
			return nil, fmt.Errorf("%s: %v\n%s", line, j.err, &stderr)
		case <-timeout:
			err = fmt.Errorf("%s prints no %q within %v, but %q", line, ready, patience, j.out.String())
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		j.kill()
		return nil, err
	}
	return j, nil
}

// stop ends the job by SIGTERM. That it does not leave with status 0 is an error.
func (j *job) stop() error {
	defer j.kill()
	j.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-j.exited:
		return j.err
	case <-time.After(patience):
		return fmt.Errorf("does not leave on SIGTERM within %v", patience)
	}
}

// kill ends the job at once, if it is still there.
func (j *job) kill() {
	j.cmd.Process.Kill()
	<-j.exited
	if j.guard != nil {
		j.guard.Close()
	}
}

// guard kills a process when this one ends without closing the guard, even by SIGKILL.
func guard(pid int) (io.Closer, error) {
	cmd := exec.Command("/bin/sh", "-c", `trap '' INT TERM HUP; read line; kill -9 "$0" 2>/dev/null`, strconv.Itoa(pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return closer(sync.OnceFunc(func() {
		cmd.Process.Kill()
		pipe.Close()
		cmd.Wait()
	})), nil
}

type closer func()

func (c closer) Close() error { c(); return nil }

// lines collects output, and notifies.
type lines struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	notify chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.notify <- struct{}{}:
	default:
	}
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// split splits a line into words, at spaces outside of single quotes.
func split(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}
