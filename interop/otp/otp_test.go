//go:build unix

package otp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestEval(t *testing.T) {
	t.Parallel()
	n := Find(t).Erl(t, Options{Name: "a", Cookie: "secret", NetTickTime: 8})
	tests := []struct{ expr, want string }{
		{"node().", "'a@127.0.0.1'"},
		{"erlang:get_cookie()", "secret"},
		{"net_kernel:get_net_ticktime()", "8"},
		{"A = 1, A + 1.", "2"},
		{"A + 10.", "11"}, // bindings stay
		{"self() =:= whereis(none)", "false"},
		{`<<"ü☃"/utf8>>.`, `<<195,188,226,152,131>>`},
		{`'ü☃'.`, `'ü☃'`},
		{"lists:seq(1, 40)", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32," +
			"33,34,35,36,37,38,39,40]"}, // one line
		{"self() ! hello, ok.", "ok"},
		{"receive M -> M end.", "hello"}, // and so do messages
		{"io:format(\"printed~n\")", "ok"},
		{"byte_size(binary:copy(<<7>>, 20000000))", "20000000"},
	}
	for _, tt := range tests {
		if got := n.Eval(t, tt.expr); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.expr, got, tt.want)
		}
	}
	if got := n.Run(t, "A = 2, A."); got != "2" {
		t.Errorf("Run sees the driver's binding of A: %s", got)
	}
	if !strings.Contains(n.Log(), "printed") {
		t.Errorf("the log lacks what was printed: %q", n.Log())
	}
}

func TestEvalErrors(t *testing.T) {
	t.Parallel()
	n := Find(t).Erl(t, Options{})
	tests := []struct {
		expr, want string
		killed     bool
	}{
		{"hd([]).", "error:badarg", false},
		{"exit({bye, 1}).", "exit:{bye,1}", false},
		{"throw(ball).", "throw:ball", false},
		{"foo(.", "syntax", false},
		{"1 + 'open.", "syntax", false},
		{"B.", "{unbound_var,'B'}", false},
		{"exit(self(), kill), timer:sleep(5000).", "killed", true},
	}
	for _, tt := range tests {
		_, err := n.TryEval(tt.expr, 0)
		var e *Exception
		if !errors.As(err, &e) || e.Killed != tt.killed || !strings.Contains(e.Text, tt.want) {
			t.Errorf("%s: got %v, want %s, killed %v", tt.expr, err, tt.want, tt.killed)
		}
	}
	if got := n.Eval(t, "still."); got != "still" {
		t.Errorf("after the driver was killed: %s", got)
	}
	start := time.Now()
	if _, err := n.TryEval("timer:sleep(1000).", 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("no timeout: %v", err)
	}
	if got := n.Run(t, "beside."); got != "beside" || time.Since(start) > time.Second {
		t.Errorf("Run waited for Eval: %s after %v", got, time.Since(start))
	}
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	otp := Find(t)
	port := otp.EPMD(t)
	a := otp.Erl(t, Options{Name: "a", Cookie: "secret", EPMDPort: port})
	b := otp.Erl(t, Options{Name: "b@localhost", Cookie: "secret", EPMDPort: port})
	c := otp.Erl(t, Options{Name: "c", Cookie: "secret", EPMDPort: port, Hidden: true})
	if got := a.Eval(t, "net_adm:ping('c@127.0.0.1')"); got != "pong" {
		t.Errorf("ping answers %s", got)
	}
	if got := a.Eval(t, "{nodes(), nodes(hidden)}"); got != "{[],['c@127.0.0.1']}" {
		t.Errorf("nodes of a: %s", got)
	}
	if got := b.Eval(t, "net_kernel:longnames()"); got != "false" {
		t.Errorf("b@localhost has a long name")
	}

	// A stopped node does not answer, and goes on where it was.
	if err := c.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TryRun("here.", 50*time.Millisecond); err == nil {
		t.Error("a stopped node answered")
	}
	if err := c.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := c.Eval(t, "here."); got != "here" {
		t.Errorf("after SIGCONT: %s", got)
	}

	// A killed one is noticed by its peer, and by us.
	a.Eval(t, "monitor_node('c@127.0.0.1', true)")
	c.Kill()
	if got := a.Eval(t, "receive D -> D end."); got != "{nodedown,'c@127.0.0.1'}" {
		t.Errorf("a got %s", got)
	}
	if _, err := c.TryEval("late.", 0); err == nil || !strings.Contains(err.Error(), "was gone") {
		t.Errorf("a killed node answered: %v", err)
	}
}

// TestNothingLeft looks for processes after a node of its own EPMD was stopped, one way or another.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	otp := Find(t)
	ends := map[string]func(*Node){
		"Close":           func(n *Node) { n.Close() },
		"Kill":            func(n *Node) { n.Kill() },
		"Close, stopped":  func(n *Node) { n.Signal(syscall.SIGSTOP); n.Close() },
		"halts by itself": func(n *Node) { n.TryEval("halt().", 0); n.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			n, err := otp.StartErl(t.Context(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			n.TryEval(`os:cmd("true"), inet:gethostbyname("localhost").`, 0) // starts helper programs
			if left := processes(t, n.Cookie); left == "" {
				t.Error("no process has the cookie in its command line: the test looks for the wrong thing")
			}
			end(n)
			if left := processes(t, n.Cookie); left != "" {
				t.Errorf("left behind:\n%s", left)
			}
			if left := processes(t, fmt.Sprintf("epmd -port %d ", n.EPMDPort)); left != "" {
				t.Errorf("left behind:\n%s", left)
			}
			if _, err := os.Stat(n.home); !os.IsNotExist(err) {
				t.Errorf("its home is still there: %v", err)
			}
		})
	}
}

// processes lists those whose command line has a text.
func processes(t *testing.T, text string) string {
	t.Helper()
	out, err := exec.Command("ps", "-ww", "-A", "-o", "pid,args").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, text) && !strings.Contains(line, "<defunct>") {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	otp := Find(t)
	_, err := otp.StartErl(t.Context(), Options{Name: "a", EPMDPort: FreePort(t)})
	if err == nil || !strings.Contains(err.Error(), "a@127.0.0.1 did not start") || !strings.Contains(err.Error(), "logged") {
		t.Errorf("a node without an EPMD: %v", err)
	}
	_, err = otp.StartIEx(t.Context(), Options{Args: []string{"--dot-iex", "", "-e", "System.halt(3)"}})
	if err == nil || !strings.Contains(err.Error(), "iex has ended") {
		t.Errorf("an iex that ends: %v", err)
	}
}

func TestIEx(t *testing.T) {
	t.Parallel()
	otp := Find(t)
	a := otp.Erl(t, Options{Name: "a"})
	x := otp.IEx(t, Options{Name: "x", Cookie: a.Cookie, EPMDPort: a.EPMDPort})
	tests := []struct{ line, want string }{
		{"1 + 1", "2"},
		{"node()", `:"x@127.0.0.1"`},
		{"Node.ping(:\"a@127.0.0.1\")", ":pong"},
		{"[1,", ""},
		{"2] ++ [3];", "[1, 2, 3]"},
		{"", ""},
		{"$`\"'\\n'", ""}, // whatever it says, it comes back to a prompt
		{"IO.puts(\"one\\n\\ntwo\")", "one\n\ntwo\n:ok"},
		{`send({:nobody, :"a@127.0.0.1"}, :hello)`, ":hello"},
		{`String.duplicate("ab", 200) |> String.length()`, "400"},
		{`"` + strings.Repeat("long ", 100) + `" |> String.length()`, "500"},
	}
	for _, tt := range tests {
		got := x.Type(t, tt.line)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s\n got %q\nwant %q", tt.line, got, tt.want)
		}
	}
	x.Type(t, "Process.register(self(), :shell)")
	if err := x.TypeOnly("receive do m -> m end"); err != nil {
		t.Fatal(err)
	}
	a.Eval(t, "{shell, 'x@127.0.0.1'} ! {sent, 1}")
	x.Await(t, "{:sent, 1}", 0)
	screen, err := x.Screen()
	if err != nil || !strings.Contains(screen, "Interactive Elixir") || !strings.Contains(screen, "iex(x@127.0.0.1)1> 1 + 1\n2\n") {
		t.Errorf("screen (%v):\n%s", err, screen)
	}
	if _, err := x.TryAwait("no such text", 30*time.Millisecond); err == nil || !strings.Contains(err.Error(), "Interactive Elixir") {
		t.Errorf("awaiting in vain does not show the screen: %v", err)
	}
	a.Eval(t, "monitor_node('x@127.0.0.1', true)")
	x.Kill()
	if got := a.Eval(t, "receive D -> D end."); got != "{nodedown,'x@127.0.0.1'}" {
		t.Errorf("a got %s", got)
	}
	x.Close()
	if left := processes(t, x.home); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// TestGuard kills a program that has everything running, by SIGKILL, and looks for what it left behind.
func TestGuard(t *testing.T) {
	const variable = "OTP_TEST_GUARD"
	t.Parallel()
	otp := Find(t)
	if cookie := os.Getenv(variable); cookie != "" { // the program
		n := otp.Erl(t, Options{Cookie: cookie})
		otp.IEx(t, Options{Cookie: cookie, EPMDPort: n.EPMDPort})
		fmt.Println("up", n.EPMDPort)
		select {}
	}
	cookie := Options{}.complete().Cookie
	cmd := exec.Command(os.Args[0], "-test.run=^TestGuard$")
	temp, err := os.MkdirTemp("", "g") // it cannot remove what it made; a socket's path is to be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	cmd.Env = append(os.Environ(), variable+"="+cookie, "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var port int
	if _, err := fmt.Fscanf(out, "up %d\n", &port); err != nil {
		t.Fatal(err)
	}
	epmd := fmt.Sprintf("epmd -port %d ", port)
	if processes(t, cookie) == "" || processes(t, epmd) == "" {
		t.Error("the processes are not found while they run")
	}
	cmd.Process.Kill()
	cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var left string
	if err := poll(ctx, func() (bool, error) {
		left = processes(t, cookie) + processes(t, epmd)
		return left == "", nil
	}); err != nil {
		t.Errorf("left behind:\n%s", left)
	}
}
