package dist

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// slowPeer is the other end of a connection, which takes what it is told to take, packet by packet.
type slowPeer struct {
	t  testing.TB
	nc net.Conn
	in inbound
	// what has come: whole signals, and the numbers of the fragments in the order of arrival
	got []Signal
	log []string
}

func newSlowPeer(t testing.TB, nc net.Conn, flags handshake.Flags) *slowPeer {
	p := &slowPeer{t: t, nc: nc}
	cfg := Config{Self: peer, Peer: self, Flags: flags, Handle: func(s *Signal) {
		p.got = append(p.got, *s)
		p.log = append(p.log, label(s))
	}}.withDefaults()
	p.in = inbound{conn: &Conn{cfg: cfg}, parts: assembler{maxMessage: 1 << 30, maxOpen: 100, maxBytes: 1 << 30}}
	return p
}

// take reads one packet and returns it.
func (p *slowPeer) take() []byte {
	p.t.Helper()
	var length [4]byte
	if _, err := io.ReadFull(p.nc, length[:]); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(p.nc, b); err != nil {
		p.t.Fatal(err)
	}
	if len(b) == 0 {
		return b
	}
	if b[1] == firstPart || b[1] == nextPart {
		p.log = append(p.log, fmt.Sprintf("%d/%d", binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])))
	}
	if err := p.in.packet(b, true); err != nil {
		p.t.Fatal(err)
	}
	return b
}

// label is the signal's kind and, if it has a payload, that or "large".
func label(s *Signal) string {
	switch n := len(s.Payload.Bytes); {
	case n == 0:
		return s.Kind.String()
	case n > largePayload:
		return s.Kind.String() + " large"
	}
	return s.Kind.String() + " " + s.Payload.String()
}

func (p *slowPeer) takeSignals(n int) {
	p.t.Helper()
	for len(p.got) < n {
		p.take()
	}
}

// start runs a connection over nc.
func start(t testing.TB, nc net.Conn, cfg Config) *Conn {
	cfg.Self, cfg.Peer = self, peer
	if cfg.Handle == nil {
		cfg.Handle = func(*Signal) {}
	}
	c := New(nc, cfg)
	var running sync.WaitGroup
	running.Go(func() { c.Run() })
	t.Cleanup(func() { c.Close(); running.Wait() })
	return c
}

func sized(t testing.TB, n int) etf.Raw {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>3 ^ i)
	}
	return raw(t, etf.Binary(b))
}

// Fragments have 64 KiB, as those of OTP; the last one takes up to 1 KiB more, where OTP would make another.
func TestFragmentSizes(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags &^ handshake.DistHdrAtomCache})
	p := newSlowPeer(t, b, c.Flags())
	head := len(newEncoderOf(c.Flags()).control(&Signal{Kind: Send, From: here, To: there}))
	const first, next = 2 + 16 + 1, 18
	for _, tt := range []struct {
		payload int
		want    []int // lengths of the packets
	}{
		{fragmentSize - head, []int{3 + fragmentSize}},         // 3 bytes of an ordinary header
		{fragmentSize + 5, []int{3 + fragmentSize + head + 5}}, // the tuple does not make it two
		{fragmentSize + fragmentTail - head, []int{3 + fragmentSize + fragmentTail}},
		{fragmentSize + fragmentTail - head + 1, []int{first + fragmentSize, next + fragmentTail + 1}},
		{2*fragmentSize + 505, []int{first + fragmentSize, next + fragmentSize + head + 505}},
		{200_005, []int{first + fragmentSize, next + fragmentSize, next + fragmentSize, next + 200_005 + head - 3*fragmentSize}},
	} {
		p.got = nil
		go c.Send(context.Background(), &Signal{Kind: Send, From: here, To: there, Payload: sized(t, tt.payload-5)})
		for i, want := range tt.want {
			if b := p.take(); len(b) != want {
				t.Errorf("payload of %d bytes: packet %d has %d bytes, want %d", tt.payload, i, len(b), want)
			}
		}
		if len(p.got) != 1 || len(p.got[0].Payload.Bytes) != tt.payload {
			t.Errorf("payload of %d bytes: got %d signals", tt.payload, len(p.got))
		}
	}
}

// Messages of some fragments and a bit arrive whole, and hold on to little more memory than they need.
func TestLongFragments(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags})
	got := make(chan []byte, 8)
	start(t, b, Config{Flags: allFlags, Handle: func(s *Signal) { got <- s.Payload.Bytes }})
	for _, n := range []int{fragmentSize, fragmentSize + fragmentTail, 2 * fragmentSize, 1 << 20, 5 << 20} {
		payload := sized(t, n)
		if err := c.Send(t.Context(), &Signal{Kind: Send, From: here, To: there, Payload: payload}); err != nil {
			t.Fatal(err)
		}
		if g := <-got; !bytes.Equal(g, payload.Bytes) {
			t.Errorf("%d bytes: %d arrived, or others", n, len(g))
		} else if cap(g) > 2*len(payload.Bytes) {
			t.Errorf("%d bytes are in memory for %d", len(g), cap(g))
		}
	}
}

func newEncoderOf(flags handshake.Flags) *encoder { e := newEncoder(flags); return &e }

// Each kind that has a payload, of sizes around the limits, whole and in fragments, with and without cache: what arrives is what was sent.
func TestLargeUnderAllFlags(t *testing.T) {
	for _, flags := range []handshake.Flags{allFlags, plain, plain | handshake.Fragments, plain | handshake.DistHdrAtomCache, plain &^ handshake.ExitPayload} {
		a, b := tcpPair(t)
		c := start(t, a, Config{Flags: flags})
		p := newSlowPeer(t, b, flags)
		var want []etf.Raw
		for _, n := range []int{1, largePayload - 6, largePayload - 5, largePayload - 4, fragmentSize - 60, fragmentSize, 2*fragmentSize - 60, 1_000_000} {
			payload := sized(t, n)
			for _, s := range []Signal{
				{Kind: Send, From: here, To: there}, {Kind: Exit, From: here, To: there}, {Kind: Exit2, From: here, To: there},
				{Kind: Down, From: here, To: there, Ref: yours},
				{Kind: SpawnRequest, From: here, Ref: mine, Leader: here, Module: "m", Function: "f"},
			} {
				s.Payload = payload
				if err := c.Post(&s); err != nil {
					t.Fatal(err)
				}
				if s.Kept != (n > largePayload-5 && s.payloadFollows(flags)) {
					t.Errorf("%d bytes: kept is %v", n, s.Kept)
				}
				want = append(want, payload)
			}
		}
		p.takeSignals(len(want))
		for i, w := range want {
			if !bytes.Equal(p.got[i].Payload.Bytes, w.Bytes) {
				t.Errorf("flags %v, signal %d: %d bytes arrived, %d were sent", flags, i, len(p.got[i].Payload.Bytes), len(w.Bytes))
			}
		}
	}
}

// While a message of 64 MiB is on its way, what others send comes between its fragments, and soon.
func TestSmallPassesLarge(t *testing.T) {
	a, b := tcpPair(t)
	a.(*net.TCPConn).SetWriteBuffer(64 << 10)
	b.(*net.TCPConn).SetReadBuffer(64 << 10)
	c := start(t, a, Config{Flags: allFlags})
	p := newSlowPeer(t, b, allFlags)
	sent := make(chan error, 1)
	payload := sized(t, 24<<20)
	go func() {
		sent <- c.Send(context.Background(), &Signal{Kind: Send, From: here, To: there, Payload: payload})
	}()
	p.take()
	other := here
	other.ID++
	if err := c.Send(t.Context(), &Signal{Kind: Send, From: other, To: there, Payload: raw(t, etf.Atom("small"))}); err != nil {
		t.Fatal(err)
	}
	p.takeSignals(1)
	if n := len(p.log); p.log[n-1] != "SEND small" || n > 64 {
		t.Errorf("%d packets came before the small message; the last: %v", n, p.log[n-1])
	}
	p.takeSignals(2)
	if err := <-sent; err != nil || !bytes.Equal(p.got[1].Payload.Bytes, payload.Bytes) {
		t.Errorf("the large one: %v, equal %v", err, bytes.Equal(p.got[1].Payload.Bytes, payload.Bytes))
	}
}

// Several large messages take turns, and each is whole.
func TestLargeTakeTurns(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags})
	p := newSlowPeer(t, b, allFlags)
	var all []*Signal
	for i := range 3 {
		from := here
		from.ID += uint32(i)
		all = append(all, &Signal{Kind: Send, From: from, To: there, Payload: sized(t, 2<<20)})
	}
	if err := c.Post(all...); err != nil {
		t.Fatal(err)
	}
	p.takeSignals(3)
	// From where all three have begun their fragments come in turns.
	begun := map[byte]int{}
	for i, l := range p.log {
		if begun[l[0]] = i; len(begun) == 3 {
			if x, y, z := p.log[i+1], p.log[i+2], p.log[i+3]; x[0] == y[0] || y[0] == z[0] || x[0] == z[0] {
				t.Errorf("not in turns: %v", p.log[i:i+4])
			}
			break
		}
	}
}

// What a process sends and what its exit posts comes after its large message, though its Send was given up in the middle; others go on.
func TestOrderBehindLarge(t *testing.T) {
	a, b := tcpPair(t)
	a.(*net.TCPConn).SetWriteBuffer(64 << 10)
	b.(*net.TCPConn).SetReadBuffer(64 << 10)
	c := start(t, a, Config{Flags: allFlags, SendBuffer: 64 << 20})
	p := newSlowPeer(t, b, allFlags)
	ctx, cancel := context.WithCancel(t.Context())
	large := &Signal{Kind: Send, From: here, To: there, Payload: sized(t, 32<<20)}
	sent := make(chan error, 1)
	go func() { sent <- c.Send(ctx, large) }()
	p.take()
	// Posted while the Send still waits: behind it.
	if err := c.Post(&Signal{Kind: Unlink, From: here, To: there, ID: 1}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-sent; err != nil || !large.Kept {
		t.Fatalf("a Send given up in the middle: %v, kept %v", err, large.Kept)
	}
	small := raw(t, etf.Atom("later"))
	for _, s := range []*Signal{
		{Kind: Send, From: here, To: there, Payload: small},
		{Kind: Send, From: here, ToName: "x", Payload: sized(t, 300_000)},
		{Kind: Send, From: here, ToName: "x", Payload: small},
	} {
		go func() { sent <- c.Send(t.Context(), s) }()
		if len(s.Payload.Bytes) < largePayload {
			<-sent // in the buffer
		} else if err := waitBehind(c, here, 3); err != nil {
			t.Fatal(err)
		}
	}
	reason := raw(t, etf.Atom("dead"))
	if err := c.Post(&Signal{Kind: Down, From: here, FromName: "x", To: there, Ref: yours, Payload: reason}); err != nil {
		t.Fatal(err)
	}
	small.Bytes[2] = 'X' // the connection has a copy
	other := here
	other.ID++
	if err := c.Send(t.Context(), &Signal{Kind: Send, From: other, To: there, Payload: raw(t, etf.Atom("other"))}); err != nil {
		t.Fatal(err)
	}
	p.takeSignals(7)
	var order []string
	for _, s := range p.got {
		order = append(order, label(&s))
	}
	want := "[SEND other SEND large UNLINK SEND later SEND large SEND later MONITOR_EXIT dead]"
	if got := fmt.Sprint(order); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if o := &c.out; o.size != 0 || o.kept != 0 || len(o.senders) != 0 {
		t.Errorf("left behind: %d %d %d", o.size, o.kept, len(o.senders))
	}
}

// waitBehind waits until n signals of a process wait behind its large message.
func waitBehind(c *Conn, from etf.Pid, n int) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		c.out.mu.Lock()
		s := c.out.senders[from]
		k := 0
		if s != nil {
			k = len(s.behind)
		}
		c.out.mu.Unlock()
		if k >= n {
			return nil
		}
		time.Sleep(time.Millisecond) // polling a state that has no event
	}
	return fmt.Errorf("no %d signals wait", n)
}

// In one call nothing overtakes a large message either.
func TestLargeInOneCall(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags})
	p := newSlowPeer(t, b, allFlags)
	go c.Send(context.Background(), &Signal{Kind: Monitor, From: here, To: there, Ref: mine},
		&Signal{Kind: Send, From: here, To: there, Payload: sized(t, 1<<20)},
		&Signal{Kind: Demonitor, From: here, To: there, Ref: mine})
	p.takeSignals(3)
	for i, k := range []Kind{Monitor, Send, Demonitor} {
		if p.got[i].Kind != k {
			t.Errorf("signal %d is %v, want %v", i, p.got[i].Kind, k)
		}
	}
}

// A payload that was not Kept may be used again at once.
func TestLargeBuffersAreReused(t *testing.T) {
	a, b := tcpPair(t)
	in := newCollect(200)
	x, _ := connect(t, a, b, Config{}, Config{Handle: in.handle})
	buf := make([]byte, 0, 1<<20)
	for i := range 200 {
		buf = etf.AppendBinary(buf[:0], bytes.Repeat([]byte{byte(i)}, 100_000))
		s := &Signal{Kind: Send, From: here, To: there, Payload: etf.Raw{Bytes: buf}}
		if err := x.Send(t.Context(), s); err != nil || s.Kept {
			t.Fatal(err, s.Kept)
		}
	}
	<-in.done
	for i, s := range in.got {
		if n := bytes.Count(s.Payload.Bytes[5:], []byte{byte(i)}); n != 100_000 {
			t.Fatalf("message %d has %d bytes of its own", i, n)
		}
	}
}

// The end of the connection ends the wait for a large message.
func TestLargeAndTheEnd(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags, NetTickTime: -1})
	s := &Signal{Kind: Send, From: here, To: there, Payload: sized(t, 24<<20)}
	sent := make(chan error, 1)
	go func() { sent <- c.Send(context.Background(), s) }()
	newSlowPeer(t, b, allFlags).take()
	b.Close()
	if err := <-sent; err == nil || !s.Kept {
		t.Errorf("Send: %v, kept %v", err, s.Kept)
	}
}

// Memory that is released serves again, and nothing of the message before shines through.
func TestRelease(t *testing.T) {
	for _, flags := range []handshake.Flags{plain, allFlags} {
		for _, size := range []int{70_000, 65_536, 1 << 20} {
			a, b := tcpPair(t)
			memory := map[*byte]bool{}
			const many = 100
			next, done := 0, make(chan struct{})
			c := start(t, a, Config{Flags: flags, Handle: func(s *Signal) {
				p := s.Payload.Bytes
				memory[&p[:cap(p)][cap(p)-1]] = true // its end stays the same
				if n := bytes.Count(p[5:], []byte{byte(next)}); n != size {
					t.Errorf("message %d of %d bytes has %d of its own", next, size, n)
				}
				Release(s.Payload)
				if next++; next == many {
					close(done)
				}
			}})
			other := New(b, Config{Self: peer, Peer: self, Flags: flags, Handle: func(*Signal) {}})
			var running sync.WaitGroup
			running.Go(func() { other.Run() })
			for i := range many {
				s := &Signal{Kind: Send, From: there, To: here, Payload: raw(t, etf.Binary(bytes.Repeat([]byte{byte(i)}, size)))}
				if err := other.Send(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			<-done
			if len(memory) == many {
				t.Errorf("%d messages of %d bytes: nothing was used again", many, size)
			}
			other.Close()
			c.Close()
			running.Wait()
		}
	}
	Release(etf.Raw{}) // and small ones: nothing happens, and it costs nothing
	small := etf.Raw{Bytes: []byte{106}}
	if n := testing.AllocsPerRun(100, func() { Release(small) }); n != 0 {
		t.Errorf("%v allocations to release a small payload", n)
	}
}
