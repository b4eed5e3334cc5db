package global

import (
	"github.com/erlnode/erlnode/etf"
)

// conflict compares the names of two partitions. Names that are registered in both are settled one after the other, by the
// node that comes first in the order of names; the methods run on the nodes of its partition.
type conflict struct {
	id     uint64
	node   atom // the peer
	tag    int64
	names  []op // his, those that are left
	ours   []op // what changes here
	theirs []op // what changes there
	asked  *name
}

// compareNext goes on with his names until a method has to be asked.
func (m *machine) compareNext(c *conflict) {
	for len(c.names) > 0 {
		his := c.names[0]
		ours := m.names[key(his.name)]
		switch {
		case ours == nil:
			c.ours = append(c.ours, his)
		case ours.pid == his.pid:
			c.ours = append(c.ours, his) // partitions that have overlapped: not everybody here need have it
		case m.self < c.node:
			c.asked = ours
			m.do(resolve{c.id, ours.pid.Node, ours.method, his.name, his.pid, ours.pid})
			return
		}
		c.names = c.names[1:]
	}
	m.namesCompared(c)
}

// resolvedBy is an input: what a method has returned, a pid or anything else, or ok false if it could not be called: then the
// other's process stays.
func (m *machine) resolvedBy(id uint64, result etf.Term, ok bool) {
	c := m.conflicts[id]
	if c == nil || c.asked == nil {
		return
	}
	his, ours := c.names[0], c.asked
	c.names, c.asked = c.names[1:], nil
	switch {
	case !ok || result == etf.Term(his.pid):
		c.ours = append(c.ours, his)
	case result == etf.Term(ours.pid):
		c.theirs = append(c.theirs, op{true, ours.name, ours.pid, ours.method})
	default:
		gone := op{name: his.name}
		c.ours = append(c.ours, gone)
		c.theirs = append(c.theirs, gone)
	}
	m.compareNext(c)
}
