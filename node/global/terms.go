package global

import (
	"github.com/erlnode/erlnode/etf"
)

// fields reads a tuple that may have any shape.
type fields struct{ etf.Tuple }

// atom is the element at i, "" if that is no atom or there is none.
func (f fields) atom(i int) atom {
	if i >= len(f.Tuple) {
		return ""
	}
	a, _ := f.Tuple[i].(atom)
	return a
}

func (f fields) tagged(tag atom, arity int) bool { return len(f.Tuple) == arity && f.atom(0) == tag }

// pidOf is the pid at i of a tuple of n.
func pidOf(t etf.Term, n, i int) (etf.Pid, bool) {
	tuple, _ := t.(etf.Tuple)
	if len(tuple) != n {
		return etf.Pid{}, false
	}
	pid, ok := tuple[i].(etf.Pid)
	return pid, ok
}

// option finds {Tag, Value} in a list.
func option(t etf.Term, tag atom) etf.Term {
	list, _ := t.(etf.List)
	for _, e := range list {
		if pair, _ := e.(etf.Tuple); len(pair) == 2 && pair[0] == etf.Term(tag) {
			return pair[1]
		}
	}
	return nil
}

// each calls f with every element of a proper list, and reports whether it is one and f has taken all.
func each(t etf.Term, f func(etf.Term) bool) bool {
	list, ok := t.(etf.List)
	if !ok {
		return false
	}
	for _, e := range list {
		if !f(e) {
			return false
		}
	}
	return true
}

// nameOps reads [{Name, Pid, Method}].
func nameOps(t etf.Term) (ops []op, ok bool) {
	return ops, each(t, func(e etf.Term) bool {
		o, ok := nameOp(e)
		ops = append(ops, o)
		return ok
	})
}

func nameOp(t etf.Term) (op, bool) {
	tuple, _ := t.(etf.Tuple)
	if len(tuple) != 3 {
		return op{}, false
	}
	pid, ok := tuple[1].(etf.Pid)
	return op{true, tuple[0], pid, tuple[2]}, ok
}

// opsOf reads [{insert, {Name, Pid, Method}} | {delete, Name}].
func opsOf(t etf.Term) (ops []op, ok bool) {
	return ops, each(t, func(e etf.Term) bool {
		tuple, _ := e.(etf.Tuple)
		switch f := (fields{tuple}); {
		case f.tagged("insert", 2):
			o, ok := nameOp(tuple[1])
			ops = append(ops, o)
			return ok
		case f.tagged("delete", 2):
			ops = append(ops, op{name: tuple[1]})
			return true
		}
		return false
	})
}

// versionsOf reads [Node | {Node, Version}].
func versionsOf(t etf.Term) (nodes []nodeVersion, ok bool) {
	return nodes, each(t, func(e etf.Term) bool {
		switch e := e.(type) {
		case atom:
			nodes = append(nodes, nodeVersion{node: e})
			return true
		case etf.Tuple:
			if len(e) == 2 {
				n, ok1 := e[0].(atom)
				v, ok2 := e[1].(etf.Int)
				nodes = append(nodes, nodeVersion{n, int(min(max(v, 0), 1<<20))})
				return ok1 && ok2
			}
		}
		return false
	})
}

// externalsOf reads [{Name, Pid, Node}].
func externalsOf(t etf.Term) (ext []external, ok bool) {
	return ext, each(t, func(e etf.Term) bool {
		tuple, _ := e.(etf.Tuple)
		if len(tuple) != 3 {
			return false
		}
		pid, ok1 := tuple[1].(etf.Pid)
		node, ok2 := tuple[2].(atom)
		ext = append(ext, external{key(tuple[0]), tuple[0], pid, node})
		return ok1 && ok2
	})
}
