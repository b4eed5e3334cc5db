package node

import (
	"runtime"
	"testing"
	"time"
	"weak"
)

// The notices of a lost connection, received or not, do not hold it.
func TestNoticesHoldNoConnection(t *testing.T) {
	for _, kind := range []string{"link", "monitor"} {
		t.Run(kind, func(t *testing.T) {
			c := newCluster(t)
			a, b := c.start("a@test"), c.start("b@test")
			p, q := trapping(t, a), b.Open()
			if kind == "link" {
				p.Link(q.Self())
			} else if _, err := p.Monitor(q.Self()); err != nil {
				t.Fatal(err)
			}
			settled(t, p, b)
			over, err := a.connected("b@test")
			if err != nil {
				t.Fatal(err)
			}
			s := weak.Make(over)
			b.Close()
			m, err := p.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(5 * time.Second); s.Value() != nil; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%v holds the connection", m)
				}
				runtime.GC()
			}
			runtime.KeepAlive(m)
			runtime.KeepAlive(p)
		})
	}
}
