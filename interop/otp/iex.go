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
	"strings"
	"sync"
	"syscall"
	"time"
)

// The terminal that IEx gets. Elixir prints 80 columns wide anyhow; the rest is for long lines that are typed.
const (
	iexColumns = 250
	iexRows    = 60
	iexHistory = 50000
)

// IEx is a real iex in a terminal of its own (a tmux server that nobody else uses), typed into and read from as a
// person would. Calls of Type must not overlap.
type IEx struct {
	Options // as started, complete

	tmux    string // path of the program
	sock    string
	env     []string
	pid     int // of iex, which leads its process group
	home    string
	epmd    *EPMD
	release func()
	close   func()

	mark prompts // when the last line was typed
}

// prompt is iex's prompt, at the start of a line: iex(a@host)1> or ...(a@host)1> while an expression goes on.
var prompt = regexp.MustCompile(`^(iex|\.\.\.)\([^()\s]*\)(?:\d+)?>`)

// prompts is how far a session has come, seen by its prompts.
type prompts struct {
	first int  // prompts of the first kind
	open  int  // of the second kind, since the last of the first; newer shells wipe them out when the expression ends
	line  int  // the last line with a prompt, -1 if none
	bare  bool // that line is the last one on the screen, and has nothing else on it
}

func countPrompts(lines []string) prompts {
	p := prompts{line: -1}
	for i, line := range lines {
		switch m := prompt.FindStringSubmatch(line); {
		case m == nil:
			continue
		case m[1] == "iex":
			p.first, p.open = p.first+1, 0
		default:
			p.open++
		}
		p.line = i
	}
	p.bare = p.line >= 0 && p.line == len(lines)-1 && prompt.FindString(lines[p.line]) == lines[p.line]
	return p
}

// after says whether a session has come further.
func (p prompts) after(q prompts) bool {
	return p.first > q.first || p.first == q.first && p.open > q.open
}

// StartIEx starts iex with --name or --sname in a terminal and returns when it shows its prompt. The context bounds the
// start only.
func (i *Install) StartIEx(ctx context.Context, o Options) (_ *IEx, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	x := &IEx{Options: o.complete(), tmux: i.Path("tmux"), mark: prompts{line: -1}}
	x.close = sync.OnceFunc(x.cleanup)
	defer func() {
		if err != nil {
			x.Close()
		}
	}()
	if x.EPMDPort == 0 {
		if x.epmd, err = i.StartEPMD(ctx); err != nil {
			return nil, err
		}
		x.EPMDPort = x.epmd.Port
	}
	if x.home, err = os.MkdirTemp("", "iex"); err != nil {
		return nil, err
	}
	x.sock = filepath.Join(x.home, "tmux")
	x.env = append(i.environ(x.home, x.Options), "TERM=screen")
	release, err := guard(`kill -9 -$("$0" -S "$1" list-panes -F "#{pane_pid}"); "$0" -S "$1" kill-server`, x.env, x.tmux, x.sock)
	if err != nil {
		return nil, err
	}
	x.release = release
	args := []string{"-u", "-f", "/dev/null", "start-server", ";",
		"set", "-g", "history-limit", strconv.Itoa(iexHistory), ";",
		"set", "-g", "default-terminal", "screen", ";",
		"set", "-g", "remain-on-exit", "on", ";",
		"set", "-g", "status", "off", ";",
		"new-session", "-d", "-x", strconv.Itoa(iexColumns), "-y", strconv.Itoa(iexRows), "-c", x.home,
		"exec " + quote(append([]string{i.Path("iex")}, x.args()...))}
	if _, err := x.run(args...); err != nil {
		return nil, err
	}
	pid, err := x.run("list-panes", "-F", "#{pane_pid}")
	if err != nil {
		return nil, err
	}
	if x.pid, err = strconv.Atoi(strings.TrimSpace(pid)); err != nil {
		return nil, err
	}
	if _, err = x.prompted(ctx, x.mark); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", x.Options.Name, err)
	}
	return x, nil
}

func (x *IEx) args() []string {
	kind := "--sname"
	if x.long() {
		kind = "--name"
	}
	args := []string{kind, x.Options.Name, "--cookie", x.Cookie}
	if x.Hidden {
		args = append(args, "--hidden")
	}
	if x.NetTickTime != 0 {
		args = append(args, "--erl", "-kernel net_ticktime "+strconv.Itoa(x.NetTickTime))
	}
	return append(args, x.Args...)
}

// Name returns the full node name.
func (x *IEx) Name() string { return x.Options.Name }

// TryType types a line and Enter, waits until iex shows its prompt again, and returns what the terminal shows between
// the line and that prompt. After a line that leaves an expression open that is the empty string. Zero means 30
// seconds.
func (x *IEx) TryType(line string, timeout time.Duration) (string, error) {
	if timeout == 0 {
		timeout = evalTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := x.TypeOnly(line); err != nil {
		return "", err
	}
	out, err := x.prompted(ctx, x.mark)
	if err != nil {
		return "", fmt.Errorf("after %q was typed into %s: %w", line, x.Options.Name, err)
	}
	return out, nil
}

// TypeOnly types a line and Enter and does not wait for anything, for lines after which no prompt comes; Await what
// does come.
func (x *IEx) TypeOnly(line string) error {
	lines, err := x.lines()
	if err != nil {
		return err
	}
	x.mark = countPrompts(lines)
	if strings.HasSuffix(line, ";") { // to tmux, the end of a command
		line = line[:len(line)-1] + `\;`
	}
	_, err = x.run("send-keys", "-l", "--", line, ";", "send-keys", "Enter")
	return err
}

// prompted waits for a prompt that shows that the session has come further and waits for input, and returns the lines
// in between.
func (x *IEx) prompted(ctx context.Context, mark prompts) (out string, err error) {
	err = x.watch(ctx, func(lines []string) bool {
		now := countPrompts(lines)
		if !now.bare || !now.after(mark) {
			return false
		}
		out = strings.Join(lines[min(mark.line+1, now.line):now.line], "\n")
		return true
	})
	return out, err
}

// TryAwait waits until the terminal shows a text after the line that was typed last (that line itself excluded), and
// returns all that is shown there. Zero means 30 seconds.
func (x *IEx) TryAwait(text string, timeout time.Duration) (out string, err error) {
	if timeout == 0 {
		timeout = evalTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err = x.watch(ctx, func(lines []string) bool {
		out = strings.Join(lines[min(x.mark.line+1, len(lines)):], "\n")
		return strings.Contains(out, text)
	})
	if err != nil {
		return "", fmt.Errorf("awaiting %q in %s: %w", text, x.Options.Name, err)
	}
	return out, nil
}

// Screen returns everything that the terminal has shown, lines that scrolled away included, without empty lines at the
// end. A line that was too long for the terminal is one line here.
func (x *IEx) Screen() (string, error) {
	lines, err := x.lines()
	return strings.Join(lines, "\n"), err
}

// Signal sends a signal to iex: SIGSTOP freezes the node, SIGKILL ends it.
func (x *IEx) Signal(sig syscall.Signal) error { return syscall.Kill(-x.pid, sig) }

// Kill ends iex by SIGKILL. The terminal stays as it was until Close.
func (x *IEx) Kill() error { return x.Signal(syscall.SIGKILL) }

// Close ends iex and its terminal at once. It may be called more than once.
func (x *IEx) Close() { x.close() }

func (x *IEx) cleanup() {
	if x.pid != 0 {
		x.Kill()
	}
	if x.sock != "" {
		server, _ := x.run("display-message", "-p", "#{pid}")
		x.run("kill-server")
		awaitEnd(strings.TrimSpace(server))
	}
	if x.release != nil {
		x.release()
	}
	if x.epmd != nil {
		x.epmd.Close()
	}
	if x.home != "" {
		os.RemoveAll(x.home)
	}
}

// awaitEnd waits until a process that has been told to end is gone, where /proc tells. tmux answers kill-server before it ends.
func awaitEnd(pid string) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	poll(ctx, func() (bool, error) {
		cmdline, err := os.ReadFile("/proc/" + pid + "/cmdline")
		return err != nil || len(cmdline) == 0 || pid == "", nil
	})
}

// watch looks at the terminal until it shows what is wanted. The error has the whole screen.
func (x *IEx) watch(ctx context.Context, wanted func(lines []string) bool) error {
	var lines []string
	err := poll(ctx, func() (bool, error) {
		var err error
		if lines, err = x.lines(); err != nil {
			return false, err
		}
		if wanted(lines) {
			return true, nil
		}
		dead, err := x.run("list-panes", "-F", "#{pane_dead}")
		if err == nil && strings.TrimSpace(dead) == "1" {
			err = errors.New("iex has ended")
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("%w; the terminal shows:\n\t%s", err, strings.Join(lines, "\n\t"))
	}
	return nil
}

func (x *IEx) lines() ([]string, error) {
	text, err := x.run("capture-pane", "-p", "-J", "-S", "-")
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(text, " \n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines, nil
}

// run calls tmux on this terminal's server.
func (x *IEx) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, x.tmux, append([]string{"-S", x.sock}, args...)...)
	cmd.Env = x.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// quote makes a command line for the shell.
func quote(args []string) string {
	for i, a := range args {
		args[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(args, " ")
}
