//go:build unix

package dist

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// cpu is the processor time of this process so far, which other load on the machine does not change much.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measured runs f, which moves b.N messages, and reports what each has cost.
func measured(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	f()
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

var flagSets = []struct {
	name  string
	flags handshake.Flags
}{
	{"plain", plain},
	{"fragments", plain | handshake.Fragments},
	{"cache", allFlags},
}

// benchMessage is like what a gen_server reply or a small event is.
func benchMessage(b testing.TB) etf.Raw {
	return raw(b, etf.Tuple{etf.Atom("reply"), etf.Int(12345), etf.Atom("ok"), etf.Binary("payload")})
}

// One message encoded: the sender's part, without the socket.
func BenchmarkEncode(b *testing.B) {
	for _, f := range flagSets {
		b.Run(f.name, func(b *testing.B) {
			s := &Signal{Kind: Send, From: here, To: there, Payload: benchMessage(b)}
			e := newEncoder(f.flags)
			var buf []byte
			var marks []mark
			b.ReportAllocs()
			for b.Loop() {
				var m message
				marks, _, _ = m.prepare(s, f.flags, marks[:0], false)
				buf = e.append(buf[:0], s, &m)
			}
			b.ReportMetric(float64(len(buf)), "bytes/msg")
		})
	}
}

// One message read: header, control tuple, payload into memory of its own.
func BenchmarkDecode(b *testing.B) {
	for _, f := range flagSets {
		b.Run(f.name, func(b *testing.B) {
			s := &Signal{Kind: Send, From: there, To: here, Payload: benchMessage(b)}
			e := newEncoder(f.flags)
			first, _ := e.frame(nil, s)
			again, _ := e.frame(nil, s)
			in := inbound{conn: &Conn{cfg: Config{Self: self, Peer: peer, Flags: f.flags, Handle: func(*Signal) {}}.withDefaults()}}
			in.packet(first[4:], false)
			b.ReportAllocs()
			for b.Loop() {
				if err := in.packet(again[4:], false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchConnect(b *testing.B, flags handshake.Flags, atY func(*Signal)) (x, y *Conn) {
	p, q := tcpPair(b)
	var running sync.WaitGroup
	x = New(p, Config{Self: self, Peer: peer, Flags: flags, Handle: func(*Signal) {}})
	y = New(q, Config{Self: peer, Peer: self, Flags: flags, Handle: atY})
	running.Go(func() { x.Run() })
	running.Go(func() { y.Run() })
	b.Cleanup(func() { x.Close(); y.Close(); running.Wait() })
	return x, y
}

// Small messages one after the other, from one or from eight senders.
func BenchmarkFlood(b *testing.B) {
	for _, f := range flagSets {
		for _, senders := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", f.name, senders), func(b *testing.B) {
				done := make(chan struct{})
				n := 0
				x, _ := benchConnect(b, f.flags, func(*Signal) {
					if n++; n == b.N {
						close(done)
					}
				})
				payload := benchMessage(b)
				measured(b, func() {
					for i := range senders {
						from := here
						from.ID += uint32(i)
						go func() {
							for k := i; k < b.N; k += senders {
								x.Send(context.Background(), &Signal{Kind: Send, From: from, To: there, Payload: payload})
							}
						}()
					}
					<-done
				})
			})
		}
	}
}

// Calls: callers at one end that wait for a reply each, and one server at the other, as a process with a mailbox.
func BenchmarkCalls(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			p, q := tcpPair(b)
			var running sync.WaitGroup
			replies := make([]chan struct{}, callers)
			for i := range replies {
				replies[i] = make(chan struct{}, 1)
			}
			x := New(p, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(s *Signal) { replies[s.To.ID] <- struct{}{} }})
			box := make(chan etf.Pid, 1024)
			y := New(q, Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(s *Signal) { box <- s.From }})
			running.Go(func() { x.Run() })
			running.Go(func() { y.Run() })
			running.Go(func() {
				payload := benchMessage(b)
				for to := range box {
					y.Send(context.Background(), &Signal{Kind: Send, From: there, To: to, Payload: payload})
				}
			})
			payload := benchMessage(b)
			measured(b, func() {
				var calling sync.WaitGroup
				for i := range callers {
					calling.Go(func() {
						from := here
						from.ID = uint32(i)
						for k := i; k < b.N; k += callers {
							x.Send(context.Background(), &Signal{Kind: Send, From: from, To: there, Payload: payload})
							<-replies[i]
						}
					})
				}
				calling.Wait()
			})
			x.Close()
			y.Close()
			close(box)
			running.Wait()
		})
	}
}

// Blocks one after the other, and the same over a bare socket with large reads.
func BenchmarkStream(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("raw/%dK", size>>10), func(b *testing.B) {
			p, q := tcpPair(b)
			done := make(chan struct{})
			go func() {
				buf := make([]byte, size)
				for range b.N {
					io.ReadFull(q, buf)
				}
				close(done)
			}()
			block := make([]byte, size)
			b.SetBytes(int64(size))
			measured(b, func() {
				for range b.N {
					p.Write(block)
				}
				<-done
			})
		})
		for i, f := range []int{0, 1, 1} {
			f, release := flagSets[f], i == 2
			name := f.name
			if release {
				name += "+release"
			}
			b.Run(fmt.Sprintf("%s/%dK", name, size>>10), func(b *testing.B) {
				done := make(chan struct{})
				n := 0
				x, _ := benchConnect(b, f.flags, func(s *Signal) {
					if release {
						Release(s.Payload)
					}
					if n++; n == b.N {
						close(done)
					}
				})
				payload := raw(b, etf.Binary(make([]byte, size)))
				b.SetBytes(int64(size))
				measured(b, func() {
					for range b.N {
						x.Send(context.Background(), &Signal{Kind: Send, From: here, To: there, Payload: payload})
					}
					<-done
				})
			})
		}
	}
}

// TestIdleMemory holds what a connection costs that has had traffic and is idle now: below 32 KiB with stacks and both goroutines.
func TestIdleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("garbage is collected several times")
	}
	const pairs = 100
	measure := func() uint64 {
		for range 3 { // what is in a sync.Pool goes with the second
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := measure()
	goroutines := runtime.NumGoroutine()
	var conns []*Conn
	for range pairs {
		a, b := tcpPair(t)
		done := make(chan struct{}, 8)
		handle := func(*Signal) { done <- struct{}{} }
		x, y := connect(t, a, b, Config{Handle: handle}, Config{Handle: handle})
		for _, size := range []int{1, 10, 30_000, 100} {
			for _, c := range []*Conn{x, y} {
				s := &Signal{Kind: Send, From: here, To: there, Payload: raw(t, etf.Tuple{etf.Atom("idle"), etf.Binary(make([]byte, size))})}
				if err := c.Send(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range cap(done) {
			<-done
		}
		x.out.tick()
		y.out.tick()
		conns = append(conns, x, y)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 2*len(conns) {
		t.Errorf("%d goroutines for %d connections", n, len(conns))
	}
	each := (measure() - before) / uint64(len(conns))
	t.Logf("%d bytes for each connection", each)
	if each > 32<<10 {
		t.Errorf("%d bytes for each connection", each)
	}
	runtime.KeepAlive(conns)
}
