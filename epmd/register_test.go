package epmd

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeEpmd answers registrations on the other end of pipes: with reply, or not at all while it is down.
type fakeEpmd struct {
	mu    sync.Mutex
	down  bool
	reply string
	dials []time.Duration // since start
	start time.Time
	conns []net.Conn
	got   []string
}

func (f *fakeEpmd) dial(ctx context.Context) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials = append(f.dials, time.Since(f.start))
	if f.down {
		return nil, errors.New("connection refused")
	}
	client, server := net.Pipe()
	f.conns = append(f.conns, server)
	go func() {
		b := make([]byte, 1024)
		n, _ := server.Read(b)
		f.mu.Lock()
		f.got = append(f.got, string(b[:n]))
		reply := f.reply
		f.mu.Unlock()
		io.WriteString(server, reply)
	}()
	return client, nil
}

func TestRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeEpmd{start: time.Now(), reply: "v\x00\x6b\x00\xea\x13"}
		var events []string
		var failed []time.Duration
		r, err := register(t.Context(), "epmd", Info{Name: "go", Port: 0xb32b}, RegisterConfig{
			Lost:     func(error) { events = append(events, "lost") },
			Failed:   func(_ error, since time.Duration) { failed = append(failed, since) },
			Regained: func() { events = append(events, "regained") },
		}, f.dial)
		if err != nil {
			t.Fatal(err)
		}
		if r.Creation() != 0x6b00ea13 {
			t.Errorf("creation %#x", r.Creation())
		}
		synctest.Wait()
		// What a BEAM sends, with another name.
		if got, want := f.got[0], "\x00\x0fx\xb3\x2bM\x00\x00\x06\x00\x05\x00\x02go\x00\x00"; got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
		time.Sleep(time.Hour)
		// Bytes that nobody expects do no harm.
		f.conns[0].Write([]byte("hello"))
		synctest.Wait()
		f.start, f.dials = time.Now(), nil
		f.down, f.reply = true, "v\x00\x6b\x00\xea\x14"
		f.conns[0].Close()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		f.mu.Lock()
		f.down = false
		f.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		want := []time.Duration{100e6, 300e6, 700e6}
		for d := 1200 * time.Millisecond; d < 5500*time.Millisecond; d += retryInterval {
			want = append(want, d)
		}
		if !slices.Equal(f.dials, want) {
			t.Errorf("tried again after %v, want %v", f.dials, want)
		}
		if !slices.Equal(failed, want[:len(want)-1]) {
			t.Errorf("failed after %v", failed)
		}
		if r.Creation() != 0x6b00ea13 {
			t.Errorf("the creation has become %#x", r.Creation())
		}
		if got := strings.Join(events, " "); got != "lost regained" {
			t.Errorf("events: %s", got)
		}
		r.Close()
		r.Close()
		if _, err := f.conns[1].Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after Close the epmd reads %v", err)
		}
	})
}

// Close works also while the epmd is down, and at once.
func TestRegisterCloseWhileLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeEpmd{reply: "y\x00\x00\x02"}
		r, err := register(t.Context(), "epmd", Info{Name: "go", Port: 1}, RegisterConfig{}, f.dial)
		if err != nil {
			t.Fatal(err)
		}
		if r.Creation() != 2 {
			t.Errorf("creation %d from an old epmd", r.Creation())
		}
		synctest.Wait()
		f.down = true
		f.conns[0].Close()
		time.Sleep(7 * time.Second)
		start := time.Now()
		r.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestRegisterFails(t *testing.T) {
	tests := []struct {
		name  string
		info  Info
		reply string
		is    error
		text  string
	}{
		{name: "duplicate", info: Info{Name: "go"}, reply: "v\x01\x00\x00\x00\x63", is: ErrDuplicateName},
		{name: "duplicate, old epmd", info: Info{Name: "go"}, reply: "y\x01\x00\x63", is: ErrDuplicateName},
		{name: "garbage", info: Info{Name: "go"}, reply: "HTTP/1.1 400", text: "not an answer of epmd"},
		{name: "creation 0", info: Info{Name: "go"}, reply: "v\x00\x00\x00\x00\x00", text: "creation is 0"},
		{name: "no answer", info: Info{Name: "go"}, is: context.DeadlineExceeded},
		{name: "half an answer", info: Info{Name: "go"}, reply: "v\x00\x00\x00\x00", is: context.DeadlineExceeded},
		{name: "no name", text: "empty"},
		{name: "NUL in the name", info: Info{Name: "a\x00"}, text: "NUL"},
		{name: "long name", info: Info{Name: strings.Repeat("n", 256)}, text: "too long"},
		{name: "port", info: Info{Name: "go", Port: 65536}, text: "65536"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeEpmd{reply: tt.reply}
				start := time.Now()
				r, err := register(t.Context(), "epmd", tt.info, RegisterConfig{}, f.dial)
				if err == nil {
					r.Close()
					t.Fatal("no error")
				}
				if tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) || !strings.HasPrefix(err.Error(), "epmd epmd: register") {
					t.Errorf("got %v", err)
				}
				if want := 10 * time.Second; tt.is == context.DeadlineExceeded && time.Since(start) != want {
					t.Errorf("gave up after %v, want %v", time.Since(start), want)
				}
				// The epmd leaves the connection open. We must not.
				for _, c := range f.conns {
					if _, err := io.Copy(io.Discard, c); err != nil && err != io.ErrClosedPipe {
						t.Error(err)
					}
				}
			})
		})
	}
}
