package node

import (
	"iter"

	"github.com/erlnode/erlnode/etf"
)

// links are the ends of links that a process holds, each for another pid. Most processes have few, which lie side by side and are looked
// through; only for many there is a map. Process.mu guards them.
type links struct {
	room []link            // those there are, as long as they are few; then a place for the next ones
	many map[etf.Pid]*link // nil as long as they are few
}

const (
	fewLinks = 8
	roomSize = 16 // of what is taken at one go for many
)

func (ls *links) len() int {
	if ls.many != nil {
		return len(ls.many)
	}
	return len(ls.room)
}

// all yields the links. None may come or go meanwhile.
func (ls *links) all() iter.Seq[*link] {
	return func(yield func(*link) bool) {
		if ls.many != nil {
			for _, l := range ls.many {
				if !yield(l) {
					return
				}
			}
			return
		}
		for i := range ls.room {
			if !yield(&ls.room[i]) {
				return
			}
		}
	}
}

// get returns the link with a process, nil if there is none. It may be changed through the pointer until a link comes or goes.
func (ls *links) get(to etf.Pid) *link {
	if ls.many != nil {
		return ls.many[to]
	}
	for i := range ls.room {
		if ls.room[i].from == to {
			return &ls.room[i]
		}
	}
	return nil
}

// add adds a link with a process with which there is none.
func (ls *links) add(l link) {
	if ls.many == nil && len(ls.room) == fewLinks {
		ls.many = make(map[etf.Pid]*link, 2*fewLinks)
		for i := range ls.room {
			ls.many[ls.room[i].from] = &ls.room[i]
		}
		ls.room = nil
	}
	if ls.many == nil {
		ls.room = append(ls.room, l)
		return
	}
	if len(ls.room) == cap(ls.room) {
		ls.room = make([]link, 0, roomSize)
	}
	ls.room = append(ls.room, l)
	ls.many[l.from] = &ls.room[len(ls.room)-1]
}

// remove takes out the link with a process, if there is one.
func (ls *links) remove(to etf.Pid) {
	l := ls.get(to)
	switch {
	case l == nil:
		return
	case ls.len() == 1:
		*ls = links{}
		return
	case ls.many != nil:
		delete(ls.many, to)
	default:
		last := len(ls.room) - 1
		*l, l = ls.room[last], &ls.room[last]
		ls.room = ls.room[:last]
	}
	*l = link{}
}

// over takes out the links over a connection.
func (ls *links) over(s *session) (gone links) {
	n := 0
	for l := range ls.all() {
		if l.session == s {
			n++
		}
	}
	switch n {
	case 0:
	case ls.len():
		gone, *ls = *ls, gone
	default:
		was := *ls
		*ls = links{}
		for l := range was.all() {
			if l.session == s {
				gone.add(*l)
			} else {
				ls.add(*l)
			}
		}
	}
	return gone
}
