//go:build unix

package otp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Program is a node written in Go, run as a program of its own: one that takes the flags -name, -cookie, -hidden and
// -ticktime, prints "ready NAME port PORT" when a peer can connect, and leaves with status 0 on SIGTERM. The target of
// the interop tests is one.
type Program struct {
	Options     // as started, complete
	Port    int // its distribution port, as it said

	proc    *process
	dir     string
	release func()
	close   func() error
}

var ready = regexp.MustCompile(`(?m)^ready (\S+) port (\d+)$`)

// StartGo builds a main package, given as an import path or a folder, runs it with the options, and returns when it
// says that it is ready. With EPMDPort zero it gets a port on which no EPMD runs. The context bounds the start only.
func StartGo(ctx context.Context, pkg string, o Options) (_ *Program, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*startTimeout) // the build may be the first
	defer cancel()
	p := &Program{Options: o.complete()}
	p.close = sync.OnceValue(p.stop)
	defer func() {
		if err != nil {
			p.cleanup()
		}
	}()
	if p.EPMDPort == 0 {
		if p.EPMDPort, err = UnusedPort(); err != nil {
			return nil, err
		}
	}
	if p.dir, err = os.MkdirTemp("", "gonode"); err != nil {
		return nil, err
	}
	file := filepath.Join(p.dir, "node")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", file, pkg).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	args := []string{"-name", p.Options.Name, "-cookie", p.Cookie}
	if p.Hidden {
		args = append(args, "-hidden")
	}
	if p.NetTickTime != 0 {
		args = append(args, "-ticktime", strconv.Itoa(p.NetTickTime))
	}
	cmd := exec.Command(file, append(args, p.Args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "HOME="+p.dir, "ERL_EPMD_PORT="+strconv.Itoa(p.EPMDPort))
	cmd.Env = append(cmd.Env, p.Env...)
	if p.proc, err = startProcess(cmd); err != nil {
		return nil, err
	}
	if p.release, err = guard(fmt.Sprintf("kill -9 -%d", cmd.Process.Pid), cmd.Env); err != nil {
		return nil, err
	}
	err = poll(ctx, func() (bool, error) {
		if m := ready.FindStringSubmatch(p.Log()); m != nil {
			if m[1] != p.Options.Name {
				return false, fmt.Errorf("it calls itself %s", m[1])
			}
			p.Port, err = strconv.Atoi(m[2])
			return true, err
		}
		select {
		case <-p.proc.exited:
			return false, fmt.Errorf("it ended: %v", p.proc.err)
		default:
			return false, nil
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s (%s) did not start: %w%s", p.Options.Name, pkg, err, logged(p.Log()))
	}
	return p, nil
}

// Name returns the full node name.
func (p *Program) Name() string { return p.Options.Name }

// Log returns the end of what it printed.
func (p *Program) Log() string { return p.proc.log.String() }

// Exited is closed when it is gone.
func (p *Program) Exited() <-chan struct{} { return p.proc.exited }

// Signal sends it a signal.
func (p *Program) Signal(sig syscall.Signal) error { return p.proc.signal(sig) }

// Kill ends it by SIGKILL.
func (p *Program) Kill() {
	p.proc.kill()
	p.cleanup()
}

// Close ends it by SIGTERM and waits. A program that does not leave within seconds, or not with status 0, is an error,
// unless it was killed before. Close may be called more than once.
func (p *Program) Close() error { return p.close() }

func (p *Program) stop() error {
	defer p.cleanup()
	if err := p.proc.signal(syscall.SIGCONT); errors.Is(err, os.ErrProcessDone) {
		var exit *exec.ExitError
		if errors.As(p.proc.err, &exit) && exit.Exited() && exit.ExitCode() != 0 {
			return fmt.Errorf("%s ended by itself: %w%s", p.Options.Name, p.proc.err, logged(p.Log()))
		}
		return nil
	}
	p.proc.signal(syscall.SIGTERM)
	if !p.proc.gone(10 * time.Second) {
		return fmt.Errorf("%s did not leave on SIGTERM%s", p.Options.Name, logged(p.Log()))
	}
	if p.proc.err != nil {
		return fmt.Errorf("%s on SIGTERM: %w%s", p.Options.Name, p.proc.err, logged(p.Log()))
	}
	return nil
}

func (p *Program) cleanup() {
	if p.proc != nil {
		p.proc.kill()
	}
	if p.release != nil {
		p.release()
	}
	if p.dir != "" {
		os.RemoveAll(p.dir)
	}
}
