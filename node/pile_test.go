package node

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

func numbered(n uint32) Message {
	return Message{bytes: binary.BigEndian.AppendUint32(nil, n)}
}

func numberOf(m Message) uint32 { return binary.BigEndian.Uint32(m.bytes) }

// Whatever comes in, one by one and in bunches of any size, is taken out in its order, and counted; what is thrown away is not.
func TestPile(t *testing.T) {
	for _, limit := range []int{0, 1 << 20} {
		p := newCluster(t).start("a@test").Open(MailboxLimit(limit))
		b := &p.box
		random := rand.New(rand.NewPCG(1, uint64(limit)))
		var want []uint32 // what is in the mailbox
		var next uint32
		bunch := make([]Message, 0, bunchSize)
		piled := 0
		p.box.taking.Lock()
		p.mu.Lock()
		for step := range 20_000 {
			switch r := random.IntN(100); {
			case r < 30:
				b.put(numbered(next), false)
				want = append(want, next)
				next++
			case r < 60:
				n := 1 + random.IntN(bunchSize)
				if step%3 == 0 {
					n = bunchSize
				}
				for range n {
					bunch = append(bunch, numbered(next))
					want = append(want, next)
					next++
				}
				if p.pushAllLocked(&bunch); len(bunch) != 0 {
					t.Fatal("a bunch that was delivered is not empty")
				}
			case r < 61:
				drop := func(m Message) bool { return numberOf(m)%5 == 0 }
				b.remove(drop)
				want = slices.DeleteFunc(want, func(n uint32) bool { return n%5 == 0 })
			case r < 62:
				b.grow(random.IntN(300))
			case r < 99:
				for range random.IntN(60) {
					var m Message
					ok := b.next(&m)
					if ok != (len(want) > 0) {
						t.Fatalf("step %d: there is a message: %v; there are to be %d", step, ok, len(want))
					}
					if !ok {
						break
					}
					if got := numberOf(m); got != want[0] {
						t.Fatalf("step %d: message %d, want %d", step, got, want[0])
					}
					want = want[1:]
				}
			default: // the receiver catches up
				for range want {
					var m Message
					if !b.next(&m) || numberOf(m) != want[0] {
						t.Fatalf("step %d: another message than %d", step, want[0])
					}
					want = want[1:]
				}
			}
			if b.len() != len(want) {
				t.Fatalf("step %d: %d messages, want %d", step, b.len(), len(want))
			}
			if b.pile != nil && b.pile.n > 0 {
				piled++
				if len(b.in) == 0 {
					t.Fatalf("step %d: a pile, and nothing on top: receivers that wait would not hear", step)
				}
			}
			if step%1000 == 0 {
				var all []uint32
				for _, m := range b.all() {
					all = append(all, numberOf(m))
				}
				if !slices.Equal(all, want) {
					t.Fatalf("step %d: all are %d messages, or others; want %d", step, len(all), len(want))
				}
			}
		}
		if piled < 1000 {
			t.Errorf("a pile in %d steps only", piled)
		}
		b.clear()
		p.mu.Unlock()
		p.box.taking.Unlock()
	}
}

// A receiver that has taken everything keeps no more room than that of a short queue.
func TestPileGone(t *testing.T) {
	p := newCluster(t).start("a@test").Open()
	const many = 100_000
	for i := range uint32(many) {
		p.deliver(numbered(i), nil)
	}
	for i := range uint32(many) {
		m, err := p.Receive(t.Context())
		if err != nil || numberOf(m) != i {
			t.Fatal(i, err)
		}
	}
	p.box.taking.Lock()
	defer p.box.taking.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	var m Message
	if p.box.next(&m) {
		t.Error("one more message")
	}
	if room := cap(p.box.in) + cap(p.box.out) + p.box.pile.room(); room > keptMessages {
		t.Errorf("room for %d messages is kept", room)
	}
	if b := p.box.pile; b != nil && cap(b.pieces) > keptPieces {
		t.Errorf("room for %d pieces is kept", cap(b.pieces))
	}
}

// Each of several receivers is woken while there is a message for it, wherever that is.
func TestPileWakesAll(t *testing.T) {
	p := newCluster(t).start("a@test").Open()
	const receivers = 4
	for range receivers { // all of them find nothing, and are about to wait
		var m Message
		if ok, err := p.take(&m); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	p.deliver(numbered(0), nil)
	bunch := make([]Message, 0, bunchSize)
	for i := range uint32(bunchSize) {
		bunch = append(bunch, numbered(1+i))
	}
	p.mu.Lock()
	p.pushAllLocked(&bunch)
	p.mu.Unlock()
	p.box.lender.Store(new(session))
	if (*receiver)(p).Alone() {
		t.Errorf("one that has %d messages has to do with one", p.Messages())
	}
	p.box.lender.Store(nil)
	for i := range uint32(receivers) {
		select {
		case <-p.box.wake:
			p.box.waiting.Add(-1)
		default:
			t.Fatalf("receiver %d is not woken, with %d messages there", i, p.Messages())
		}
		var m Message
		if ok, err := p.take(&m); !ok || err != nil || numberOf(m) != i {
			t.Fatal(ok, err, i)
		}
	}
}

// Pieces that the receiver is through with become the next ones, as long as it lags behind by as much.
func TestPileTakesNoMemory(t *testing.T) {
	p := newCluster(t).start("a@test").Open()
	bunch := make([]Message, 0, bunchSize)
	m := numbered(1)
	lag := func(bunches int) {
		for range bunches {
			for range bunchSize {
				bunch = append(bunch, m)
			}
			p.mu.Lock()
			p.pushAllLocked(&bunch)
			p.mu.Unlock()
		}
	}
	lag(6)
	if n := testing.AllocsPerRun(1000, func() {
		lag(1)
		for range bunchSize {
			var m Message
			if ok, err := p.take(&m); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	}); n > 0.5 {
		t.Errorf("%v allocations a bunch", n)
	}
}
