//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// peer is a process that this program has started: a driver, a server or both.
type peer struct {
	kind  string // "OTP 29", "Go", …
	node  string // its node name
	ready string // what it said behind "ready"
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
}

// startPeer runs a command until it says that it is ready.
func startPeer(kind, node string, cmd *exec.Cmd) (*peer, error) {
	p := &peer{kind: kind, node: node, cmd: cmd}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := p.line()
	ready, ok := strings.CutPrefix(line, "ready ")
	if err != nil || !ok {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %q %v", kind, line, err)
	}
	p.ready = ready
	return p, nil
}

// answerTime is how long any command may take.
const answerTime = 90 * time.Second

func (p *peer) line() (string, error) {
	type read struct {
		line string
		err  error
	}
	c := make(chan read, 1)
	go func() {
		if p.out.Scan() {
			c <- read{p.out.Text(), nil}
			return
		}
		c <- read{"", errors.Join(errors.New("it has ended"), p.out.Err())}
	}()
	select {
	case r := <-c:
		return r.line, r.err
	case <-time.After(answerTime):
		return "", fmt.Errorf("no answer in %v", answerTime)
	}
}

// outcome is what a driver says about one piece of work.
type outcome struct {
	Ops      float64
	Ns       float64
	P50, P99 float64 // of single calls, ns
}

func (o outcome) rate() float64 { return o.Ops / o.Ns * 1e9 }

func (p *peer) do(format string, args ...any) (outcome, error) {
	command := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		return outcome{}, err
	}
	line, err := p.line()
	if err != nil {
		return outcome{}, fmt.Errorf("%s, %s: %w", p.kind, command, err)
	}
	var o outcome
	if _, err := fmt.Sscan(line, &o.Ops, &o.Ns, &o.P50, &o.P99); err != nil {
		return outcome{}, fmt.Errorf("%s, %s: %s", p.kind, command, line)
	}
	return o, nil
}

func (p *peer) stop() {
	p.in.Close()
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	p.cmd.Wait()
}
