package epmd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// What OTP's own tests of epmd try (erts/epmd/test/epmd_SUITE.erl), on ours. The names are those of its cases; what is missing
// here is elsewhere: names_stdout, the command line, in TestOTPCommandLine; no_nonlocal_* in TestServerLocalOnly.

// suiteRequest is an ALIVE2_REQ of version 5, as the suite sends it, with lengths that may lie.
func suiteRequest(name string, extra string, extraLen int) []byte {
	b := []byte{'x', 0x12, 0x67, 'M', 0, 0, 5, 0, 5}
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint16(b, uint16(extraLen))
	return append(b, extra...)
}

func withLength(body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

// client dials an epmd, sends bytes, and returns what is answered: up to n bytes, or if n is negative all until it closes.
type suite struct {
	t *testing.T
	s *Server
}

func (u suite) dial() net.Conn {
	u.t.Helper()
	c, err := net.Dial("tcp", u.s.Addr())
	if err != nil {
		u.t.Fatal(err)
	}
	u.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func (u suite) ask(raw []byte) string {
	u.t.Helper()
	c := u.dial()
	defer c.Close()
	c.Write(raw)
	b, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		u.t.Fatalf("%.40q: %v", raw, err)
	}
	return string(b)
}

// register registers a node and returns its connection, or nil if it is refused.
func (u suite) register(name string, extra string) net.Conn {
	u.t.Helper()
	c := u.dial()
	c.Write(withLength(suiteRequest(name, extra, len(extra))))
	var answer [4]byte
	if _, err := io.ReadFull(c, answer[:]); err != nil || answer[1] != 0 {
		c.Close()
		return nil
	}
	if answer[0] != 'y' {
		u.t.Errorf("answer %q", answer)
	}
	return c
}

func (u suite) names() []string {
	u.t.Helper()
	list, err := Names(u.t.Context(), u.s.Addr())
	if err != nil {
		u.t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	slices.Sort(names)
	return names
}

// settles waits until as many names are registered: that a connection is closed is seen a little later.
func (u suite) settles(count int) {
	u.t.Helper()
	eventually(u.t, func() error {
		if n := len(u.names()); n != count {
			return fmt.Errorf("%d names, want %d", n, count)
		}
		return nil
	})
}

func TestSuite(t *testing.T) {
	start := func(t *testing.T, cfg ServerConfig) suite { return suite{t, ourEpmd(t, cfg)} }

	t.Run("register_names", func(t *testing.T) {
		u := start(t, ServerConfig{})
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			c := [2]net.Conn{u.register("foobar", ""), u.register("foozap", "")}
			if c[0] == nil || c[1] == nil || u.register("foobar", "") != nil {
				t.Fatal("register")
			}
			c[order[0]].Close()
			u.settles(1)
			c[order[1]].Close()
			u.settles(0)
		}
	})
	t.Run("unicode_name", func(t *testing.T) {
		u := start(t, ServerConfig{})
		var long strings.Builder
		for r := range rune(201) {
			long.WriteRune(0x1f600 + r)
		}
		for _, name := range []string{"\U0001f608", long.String()} {
			c := u.register(name, "")
			info, err := Lookup(t.Context(), u.s.Addr(), name)
			if c == nil || err != nil || info.Name != name {
				t.Errorf("%d bytes: %v, %v", len(name), c, err)
			}
		}
	})
	t.Run("name_with_null", func(t *testing.T) {
		u := start(t, ServerConfig{})
		for _, name := range []string{"foo\x00bar", "foobar\x00"} {
			if u.register(name, "") != nil {
				t.Errorf("%q was registered", name)
			}
		}
	})
	t.Run("returns_valid_extra", func(t *testing.T) {
		u := start(t, ServerConfig{})
		for i, extra := range []string{"", "ABC\x00\x00"} {
			name := fmt.Sprint("foo", i)
			c := u.register(name, extra)
			answer := u.ask(withLength(append([]byte{'z'}, name...)))
			want := "w\x00\x12\x67M\x00\x00\x05\x00\x05\x00\x04" + name + "\x00" + string(rune(len(extra))) + extra
			if c == nil || answer != want {
				t.Errorf("%q: got %q, want %q", extra, answer, want)
			}
		}
	})
	t.Run("stupid_names_req, register_overflow", func(t *testing.T) {
		u := start(t, ServerConfig{})
		for round := range 4 { // 11 in the suite
			var conns []net.Conn
			for i := range 1100 {
				c := u.register(fmt.Sprint("foo", i+1), "")
				if c == nil {
					break
				}
				conns = append(conns, c)
			}
			if len(conns) != defaultMaxConns {
				t.Fatalf("round %d: %d names", round, len(conns))
			}
			if round == 0 { // one leaves, so that the question has room
				conns[0].Close()
				eventually(t, func() error { _, err := Names(t.Context(), u.s.Addr()); return err })
				if names := u.names(); len(names) != defaultMaxConns-1 || slices.Contains(names, "foo1") || !slices.Contains(names, "foo1000") {
					t.Errorf("%d names: %q…", len(names), names[:min(3, len(names))])
				}
			}
			if round%2 == 1 {
				slices.Reverse(conns)
			}
			for _, c := range conns {
				c.Close()
			}
			eventually(t, func() error { _, err := Names(t.Context(), u.s.Addr()); return err })
			u.settles(0)
		}
	})
	t.Run("unregister_others_name", func(t *testing.T) {
		u := start(t, ServerConfig{RelaxedCommandCheck: true})
		c := u.register("foo", "")
		if got := u.ask(withLength([]byte("sfoo"))); got != "STOPPED" {
			t.Errorf("%q", got)
		}
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the node's connection: %v", err)
		}
		if got := u.ask(withLength([]byte("sxxx42"))); !strings.HasPrefix(got, "NOEXIST") {
			t.Errorf("%q", got)
		}
	})
	t.Run("no_data, one_byte, two_bytes, partial_packet", func(t *testing.T) {
		u := start(t, ServerConfig{PacketTimeout: 100 * time.Millisecond})
		for _, raw := range []string{"", "\x00", "\x00\x03", "\x00\x64only a few bytes"} {
			begin := time.Now()
			if got := u.ask([]byte(raw)); got != "" || time.Since(begin) < 90*time.Millisecond {
				t.Errorf("%q: %q after %v", raw, got, time.Since(begin))
			}
		}
	})
	t.Run("bytes that trickle in do not keep a connection", func(t *testing.T) { // CVE-2026-42792
		u := start(t, ServerConfig{PacketTimeout: 200 * time.Millisecond})
		c := u.dial()
		c.Write([]byte{0x0b, 0x00})
		closed := make(chan struct{})
		go func() { io.Copy(io.Discard, c); close(closed) }()
		begin := time.Now()
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-closed:
				if d := time.Since(begin); d > 5*time.Second {
					t.Errorf("closed after %v", d)
				}
				return
			case <-tick.C:
				c.Write([]byte("z"))
			}
		}
	})
	t.Run("zero_length, too_large, alive_req_too_small", func(t *testing.T) {
		u := start(t, ServerConfig{})
		for _, raw := range [][]byte{
			make([]byte, 10),
			withLength(bytes.Repeat([]byte("z"), 63000)),
			withLength([]byte("x\x03\xe8M\x00\x00\x05\x00\x05\x00\x00")),
			withLength([]byte("x\x03\xe8M\x00\x00\x05\x00\x05")),
		} {
			if got := u.ask(raw); got != "" {
				t.Errorf("%.20q: %q", raw, got)
			}
		}
	})
	t.Run("alive_req_too_large", func(t *testing.T) {
		u := start(t, ServerConfig{})
		c := u.dial()
		c.Write(withLength(suiteRequest(strings.Repeat("a", 600), "", 0)))
		var answer [2]byte
		if _, err := io.ReadFull(c, answer[:]); err != nil || string(answer[:]) != "y\x01" {
			t.Errorf("%q, %v", answer, err)
		}
	})
	t.Run("buffer_overrun", func(t *testing.T) {
		u := start(t, ServerConfig{})
		step := 37 // with 1, all 10,000 of the suite, it passes too
		for n := 1; n <= 10000; n += step {
			if got := u.ask(withLength(suiteRequest("gurka", "", n))); got != "" {
				t.Fatalf("extra of %d bytes that are not there: %q", n, got)
			}
		}
		for n := 1020; n <= 10000; n += step {
			c := u.dial()
			c.Write(withLength(suiteRequest("gurka", strings.Repeat("\xff", n), n)))
			var answer [2]byte
			k, err := io.ReadFull(c, answer[:])
			registered := k == 2 && answer[1] == 0
			c.Close()
			if registered != (n <= 1020) || k == 1 {
				t.Fatalf("extra of %d bytes: %q, %v", n, answer[:k], err)
			}
		}
	})
	t.Run("no_live_killing", func(t *testing.T) {
		u := start(t, ServerConfig{})
		c := u.register("foo", "")
		if got := u.ask(withLength([]byte("k"))); got != "NO" {
			t.Errorf("%q", got)
		}
		if got := u.ask(withLength([]byte("sfoo"))); got != "" {
			t.Errorf("%q", got)
		}
		c.Close()
		u.settles(0)
		if got := u.ask(withLength([]byte("k"))); got != "OK" {
			t.Errorf("%q", got)
		}
		<-u.s.Done()
	})
	t.Run("socket_reset_before_alive2_reply_is_written", func(t *testing.T) {
		u := start(t, ServerConfig{DelayWrite: 100 * time.Millisecond})
		c := u.dial().(*net.TCPConn)
		c.SetLinger(0) // Close resets
		c.Write(withLength(suiteRequest("test", "", 0)))
		eventually(t, func() error {
			u.s.mu.Lock()
			defer u.s.mu.Unlock()
			if u.s.names.find("test") == nil {
				return errors.New("not registered yet")
			}
			return nil
		})
		c.Close()
		u.settles(0)
	})
	t.Run("delay_accept, delay_write", func(t *testing.T) {
		u := start(t, ServerConfig{DelayAccept: 100 * time.Millisecond, DelayWrite: 100 * time.Millisecond, PacketTimeout: 50 * time.Millisecond})
		begin := time.Now()
		if got := u.ask(withLength([]byte("n"))); len(got) != 4 || time.Since(begin) < 190*time.Millisecond {
			t.Errorf("%q after %v", got, time.Since(begin))
		}
		u.dial() // Close waits for no delay
		begin = time.Now()
		u.s.Close()
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

// The sockets of a supervisor, systemd say, are used as they are, and the port is what it is told.
func TestServerListeners(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(ServerConfig{Listeners: []net.Listener{l}, Port: 4711})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Register(t.Context(), s.Addr(), Info{Name: "go", Port: 1}, RegisterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Port() != 4711 || s.Addr() != l.Addr().String() {
		t.Error(s.Port(), s.Addr())
	}
	r.Close()
	s.Close()
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
	if _, err := Listen(ServerConfig{Listeners: make([]net.Listener, 17)}); err == nil {
		t.Error("17 listeners")
	}
}
