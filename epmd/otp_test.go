package epmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// otp returns the path of a program of the installed OTP. Without it the test is skipped, or fails where
// OTP_INTEROP=require.
func otp(t *testing.T, program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("OTP_INTEROP") == "require" {
			t.Fatal(err)
		}
		t.Skipf("no Erlang/OTP here: %v", err)
	}
	return path
}

// output keeps what a program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// realEpmd runs the epmd of OTP on a port, waits until it answers, and returns what it prints and a function
// that ends it.
func realEpmd(t *testing.T, port int, args ...string) (*output, func()) {
	t.Helper()
	out := new(output)
	cmd := exec.Command(otp(t, "epmd"), append([]string{"-port", strconv.Itoa(port), "-address", "127.0.0.1"}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	t.Cleanup(stop)
	eventually(t, func() error {
		c, err := net.Dial("tcp", local(port))
		if err == nil {
			send(t, c, []byte("n"), -1)
			c.Close()
		}
		return err
	})
	return out, stop
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually tries until check is content; the limit is for what hangs.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// ourEpmd runs ours.
func ourEpmd(t *testing.T, cfg ServerConfig) *Server {
	t.Helper()
	cfg.Addresses = []string{"127.0.0.1"}
	if cfg.Port == 0 {
		cfg.Port = -1
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The epmd of OTP and ours are asked the same things, and have to answer the same bytes and print the same lines.
func TestOTPSameAnswers(t *testing.T) {
	type exchange struct {
		raw  string // with length
		hold bool   // the connection stays open until the end
	}
	var script []exchange
	ask := func(bodies ...string) {
		for _, b := range bodies {
			script = append(script, exchange{raw: string(frame(t, []byte(b)))})
		}
	}
	hold := func(bodies ...string) {
		for _, b := range bodies {
			script = append(script, exchange{string(frame(t, []byte(b))), true})
		}
	}
	alive := func(in Info) string { return string(aliveBody(in)) }
	extra := v6("ex")
	extra.Extra = []byte("hello")
	old := v5("older")
	old.HighVersion = 0
	hold(alive(v6("foo")), alive(v6("foo")), alive(v5("foo")), alive(v5("five")), alive(old), alive(extra)+"surplus")
	ask("zfoo", "zfoo\x00", "zex", "znone", "z", "z\x00", "za\x00b", "z\xff", "zFOO")
	ask("n", "njunk", "d", "k", "sfoo", "q", "x"+strings.Repeat("\x00", 12))
	ask(strings.Replace(alive(v6("foobar")), "\x00\x06foobar", "\xff\x06foobar", 1))
	ask(strings.Replace(alive(v6("foobar")), "\x00\x06foobar", "\x00\x07foobar", 1), alive(v6("a\x00b")))
	hold(alive(v6(strings.Repeat("n", 256))), alive(v6(strings.Repeat("n", 255))), alive(v6("\xff\xfe")), "x"+strings.Repeat("\x00", 13))
	ask("z"+strings.Repeat("n", 254), "z"+strings.Repeat("n", 255), "z"+strings.Repeat("å", 254), "z"+strings.Repeat("å", 255))
	ask("z" + strings.Repeat("n", 3056))
	script = append(script, exchange{raw: "\x00\x00"}, exchange{raw: "\xff\xffz"}, exchange{raw: "\x00\x01nn"}, exchange{raw: "\x0b\xf2"})
	ask("n", "d")

	held := 0
	for _, x := range script {
		if x.hold {
			held++
		}
	}

	run := func(port int) (answers []string) {
		for _, x := range script {
			c, err := net.Dial("tcp", local(port))
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(10 * time.Second))
			io.WriteString(c, x.raw)
			if !x.hold {
				b, err := io.ReadAll(c)
				if err != nil && !strings.Contains(err.Error(), "reset") {
					t.Fatal(err)
				}
				answers = append(answers, string(b))
				c.Close()
				continue
			}
			defer c.Close()
			b := make([]byte, 64)
			n, err := c.Read(b)
			if err != nil {
				t.Fatalf("%q: %v", x.raw, err)
			}
			if b[1] == 0 {
				clear(b[2:n]) // the creation; the clocks differ
			}
			answers = append(answers, string(b[:n]))
		}
		return answers
	}

	for level := 1; level <= 3; level++ {
		t.Run(fmt.Sprint("level ", level), func(t *testing.T) {
			port := freePort(t)
			realOut, stop := realEpmd(t, port, slices.Repeat([]string{"-debug"}, level)...)
			eventually(t, func() error { // the request that waited for it
				if !strings.Contains(realOut.String(), "** sent NAMES_RESP") {
					return errors.New("epmd -debug prints nothing")
				}
				return nil
			})
			eventually(t, func() error { // at higher levels more comes
				if strings.Count(realOut.String(), "opening connection") != strings.Count(realOut.String(), "closing connection") {
					return errors.New("the request is not over")
				}
				return nil
			})
			start := len(realOut.String())
			want := run(port)
			ended := func(log string) error { // every connection that was held is seen to close, with a node or without
				if n := strings.Count(log, "unregistering '") + strings.Count(log, "trying to unregister"); n != held {
					return fmt.Errorf("%d of %d connections are closed", n, held)
				}
				return nil
			}
			eventually(t, func() error { return ended(realOut.String()[start:]) })
			wantLines := realOut.String()[start:]
			stop()

			ourOut := new(output)
			s := ourEpmd(t, ServerConfig{Debug: ourOut, DebugLevel: level, Port: port})
			start = len(ourOut.String())
			got := run(port)
			eventually(t, func() error { return ended(ourOut.String()[start:]) })
			s.Close()
			fd := regexp.MustCompile(`fd = \d+`)
			for i := range script {
				if fd.ReplaceAllString(got[i], "fd = FD") != fd.ReplaceAllString(want[i], "fd = FD") {
					t.Errorf("%.60q:\nepmd answers %.200q\nours         %.200q", script[i].raw, want[i], got[i])
				}
			}

			// Order and creations differ, and what they call their connections.
			lines := func(log string) []string {
				log = regexp.MustCompile(`\w+ \w+ +\d+ \d+:\d+:\d+ \d{4}`).ReplaceAllString(log, "TIME")
				log = regexp.MustCompile(`:\d+', port`).ReplaceAllString(log, ":CREATION', port")
				log = regexp.MustCompile(`file descriptor \d+`).ReplaceAllString(log, "file descriptor FD")
				log = strings.ReplaceAll(log, "EPMD_", "") // that of OTP 27 and later says EPMD_NAMES_REQ
				log = strings.ReplaceAll(log, "\xff\xfe", `\xff\xfe`)
				// From level 2 on rows of bytes, which hold creations and numbers of connections, and from 3 on the registry.
				log = regexp.MustCompile(`(?m)^\*\*\*\*\* [0-9a-f]{8}.*\n`).ReplaceAllString(log, "")
				// They lose their nodes in different orders at the end.
				before, after, _ := strings.Cut(log, "unregistering '")
				log = before + "unregistering '" + regexp.MustCompile(`(?m)^\*\*\*\*\* .*\n`).ReplaceAllString(after, "")
				log = regexp.MustCompile(`(?m)^.*time in seconds.*\n`).ReplaceAllString(log, "")
				log = regexp.MustCompile(`#\d+"`).ReplaceAllString(log, `#CREATION"`)
				log = regexp.MustCompile(`fd = \d+`).ReplaceAllString(log, "fd = FD")
				return strings.Split(strings.ReplaceAll(log, "\r", ""), "\n")
			}
			count := make(map[string]int)
			for _, l := range lines(wantLines) {
				count[l]++
			}
			for _, l := range lines(ourOut.String()[start:]) {
				count[l]--
			}
			for l, n := range count {
				if n > 0 {
					t.Errorf("epmd -debug prints %d more of %.200q", n, l)
				} else if n < 0 {
					t.Errorf("ours prints %d more of %.200q", -n, l)
				}
			}
		})
	}
}

// The command line of epmd works on ours.
func TestOTPCommandLine(t *testing.T) {
	epmd := otp(t, "epmd")
	s := ourEpmd(t, ServerConfig{RelaxedCommandCheck: true})
	r, err := Register(t.Context(), s.Addr(), Info{Name: "go", Port: 41093}, RegisterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	run := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command(epmd, append([]string{"-port", strconv.Itoa(s.Port())}, args...)...).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("epmd %v: %q, %v; want %q", args, out, err, want)
		}
	}
	run(fmt.Sprintf("epmd: up and running on port %d with data:\nname go at port 41093\n", s.Port()), "-names")
	run("STOPPED\n", "-stop", "go")
	run(fmt.Sprintf("epmd: up and running on port %d with data:\n", s.Port()), "-names")
	run("Killed\n", "-kill")
	<-s.Done()
}

// erlang is a node that runs the expressions given to eval, one at a time.
type erlang struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// startErlang starts a node that takes the port mapper on port as its own.
func startErlang(t *testing.T, port int, args ...string) *erlang {
	t.Helper()
	// Reads an expression per line, prints its value on a line.
	const loop = `F = fun F() -> case io:get_line("") of eof -> halt(); L -> ` +
		`{ok,T,_} = erl_scan:string(L), {ok,E} = erl_parse:parse_exprs(T), {value,V,_} = erl_eval:exprs(E,[]), ` +
		`io:format("~w~n",[V]), F() end end, F().`
	cmd := exec.Command(otp(t, "erl"), append([]string{"-noinput", "-noshell", "-start_epmd", "false", "-setcookie", "secret"}, args...)...)
	cmd.Args = slices.DeleteFunc(cmd.Args, func(a string) bool { return a == "-noinput" })
	cmd.Args = append(cmd.Args, "-eval", loop)
	cmd.Env = append(os.Environ(), "ERL_EPMD_PORT="+strconv.Itoa(port), "HOME="+t.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		timer := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer timer.Stop()
		cmd.Wait()
	})
	return &erlang{t, in, bufio.NewScanner(out)}
}

func (e *erlang) eval(expr string) string {
	e.t.Helper()
	if _, err := io.WriteString(e.in, expr+".\n"); err != nil {
		e.t.Fatal(err)
	}
	if !e.out.Scan() {
		e.t.Fatalf("%s: no answer: %v", expr, e.out.Err())
	}
	return e.out.Text()
}

// Real nodes register at our epmd, find each other through it, and register again when it comes back.
func TestOTPNodes(t *testing.T) {
	otp(t, "erl")
	s := ourEpmd(t, ServerConfig{})
	a := startErlang(t, s.Port(), "-sname", "a@localhost")
	b := startErlang(t, s.Port(), "-sname", "b@localhost")
	b.eval("node()") // it is up
	if got := a.eval("net_kernel:connect_node('b@localhost')"); got != "true" {
		t.Fatalf("connect_node: %s", got)
	}
	if got, want := a.eval("lists:sort([N || {N,_} <- element(2, net_adm:names(localhost))])"), "[[97],[98]]"; got != want {
		t.Errorf("net_adm:names: %s, want %s", got, want)
	}
	info, err := Lookup(t.Context(), s.Addr(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != Normal || info.Protocol != 0 || info.HighVersion != 6 || info.LowVersion != 5 || len(info.Extra) > 0 {
		t.Errorf("a BEAM registers %+v", info)
	}
	creation := a.eval("erlang:system_info(creation)")
	if live := s.names.find("a"); creation != fmt.Sprint(live.creation()) {
		t.Errorf("creation %s, and %d in the epmd", creation, live.creation())
	}
	if release := a.eval("list_to_integer(erlang:system_info(otp_release))"); release == "23" {
		t.Skip("nodes of OTP 23 before 23.3 do not register again")
	}
	s.Close()
	s2 := ourEpmd(t, ServerConfig{Port: s.Port()})
	eventually(t, func() error {
		again, err := Lookup(t.Context(), s2.Addr(), "a")
		if err == nil && again.Port != info.Port {
			t.Errorf("port %d has become %d", info.Port, again.Port)
		}
		return err
	})
	if got := a.eval("erlang:system_info(creation)"); got != creation {
		t.Errorf("the creation has become %s", got)
	}
}

// Our client at the epmd of OTP.
func TestOTPClient(t *testing.T) {
	port := freePort(t)
	_, stop := realEpmd(t, port)
	ctx := t.Context()
	addr := local(port)
	lost, regained := make(chan time.Time, 1), make(chan time.Time, 1)
	r, err := Register(ctx, addr, Info{Name: "go", Port: 41093, Extra: []byte("hi")}, RegisterConfig{
		Lost:     func(error) { lost <- time.Now() },
		Regained: func() { regained <- time.Now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if now := time.Now().Unix(); int64(r.Creation()) < now-5 || int64(r.Creation()) > now+5 {
		t.Errorf("creation %d at %d", r.Creation(), now)
	}
	if _, err := Register(ctx, addr, Info{Name: "go", Port: 1}, RegisterConfig{}); !errors.Is(err, ErrDuplicateName) {
		t.Errorf("registered twice: %v", err)
	}
	check := func() {
		t.Helper()
		info, err := Lookup(ctx, addr, "go")
		if err != nil || info.Port != 41093 || info.Type != Normal || string(info.Extra) != "hi" || info.HighVersion != 6 || info.LowVersion != 5 {
			t.Errorf("Lookup: %+v, %v", info, err)
		}
	}
	check()
	if _, err := Lookup(ctx, addr, "gopher"); !errors.Is(err, ErrNotRegistered) {
		t.Errorf("Lookup of nobody: %v", err)
	}
	if names, err := Names(ctx, addr); err != nil || len(names) != 1 || names[0] != (NameEntry{"go", 41093}) {
		t.Errorf("Names: %v, %v", names, err)
	}
	if dump, err := Dump(ctx, addr); err != nil || len(dump) != 1 || !dump[0].Active || dump[0].Name != "go" {
		t.Errorf("Dump: %v, %v", dump, err)
	}
	if err := Stop(ctx, addr, "go"); !errors.Is(err, ErrRefused) {
		t.Errorf("Stop: %v", err)
	}
	if err := Kill(ctx, addr); !errors.Is(err, ErrLiveNodes) {
		t.Errorf("Kill: %v", err)
	}

	creation := r.Creation()
	stop()
	at := <-lost
	_, stop = realEpmd(t, port, "-relaxed_command_check")
	if d := (<-regained).Sub(at); d > 2*time.Second {
		t.Errorf("registered again after %v", d)
	}
	check()
	if r.Creation() != creation {
		t.Errorf("the creation has become %d", r.Creation())
	}
	if err := Stop(ctx, addr, "nobody"); !errors.Is(err, ErrNotRegistered) {
		t.Errorf("Stop: %v", err)
	}
	if err := Stop(ctx, addr, "go"); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if err := Kill(ctx, addr); err != nil {
		t.Errorf("Kill: %v", err)
	}
	stop()
	var d net.Dialer
	dctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if c, err := d.DialContext(dctx, "tcp", addr); err == nil {
		c.Close()
		t.Error("killed, and still there")
	}
}

// Nodes of IPv6 register at ::1, and where an epmd runs, "epmd -daemon", which erl calls, starts no other.
func TestOTPAllAddresses(t *testing.T) {
	epmd := otp(t, "epmd")
	s, err := Listen(ServerConfig{Port: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if out, err := exec.Command(epmd, "-daemon", "-port", strconv.Itoa(s.Port())).CombinedOutput(); err != nil {
		t.Errorf("epmd -daemon: %s, %v", out, err)
	}
	six := net.JoinHostPort("::1", strconv.Itoa(s.Port()))
	if _, err := Names(t.Context(), six); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	e := startErlang(t, s.Port(), "-proto_dist", "inet6_tcp", "-name", "six@::1")
	if got := e.eval("node()"); got != "'six@::1'" {
		t.Fatalf("node %s", got)
	}
	info, err := Lookup(t.Context(), six, "six")
	if err != nil || info.Port == 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if names, err := Names(t.Context(), s.Addr()); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
}
