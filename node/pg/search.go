package pg

import (
	"time"

	"github.com/erlnode/erlnode/etf"
)

// A scope that starts tells the visible nodes. A hidden node would never hear of it, and so asks again.
const (
	firstSearch = 100 * time.Millisecond
	lastSearch  = 30 * time.Second
)

// search is when to ask again.
type search struct {
	next time.Time // zero for never
	wait time.Duration
}

// soon begins from the start: a node or a scope has come or gone.
func (s *search) soon(now time.Time) {
	s.wait = firstSearch
	s.next = now.Add(s.wait)
}

// again is after every attempt.
func (s *search) again(now time.Time) {
	s.wait = min(2*s.wait, lastSearch)
	s.next = now.Add(s.wait)
}

func (s *Scope) searchSoon() {
	if s.node.Hidden() {
		s.search.soon(time.Now())
	}
}

// announceAgain asks the nodes on which no scope is known. If there are none it ends the search.
func (s *Scope) announceAgain() {
	known := make(map[etf.Atom]bool)
	for pid := range s.m.peers {
		known[pid.Node] = true
	}
	found := true
	for name := range s.m.conns {
		if !known[name] {
			s.m.look(name)
			found = false
		}
	}
	if found {
		s.search = search{}
	}
}
