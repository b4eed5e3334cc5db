package handshake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// erlang is a real node at 127.0.0.1 that evaluates expressions. It has no epmd: all nodes it connects to listen
// on the same port as it does, and so does our listener, at 127.0.0.2.
type erlang struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Scanner
	addr string
	ours net.Listener // go@127.0.0.2
	old  bool         // OTP 23 or 24, which introduces itself by 'n' here

	unwanted bool // what to answer when it says alive
}

func startErlang(t *testing.T) *erlang {
	t.Helper()
	erl, err := exec.LookPath("erl")
	if err != nil {
		if os.Getenv("OTP_INTEROP") == "require" {
			t.Fatal(err)
		}
		t.Skipf("no Erlang/OTP here: %v", err)
	}
	for tries := 1; ; tries++ {
		e := launchErlang(t, erl)
		io.WriteString(e.in, "list_to_integer(erlang:system_info(otp_release)).\n")
		e.out.Scan()
		release, err := strconv.Atoi(e.out.Text())
		if err == nil {
			e.old = release < 25
			return e
		}
		if tries == 5 {
			t.Fatalf("Erlang does not start: %q, %v", e.out.Text(), e.out.Err())
		}
	}
}

// launchErlang starts a node that listens on 127.0.0.1, on the port that is ours on 127.0.0.2. Somebody else may have that port there, if only
// for a connection: then the node ends at once.
func launchErlang(t *testing.T, erl string) *erlang {
	t.Helper()
	ours, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("cannot listen on 127.0.0.2: %v", err)
	}
	t.Cleanup(func() { ours.Close() })
	port := ours.Addr().(*net.TCPAddr).Port
	const loop = `F = fun F() -> case io:get_line("") of eof -> halt(); L -> ` +
		`{ok,T,_} = erl_scan:string(L), {ok,E} = erl_parse:parse_exprs(T), {value,V,_} = erl_eval:exprs(E,[]), ` +
		`io:format("~w~n",[V]), F() end end, F().`
	cmd := exec.Command(erl, "-noshell", "-start_epmd", "false", "-erl_epmd_port", strconv.Itoa(port), "-name", "iex@127.0.0.1",
		"-setcookie", "secret", "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "prevent_overlapping_partitions", "false",
		"logger_level", "none", "-eval", loop)
	cmd.Env = append(os.Environ(), "ERL_EPMD_PORT=1", "HOME="+t.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		timer := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer timer.Stop()
		cmd.Wait()
	})
	return &erlang{t: t, in: in, out: bufio.NewScanner(out), addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ours: ours}
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

// awaitNode waits until the node lists a peer: it sends the last message of a handshake before it does.
func (e *erlang) awaitNode(name string) {
	e.t.Helper()
	e.await("lists:member('"+name+"', nodes(connected))", "true")
}

// await evaluates until the value is the one wanted.
func (e *erlang) await(expr, want string) {
	e.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		got := e.eval(expr)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("%s is still %s, not %s", expr, got, want)
		}
	}
}

// wire is a connection during its handshake.
type wire struct {
	net.Conn
	said []string
}

func (w *wire) write(messages [][]byte) error {
	for _, m := range messages {
		w.said = append(w.said, "> "+show(m))
		if _, err := w.Write(AppendFrame(nil, m)); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) read() ([]byte, error) {
	w.SetDeadline(time.Now().Add(10 * time.Second))
	var size [2]byte
	if _, err := io.ReadFull(w, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(w, body)
	if err == nil {
		w.said = append(w.said, "< "+show(body))
	}
	return body, err
}

// dial shakes hands with the node.
func (e *erlang) dial(cfg Config) (*wire, Result, error) { return e.dialBy((*Initiator).Start, cfg) }

func (e *erlang) dialBy(start func(*Initiator) Step, cfg Config) (*wire, Result, error) {
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	w := &wire{Conn: c}
	in := NewInitiator(cfg, "iex@127.0.0.1")
	step := start(in)
	for {
		if werr := w.write(step.Send); err == nil {
			err = werr
		}
		if err != nil || step.Done {
			return w, in.Result(), err
		}
		if step.Ask == AskWanted {
			step, err = in.Wanted(!e.unwanted)
			continue
		}
		body, rerr := w.read()
		if rerr != nil {
			return w, Result{}, in.Lost(rerr)
		}
		step, err = in.Receive(body)
	}
}

// accept waits for the node to connect.
func (e *erlang) accept(cfg Config, status Status) (*wire, Result, error) {
	c, err := e.ours.Accept()
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	w := &wire{Conn: c}
	ac := NewAcceptor(cfg)
	var step Step
	for {
		if werr := w.write(step.Send); err == nil {
			err = werr
		}
		if err != nil || step.Done {
			return w, ac.Result(), err
		}
		switch step.Ask {
		case AskStatus:
			step, err = ac.Decide(status)
		case AskReplace:
			step, err = ac.Replaced()
		default:
			body, rerr := w.read()
			if rerr != nil {
				return w, Result{}, ac.Lost(rerr)
			}
			step, err = ac.Receive(body)
		}
	}
}

func realNode(name string) Config {
	return Config{Name: name, Creation: 0x60000001, Cookie: func(string) string { return "secret" }, Guard: new(Guard)}
}

func TestOTPDialled(t *testing.T) {
	e := startErlang(t)
	creation := e.eval("erlang:system_info(creation)")

	cfg := realNode("hidden@127.0.0.2")
	first, res, err := e.dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if res.Peer != "iex@127.0.0.1" || res.Version != 6 || !res.Hidden || fmt.Sprint(res.Creation) != creation || res.PeerFlags.Missing(Mandatory23) != 0 {
		t.Errorf("%+v, creation %s", res, creation)
	}
	e.awaitNode("hidden@127.0.0.2")
	if got := e.eval("{nodes(), nodes(hidden)}"); got != "{[],['hidden@127.0.0.2']}" {
		t.Errorf("nodes: %s", got)
	}

	// The same node once more, which does not want it after all: the old connection stays.
	e.unwanted = true
	if w, _, err := e.dial(cfg); !errors.Is(err, ErrAlive) || strings.Join(w.said, " ") != "> N < salive > sfalse" {
		t.Errorf("%v, said %v", err, w.said)
	} else {
		w.SetDeadline(time.Now().Add(10 * time.Second))
		if n, err := w.Conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("then %d bytes and %v", n, err)
		}
	}
	e.unwanted = false
	if got := e.eval("nodes(hidden)"); got != "['hidden@127.0.0.2']" {
		t.Errorf("nodes: %s", got)
	}

	// Once more, in earnest: the old connection gives way to the new one. OTP 23 waits until that is gone, and says nok until then.
	if e.old {
		first.Close()
	}
	second, _, err := e.dial(cfg)
	for deadline := time.Now().Add(10 * time.Second); e.old && errors.Is(err, ErrNok) && time.Now().Before(deadline); {
		second, _, err = e.dial(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(second.said, " "); got != "> N < salive > strue < N > r < a" && !e.old {
		t.Errorf("said %s", got)
	}
	first.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, first); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the old connection: %v", err)
	}
	second.Close()

	cfg = realNode("visible@127.0.0.2")
	cfg.Flags = Default | Published
	if _, res, err := e.dial(cfg); err != nil || res.Flags != cfg.Flags.Expand()&res.PeerFlags.Expand() || !res.Flags.Has(Spawn) {
		t.Errorf("%+v, %v", res, err)
	}
	e.awaitNode("visible@127.0.0.2")
	if got := e.eval("nodes()"); got != "['visible@127.0.0.2']" {
		t.Errorf("nodes: %s", got)
	}

	if !e.old { // 23 and 24 do not know the digest
		cfg = realNode("digest@127.0.0.2")
		cfg.Flags = Mandatory25Digest | V4NC | UnlinkID
		if _, _, err := e.dial(cfg); err != nil {
			t.Errorf("the digest: %v", err)
		}
	}

	cfg = realNode("poor@127.0.0.2")
	cfg.Flags = Handshake23
	if _, _, err := e.dial(cfg); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("without flags: %v", err)
	}
	cfg = realNode("bad name@127.0.0.2")
	if _, _, err := e.dial(cfg); !errors.Is(err, ErrNok) {
		t.Errorf("with a blank in the name: %v", err)
	}
	cfg = realNode("wrong@127.0.0.2")
	cfg.Cookie = func(string) string { return "wrong" }
	var le *LostError
	if w, _, err := e.dial(cfg); !errors.As(err, &le) || !le.Cookie || strings.Join(w.said, " ") != "> N < sok < N > r" {
		t.Errorf("with the wrong cookie: %v, said %v", err, w.said)
	}
	cfg = realNode("picky@127.0.0.2")
	cfg.Require = 1 << 50
	var fe *FlagsError
	if _, _, err := e.dial(cfg); !errors.As(err, &fe) || fe.Peer != "iex@127.0.0.1" || fe.Missing != 1<<50 {
		t.Errorf("requiring what no node has: %v", err)
	}
	if len(cfg.Guard.open) != 0 {
		t.Errorf("open challenges: %v", cfg.Guard.open)
	}
}

// What a real node makes of version 5: each release that knows it upgrades by the complement, and OTP 23 also speaks it to the end
// with a peer that cannot do more.
func TestOTPDialledByOld(t *testing.T) {
	e := startErlang(t)
	creation := e.eval("erlang:system_info(creation)")
	// OTP 25.0 to 25.2 have no version 5 at all: dist_util of kernel 8.5.4 (25.3) reads the name again.
	none := e.eval("catch element(1, lists:keyfind([8, 5, 3], 1, [{[list_to_integer(I) || I <- string:tokens(V, \".\")], x} || "+
		"{kernel, _, V} <- application:loaded_applications()]))") == "[8,5,3]"

	w, res, err := e.dialBy((*Initiator).StartOld, realNode("upgrade@127.0.0.2"))
	switch said := strings.Join(w.said, " "); {
	case none && err == nil:
		t.Errorf("this release was to refuse version 5; said %s", said)
	case none:
	case err != nil || said != "> n < sok < N > c > r < a":
		t.Errorf("%v, said %s", err, said)
	case res.Version != 6 || fmt.Sprint(res.Creation) != creation || !res.Flags.Has(Spawn):
		t.Errorf("%+v, creation %s", res, creation)
	default:
		e.awaitNode("upgrade@127.0.0.2")
	}

	cfg := realNode("old@127.0.0.2")
	cfg.Flags = Default &^ (Handshake23 | Mandatory25Digest) // as OTP 22
	w, res, err = e.dialBy((*Initiator).StartOld, cfg)
	if said := strings.Join(w.said, " "); e.old {
		if err != nil || said != "> n < sok < n > r < a" || res.Version != 5 || res.Creation != 0 || res.PeerFlags>>32 != 0 {
			t.Errorf("%v, %+v, said %s", err, res, said)
		}
		e.awaitNode("old@127.0.0.2")
	} else if err == nil {
		t.Errorf("this release was to refuse a peer of version 5; said %s", said)
	}
}

func TestOTPDials(t *testing.T) {
	e := startErlang(t)
	creation := e.eval("erlang:system_info(creation)")
	connect := func(cfg Config, status Status) (*wire, Result, string, error) {
		type outcome struct {
			w   *wire
			res Result
			err error
		}
		c := make(chan outcome, 1)
		go func() {
			w, res, err := e.accept(cfg, status)
			if err != nil {
				w.Close()
			}
			c <- outcome{w, res, err}
		}()
		answer := e.eval("net_kernel:connect_node('" + cfg.Name + "')")
		o := <-c
		return o.w, o.res, answer, o.err
	}
	hello, rest := "< N", " > N < r > a"
	if e.old { // it does not know our version, and says 'n' first
		hello, rest = "< n", " > N < c < r > a"
	}
	tests := []struct {
		status Status
		said   string
		answer string
	}{
		{StatusOK, hello + " > sok" + rest, "true"},
		{StatusOKSimultaneous, hello + " > sok_simultaneous" + rest, "true"},
		{StatusAlive, hello + " > salive < strue" + rest, "true"},
		{StatusNotAllowed, hello + " > snot_allowed", "false"},
	}
	for _, tt := range tests {
		t.Run(string(tt.status), func(t *testing.T) {
			e.t = t
			w, res, answer, err := connect(realNode("go@127.0.0.2"), tt.status)
			if answer != tt.answer || (err == nil) != (tt.answer == "true") {
				t.Errorf("connect_node: %s; %v", answer, err)
			}
			if got := strings.Join(w.said, " "); got != tt.said {
				t.Errorf("said %s\nwant %s", got, tt.said)
			}
			if err == nil {
				if res.Peer != "iex@127.0.0.1" || res.Version != 6 || !res.Hidden || fmt.Sprint(res.Creation) != creation || !res.Flags.Has(Spawn) {
					t.Errorf("%+v, creation %s", res, creation)
				}
				w.Close()
				e.await("nodes(connected)", "[]")
			}
		})
	}
	e.t = t
	cfg := realNode("go@127.0.0.2")
	cfg.Cookie = func(string) string { return "wrong" }
	var ce *CookieError
	if _, _, answer, err := connect(cfg, StatusOK); !errors.As(err, &ce) || ce.Peer != "iex@127.0.0.1" || answer != "false" {
		t.Errorf("with the wrong cookie: %v; connect_node: %s", err, answer)
	}
	if len(cfg.Guard.open) != 0 {
		t.Errorf("open challenges: %v", cfg.Guard.open)
	}
}
