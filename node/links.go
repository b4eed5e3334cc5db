package node

import (
	"github.com/erlnode/erlnode/etf"
)

// links are the ends of links that a process holds, each for another pid. Most processes have few, which lie side by side; only for
// many there is an index. Process.mu guards them.
type links struct {
	all   []link
	index map[etf.Pid]int32 // the place in all; nil as long as there are few
}

// fewLinks is how many are looked through without an index.
const fewLinks = 8

func (ls *links) len() int { return len(ls.all) }

// get returns the link with a process, nil if there is none. It may be changed through the pointer until a link comes or goes.
func (ls *links) get(to etf.Pid) *link {
	if i := ls.find(to); i >= 0 {
		return &ls.all[i]
	}
	return nil
}

func (ls *links) find(to etf.Pid) int {
	if ls.index != nil {
		if i, ok := ls.index[to]; ok {
			return int(i)
		}
		return -1
	}
	for i := range ls.all {
		if ls.all[i].from == to {
			return i
		}
	}
	return -1
}

// set adds a link, or changes the one with that process.
func (ls *links) set(l link) {
	if old := ls.get(l.from); old != nil {
		*old = l
		return
	}
	ls.all = append(ls.all, l)
	switch {
	case ls.index != nil:
		ls.index[l.from] = int32(len(ls.all) - 1)
	case len(ls.all) > fewLinks:
		ls.reindex()
	}
}

func (ls *links) reindex() {
	ls.index = make(map[etf.Pid]int32, len(ls.all))
	for i := range ls.all {
		ls.index[ls.all[i].from] = int32(i)
	}
}

// remove takes out the link with a process, if there is one.
func (ls *links) remove(to etf.Pid) {
	i := ls.find(to)
	if i < 0 {
		return
	}
	last := len(ls.all) - 1
	if last == 0 {
		*ls = links{}
		return
	}
	if ls.index != nil {
		delete(ls.index, to)
		if i < last {
			ls.index[ls.all[last].from] = int32(i)
		}
	}
	ls.all[i] = ls.all[last]
	ls.all[last] = link{}
	ls.all = ls.all[:last]
}

// over takes out the links over a connection.
func (ls *links) over(s *session) (gone []link) {
	n := 0
	for i := range ls.all {
		if ls.all[i].session == s {
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case len(ls.all):
		gone = ls.all
		*ls = links{}
		return gone
	}
	gone, rest := make([]link, 0, n), make([]link, 0, len(ls.all)-n)
	for _, l := range ls.all {
		if l.session == s {
			gone = append(gone, l)
		} else {
			rest = append(rest, l)
		}
	}
	*ls = links{all: rest}
	if len(rest) > fewLinks {
		ls.reindex()
	}
	return gone
}
