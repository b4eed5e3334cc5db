package dist

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// collect is a Handle that counts and keeps.
type collect struct {
	mu   sync.Mutex
	got  []Signal
	want int
	done chan struct{}
}

func newCollect(want int) *collect { return &collect{want: want, done: make(chan struct{})} }

func (c *collect) handle(s *Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, *s)
	if len(c.got) == c.want {
		close(c.done)
	}
}

// tcpPair returns the two ends of a TCP connection on the loopback.
func tcpPair(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// connect runs two connections against each other and returns them; both have ended when the test ends.
func connect(t testing.TB, a, b net.Conn, ca, cb Config) (*Conn, *Conn) {
	ca.Self, ca.Peer, cb.Self, cb.Peer = self, peer, peer, self
	ca.Flags, cb.Flags = allFlags, allFlags
	for _, c := range []*Config{&ca, &cb} {
		if c.Handle == nil {
			c.Handle = func(*Signal) {}
		}
	}
	x, y := New(a, ca), New(b, cb)
	var running sync.WaitGroup
	for _, c := range []*Conn{x, y} {
		running.Go(func() { c.Run() })
	}
	t.Cleanup(func() { x.Close(); y.Close(); running.Wait() })
	return x, y
}

// Eight senders and big messages among them: each sender's arrive all and in order.
func TestOrderOfSenders(t *testing.T) {
	const senders, each = 8, 5000
	a, b := tcpPair(t)
	in := newCollect(senders * each)
	x, _ := connect(t, a, b, Config{}, Config{Handle: in.handle})
	big := bytes.Repeat([]byte("x"), 300_000)
	for i := range senders {
		go func() {
			from := etf.Pid{Node: self, ID: uint32(i + 1), Creation: 5}
			for n := range each {
				var v any = []int{n}
				if n%500 == 7 {
					v = []any{n, big}
				}
				if err := x.Send(t.Context(), &Signal{Kind: Send, From: from, ToName: "sink", Payload: raw(t, v)}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	<-in.done
	next := make(map[etf.Pid]int)
	for _, s := range in.got {
		var v []any
		if err := s.Payload.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if n := int(v[0].(etf.Int)); n != next[s.From] {
			t.Fatalf("%v: message %d where %d was due", s.From, n, next[s.From])
		}
		next[s.From]++
		if len(v) == 2 && !bytes.Equal(v[1].(etf.Binary), big) {
			t.Fatal("the big one has changed")
		}
	}
}

// Messages of all sizes around the reader's buffer, over a carrier that gives a few bytes at a time.
func TestSizes(t *testing.T) {
	a, b := tcpPair(t)
	sizes := []int{0, 1, slabbed - 1, slabbed, slabbed + 1, readBuffer - 100, readBuffer, readBuffer + 1, firstGrab + 1, 20 << 20}
	in := newCollect(len(sizes))
	x, _ := connect(t, a, b, Config{}, Config{Handle: in.handle})
	for _, n := range sizes {
		if err := x.Send(t.Context(), &Signal{Kind: Send, From: here, To: there, Payload: raw(t, bytes.Repeat([]byte{byte(n)}, n))}); err != nil {
			t.Fatal(err)
		}
	}
	<-in.done
	for i, n := range sizes {
		var got []byte
		if err := in.got[i].Payload.Decode(&got); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(n)}, n)) {
			t.Errorf("%d bytes: %d arrived, %v", n, len(got), err)
		}
	}
}

// Payloads stay good after the reader has gone on: they are the receiver's.
func TestPayloadsAreOwned(t *testing.T) {
	a, b := tcpPair(t)
	const many = 2000
	in := newCollect(many)
	x, _ := connect(t, a, b, Config{}, Config{Handle: in.handle})
	for n := range many {
		if err := x.Send(t.Context(), &Signal{Kind: Send, From: here, To: there, Payload: raw(t, fmt.Sprint("message ", n))}); err != nil {
			t.Fatal(err)
		}
	}
	<-in.done
	for n, s := range in.got {
		var got string
		if err := s.Payload.Decode(&got); err != nil || got != fmt.Sprint("message ", n) {
			t.Fatalf("message %d is %q, %v", n, got, err)
		}
	}
}

// A frozen peer takes nothing: senders wait, their contexts free them, signals that cannot wait are kept up to a limit.
func TestPeerThatDoesNotRead(t *testing.T) {
	a, _ := tcpPair(t)
	c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}, SendBuffer: 1 << 16, MaxPending: 1 << 20, NetTickTime: -1})
	ended := make(chan error, 1)
	go func() { ended <- c.Run() }()
	block := &Signal{Kind: Send, From: here, To: there, Payload: raw(t, make([]byte, 1<<20))}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		err = c.Send(ctx, block)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Send: %v", err)
	}
	for err = nil; err == nil; {
		err = c.Post(&Signal{Kind: Down, From: here, To: there, Ref: yours, Payload: raw(t, make([]byte, 1000))})
	}
	if !errors.Is(err, ErrNotReading) {
		t.Errorf("Post: %v", err)
	}
	if err := <-ended; !errors.Is(err, ErrNotReading) {
		t.Errorf("Run: %v", err)
	}
	if err := c.Send(t.Context(), block); !errors.Is(err, ErrNotReading) {
		t.Errorf("Send after the end: %v", err)
	}
}

func TestFlush(t *testing.T) {
	a, b := tcpPair(t)
	c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}})
	ended := make(chan error, 1)
	go func() { ended <- c.Run() }()
	if err := c.Post(&Signal{Kind: Send, From: here, To: there, Payload: raw(t, make([]byte, 10<<20))}); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush while nobody reads: %v", err)
	}
	var n int64
	read := make(chan struct{})
	go func() { n, _ = io.Copy(io.Discard, b); close(read) }()
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	c.Close()
	<-read
	if n < 10<<20 {
		t.Errorf("%d bytes came", n)
	}
	if err := <-ended; err != ErrDisconnect {
		t.Errorf("Run: %v", err)
	}
}

// The end of a connection has a reason.
func TestEnds(t *testing.T) {
	frame := func(n uint32, b ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), b...) }
	for name, tt := range map[string]struct {
		peer func(net.Conn)
		is   error
		text string
	}{
		"closed":                {func(c net.Conn) { c.Close() }, ErrClosed, ""},
		"closed in a frame":     {func(c net.Conn) { c.Write(frame(1000, 131, 68)); c.Close() }, ErrClosed, ""},
		"closed in a length":    {func(c net.Conn) { c.Write([]byte{0, 0}); c.Close() }, ErrClosed, ""},
		"reset":                 {func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }, ErrClosed, ""},
		"too long":              {func(c net.Conn) { c.Write(frame(0xffffffff)) }, nil, "limit"},
		"nonsense":              {func(c net.Conn) { c.Write(frame(4, 1, 2, 3, 4)) }, nil, "invalid message from " + string(peer)},
		"ticks, then nonsense":  {func(c net.Conn) { c.Write(frame(0)); c.Write(frame(0)); c.Write(frame(1, 131)) }, nil, "byte 1"},
		"long claim, then gone": {func(c net.Conn) { c.Write(frame(400<<20, make([]byte, 1<<20)...)); c.Close() }, ErrClosed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := tcpPair(t)
			go tt.peer(b)
			err := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}}).Run()
			if tt.is != nil && !errors.Is(err, tt.is) || err == nil || !bytes.Contains([]byte(err.Error()), []byte(tt.text)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// An idle connection sends a tick per interval and lives on the peer's; a silent peer is given up after a net_ticktime.
func TestTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}})
		ended := make(chan error, 1)
		go func() { ended <- c.Run() }()
		start := time.Now()
		tick := make([]byte, 4)
		for i := range 12 { // three net_ticktimes, every tick answered
			if _, err := io.ReadFull(b, tick); err != nil || !bytes.Equal(tick, make([]byte, 4)) {
				t.Fatal(tick, err)
			}
			if got, want := time.Since(start), time.Duration(i+1)*15*time.Second; got != want {
				t.Fatalf("tick %d after %v, want %v", i, got, want)
			}
			if _, err := b.Write(tick[:1+i%4]); err != nil { // any byte is a sign of life
				t.Fatal(err)
			}
			if _, err := b.Write(tick[1+i%4:]); err != nil {
				t.Fatal(err)
			}
		}
		go io.Copy(io.Discard, b)
		if err := <-ended; err != ErrTickTimeout {
			t.Errorf("Run: %v", err)
		}
		// The last answer came just after the twelfth interval began.
		if got := time.Since(start); got != (12+4+1)*15*time.Second {
			t.Errorf("given up after %v", got)
		}
	})
}

// A peer that takes nothing more is given up too, though the writer hangs in the socket.
func TestTickTimeoutWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe() // nobody reads b
		defer b.Close()
		c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}, NetTickTime: 4 * time.Second})
		ended := make(chan error, 1)
		start := time.Now()
		go func() { ended <- c.Run() }()
		if err := c.Send(t.Context(), &Signal{Kind: Send, From: here, To: there, Payload: raw(t, "x")}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != ErrTickTimeout {
			t.Errorf("Run: %v", err)
		}
		if got := time.Since(start); got != 4*time.Second {
			t.Errorf("given up after %v", got)
		}
	})
}

// What cannot be encoded is refused whole, and leaves nothing in the stream.
func TestSendUnencodable(t *testing.T) {
	a, b := tcpPair(t)
	in := newCollect(1)
	x, _ := connect(t, a, b, Config{}, Config{Handle: in.handle})
	good := &Signal{Kind: Send, From: here, To: there, Payload: raw(t, "good")}
	bad := &Signal{}
	if err := x.Send(t.Context(), good, bad); err == nil {
		t.Fatal("a signal of no kind was sent")
	}
	if err := x.Send(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	<-in.done
	if s := in.got[0].Payload.String(); s != `<<"good">>` {
		t.Errorf("got %s", s)
	}
}
