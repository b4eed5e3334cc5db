//go:build unix

package otp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child in a process group of its own, with the end of what it printed.
type process struct {
	cmd    *exec.Cmd
	log    *tail
	exited chan struct{} // closed when it is gone
	err    error         // how it ended; read after exited
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, log: &tail{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 2 * time.Second // a grandchild may hold on to the output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// signal goes to the whole group. It is an error when the process is gone. After SIGSTOP it returns when the process
// stands still: on a busy machine its threads go on for up to half a second.
func (p *process) signal(sig syscall.Signal) error {
	select {
	case <-p.exited:
		return os.ErrProcessDone
	default:
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil || sig != syscall.SIGSTOP {
		return err
	}
	return awaitStop(p.cmd.Process.Pid)
}

// awaitStop waits until all threads of a process have stopped, where /proc tells.
func awaitStop(pid int) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tasks := fmt.Sprintf("/proc/%d/task/", pid)
	state := ""
	err := poll(ctx, func() (bool, error) {
		threads, err := os.ReadDir(tasks)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		for _, thread := range threads {
			stat, err := os.ReadFile(tasks + thread.Name() + "/stat")
			_, rest, _ := strings.Cut(string(stat), ") ")
			if state = rest; err == nil && !strings.HasPrefix(rest, "T") {
				return false, nil
			}
		}
		return true, err
	})
	if err != nil {
		return fmt.Errorf("SIGSTOP to %d, a thread of which is in state %.1q: %w", pid, state, err)
	}
	return nil
}

// kill ends the group at once and waits for the process to be gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// gone waits for the end of the process, at most for a time, and says whether it came.
func (p *process) gone(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu      sync.Mutex
	buf     []byte
	skipped int
}

const tailSize = 64 << 10

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, b...)
	if over := len(l.buf) - tailSize; over > tailSize {
		l.buf = append([]byte(nil), l.buf[over:]...)
		l.skipped += over
	}
	return len(b), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skipped > 0 {
		return fmt.Sprintf("[%d bytes before]\n%s", l.skipped, l.buf)
	}
	return string(l.buf)
}

// logged is the log as a part of an error's text.
func logged(log string) string {
	log = strings.TrimSpace(log)
	if log == "" {
		return "\nIt logged nothing."
	}
	return "\nIt logged:\n\t" + strings.ReplaceAll(log, "\n", "\n\t")
}

// guard runs a shell command, with args as $0, $1 and so on, when this process ends without having called the returned
// function, even by SIGKILL.
func guard(command string, env []string, args ...string) (release func(), err error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", "trap '' INT TERM HUP; read line && exit 0; " + command}, args...)...)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() {
		io.WriteString(pipe, "released\n")
		pipe.Close()
		cmd.Wait()
	}), nil
}
