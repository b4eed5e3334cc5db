package dist

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// streamOf frames packets.
func streamOf(packets ...[]byte) []byte {
	var b []byte
	for _, p := range packets {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

// FuzzStream feeds whatever a peer may send to what the reader goroutine runs. Nothing panics, every signal that comes out
// has a kind, and what it hands over survives the packets after it.
func FuzzStream(f *testing.F) {
	for _, flags := range []handshake.Flags{allFlags, allFlags &^ handshake.DistHdrAtomCache &^ handshake.Fragments} {
		var b []byte
		for _, s := range []*Signal{
			{Kind: Send, From: etf.Pid{Node: peer, ID: 1, Creation: 2}, To: etf.Pid{Node: self, ID: 3, Creation: 4}, Payload: etf.Raw{Bytes: []byte{106}}},
			{Kind: Exit, From: etf.Pid{Node: peer, ID: 1, Creation: 2}, To: etf.Pid{Node: self, ID: 3, Creation: 4}, Payload: etf.Raw{Bytes: []byte{97, 1}}},
			{Kind: Unlink, From: etf.Pid{Node: peer, ID: 1, Creation: 2}, To: etf.Pid{Node: self, ID: 3, Creation: 4}, ID: 9},
			{Kind: SpawnReply, From: etf.Pid{Node: peer, ID: 1, Creation: 2}, To: etf.Pid{Node: self, ID: 3, Creation: 4}, Ref: etf.Ref{Node: self, Creation: 4, Len: 3}},
			{Kind: SpawnRequest, From: etf.Pid{Node: peer, ID: 1, Creation: 2}, Leader: etf.Pid{Node: peer, ID: 1, Creation: 2}, Ref: etf.Ref{Node: peer, Creation: 4, Len: 3}, Module: "m", Function: "f", Payload: etf.Raw{Bytes: []byte{106}}},
			{Kind: Monitor, From: etf.Pid{Node: peer, ID: 1, Creation: 2}, ToName: "x", Ref: etf.Ref{Node: peer, Creation: 4, Len: 3}},
		} {
			var err error
			if b, err = appendFrame(b, s, flags); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(flags.Has(handshake.Fragments), b)
	}
	control := etf.AppendAtom(etf.AppendAtom(nil, "a"), "b")
	f.Add(true, streamOf(append([]byte{131, 69, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0x08, 0, 1, 'x'}, control...),
		[]byte{131, 70, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 97, 1}))
	f.Add(false, streamOf([]byte{112, 131, 104, 0xff, 0xff, 0xff, 0xff}, nil))
	f.Fuzz(func(t *testing.T, header bool, stream []byte) {
		flags := allFlags
		if !header {
			flags = flags &^ handshake.DistHdrAtomCache &^ handshake.Fragments
		}
		var kept []etf.Raw
		var texts []string
		c := &Conn{cfg: Config{Self: self, Peer: peer, Flags: flags}.withDefaults()}
		c.cfg.Handle = func(s *Signal) {
			if s.Kind == 0 || s.Kind > SpawnReply {
				t.Fatalf("kind %d", s.Kind)
			}
			_ = s.String()
			kept = append(kept, s.Payload)
			texts = append(texts, s.Payload.String())
			if out, err := appendFrame(nil, s, flags); err == nil && len(out) < 4 {
				t.Fatal("an empty frame")
			}
		}
		in := inbound{
			conn:   c,
			reader: reader{src: anySource{bytes.NewReader(stream), 256}, max: 1 << 20},
			parts:  assembler{maxMessage: 1 << 20, maxOpen: 16, maxBytes: 2 << 20},
		}
		in.reader.place = in.place
		for {
			if err := in.next(); err != nil {
				_ = err.Error()
				break
			}
		}
		for i, raw := range kept {
			if raw.String() != texts[i] {
				t.Fatalf("payload %d changed from %s to %s", i, texts[i], raw)
			}
		}
	})
}

// Senders that pause for longer and shorter than inlineAfter, a small socket buffer, ticks in between: whole frames arrive,
// each sender's in order, whether a sender or the writer goroutine wrote them, and in the end nothing is left behind.
func TestWhoeverWrites(t *testing.T) {
	const senders, each = 6, 1000
	a, b := tcpPair(t)
	a.(*net.TCPConn).SetWriteBuffer(32 << 10)
	c := New(a, Config{
		Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}, SendBuffer: 32 << 10,
		NetTickTime: 10 * time.Second, NetTickIntensity: 5000,
	})
	var running, sending sync.WaitGroup
	running.Go(func() { c.Run() })
	for i := range senders {
		sending.Go(func() {
			from := etf.Pid{Node: self, ID: uint32(i + 1), Creation: 5}
			for n := range each {
				size := rand.IntN(60)
				switch rand.IntN(300) {
				case 0, 1, 2, 4, 5, 6, 7, 8, 9, 10:
					size = rand.IntN(40 << 10)
				case 3:
					size = rand.IntN(400 << 10)
				}
				s := &Signal{Kind: Send, From: from, ToName: "sink", Payload: raw(t, etf.Tuple{etf.Int(n), etf.Binary(make([]byte, size))})}
				send := func() error { return c.Send(context.Background(), s) }
				if n%3 == 0 {
					send = func() error { return c.Post(s) }
				}
				if err := send(); err != nil {
					t.Error(err)
					return
				}
				if rand.IntN(4) == 0 {
					time.Sleep(2 * inlineAfter) // not waiting for anything: the pause is what is tested
				}
			}
		})
	}
	next := make(map[etf.Pid]int)
	got := 0
	in := inbound{conn: &Conn{cfg: Config{Self: peer, Peer: self, Flags: allFlags, Handle: func(s *Signal) {
		payload, err := s.Payload.Term()
		if err != nil {
			t.Fatal(err)
		}
		if n := payload.(etf.Tuple)[0]; n != etf.Term(etf.Int(next[s.From])) {
			t.Fatalf("%v: %v where %d was due", s.From, n, next[s.From])
		}
		next[s.From]++
		got++
	}}.withDefaults()}, parts: assembler{maxMessage: 1 << 20, maxOpen: senders, maxBytes: 1 << 23}}
	for got < senders*each {
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
	sending.Wait()
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	c.Close()
	running.Wait()
	if c.out.size != 0 || !c.out.pending.empty() || len(c.out.senders) != 0 {
		t.Errorf("left behind: %d bytes counted, %d pending", c.out.size, c.out.pending.size)
	}
}
