package node

import (
	"errors"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// What does not wait is sent as long as the connection takes something, in order with the rest, and fails at once when it does not.
func TestSendNoSuspend(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a@test", func(c *Config) { c.Dist.SendBuffer = 1 << 16 }), c.start("b@test")
	p, q := a.Open(), b.Open()
	if err := p.SendNoSuspend(0, q.Self(), etf.Int(1)); !errors.Is(err, ErrNoConnection) {
		t.Errorf("without a connection: %v", err)
	}
	if err := p.Send(q.Self(), etf.Int(2)); err != nil {
		t.Fatal(err)
	}
	id := a.ConnectionID(b.Name())
	for i, connection := range []uint32{0, id} {
		if err := p.SendNoSuspend(connection, q.Self(), etf.Int(3+i)); err != nil {
			t.Errorf("over connection %d: %v", connection, err)
		}
	}
	if err := p.SendNoSuspend(id+1, q.Self(), etf.Int(9)); !errors.Is(err, ErrNoConnection) {
		t.Errorf("over another connection: %v", err)
	}
	if err := p.SendNoSuspend(0, p, etf.Int(5)); err != nil {
		t.Errorf("to a process here: %v", err)
	}
	for _, want := range []string{"2", "3", "4"} {
		expect(t, q, want)
	}
	expect(t, p, "5")

	stranger(t, a, "frozen@test", false)
	if _, err := a.session(t.Context(), "frozen@test"); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 1 << 12 {
		if err = p.SendNoSuspend(0, strangers("frozen@test"), make([]byte, 1<<15)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrNoSuspend) {
		t.Errorf("to a peer that does not read: %v", err)
	}
	p.Exit(nil)
	if err := p.SendNoSuspend(0, q.Self(), etf.Int(6)); err == nil {
		t.Error("a process that has exited sends")
	}
}
