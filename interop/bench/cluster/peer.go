//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// peer is a process that this program has started: a driver, a server or both.
type peer struct {
	kind  string // go, beam, …
	node  string // its node name
	ready string // what it said behind "ready"
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // what it prints
	said  tail        // what it prints on standard error
	ended chan struct{}
	err   error // why, once it has ended
}

const (
	startTime  = 30 * time.Second
	answerTime = 60 * time.Second // for any command
)

// startPeer runs a command until it says that it is ready.
func startPeer(ctx context.Context, kind, node string, cmd *exec.Cmd) (*peer, error) {
	p := &peer{kind: kind, node: node, cmd: cmd, lines: make(chan string, 64), ended: make(chan struct{})}
	cmd.Stdout = &lineWriter{to: p.lines}
	cmd.Stderr = &p.said
	cmd.WaitDelay = time.Second
	// In a process group of its own, so that what it starts goes with it; and it does not outlive this program.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in = in
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		if p.err == nil {
			p.err = errors.New("exit status 0")
		}
		close(p.ended)
	}()
	line, err := p.line(ctx, startTime)
	ready, ok := strings.CutPrefix(line, "ready ")
	if err == nil && !ok {
		err = fmt.Errorf("it said %q", line)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %w%s", node, err, p.output())
	}
	p.ready = ready
	return p, nil
}

// line returns what the peer prints next.
func (p *peer) line(ctx context.Context, wait time.Duration) (string, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case line := <-p.lines:
		return line, nil
	case <-p.ended:
		select {
		case line := <-p.lines: // it printed this before
			return line, nil
		default:
		}
		return "", fmt.Errorf("%s has ended: %w", p.node, p.err)
	case <-timer.C:
		return "", errNoAnswer
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

var errNoAnswer = errors.New("no answer in time")

// do gives the peer a command and returns its answer. watched are peers without which there will be none.
func (p *peer) do(ctx context.Context, command string, watched ...*peer) (outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, w := range watched {
		go func() {
			select {
			case <-w.ended:
				cancel(fmt.Errorf("%s has ended: %w%s", w.node, w.err, w.output()))
			case <-ctx.Done():
			}
		}()
	}
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		select {
		case <-p.ended:
			err = p.err
		case <-time.After(time.Second):
		}
		return nil, fmt.Errorf("%s, %s: %w%s", p.node, command, err, p.output())
	}
	line, err := p.line(ctx, answerTime)
	if errors.Is(err, errNoAnswer) {
		p.dump()
		for _, w := range watched {
			w.dump()
			err = fmt.Errorf("%w%s", err, w.output())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w%s", p.node, command, err, p.output())
	}
	o, err := parseOutcome(line)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w%s", p.node, command, err, p.output())
	}
	return o, nil
}

// dump has a Go peer that hangs say where its goroutines are, on standard error, which ends it.
func (p *peer) dump() {
	if p.kind == "beam" || p.kind == "c" {
		return
	}
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
	}
}

// output is what the peer said last on standard error, for an error.
func (p *peer) output() string {
	if s := p.said.String(); s != "" {
		return "\n--- " + p.node + " said:\n" + s
	}
	return ""
}

func (p *peer) stop() {
	p.in.Close()
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// lineWriter gives away what is written to it line by line.
type lineWriter struct {
	to   chan<- string
	rest []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest = append(w.rest, b...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		select {
		case w.to <- string(line):
		default:
			return 0, errors.New("more lines than were asked for")
		}
		w.rest = rest
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailSize = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - tailSize; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.kept))
}
