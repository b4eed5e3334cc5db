package epmd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pipeServer is a server without listeners, which is given its connections.
type pipeServer struct {
	*Server
	t   *testing.T
	log bytes.Buffer
}

func newPipeServer(t *testing.T, cfg ServerConfig) *pipeServer {
	p := &pipeServer{t: t}
	cfg.Debug, cfg.DebugLevel = &p.log, max(cfg.DebugLevel, 1)
	p.Server = newServer(cfg)
	p.port = 4369
	return p
}

// connect gives the server a connection and returns the client's end of it.
func (p *pipeServer) connect(local bool) net.Conn {
	client, server := net.Pipe()
	p.wg.Go(func() { p.serve(server, local) })
	p.t.Cleanup(func() { client.Close() })
	return client
}

func frame(t testing.TB, body []byte) []byte {
	t.Helper()
	f, err := appendFrame(nil, body)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func aliveBody(in Info) []byte { return appendInfo([]byte{codeAlive}, in) }

// send writes the body of a request and returns the n first bytes of the answer, or all of it if n < 0.
func send(t testing.TB, c net.Conn, body []byte, n int) string {
	t.Helper()
	if _, err := c.Write(frame(t, body)); err != nil {
		t.Fatal(err)
	}
	var b []byte
	var err error
	if n < 0 {
		b, err = io.ReadAll(c)
	} else {
		b = make([]byte, n)
		_, err = io.ReadFull(c, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestServerRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{})
		foo := s.connect(true)
		if got := send(t, foo, aliveBody(v6("foo")), 6); !strings.HasPrefix(got, "v\x00") {
			t.Fatalf("ALIVE2: %q", got)
		}
		bar := v6("bar")
		bar.Extra = []byte("hello")
		send(t, s.connect(true), aliveBody(bar), 6)
		tests := []struct{ body, want string }{
			{"zfoo", "w\x00\x04\xd2M\x00\x00\x06\x00\x05\x00\x03foo\x00\x00"},
			{"zfoo\x00", "w\x00\x04\xd2M\x00\x00\x06\x00\x05\x00\x03foo\x00\x00"},
			{"zbar", "w\x00\x04\xd2M\x00\x00\x06\x00\x05\x00\x03bar\x00\x05hello"},
			{"zFoo", "w\x01"},
			{"n", "\x00\x00\x11\x11name bar at port 1234\nname foo at port 1234\n"},
			{"d", "\x00\x00\x11\x11active name     <bar> at port 1234, fd = 4\n\x00active name     <foo> at port 1234, fd = 3\n\x00"},
			{"k", "NO"},
			{"sfoo", ""},
			{"q", ""},
			{"z", ""},
		}
		for _, tt := range tests {
			if got := send(t, s.connect(true), []byte(tt.body), -1); got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.body, got, tt.want)
			}
		}
		foo.Close()
		synctest.Wait()
		if got, want := send(t, s.connect(true), []byte("d"), -1),
			"\x00\x00\x11\x11active name     <bar> at port 1234, fd = 4\n\x00old/unused name <foo>, port = 1234, fd = 3 \n\x00"; got != want {
			t.Errorf("after foo has gone: %q, want %q", got, want)
		}
		s.Close()
		if len(s.conns) != 0 || len(s.names.live) != 0 {
			t.Errorf("after Close: %d connections, %d nodes", len(s.conns), len(s.names.live))
		}
	})
}

// Only nodes and operators of the machine may change anything; asking is allowed from anywhere.
func TestServerLocalOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{RelaxedCommandCheck: true})
		defer s.Close()
		send(t, s.connect(true), aliveBody(v6("foo")), 6)
		for _, body := range []string{string(aliveBody(v6("bar"))), "d", "k", "sfoo"} {
			if got := send(t, s.connect(false), []byte(body), -1); got != "" {
				t.Errorf("%q from another machine was answered %q", body, got)
			}
		}
		if got := send(t, s.connect(false), []byte("zfoo"), -1); got[1] != 0 {
			t.Errorf("PORT2: %q", got)
		}
		if got := send(t, s.connect(false), []byte("n"), -1); !strings.Contains(got, "name foo at port 1234\n") {
			t.Errorf("NAMES: %q", got)
		}
		if !strings.Contains(s.log.String(), "KILL_REQ from non local address") {
			t.Errorf("log: %s", &s.log)
		}
	})
}

func TestServerRefusesNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{})
		defer s.Close()
		send(t, s.connect(true), aliveBody(v6("foo")), 6)
		for _, in := range []Info{v6("foo"), v6(strings.Repeat("n", 256)), v6("\xff"), {Name: "a", HighVersion: 6, Extra: make([]byte, 1021)}} {
			c := s.connect(true)
			if got, want := send(t, c, aliveBody(in), 6), "v\x01\x00\x00\x00\x63"; got != want {
				t.Errorf("%.20q: got %q, want %q", in.Name, got, want)
			}
			c.Close()
		}
		synctest.Wait()
		if got := send(t, s.connect(true), []byte("zfoo"), -1); got[1] != 0 {
			t.Error("a refused registration has unregistered the first one")
		}
	})
}

func TestServerAnyByteUnregisters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{})
		defer s.Close()
		c := s.connect(true)
		send(t, c, aliveBody(v6("foo")), 6)
		c.Write([]byte{'!'})
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Errorf("got %q, %v; want the connection closed", b, err)
		}
		synctest.Wait()
		if got := send(t, s.connect(true), []byte("zfoo"), -1); got != "w\x01" {
			t.Errorf("still registered: %q", got)
		}
		if !strings.Contains(s.log.String(), "got more than expected on ALIVE socket 3 (1)") {
			t.Errorf("log: %s", &s.log)
		}
	})
}

// An unregistered connection has 60 seconds for a complete packet. Single bytes gain it nothing: OTP-20136,
// CVE-2026-42792. A registered one has all the time.
func TestServerPacketTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{})
		defer s.Close()
		node := s.connect(true)
		send(t, node, aliveBody(v6("foo")), 6)
		refused := s.connect(true)
		send(t, refused, aliveBody(v6("foo")), 6)
		silent, slow := s.connect(true), s.connect(true)
		start := time.Now()
		var wg sync.WaitGroup
		for _, c := range []net.Conn{refused, silent} {
			wg.Go(func() {
				if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
					t.Errorf("%q, %v", b, err)
				}
				if d := time.Since(start); d != 60*time.Second {
					t.Errorf("closed after %v", d)
				}
			})
		}
		wg.Go(func() {
			for _, b := range frame(t, aliveBody(v6(strings.Repeat("slow", 60)))) {
				if _, err := slow.Write([]byte{b}); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if d := time.Since(start); d > 61*time.Second { // it is the next byte that fails
				t.Errorf("closed after %v", d)
			}
		})
		wg.Wait()
		time.Sleep(24 * time.Hour)
		if got := send(t, s.connect(true), []byte("zfoo"), -1); got[1] != 0 {
			t.Error("the node was unregistered")
		}
		if n := strings.Count(s.log.String(), "closing because timed out on receive"); n != 3 {
			t.Errorf("%d timeouts in the log, want 3:\n%s", n, &s.log)
		}
	})
}

func TestServerKillAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{RelaxedCommandCheck: true})
		foo := s.connect(true)
		send(t, foo, aliveBody(v6("foo")), 6)
		if got := send(t, s.connect(true), []byte("sbar"), -1); got != "NOEXISTSTOPPED" {
			t.Errorf("STOP of an unknown name: %q", got)
		}
		if got := send(t, s.connect(true), []byte("sfoo"), -1); got != "STOPPED" {
			t.Errorf("STOP: %q", got)
		}
		if _, err := foo.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the stopped node reads %v", err)
		}
		send(t, s.connect(true), aliveBody(v6("foo")), 6)
		if got := send(t, s.connect(true), []byte("k"), -1); got != "OK" {
			t.Errorf("KILL: %q", got)
		}
		<-s.Done()
		s.Close()
	})
}

// Without relaxed checks KILL works as long as no node is registered.
func TestServerKillWithoutNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{})
		if got := send(t, s.connect(true), []byte("k"), -1); got != "OK" {
			t.Errorf("KILL: %q", got)
		}
		<-s.Done()
		s.Close()
		if got := s.connect(true); got != nil {
			if _, err := got.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("a connection after the end reads %v", err)
			}
		}
	})
}

func TestServerMaxConns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{MaxConns: 2})
		defer s.Close()
		a := s.connect(true)
		s.connect(true)
		synctest.Wait()
		if _, err := s.connect(true).Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the third of two connections reads %v", err)
		}
		a.Close()
		synctest.Wait()
		send(t, s.connect(true), aliveBody(v6("foo")), 6)
	})
}

// However many connections other machines open, the nodes of this one register.
func TestServerRemoteShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPipeServer(t, ServerConfig{MaxConns: 10})
		for i := range 20 {
			c := s.connect(false)
			c.SetReadDeadline(time.Now().Add(time.Second))
			want := os.ErrDeadlineExceeded
			if i >= 5 {
				want = io.EOF
			}
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, want) {
				t.Errorf("connection %d reads %v, want %v", i, err, want)
			}
		}
		for i := range 5 {
			send(t, s.connect(true), aliveBody(v6(string(rune('a'+i)))), 6)
		}
		s.Close()
		if s.remote != 0 || len(s.conns) != 0 {
			t.Errorf("after Close: %d and %d connections", s.remote, len(s.conns))
		}
	})
}

// The lines are those of "epmd -debug" of OTP 25.
func TestServerDebugLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands at 2000-01-01 00:00:00 UTC, 946684800
		s := newPipeServer(t, ServerConfig{DebugLevel: 2})
		c := s.connect(true)
		send(t, c, aliveBody(v6("foo")), 6)
		c.Close()
		synctest.Wait()
		s.Close()
		at := "epmd: " + time.Now().Format("Mon Jan _2 15:04:05 2006") + ": "
		want := at + "Local peer connected\n" +
			at + "opening connection on file descriptor 3\n" +
			at + "got 18 bytes\n" +
			"***** 00000000  00 10 78 04 d2 4d 00 00  06 00 05 00 03 66 6f 6f  |..x..M.......foo|\n" +
			"***** 00000010  00 00                                             |..|\n" +
			at + "** got ALIVE2_REQ\n" +
			at + "registering 'foo:946684801', port 1234\n" +
			at + "type 77 proto 0 highvsn 6 lowvsn 5\n" +
			at + "got 6 bytes\n" +
			"***** 00000000  76 00 38 6d 43 81                                 |v.8mC.|\n" +
			at + "** sent ALIVE2_RESP for \"foo\"\n" +
			at + "unregistering 'foo:946684801', port 1234\n" +
			at + "closing connection on file descriptor 3\n"
		if got := s.log.String(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	})
}

// A name may not write lines of its own into the log.
func TestServerLogEscapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newPipeServer(t, ServerConfig{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		send(t, s.connect(true), aliveBody(v6("a\nepmd: b\x1b[2J")), 6)
		s.Close()
		if !strings.Contains(s.log.String(), `registering 'a\nepmd: b\x1b[2J:`) {
			t.Errorf("debug: %s", &s.log)
		}
		if !strings.Contains(log.String(), "level=DEBUG") || strings.Contains(log.String(), "\x1b") {
			t.Errorf("slog: %s", &log)
		}
	})
}

func TestListen(t *testing.T) {
	s, err := Listen(ServerConfig{Port: -1, Addresses: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if want := netip.AddrPortFrom(loopback4, uint16(s.Port())).String(); s.Addr() != want {
		t.Errorf("Addr %s, want %s", s.Addr(), want)
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := send(t, c, []byte("n"), -1)
	if port := binary.BigEndian.Uint32([]byte(got)); int(port) != s.Port() {
		t.Errorf("NAMES has port %d, want %d", port, s.Port())
	}
	if _, err := Listen(ServerConfig{Port: s.Port(), Addresses: []string{"127.0.0.1"}}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second epmd on the port: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("connected after Close")
	}
	select {
	case <-s.Done():
	default:
		t.Error("Done is open after Close")
	}
}

func TestEndpoints(t *testing.T) {
	tests := []struct{ addresses, want string }{
		{"", "0.0.0.0 ::"},
		{"127.0.0.1", "127.0.0.1! ::1"},
		{"10.0.0.1, fe80::1 ,,10.0.0.1", "127.0.0.1 ::1 10.0.0.1! fe80::1!"},
		{"localhost", `cannot parse IP address "localhost"`},
		{strings.Repeat("10.0.0.1 ", 30), "127.0.0.1 ::1 10.0.0.1!"},
		{"10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9 10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4 10.0.1.5 10.0.1.6",
			"cannot listen on more than 16 IP addresses"},
	}
	for _, tt := range tests {
		list, err := endpoints(SplitAddresses(tt.addresses))
		var got []string
		for _, e := range list {
			s := e.addr.String()
			if e.required {
				s += "!"
			}
			got = append(got, s)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%q: got %s, want %s", tt.addresses, s, tt.want)
		}
	}
}

func TestSameMachine(t *testing.T) {
	tests := []struct {
		remote, local string
		want          bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"127.9.9.9", "10.0.0.1", true},
		{"::1", "::1", true},
		{"::ffff:127.0.0.1", "::1", true},
		{"10.0.0.1", "10.0.0.1", true},
		{"::ffff:10.0.0.1", "10.0.0.1", true},
		{"fe80::1%eth0", "fe80::1%eth0", true},
		{"10.0.0.2", "10.0.0.1", false},
		{"128.0.0.1", "127.0.0.1", false},
		{"fe80::2", "fe80::1", false},
	}
	for _, tt := range tests {
		if got := sameMachine(netip.MustParseAddr(tt.remote), netip.MustParseAddr(tt.local)); got != tt.want {
			t.Errorf("from %s to %s: %v", tt.remote, tt.local, got)
		}
	}
}

func TestFromEnv(t *testing.T) {
	t.Setenv("ERL_EPMD_PORT", "25999")
	t.Setenv("ERL_EPMD_ADDRESS", "10.0.0.1, ::1")
	t.Setenv("ERL_EPMD_RELAXED_COMMAND_CHECK", "")
	c := FromEnv()
	if c.Port != 25999 || strings.Join(c.Addresses, " ") != "10.0.0.1 ::1" || !c.RelaxedCommandCheck {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{"", "0", "-1", "65536", "4369x", "epmd"} {
		t.Setenv("ERL_EPMD_PORT", bad)
		if Port() != DefaultPort {
			t.Errorf("ERL_EPMD_PORT=%q: port %d", bad, Port())
		}
	}
}
