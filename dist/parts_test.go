package dist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// inParts is a message of a tuple with binaries that are left where they are, and what it is as a whole.
func inParts(t testing.TB, binaries ...[]byte) (s *Signal, whole []byte) {
	t.Helper()
	v := etf.Tuple{etf.Atom("data")}
	for _, b := range binaries {
		v = append(v, etf.Binary(b))
	}
	var parts etf.Parts
	rest, err := parts.Append(nil, append(v, etf.Atom("end")))
	if err != nil || len(parts) != len(binaries) {
		t.Fatal(len(parts), err)
	}
	return &Signal{Kind: Send, From: here, To: there, Payload: etf.Raw{Bytes: rest}, Parts: parts}, parts.Join(rest)
}

func pattern(n, seed int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>3 ^ i*seed)
	}
	return b
}

// Parts arrive in their places: in one packet and in fragments whose ends are anywhere, under all flags, sent and posted, over a socket and a pipe.
func TestParts(t *testing.T) {
	pipes := func(testing.TB) (net.Conn, net.Conn) { return net.Pipe() }
	for _, carrier := range []struct {
		name string
		pair func(testing.TB) (net.Conn, net.Conn)
	}{{"TCP", tcpPair}, {"pipe", pipes}} {
		for _, flags := range []handshake.Flags{allFlags, plain, plain | handshake.Fragments, plain | handshake.DistHdrAtomCache} {
			for _, posted := range []bool{false, true} {
				t.Run(fmt.Sprint(carrier.name, flags, posted), func(t *testing.T) {
					a, b := carrier.pair(t)
					c := start(t, a, Config{Flags: flags, NetTickTime: -1})
					p := newSlowPeer(t, b, flags)
					if lends := runtime.GOOS == "linux" && carrier.name == "TCP"; c.SendsParts() != lends {
						t.Errorf("SendsParts is %v", !lends)
					}
					for i, sizes := range [][]int{{fragmentSize}, {fragmentSize + fragmentTail}, {2 * fragmentSize}, {1 << 20}, {70_000, 65_536, 300_000}} {
						var binaries [][]byte
						for k, n := range sizes {
							binaries = append(binaries, pattern(n, k+3))
						}
						s, want := inParts(t, binaries...)
						sent := make(chan error, 1)
						go func() {
							if posted {
								sent <- c.Post(s)
							} else {
								sent <- c.Send(context.Background(), s)
							}
						}()
						p.takeSignals(i + 1)
						if err := <-sent; err != nil {
							t.Fatal(err)
						}
						if !bytes.Equal(p.got[i].Payload.Bytes, want) {
							t.Errorf("parts of %v bytes: %d of %d bytes came, or others", sizes, len(p.got[i].Payload.Bytes), len(want))
						}
					}
				})
			}
		}
	}
}

// A signal that has too little in parts for a message of its own is sent as any other, and one whose payload is no message, too.
func TestFewParts(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags &^ handshake.ExitPayload})
	p := newSlowPeer(t, b, c.Flags())
	small, long := etf.Parts{{At: 5, Bytes: []byte("abc")}}, pattern(100_000, 3)
	head := etf.AppendBinary(nil, []byte("abc"))[:5]
	for _, s := range []*Signal{
		{Kind: Send, From: here, To: there, Payload: etf.Raw{Bytes: head}, Parts: small},
		{Kind: Exit, From: here, To: there, Payload: etf.Raw{Bytes: head}, Parts: small},
		{Kind: Exit, From: here, To: there, Parts: etf.Parts{{Bytes: etf.AppendBinary(nil, long)}}},
		{Kind: Send, From: here, To: there, Parts: etf.Parts{{Bytes: etf.AppendBinary(nil, long)}}},
		{Kind: Send, From: here, To: there, Payload: etf.Raw{Bytes: []byte{}}, Parts: etf.Parts{{Bytes: etf.AppendBinary(nil, long)}}},
	} {
		go c.Send(context.Background(), s)
		p.takeSignals(len(p.got) + 1)
		if got, want := p.got[len(p.got)-1], s.Parts.Join(s.Payload.Bytes); !bytes.Equal(got.Payload.Bytes, want) {
			t.Errorf("%v of %d bytes: %d came, or others", s.Kind, len(want), len(got.Payload.Bytes))
		}
	}
}

// Trace sees the whole message.
func TestPartsTraced(t *testing.T) {
	a, b := tcpPair(t)
	var traced []byte
	c := start(t, a, Config{Flags: allFlags, Trace: func(received bool, s *Signal) { traced = s.Payload.Bytes }})
	p := newSlowPeer(t, b, allFlags)
	s, want := inParts(t, pattern(100_000, 5))
	sent := make(chan error, 1)
	go func() { sent <- c.Send(context.Background(), s) }()
	p.takeSignals(1)
	if err := <-sent; err != nil || !bytes.Equal(traced, want) {
		t.Errorf("%v; traced %d bytes, want %d", err, len(traced), len(want))
	}
}

// A Send that is given up, wherever the message is then, leaves the sender his memory: what he writes there does not arrive.
func TestPartsGivenUp(t *testing.T) {
	a, b := tcpPair(t)
	a.(*net.TCPConn).SetWriteBuffer(64 << 10)
	b.(*net.TCPConn).SetReadBuffer(64 << 10)
	c := start(t, a, Config{Flags: allFlags, SendBuffer: 64 << 20})
	p := newSlowPeer(t, b, allFlags)
	gone := errors.New("gone")
	var want [][]byte
	giveUp := func(sizes ...int) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var binaries [][]byte
		for k, n := range sizes {
			binaries = append(binaries, pattern(n, k+3))
		}
		s, whole := inParts(t, binaries...)
		want = append(want, whole)
		sent := make(chan error, 1)
		go func() { sent <- c.Send(ctx, s) }()
		if len(want) == 1 {
			p.take() // it has begun
		} else if err := waitBehind(c, here, len(want)-1); err != nil {
			t.Fatal(err)
		}
		cancel(gone)
		if err := <-sent; err != nil || !s.Kept {
			t.Fatalf("%v, kept %v", err, s.Kept)
		}
		for _, b := range binaries {
			clear(b)
		}
	}
	giveUp(8<<20, 100_000) // some in the socket, some in a batch, some in none
	giveUp(200_000, 70_000)
	giveUp(1 << 20)
	p.takeSignals(3)
	for i, w := range want {
		if !bytes.Equal(p.got[i].Payload.Bytes, w) {
			t.Errorf("message %d is not what it was when it was sent", i)
		}
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

// The same at any moment, while the peer reads.
func TestPartsGivenUpAnyTime(t *testing.T) {
	a, b := tcpPair(t)
	a.(*net.TCPConn).SetWriteBuffer(16 << 10)
	b.(*net.TCPConn).SetReadBuffer(16 << 10)
	c := start(t, a, Config{Flags: allFlags})
	const many, size = 60, 1_000_000
	got := make(chan []byte, many)
	start(t, b, Config{Flags: allFlags, Handle: func(s *Signal) { got <- s.Payload.Bytes }})
	kept := 0
	for i := range many {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(50*i)*time.Microsecond)
		own := bytes.Repeat([]byte{byte(i)}, size)
		s, _ := inParts(t, own)
		err := c.Send(ctx, s)
		cancel()
		for k := range own {
			own[k] = ^byte(i)
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if s.Kept {
			kept++
		}
		if err == nil {
			if b := <-got; bytes.Count(b, []byte{byte(i)}) < size {
				t.Fatalf("message %d has %d bytes of its own", i, bytes.Count(b, []byte{byte(i)}))
			}
		}
	}
	t.Logf("%d of %d given up on their way", kept, many)
}

// Who gives up waits for the system call that reads his memory, and for nothing else.
func TestPartsBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o outbox
		calls, goOn := 0, make(chan struct{})
		var seen []byte
		o.init(carrier{
			inline: func(v net.Buffers) (int, error) {
				if calls++; calls == 2 {
					<-goOn
				}
				seen = append(seen, v[len(v)-1][0])
				left := 0
				for _, b := range v {
					left += len(b)
				}
				return min(left, 1000), nil // and the socket is full
			},
			waitOut: func() error { return nil },
		}, Config{Flags: allFlags}.withDefaults(), new(atomic.Uint64))
		own := bytes.Repeat([]byte{1}, 100_000)
		head := etf.AppendBinary(nil, own)[:5]
		s := &Signal{Kind: Send, From: here, To: there, Payload: etf.Raw{Bytes: head}, Parts: etf.Parts{{At: 5, Bytes: own}}}
		larges, err := o.append(t.Context(), nil, []*Signal{s}, false, false)
		if err != nil || len(larges) != 1 {
			t.Fatal(len(larges), err)
		}
		<-o.wake
		go o.drain()
		synctest.Wait() // it is in the second call
		gone := false
		go func() {
			o.abandon(larges[0])
			clear(own)
			gone = true
		}()
		synctest.Wait()
		if gone {
			t.Error("given up while the memory was being read")
		}
		close(goOn)
		synctest.Wait()
		if !gone || calls < 100 || bytes.Contains(seen, []byte{0}) {
			t.Errorf("given up: %v; %d calls, which saw %d zeros", gone, calls, bytes.Count(seen, []byte{0}))
		}
	})
}

// A Send that waits when the connection ends returns, and nobody is writing any more then.
func TestPartsAndTheEnd(t *testing.T) {
	a, b := tcpPair(t)
	c := start(t, a, Config{Flags: allFlags, NetTickTime: -1})
	s, _ := inParts(t, pattern(24<<20, 3))
	sent := make(chan error, 1)
	go func() { sent <- c.Send(context.Background(), s) }()
	if _, err := io.CopyN(io.Discard, b, 1<<20); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if err := <-sent; err == nil || !s.Kept {
		t.Errorf("Send: %v, kept %v", err, s.Kept)
	}
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || !o.closed {
		t.Errorf("writing %v, closed %v", o.writing, o.closed)
	}
}

// What is left of a message when the connection ends is not copied: nobody will write it.
func TestPartsOfAnEndAreNotCopied(t *testing.T) {
	a, b := tcpPair(t)
	defer b.Close()
	c := start(t, a, Config{Flags: allFlags, NetTickTime: -1})
	const size = 64 << 20
	s, _ := inParts(t, make([]byte, size))
	sent := make(chan error, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() { sent <- c.Send(context.Background(), s) }()
	newSlowPeer(t, b, allFlags).take()
	c.Close()
	if err := <-sent; err == nil {
		t.Error("sent")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > size/2 {
		t.Errorf("%d bytes allocated", n)
	}
}

// Who gives up does not wait for what others write.
func TestPartsGivenUpAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o outbox
		step := make(chan struct{})
		o.init(carrier{
			inline: func(v net.Buffers) (n int, err error) {
				<-step
				for _, b := range v {
					n += len(b)
				}
				return n, nil
			},
			waitOut: func() error { return nil },
		}, Config{Flags: allFlags}.withDefaults(), new(atomic.Uint64))
		send := func(id uint32) *large {
			s, _ := inParts(t, make([]byte, 2<<20))
			s.From.ID += id
			o.busy = true // somebody writes: not the sender
			larges, err := o.append(t.Context(), nil, []*Signal{s}, false, false)
			if err != nil {
				t.Fatal(err)
			}
			return larges[0]
		}
		mine := send(0)
		send(1)
		go o.drain()
		given := 0
		go func() {
			o.abandon(mine)
			given++
		}()
		synctest.Wait() // its first fragments are being written
		if given != 0 {
			t.Error("given up while the memory was being read")
		}
		step <- struct{}{}
		synctest.Wait()
		if given != 1 {
			t.Error("not given up when the system call was over")
		}
		close(step)
		synctest.Wait()
	})
}
