//go:build unix

package otp

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// EPMD is OTP's own port mapper on a port of its own.
type EPMD struct {
	Port int

	proc    *process
	close   func()
	release func()
}

// UnusedPort returns a TCP port on which nothing listens on 127.0.0.1 now.
func UnusedPort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// StartEPMD starts OTP's epmd on a free port of the loopback interfaces and returns when it takes connections.
func (i *Install) StartEPMD(ctx context.Context) (*EPMD, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var last error
	for range 5 { // somebody may take the port before epmd does
		port, err := UnusedPort()
		if err != nil {
			return nil, err
		}
		e, err := i.startEPMD(ctx, port)
		if err == nil {
			return e, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// StartEPMDAt is StartEPMD on a port of your choice, for tests in which EPMD comes back.
func (i *Install) StartEPMDAt(ctx context.Context, port int) (*EPMD, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return i.startEPMD(ctx, port)
}

func (i *Install) startEPMD(ctx context.Context, port int) (*EPMD, error) {
	cmd := exec.Command(i.Path("epmd"), "-port", strconv.Itoa(port), "-address", "127.0.0.1")
	cmd.Env = i.environ(os.TempDir(), Options{})
	proc, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	release, err := guard(fmt.Sprintf("kill -9 -%d", cmd.Process.Pid), cmd.Env)
	if err != nil {
		proc.kill()
		return nil, err
	}
	e := &EPMD{Port: port, proc: proc, release: release}
	e.close = sync.OnceFunc(func() {
		proc.kill()
		release()
	})
	err = poll(ctx, func() (bool, error) {
		select {
		case <-proc.exited:
			return false, fmt.Errorf("epmd on port %d ended (%v)%s", port, proc.err, logged(proc.log.String()))
		default:
		}
		c, err := net.DialTimeout("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("epmd on port %d: %w", port, err)
	}
	return e, nil
}

// Close ends it at once.
func (e *EPMD) Close() { e.close() }

// poll asks every few milliseconds until the answer is yes or an error, or the context ends.
func poll(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(15 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
