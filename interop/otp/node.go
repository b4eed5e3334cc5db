//go:build unix

package otp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Node is a real Erlang node without a shell. Its methods may be called concurrently.
type Node struct {
	Options // as started, complete

	proc  *process
	epmd  *EPMD    // its own, if Options had none
	home  string   // removed at Close
	to    *os.File // requests; closing it halts the node
	close func() error

	mu      sync.Mutex
	next    uint32
	pending map[uint32]chan answer // nil once the node is gone
}

// answer is a frame from harness.erl.
type answer struct {
	status byte // 'v' a value, 'x' an exception, 'd' the process was killed, 0 the node is gone
	text   string
}

// Exception is the error of an expression that raised one, or whose process was killed.
type Exception struct {
	Expr   string
	Text   string // class:reason and the stack; the exit reason of a killed process
	Killed bool
}

func (e *Exception) Error() string {
	if e.Killed {
		return fmt.Sprintf("the process that evaluated %q was killed: %s", e.Expr, e.Text)
	}
	return fmt.Sprintf("%q raised %s", e.Expr, e.Text)
}

// StartErl starts a node and returns when it is up, registered and connectable. The context bounds the start only.
func (i *Install) StartErl(ctx context.Context, o Options) (_ *Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	n := &Node{Options: o.complete(), pending: map[uint32]chan answer{}}
	defer func() {
		if err != nil {
			n.cleanup()
		}
	}()
	beams, err := i.compiled(ctx)
	if err != nil {
		return nil, err
	}
	if n.EPMDPort == 0 {
		if n.epmd, err = i.StartEPMD(ctx); err != nil {
			return nil, err
		}
		n.EPMDPort = n.epmd.Port
	}
	if n.home, err = os.MkdirTemp("", "otp"); err != nil {
		return nil, err
	}
	cmd := exec.Command(i.Path("erl"), n.args(beams)...)
	cmd.Env, cmd.Dir = i.environ(n.home, n.Options), n.home
	theirRead, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	n.to = to
	from, theirWrite, err := os.Pipe()
	if err != nil {
		theirRead.Close()
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{theirRead, theirWrite} // descriptors 3 and 4
	greeting := make(chan answer, 1)
	n.pending[0] = greeting
	n.proc, err = startProcess(cmd)
	theirRead.Close()
	theirWrite.Close()
	if err != nil {
		from.Close()
		return nil, err
	}
	go n.read(from)
	go func() { // answers end with the pipe, but a child of the node might keep that open
		<-n.proc.exited
		from.Close()
	}()
	n.close = sync.OnceValue(n.stop)
	select {
	case a := <-greeting:
		if a.status == 0 {
			return nil, fmt.Errorf("%s did not start%s", n.Options.Name, logged(n.Log()))
		}
		return n, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s did not start: %w%s", n.Options.Name, ctx.Err(), logged(n.Log()))
	}
}

func (n *Node) args(beams string) []string {
	kind := "-sname"
	if n.long() {
		kind = "-name"
	}
	args := []string{"-noinput", kind, n.Options.Name, "-setcookie", n.Cookie, "-pa", beams}
	if n.Hidden {
		args = append(args, "-hidden")
	}
	if n.NetTickTime != 0 {
		args = append(args, "-kernel", "net_ticktime", strconv.Itoa(n.NetTickTime))
	}
	return append(append(args, n.Args...), "-s", "harness")
}

// Name returns the full node name.
func (n *Node) Name() string { return n.Options.Name }

// Log returns the end of what the node printed, its log and the output of what ran on it.
func (n *Node) Log() string { return n.proc.log.String() }

// Exited is closed when the node's process is gone.
func (n *Node) Exited() <-chan struct{} { return n.proc.exited }

// Signal sends a signal to the node and what it started: SIGSTOP freezes it, SIGCONT lets it go on.
func (n *Node) Signal(sig syscall.Signal) error { return n.proc.signal(sig) }

// Kill ends the node by SIGKILL, as a machine that loses its power would.
func (n *Node) Kill() {
	n.proc.kill()
	n.close()
}

// Close halts the node, waits until nothing of it is left, and removes its home folder. The node's connections are
// closed by the system; to leave as a node does on its own, evaluate init:stop() and await Exited. A node that does
// not halt within seconds is killed, and that is an error. Close may be called more than once, and after Kill.
func (n *Node) Close() error { return n.close() }

func (n *Node) stop() error {
	var err error
	n.proc.signal(syscall.SIGCONT)
	n.to.Close()
	if !n.proc.gone(10 * time.Second) {
		err = fmt.Errorf("%s did not halt%s", n.Options.Name, logged(n.Log()))
	}
	n.cleanup()
	return err
}

// cleanup ends and removes whatever the node has so far.
func (n *Node) cleanup() {
	if n.proc != nil {
		n.proc.kill()
	}
	if n.to != nil {
		n.to.Close()
	}
	if n.epmd != nil {
		n.epmd.Close()
	}
	if n.home != "" {
		os.RemoveAll(n.home)
	}
}

// TryEval evaluates Erlang expressions, such as "A = 1, A + 1.", in the node's driver process and returns the last
// value as ~0tp prints it. The final dot may be left out. The driver is one process as long as the node lives: bindings
// and messages stay, and a second TryEval waits for the first. If it is killed, a new one without bindings takes over.
//
// An exception is an *[Exception]. Any other error means that there is no answer: the node is gone or did not answer
// in time. The expression then goes on, and later ones wait for it. Zero means 30 seconds.
func (n *Node) TryEval(expr string, timeout time.Duration) (string, error) {
	return n.request('e', expr, timeout)
}

// TryRun is TryEval in a process of its own with no bindings, which ends with the value. Any number may run at a time.
func (n *Node) TryRun(expr string, timeout time.Duration) (string, error) {
	return n.request('r', expr, timeout)
}

func (n *Node) request(kind byte, expr string, timeout time.Duration) (string, error) {
	if timeout == 0 {
		timeout = evalTimeout
	}
	text := strings.TrimSpace(expr)
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	c := make(chan answer, 1)
	n.mu.Lock()
	if n.pending == nil {
		n.mu.Unlock()
		return "", n.lost(expr)
	}
	n.next++
	id := n.next
	n.pending[id] = c
	frame := binary.BigEndian.AppendUint32(nil, uint32(5+len(text)))
	frame = binary.BigEndian.AppendUint32(frame, id)
	frame = append(append(frame, kind), text...)
	n.to.SetWriteDeadline(time.Now().Add(timeout)) // the node may be stopped, and the pipe full
	_, err := n.to.Write(frame)
	n.mu.Unlock()
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		return "", fmt.Errorf("asking %s for %q: %w", n.Options.Name, expr, err)
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case a := <-c:
		switch a.status {
		case 'v':
			return a.text, nil
		case 0:
			return "", n.lost(expr)
		}
		return "", &Exception{Expr: expr, Text: a.text, Killed: a.status == 'd'}
	case <-timer.C:
		return "", fmt.Errorf("%s did not answer %q in %v%s", n.Options.Name, expr, timeout, logged(n.Log()))
	}
}

func (n *Node) lost(expr string) error {
	return fmt.Errorf("%s was gone before it answered %q%s", n.Options.Name, expr, logged(n.Log()))
}

// read hands the node's answers to those who wait, until the node is gone.
func (n *Node) read(from io.Reader) {
	defer func() {
		<-n.proc.exited // so that the log is complete
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, c := range n.pending {
			c <- answer{}
		}
		n.pending = nil
	}()
	var head [9]byte
	for {
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint32(head[:])-5)
		if _, err := io.ReadFull(from, text); err != nil {
			return
		}
		id := binary.BigEndian.Uint32(head[4:])
		n.mu.Lock()
		if c, ok := n.pending[id]; ok {
			c <- answer{status: head[8], text: string(text)}
			delete(n.pending, id)
		}
		n.mu.Unlock()
	}
}
