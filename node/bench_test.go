package node

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

type small struct {
	_ struct{} `etf:"n,tuple"`
	N int
}

// BenchmarkFlood is a stream of small messages from some processes to as many others, at home or over a TCP connection to
// another node in the same program, until all have arrived. One operation is a message.
func BenchmarkFlood(b *testing.B) {
	c := newCluster(b)
	x, y := c.start("a@test"), c.start("b@test")
	for _, bench := range []struct {
		name     string
		from, to *Node
	}{{"there", x, y}, {"here", x, x}} {
		for _, pairs := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", bench.name, pairs), func(b *testing.B) {
				each := (b.N + pairs - 1) / pairs
				var all sync.WaitGroup
				b.ReportAllocs()
				for range pairs {
					p, q := bench.from.Open(), bench.to.Open()
					all.Go(func() {
						for i := range each {
							if err := p.Send(q.Self(), small{N: i}); err != nil {
								b.Error(err)
								return
							}
						}
					})
					all.Go(func() {
						for i := range each {
							m, err := q.Receive(b.Context())
							var got small
							if err != nil || m.Decode(&got) != nil || got.N != i {
								b.Error(m, err)
								return
							}
						}
					})
				}
				all.Wait()
			})
		}
	}
}

// BenchmarkDeliver is what one message costs between the connection and its receiver, without either.
func BenchmarkDeliver(b *testing.B) {
	n := newCluster(b).start("a@test")
	p := n.Open()
	p.Register("p")
	payload, err := etf.Append(nil, small{N: 1})
	if err != nil {
		b.Fatal(err)
	}
	sig := dist.Signal{Kind: dist.Send, From: etf.Pid{Node: "b@test", ID: 1, Creation: 1}, To: p.Self(), Payload: etf.Raw{Bytes: payload}}
	named := sig
	named.To, named.ToName = etf.Pid{}, "p"
	for name, sig := range map[string]*dist.Signal{"pid": &sig, "name": &named} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n.receive(sig, nil)
				if _, err := p.Receive(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConnectionLost is the end of 100,000 monitors of 1,000 processes, held by 100 processes, when their node is lost:
// one operation is all of that, until everybody has its message.
func BenchmarkConnectionLost(b *testing.B) {
	c := newCluster(b)
	x, y := c.start("a@test"), c.start("b@test")
	var watched, watchers []*Process
	for range 1000 {
		watched = append(watched, y.Open())
	}
	for range 100 {
		watchers = append(watchers, x.Open())
	}
	for b.Loop() {
		b.StopTimer()
		for _, w := range watchers {
			for _, p := range watched {
				if _, err := w.Monitor(p.Self()); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.StartTimer()
		x.Disconnect("b@test")
		for _, w := range watchers {
			for range watched {
				if _, err := w.Receive(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// BenchmarkLinksLost is the end of 100,000 links between as many processes, each with a goroutine that waits, and 100 on another node,
// when the connection is lost: one operation is all of that, until everybody has its message, and the 100,000 have ended.
func BenchmarkLinksLost(b *testing.B) {
	const many, few = 100_000, 100
	c := newCluster(b)
	x, y := c.start("a@test"), c.start("b@test")
	var ends, mallocs uint64
	for b.Loop() {
		b.StopTimer()
		var held [few]*Process
		for i := range held {
			held[i] = y.Open(TrapExit())
		}
		var all sync.WaitGroup
		for i := range many {
			p := x.Open(TrapExit())
			if err := p.Link(held[i%few].Self()); err != nil {
				b.Fatal(err)
			}
			all.Add(1)
			go func() {
				defer all.Done()
				if _, err := p.Receive(context.Background()); err != nil {
					b.Error(err)
				}
				p.Exit(nil)
			}()
		}
		settled(b, x.Open(), y)
		before := allocated()
		b.StartTimer()
		x.Disconnect("b@test")
		all.Wait()
		for _, h := range held {
			for range many / few {
				if _, err := h.Receive(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.StopTimer()
		ends, mallocs = ends+2*many, mallocs+allocated()-before
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(ends), "ns/end")
	b.ReportMetric(float64(mallocs)/float64(ends), "allocs/end")
}

// BenchmarkSetUp makes links and monitors over a connection, of some processes with 100 others, until they are there. One operation is one of them.
func BenchmarkSetUp(b *testing.B) {
	const few = 100
	for _, bench := range []struct {
		name string
		each int // with so many of one process
		set  func(p, q *Process) error
	}{
		{"Monitor", 1000, func(p, q *Process) error { _, err := p.Monitor(q.Self()); return err }},
		{"Link", 1, func(p, q *Process) error { return p.Link(q.Self()) }},
		{"Links", few, func(p, q *Process) error { return p.Link(q.Self()) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newCluster(b)
			x, y := c.start("a@test"), c.start("b@test")
			var ps, qs []*Process
			for range few {
				qs = append(qs, y.Open())
			}
			for range b.N/bench.each + 1 {
				ps = append(ps, x.Open())
			}
			last := x.Open()
			settled(b, last, y)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if err := bench.set(ps[i/bench.each], qs[i%few]); err != nil {
					b.Fatal(err)
				}
			}
			settled(b, last, y)
			b.StopTimer()
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// BenchmarkProcesses makes processes without and with a goroutine, and reports the memory that each takes while it is idle.
func BenchmarkProcesses(b *testing.B) {
	for _, spawned := range []bool{false, true} {
		b.Run(map[bool]string{false: "Open", true: "Spawn"}[spawned], func(b *testing.B) {
			n := newCluster(b).start("a@test")
			all := make([]*Process, 0, b.N)
			before := memory()
			for b.Loop() {
				if !spawned {
					all = append(all, n.Open())
					continue
				}
				p, err := n.Spawn(func(p *Process) error {
					_, err := p.Receive(p.Context())
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, p)
			}
			b.StopTimer()
			for _, p := range all { // until every one waits
				for spawned && !waits(p) {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(memory()-before)/float64(len(all))-8, "B/process")
			runtime.KeepAlive(all)
		})
	}
}

func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func waits(p *Process) bool { return p.box.waiting.Load() > 0 }
