package dist

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// readBack reads the header of the message that is being encoded as the peer does, and fails if it says something else.
func readBack(t *testing.T, c *sentAtoms, peer *atomCache, want map[int]string) {
	t.Helper()
	b := c.append(nil)
	n, atoms, err := peer.read(b)
	if err != nil || n != len(b) || len(atoms) != len(want) {
		t.Fatalf("%d of %d bytes, %d atoms of %d: %v", n, len(b), len(atoms), len(want), err)
	}
	for i, a := range atoms {
		if string(a) != want[i] {
			t.Fatalf("atom %d is %q, want %q", i, a, want[i])
		}
	}
}

// Atoms that come in every message keep their slots, whatever else comes: messages of these alone are no news. What lanes and repeats know of
// a connection lasts only as long as there is none.
func TestSentAtomsKeepWhatIsUsed(t *testing.T) {
	const hot, cold, most = 40, 10000, 100
	c, peer := newSentAtoms(), new(atomCache)
	rnd := rand.New(rand.NewPCG(1, 2))
	message := func(names []string) {
		t.Helper()
		c.reset()
		want := map[int]string{}
		for i, name := range names {
			k := c.ref(etf.Atom(name))
			if i%2 == 0 {
				k = c.refBytes([]byte(name))
			}
			if k != noRef {
				if k != len(want) {
					if want[k] != name {
						t.Fatalf("%q has the reference %d of %q", name, k, want[k])
					}
					continue
				}
				want[k] = name
			}
		}
		readBack(t, c, peer, want)
	}
	var often []string
	for i := range hot {
		often = append(often, fmt.Sprint("hot", i))
	}
	for range cold / 20 {
		names := often
		for range rnd.IntN(most) {
			names = append(names[:len(names):len(names)], fmt.Sprint("cold", rnd.IntN(cold)))
		}
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		message(names)
		message(often) // one that found no room in that message gets a slot in this
		before := c.news
		message(often)
		if c.news != before {
			t.Fatalf("%d entries for atoms that have just come", c.news-before)
		}
	}
	if len(c.held) > cacheSlots {
		t.Errorf("%d slots", len(c.held))
	}
}

// Of more atoms of one hash in one message than a set has those that come last are written out, and do not take the place of others.
func TestSentAtomsOfOneHash(t *testing.T) {
	c, peer := newSentAtoms(), new(atomCache)
	var same []string
	first := &c.set(c.hash("a0"))[0]
	for i := 0; len(same) < setSize+2; i++ {
		if a := fmt.Sprint("a", i); &c.set(c.hash(a))[0] == first {
			same = append(same, a)
		}
	}
	for range 3 {
		c.reset()
		want := map[int]string{}
		for i, a := range same {
			k := c.ref(etf.Atom(a))
			if i >= setSize {
				i = noRef
			} else {
				want[i] = a
			}
			if k != i {
				t.Errorf("%q has the reference %d, want %d", a, k, i)
			}
		}
		readBack(t, c, peer, want)
		if c.news != setSize {
			t.Errorf("%d entries", c.news)
		}
	}
	// The next to come takes the slot that has been used the longest time ago.
	c.reset()
	for _, a := range same[1:setSize] {
		c.ref(etf.Atom(a))
	}
	c.reset()
	c.ref(etf.Atom(same[setSize]))
	readBack(t, c, peer, map[int]string{0: same[setSize]})
	for i, a := range same {
		if c.has(a) != (1 <= i && i <= setSize) {
			t.Errorf("of %d it has number %d: %v", len(same), i, c.has(a))
		}
	}
}
