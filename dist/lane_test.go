package dist

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestLanes lets some processes send at once to some others, with atoms that vary, and new ones now and then that take the slots of others. What
// comes has to be what was sent, in the order of each sender, whichever way it went.
func TestLanes(t *testing.T) {
	const senders, each = 8, 4000
	p, q := tcpPair(t)
	next := make(map[etf.Pid]int)
	left, done := senders*each, make(chan struct{})
	x := New(p, Config{Self: self, Peer: peer, Flags: allFlags, SendBuffer: 8 << 10, Handle: func(*Signal) {}})
	y := New(q, Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(s *Signal) {
		var got struct {
			_    struct{} `etf:",tuple"`
			To   etf.Atom
			N    int
			More []etf.Atom
			Tail string
		}
		to := s.ToName
		if to == "" {
			to = etf.Atom(fmt.Sprint("p", s.To.ID))
		}
		if err := s.Payload.Decode(&got); err != nil || got.N != next[s.From] || got.To != to || got.Tail != fmt.Sprint(got.More) {
			t.Errorf("%v has sent %v to %v, %v, where %d was due", s.From, s.Payload, to, err, next[s.From])
		}
		next[s.From]++
		if left--; left == 0 {
			close(done)
		}
	}})
	var running, sending sync.WaitGroup
	running.Go(func() { x.Run() })
	running.Go(func() { y.Run() })
	var mu sync.Mutex
	again := 0
	for i := range senders {
		sending.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			from := etf.Pid{Node: self, ID: uint32(100 + 32*i), Creation: 1} // some of them share a place
			for n := range each {
				to, name := etf.Pid{Node: peer, ID: uint32(rnd.IntN(2)), Creation: 2}, etf.Atom("")
				label := etf.Atom(fmt.Sprint("p", to.ID))
				if rnd.IntN(2) == 0 {
					to, name = etf.Pid{}, "some name"
					label = name
				}
				more := make([]etf.Atom, 0, 6)
				for range rnd.IntN(5) {
					more = append(more, etf.Atom(fmt.Sprint("atom", rnd.IntN(4))))
				}
				if rnd.IntN(300) == 0 {
					more = append(more, etf.Atom(fmt.Sprint("new", n)))
				}
				message := struct {
					_    struct{} `etf:",tuple"`
					To   etf.Atom
					N    int
					More []etf.Atom
					Tail string
				}{To: label, N: n, More: more, Tail: fmt.Sprint(more)}
				b, err := etf.Append(nil, message)
				if err != nil {
					t.Error(err)
					return
				}
				if x.SendAgain(&from, &to, name, func(b []byte, refs *etf.AtomRefs) ([]byte, bool) { return refs.Append(b, message) }) {
					mu.Lock()
					again++
					mu.Unlock()
				} else if err := x.Send(context.Background(), &Signal{Kind: Send, From: from, To: to, ToName: name, Payload: etf.Raw{Bytes: b}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	sending.Wait()
	<-done
	if again == 0 {
		t.Error("no message went through a lane")
	}
	t.Logf("%d of %d messages went through lanes", again, senders*each)
	x.Close()
	y.Close()
	running.Wait()
}
