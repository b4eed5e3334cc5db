package dist

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// randomTerm is a term with atoms of all lengths in all places; few of them are many, so that the slots of the cache are fought over.
func randomTerm(rnd *rand.Rand, few, depth int) etf.Term {
	atom := func() etf.Atom {
		i := rnd.IntN(few)
		switch i % 11 {
		case 0:
			return etf.Atom(strings.Repeat("å", 200)) + etf.Atom(fmt.Sprint(i%7)) // over 255 bytes
		case 1:
			return etf.Atom(fmt.Sprint("a_longer_name_", i))
		case 2:
			return ""
		}
		return etf.Atom(fmt.Sprint("a", i))
	}
	switch k := rnd.IntN(14); {
	case k < 4:
		return atom()
	case k == 4:
		return etf.Int(rnd.Int64() >> rnd.IntN(64))
	case k == 5:
		return etf.Float(rnd.Float64())
	case k == 6:
		return etf.Binary(make([]byte, rnd.IntN(40)))
	case k == 7:
		return etf.Pid{Node: atom() + "@h", ID: rnd.Uint32N(1 << 15), Creation: 5}
	case k == 8:
		return etf.Ref{Node: atom() + "@h", Creation: 5, Len: 3, Words: [5]uint32{1, 2, 3}}
	case k == 9:
		return etf.Export{Module: atom(), Function: atom(), Arity: 2}
	case depth == 0:
		return etf.List{}
	case k == 10:
		m := etf.Map{}
		for i := range rnd.IntN(4) {
			m = append(m, etf.Pair{Key: etf.Int(i), Value: randomTerm(rnd, few, depth-1)})
		}
		return m
	case k == 11:
		l := etf.List{}
		for range rnd.IntN(4) {
			l = append(l, randomTerm(rnd, few, depth-1))
		}
		return l
	}
	u := etf.Tuple{}
	for range rnd.IntN(5) {
		u = append(u, randomTerm(rnd, few, depth-1))
	}
	return u
}

// TestLanesAmongOthers sends in every way at once, over a socket that is often full, with flags of all kinds, and reads what goes out as
// anybody would: each sender's messages have to come in the order of its calls, and whole.
func TestLanesAmongOthers(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	again := 0
	for _, without := range []handshake.Flags{0, handshake.Fragments, handshake.SendSender, handshake.Fragments | handshake.SendSender, handshake.AltactSig, handshake.DistHdrAtomCache, handshake.DistHdrAtomCache | handshake.Fragments} {
		for _, few := range []int{5, 40, 4000} {
			t.Run(fmt.Sprintf("without %#x, %d atoms", uint64(without), few), func(t *testing.T) { again += lanesAmongOthers(t, allFlags&^without, few, seed) })
		}
	}
	if again == 0 {
		t.Error("no message went through a lane")
	}
}

func lanesAmongOthers(t *testing.T, flags handshake.Flags, few int, seed uint64) (again int) {
	const senders, each = 5, 400
	a, b := tcpPair(t)
	a.(*net.TCPConn).SetWriteBuffer(64 << 10)
	c := New(a, Config{Self: self, Peer: peer, Flags: flags, Handle: func(*Signal) {}, SendBuffer: 4 << 10, NetTickTime: 10 * time.Second, NetTickIntensity: 5000})
	var running, sending sync.WaitGroup
	running.Go(func() { c.Run() })
	var mu sync.Mutex
	want := make([][]string, senders)
	for i := range senders {
		sending.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			from := etf.Pid{Node: self, ID: uint32(100 + 32*i), Creation: 5}
			var same etf.Term
			for n := range each {
				s := &Signal{Kind: Send, From: from, To: etf.Pid{Node: peer, ID: uint32(rnd.IntN(2)), Creation: 2}}
				if rnd.IntN(2) == 0 {
					s.To, s.ToName = etf.Pid{}, "a name"
				}
				if n%20 == 0 || rnd.IntN(30) == 0 {
					same = randomTerm(rnd, few, 4)
				}
				term := etf.Tuple{etf.Int(i), etf.Int(n), same}
				if rnd.IntN(60) == 0 {
					term = append(term, etf.Binary(make([]byte, rnd.IntN(300<<10))))
				}
				if i == 0 { // one who has always something new to say
					for range few / 100 {
						term = append(term, etf.Atom(fmt.Sprint("a", rnd.IntN(few))))
					}
				}
				s.Payload = raw(t, term)
				signals, k := []*Signal{s}, rnd.IntN(40)
				ref := etf.Ref{Node: self, Creation: 5, Len: 3, Words: [5]uint32{rnd.Uint32(), rnd.Uint32(), 7}}
				switch rnd.IntN(4) {
				case 0:
					s.To, s.ToName, s.ToRef = etf.Pid{}, "", ref
				case 1:
					signals = []*Signal{{Kind: Monitor, From: from, To: s.To, ToName: s.ToName, Ref: ref}, s}
				}
				mu.Lock()
				for _, s := range signals {
					want[i] = append(want[i], described(s, s.Payload.Bytes))
				}
				mu.Unlock()
				var err error
				switch {
				case k < 30:
					var message any = term
					if k%2 == 0 {
						message = s.Payload
					}
					payload := func(b []byte, refs *etf.AtomRefs) ([]byte, bool) { return refs.Append(b, message) }
					if k%3 == 0 {
						payload = func(b []byte, refs *etf.AtomRefs) ([]byte, bool) {
							return refs.Replace(append(b, s.Payload.Bytes...), len(b))
						}
					}
					var sent bool
					switch {
					case len(signals) == 2:
						sent = c.RequestAgain(&s.From, &s.To, s.ToName, &ref, payload)
					case s.ToRef.Len > 0:
						sent = c.ReplyAgain(&s.From, &s.ToRef, payload)
					default:
						sent = c.SendAgain(&s.From, &s.To, s.ToName, payload)
					}
					if sent {
						mu.Lock()
						again++
						mu.Unlock()
						clear(s.Payload.Bytes) // it is the caller's
						break
					}
					fallthrough
				case k < 34:
					ctx, cancel := context.WithCancel(context.Background())
					if k < 3 && len(s.Payload.Bytes) > largePayload {
						go cancel() // it may be given up in the middle
					}
					for err = c.Send(ctx, signals...); err == context.Canceled; {
						err = c.Send(context.Background(), signals...)
					}
					cancel()
				case k < 37:
					err = c.Post(signals...)
				default:
					err = c.PostLater(signals...)
				}
				if err == nil && len(signals) == 2 && rnd.IntN(2) == 0 {
					end := &Signal{Kind: Demonitor, From: from, To: s.To, ToName: s.ToName, Ref: ref}
					mu.Lock()
					want[i] = append(want[i], described(end, nil))
					mu.Unlock()
					if !c.DemonitorAgain(&from, &s.To, s.ToName, &ref) {
						err = c.PostLater(end)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	next := make([]int, senders)
	got, lost := 0, false
	in := inbound{few: math.MinInt, conn: &Conn{cfg: Config{Self: peer, Peer: self, Flags: flags, Handle: func(s *Signal) {
		i, plainly := int(s.From.ID-100)/32, []byte(nil)
		if s.Kind == Send {
			term, err := s.Payload.Term()
			if err != nil {
				t.Fatal(err)
			}
			i, plainly = int(term.(etf.Tuple)[0].(etf.Int)), raw(t, term).Bytes
			got++
		} else {
			s.Payload = etf.Raw{}
		}
		mu.Lock()
		due := "nothing"
		if next[i] < len(want[i]) {
			due = want[i][next[i]]
		}
		mu.Unlock()
		if is := described(s, plainly); is != due {
			t.Errorf("sender %d, signal %d is %s, want %s: %.300v", i, next[i], is, due, s.Payload)
			lost = true
		}
		next[i]++
	}}.withDefaults()}, parts: assembler{maxMessage: 1 << 20, maxOpen: senders, maxBytes: 1 << 23, patience: orphanTime}}
	for got < senders*each && !lost {
		var length [4]byte
		if _, err := io.ReadFull(b, length[:]); err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(b, packet); err != nil {
			t.Fatal(err)
		}
		if len(packet) == 0 {
			continue
		}
		if err := in.packet(packet, true); err != nil {
			t.Fatal(err)
		}
	}
	if lost {
		c.Close()
	}
	sending.Wait()
	if err := c.Flush(t.Context()); err != nil && !lost {
		t.Error(err)
	}
	if !lost { // ticks still come and go
		o := &c.out
		o.mu.Lock()
		if left := o.size - len(o.pending.buf) - len(o.current.buf); left != 0 || o.size > tickLength || len(o.senders) != 0 || o.kept != 0 {
			t.Errorf("left behind: %d bytes too many of %d counted, %d kept, %d senders", left, o.size, o.kept, len(o.senders))
		}
		o.mu.Unlock()
	}
	c.Close()
	running.Wait()
	t.Logf("%d of %d messages went through lanes", again, senders*each)
	if !c.out.pending.empty() || len(c.out.senders) != 0 {
		t.Errorf("a connection that is closed holds %d bytes and %d senders", c.out.pending.size, len(c.out.senders))
	}
	return again
}

// described tells signals apart.
func described(s *Signal, payload []byte) string {
	return fmt.Sprint(s.Kind, s.To, s.ToName, s.ToRef, s.Ref, len(payload), " ", digest(payload))
}

func digest(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
