package node

import (
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// A name stands for who has it when a message comes, not for who had it when the one before came.
func TestNameMovesOn(t *testing.T) {
	both(t, func(t *testing.T, a, b *Node) {
		p := a.Open()
		to := Name{"moving", b.Name()}
		send := func(text string) {
			if err := p.Send(to, etf.Atom(text)); err != nil && a != b {
				t.Fatal(err)
			}
			settled(t, p, b)
		}
		send("nobody")
		first := b.Open(Register("moving"))
		send("one")
		send("two")
		b.Unregister("moving")
		send("nobody again")
		second := b.Open(Register("moving"))
		send("three")
		second.Exit(nil)
		send("nobody any more")
		if err := first.Register("moving"); err != nil {
			t.Fatal(err)
		}
		send("four")
		for _, want := range []string{"one", "two", "four"} {
			expect(t, first, want)
		}
		if n := first.Messages(); n != 0 {
			t.Errorf("%d messages more", n)
		}
	})
}
