package node

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestLinkSet compares links with a map, below and above what needs an index.
func TestLinkSet(t *testing.T) {
	a, b := new(session), new(session)
	same := func(x, y link) bool { return x.from == y.from && x.session == y.session && x.unlink == y.unlink }
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		pids := 1 + rnd.IntN(4*fewLinks)
		var set links
		want := make(map[etf.Pid]link)
		for range 300 {
			l := link{origin: origin{from: etf.Pid{Node: "a", ID: uint32(rnd.IntN(pids))}}, session: a, unlink: rnd.Uint64()}
			if rnd.IntN(2) == 0 {
				l.session = b
			}
			switch rnd.IntN(20) {
			case 0:
				gone := make(map[etf.Pid]link)
				over := set.over(a)
				for l := range over.all() {
					gone[l.from] = *l
				}
				for to, l := range want {
					if l.session == a {
						if !same(gone[to], l) {
							t.Fatalf("seed %d: %v over the connection has become %v", seed, l, gone[to])
						}
						delete(gone, to)
						delete(want, to)
					}
				}
				if len(gone) > 0 {
					t.Fatalf("seed %d: these are over another connection: %v", seed, gone)
				}
			case 1, 2, 3, 4, 5, 6:
				set.remove(l.from)
				delete(want, l.from)
			default:
				if old := set.get(l.from); old != nil {
					*old = l
				} else {
					set.add(l)
				}
				want[l.from] = l
			}
			got := make(map[etf.Pid]link)
			for l := range set.all() {
				got[l.from] = *l
			}
			if set.len() != len(want) || !maps.EqualFunc(got, want, same) {
				t.Fatalf("seed %d: got %v, want %v", seed, got, want)
			}
			for to := range uint32(pids) {
				pid := etf.Pid{Node: "a", ID: to}
				w, ok := want[pid]
				if l := set.get(pid); (l != nil) != ok || ok && !same(*l, w) {
					t.Fatalf("seed %d: %v: got %v, want %v", seed, pid, l, w)
				}
			}
		}
	}
}
