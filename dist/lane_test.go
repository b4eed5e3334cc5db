package dist

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
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

// TestLaneRefuses: what a lane does not take is left to Send, and the lane is there for the next message.
func TestLaneRefuses(t *testing.T) {
	p, q := tcpPair(t)
	var got []string
	left := make(chan int, 100)
	x := New(p, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}})
	y := New(q, Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(s *Signal) {
		got = append(got, s.Payload.String())
		left <- len(got)
	}})
	var running sync.WaitGroup
	running.Go(func() { x.Run() })
	running.Go(func() { y.Run() })
	from, to := here, there
	say := func(v any) PayloadFunc {
		return func(b []byte, refs *etf.AtomRefs) ([]byte, bool) { return refs.Append(b, v) }
	}
	var want []string
	usually := func(v any) {
		t.Helper()
		b, err := etf.Append(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Send(t.Context(), &Signal{Kind: Send, From: from, To: to, Payload: etf.Raw{Bytes: b}}); err != nil {
			t.Fatal(err)
		}
		want = append(want, etf.Raw{Bytes: b}.String())
	}
	again := func() { // until there is a lane, and then through it
		t.Helper()
		for range 200 {
			if x.SendAgain(&from, &to, "", say(etf.Atom("hello"))) {
				want = append(want, "hello")
				return
			}
			usually(etf.Atom("hello"))
		}
		t.Fatal("there is no lane")
	}
	for _, c := range []struct {
		name    string
		payload PayloadFunc
	}{
		{"an atom that the peer does not have", say(etf.Atom("a new one"))},
		{"no value", say(make(chan int))},
		{"nothing", func(b []byte, _ *etf.AtomRefs) ([]byte, bool) { return b, true }},
		{"too long", say(make([]byte, lanePayload+1))},
	} {
		again()
		if x.SendAgain(&from, &to, "", c.payload) {
			t.Errorf("%s: was sent", c.name)
		}
		usually(etf.Atom("hello"))
	}
	again()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic is hidden")
			}
		}()
		x.SendAgain(&from, &to, "", func([]byte, *etf.AtomRefs) ([]byte, bool) { panic("not mine") })
	}()
	for _, payload := range []PayloadFunc{
		func([]byte, *etf.AtomRefs) ([]byte, bool) { return []byte{97, 7}, true },                   // in its own memory
		func(b []byte, _ *etf.AtomRefs) ([]byte, bool) { return append(b[:0:0], 97, 7), true },      // so, too
		func(b []byte, _ *etf.AtomRefs) ([]byte, bool) { return append(b[:0], 97, 7), true },        // over what there was, which is nothing
		func(b []byte, _ *etf.AtomRefs) ([]byte, bool) { return append(b, 0, 97, 7)[1:], true },     // elsewhere in ours
		func(b []byte, _ *etf.AtomRefs) ([]byte, bool) { return append(b, 97, 7)[:2:cap(b)], true }, // as it should be
	} {
		if !x.SendAgain(&from, &to, "", payload) {
			t.Error("a payload was not sent")
		}
		want = append(want, "7")
	}
	if !x.SendAgain(&from, &to, "", say(etf.Atom("hello"))) {
		t.Error("a panic has cost the lane")
	}
	want = append(want, "hello")
	for <-left < len(want) {
	}
	x.Close()
	y.Close()
	running.Wait()
	if !slices.Equal(got, want) {
		t.Errorf("came: %q\nsent: %q", got, want)
	}
}

// A peer that takes no aliases, or no monitors, is sent none through a lane either: Send leaves them out.
func TestLanesOfOldPeers(t *testing.T) {
	for _, without := range []handshake.Flags{handshake.Alias, handshake.DistMonitor, 0} {
		p, q := tcpPair(t)
		x := New(p, Config{Self: self, Peer: peer, Flags: allFlags &^ without, Handle: func(*Signal) {}})
		var running sync.WaitGroup
		running.Go(func() { x.Run() })
		running.Go(func() { io.Copy(io.Discard, q) })
		hello := raw(t, etf.Atom("hello"))
		say := func(b []byte, refs *etf.AtomRefs) ([]byte, bool) { return refs.Append(b, hello) }
		replies, requests, ends := 0, 0, 0
		for range 100 {
			if x.ReplyAgain(&here, &yours, say) {
				replies++
			} else if err := x.Send(t.Context(), &Signal{Kind: Send, From: here, ToRef: yours, Payload: hello}); err != nil {
				t.Fatal(err)
			}
			if x.RequestAgain(&here, &there, "", &mine, say) {
				requests++
			} else if err := x.Send(t.Context(), &Signal{Kind: Monitor, From: here, To: there, Ref: mine}, &Signal{Kind: Send, From: here, To: there, Payload: hello}); err != nil {
				t.Fatal(err)
			}
			if x.DemonitorAgain(&here, &there, "", &mine) {
				ends++
			} else if err := x.PostLater(&Signal{Kind: Demonitor, From: here, To: there, Ref: mine}); err != nil {
				t.Fatal(err)
			}
		}
		if noReplies := without == handshake.Alias; noReplies != (replies == 0) {
			t.Errorf("without %#x: %d replies through a lane", uint64(without), replies)
		}
		if noRequests := without == handshake.DistMonitor; noRequests != (requests == 0) || noRequests != (ends == 0) {
			t.Errorf("without %#x: %d requests and %d ends of monitors through a lane", uint64(without), requests, ends)
		}
		x.Close()
		q.Close()
		running.Wait()
	}
}
