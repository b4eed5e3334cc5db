package dist

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/handshake"
)

// The interval is net_ticktime / net_tickintensity, and a peer silent from the start is given up after intensity of them: what OTP 25,
// 27 and 29 were seen to do with net_ticktime 4 is ticks after 1, 2 and 3 seconds and the end at 4.
func TestTickIntensity(t *testing.T) {
	for _, tt := range []struct {
		time      time.Duration
		intensity int
	}{{4 * time.Second, 4}, {time.Minute, 4}, {time.Minute, 0}, {time.Minute, 10}, {10 * time.Second, 1000}, {time.Second, 7}} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}, NetTickTime: tt.time, NetTickIntensity: tt.intensity})
			intensity := tt.intensity
			if intensity == 0 {
				intensity = 4
			}
			ticks := make(chan []time.Duration, 1)
			start := time.Now()
			go func() {
				var at []time.Duration
				for {
					if _, err := io.ReadFull(b, make([]byte, 4)); err != nil {
						ticks <- at
						return
					}
					at = append(at, time.Since(start))
				}
			}()
			if err := c.Run(); err != ErrTickTimeout {
				t.Error(err)
			}
			interval := tt.time / time.Duration(intensity)
			if got := time.Since(start); got != interval*time.Duration(intensity) {
				t.Errorf("%v/%d: given up after %v", tt.time, intensity, got)
			}
			at := <-ticks
			if len(at) != intensity-1 {
				t.Fatalf("%v/%d: %d ticks", tt.time, intensity, len(at))
			}
			for i, d := range at {
				if d != interval*time.Duration(i+1) {
					t.Errorf("%v/%d: tick %d after %v", tt.time, intensity, i, d)
				}
			}
		})
	}
}

// A peer is alive as long as its bytes come or its ticks do, however long one message takes in either direction.
func TestBusyIsNotSilent(t *testing.T) {
	const tickTime = 4 * time.Second
	big := &Signal{Kind: Send, From: here, To: there, Payload: sized(t, 300_000)}

	// A message comes in so slowly that it takes ten net_ticktimes, and no tick can come inside of it.
	incoming := func(t *testing.T, flags handshake.Flags) {
		a, b := net.Pipe()
		got := make(chan Signal, 1)
		c := New(a, Config{Self: peer, Peer: self, Flags: flags, NetTickTime: tickTime, Handle: func(s *Signal) { got <- *s }})
		ended := make(chan error, 1)
		go func() { ended <- c.Run() }()
		go io.Copy(io.Discard, b)
		e := newEncoder(flags)
		frame, err := e.frame(nil, big)
		if err != nil {
			t.Fatal(err)
		}
		for len(frame) > 0 {
			n := min(len(frame), 22_000)
			if _, err := b.Write(frame[:n]); err != nil {
				t.Fatal(err)
			}
			frame = frame[n:]
			time.Sleep(tickTime - time.Second)
		}
		if s := <-got; len(s.Payload.Bytes) != len(big.Payload.Bytes) {
			t.Errorf("%d bytes came", len(s.Payload.Bytes))
		}
		c.Close()
		if err := <-ended; err != ErrDisconnect {
			t.Error(err)
		}
	}

	// We send one, which the peer reads so slowly that it takes ten net_ticktimes; it ticks. Nothing of ours gets between the bytes.
	outgoing := func(t *testing.T, flags handshake.Flags) {
		a, b := net.Pipe()
		c := New(a, Config{Self: self, Peer: peer, Flags: flags, NetTickTime: tickTime, Handle: func(*Signal) {}})
		ended := make(chan error, 1)
		go func() { ended <- c.Run() }()
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(tickTime / 4):
					b.Write(make([]byte, 4))
				}
			}
		}()
		sent := make(chan error, 1)
		go func() { sent <- c.Send(t.Context(), big) }()
		p := newSlowPeer(t, slowly{b}, flags)
		p.takeSignals(1)
		if err := <-sent; err != nil || len(p.got[0].Payload.Bytes) != len(big.Payload.Bytes) {
			t.Errorf("%v, %d bytes", err, len(p.got[0].Payload.Bytes))
		}
		close(stop)
		c.Close()
		if err := <-ended; err != ErrDisconnect {
			t.Error(err)
		}
		b.Close()
	}
	for name, flags := range map[string]handshake.Flags{"whole": plain, "fragments": allFlags} {
		t.Run("incoming/"+name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { incoming(t, flags) }) })
		t.Run("outgoing/"+name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { outgoing(t, flags) }) })
	}
}

// slowly reads at most 22,000 bytes every three seconds.
type slowly struct{ net.Conn }

func (s slowly) Read(b []byte) (int, error) {
	if len(b) > 1000 {
		time.Sleep(3 * time.Second)
	}
	return s.Conn.Read(b[:min(len(b), 22_000)])
}

// Another net_ticktime of the peer, shorter or longer, is not our business as long as it is heard of within ours: a peer that ticks
// three times in our net_ticktime stays up, and one that ticks less than once is given up, as BEAM nodes treat each other.
func TestOtherTickTimes(t *testing.T) {
	for _, tt := range []struct {
		every time.Duration
		up    bool
	}{{time.Second, true}, {15 * time.Second, true}, {59 * time.Second, true}, {2 * time.Minute, false}} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			c := New(a, Config{Self: self, Peer: peer, Flags: allFlags, Handle: func(*Signal) {}})
			ended := make(chan error, 1)
			go func() { ended <- c.Run() }()
			go io.Copy(io.Discard, b)
			var err error
			for end := time.Now().Add(10 * time.Minute); err == nil && time.Now().Before(end); {
				time.Sleep(tt.every)
				_, err = b.Write(make([]byte, 4))
			}
			if up := err == nil; up != tt.up {
				t.Errorf("a tick every %v: up is %v", tt.every, up)
			}
			c.Close()
			if err := <-ended; tt.up != (err == ErrDisconnect) || !tt.up && err != ErrTickTimeout {
				t.Errorf("a tick every %v: %v", tt.every, err)
			}
		})
	}
}

// A hidden peer that is silent is sent ticks also while we send it messages; a visible one is not.
func TestTicksToHidden(t *testing.T) {
	for _, visible := range []bool{false, true} {
		k := ticker{intensity: 4, hidden: !visible}
		if send, _ := k.tick(100, 100, false); send {
			t.Error("a tick though bytes went both ways")
		}
		if send, _ := k.tick(100, 200, false); send == visible {
			t.Errorf("visible %v: a tick to a silent peer that we have written to: %v", visible, send)
		}
		if send, _ := k.tick(100, 300, true); send {
			t.Error("a tick behind output that waits")
		}
	}
}
