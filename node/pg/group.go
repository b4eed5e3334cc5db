package pg

import (
	"fmt"
	"slices"

	"github.com/erlnode/erlnode/etf"
)

// group is the members of one group, everybody's and this node's own. The lists have the newest member last, the reverse
// of pg.erl's, because here that end is the cheap one.
type group struct {
	name  etf.Term
	all   []etf.Pid
	local []etf.Pid
}

// change is who joins and who leaves one group. A pid stands in it as often as it joins or leaves; each list begins with
// the pid that is to be first in the group.
type change struct {
	key         string
	name        etf.Term
	add, remove []etf.Pid
}

// key tells names of groups apart as =:= does: two terms have the same key if they are the same term.
func key(name etf.Term) (string, error) {
	var room [64]byte
	b := room[:0]
	var err error
	switch name.(type) {
	case etf.Atom, etf.Binary, etf.Int:
		b, err = etf.AppendTerm(b, name)
	default:
		b, err = etf.AppendDeterministic(b, name)
	}
	return string(b), err
}

// toTerm makes a term of what users give as the name of a group.
func toTerm(v any) (etf.Term, error) {
	if t, ok := v.(etf.Term); ok {
		return t, nil
	}
	b, err := etf.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("pg: %v (%T) as the name of a group: %w", v, v, err)
	}
	t, _, err := etf.Decode(b)
	return t, err
}

// newest returns a copy of a list with the newest member first, as pg:get_members/1 does.
func newest(list []etf.Pid) []etf.Pid {
	if len(list) == 0 {
		return nil
	}
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

// join adds pids to a list, the first of them last.
func join(list, pids []etf.Pid) []etf.Pid {
	list = slices.Grow(list, len(pids))
	for _, p := range slices.Backward(pids) {
		list = append(list, p)
	}
	return list
}

// few is up to how many pids are looked for one by one.
const few = 8

// leave takes each of pids out of a list once, and returns those that were there, in their order. It is -- of Erlang, and
// as there the newest of a pid's memberships goes.
func leave(list, pids []etf.Pid) (rest, left []etf.Pid) {
	if len(pids) <= few {
		for _, p := range pids {
			for i := len(list) - 1; i >= 0; i-- {
				if list[i] == p {
					list = slices.Delete(list, i, i+1)
					left = append(left, p)
					break
				}
			}
		}
		return list, left
	}
	counts := make(map[etf.Pid]int, len(pids))
	for _, p := range pids {
		counts[p]++
	}
	keep := len(list)
	for i := len(list) - 1; i >= 0; i-- {
		if p := list[i]; counts[p] > 0 {
			counts[p]--
		} else {
			keep--
			list[keep] = p
		}
	}
	// What is still counted was not there.
	for _, p := range slices.Backward(pids) {
		if counts[p] > 0 {
			counts[p]--
		} else {
			left = append(left, p)
		}
	}
	slices.Reverse(left)
	n := copy(list, list[keep:])
	clear(list[n:])
	return list[:n], left
}
