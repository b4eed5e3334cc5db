package rpc

import (
	"context"
	"math"
	"math/big"
	"slices"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// pure is a built-in function of its arguments alone. What it raises has the reason of the error, as errBadArg has badarg.
type pure func(args []etf.Term) (etf.Term, error)

// pures are functions to be given to an agent that runs in Go (gen.StartAgent) or to sys:replace_state, as
// Agent.update(agent, Map, :put, [:k, 1]) gives one, which have no other code here.
var pures = []struct {
	module, function etf.Atom
	arity            int
	f                pure
}{
	{"Elixir.Map", "new", 0, mapNew},
	{"Elixir.Map", "get", 2, mapGetOr},
	{"Elixir.Map", "get", 3, mapGetOr},
	{"Elixir.Map", "put", 3, mapPut},
	{"Elixir.Map", "delete", 2, mapDelete},
	{"Elixir.Map", "fetch", 2, mapFetch},
	{"Elixir.Map", "fetch!", 2, mapFetchBang},
	{"Elixir.Map", "has_key?", 2, mapHas},
	{"Elixir.Map", "merge", 2, mapMerge},
	{"Elixir.Map", "pop", 2, mapPop},
	{"Elixir.Map", "pop", 3, mapPop},
	{"Elixir.Map", "keys", 1, mapKeys},
	{"Elixir.Map", "values", 1, mapValues},
	{"Elixir.Map", "to_list", 1, mapList},
	{"maps", "new", 0, mapNew},
	{"maps", "get", 2, mapLast(mapFetchBang)},
	{"maps", "get", 3, func(a []etf.Term) (etf.Term, error) { return mapGetOr([]etf.Term{a[1], a[0], a[2]}) }},
	{"maps", "put", 3, mapLast(mapPut)},
	{"maps", "remove", 2, mapLast(mapDelete)},
	{"maps", "find", 2, mapLast(mapFetch)},
	{"maps", "is_key", 2, mapLast(mapHas)},
	{"maps", "merge", 2, mapMerge},
	{"maps", "keys", 1, mapKeys},
	{"maps", "values", 1, mapValues},
	{"maps", "to_list", 1, mapList},
	{"maps", "size", 1, mapSize},
	{"erlang", "map_size", 1, mapSize},
	{"erlang", "hd", 1, listHead},
	{"erlang", "tl", 1, listTail},
	{"erlang", "length", 1, listLength},
	{"erlang", "element", 2, tupleElement},
	{"erlang", "tuple_size", 1, tupleSize},
	{"erlang", "++", 2, listAppend},
	{"erlang", "abs", 1, absolute},
	{"erlang", "+", 2, arithmetic((*big.Int).Add, func(x, y float64) float64 { return x + y })},
	{"erlang", "-", 2, arithmetic((*big.Int).Sub, func(x, y float64) float64 { return x - y })},
	{"erlang", "*", 2, arithmetic((*big.Int).Mul, func(x, y float64) float64 { return x * y })},
}

func handlePure(n Offerer) {
	for _, b := range pures {
		n.Offer(b.module, b.function, b.arity, func(_ context.Context, _ *node.Process, raw []etf.Raw) (any, error) {
			args, err := termsOf(raw)
			if err != nil {
				return nil, err
			}
			v, err := b.f(args)
			switch err {
			case nil:
				return v, nil
			case errBadArg:
				return nil, node.BadArg(b.module, b.function, args...)
			}
			if bad, ok := err.(*etf.ReasonError); ok {
				call := etf.Tuple{b.module, b.function, etf.List(args), etf.List{}}
				return nil, &Error{Class: "error", Reason: bad.Reason, Stack: etf.List{call}}
			}
			return nil, err
		})
	}
}

func badMap(t etf.Term) error {
	return &etf.ReasonError{Reason: etf.Tuple{etf.Atom("badmap"), t}}
}

// mapLast is a function of maps, which has the map as its last argument, from that of Map, which has it first.
func mapLast(f pure) pure {
	return func(a []etf.Term) (etf.Term, error) {
		last := len(a) - 1
		return f(append([]etf.Term{a[last]}, a[:last]...))
	}
}

// find is the place of a key, or -1.
func find(m etf.Map, key etf.Term) int {
	return slices.IndexFunc(m, func(p etf.Pair) bool { return etf.Equal(p.Key, key) })
}

func mapNew([]etf.Term) (etf.Term, error) { return etf.Map{}, nil }

func mapGetOr(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	if i := find(m, a[1]); i >= 0 {
		return m[i].Value, nil
	}
	if len(a) == 3 {
		return a[2], nil
	}
	return etf.Atom("nil"), nil
}

func mapPut(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	m = slices.Clone(m)
	if i := find(m, a[1]); i >= 0 {
		m[i].Value = a[2]
		return m, nil
	}
	return append(m, etf.Pair{Key: a[1], Value: a[2]}), nil
}

func mapDelete(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	i := find(m, a[1])
	if i < 0 {
		return m, nil
	}
	return slices.Delete(slices.Clone(m), i, i+1), nil
}

// mapPop is {Value, Rest}, with the value that Map.get/2,3 gives.
func mapPop(a []etf.Term) (etf.Term, error) {
	value, err := mapGetOr(a)
	if err != nil {
		return nil, err
	}
	rest, err := mapDelete(a)
	if err != nil {
		return nil, err
	}
	return etf.Tuple{value, rest}, nil
}

func mapFetch(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	if i := find(m, a[1]); i >= 0 {
		return etf.Tuple{etf.Atom("ok"), m[i].Value}, nil
	}
	return etf.Atom("error"), nil
}

func mapFetchBang(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	if i := find(m, a[1]); i >= 0 {
		return m[i].Value, nil
	}
	return nil, &etf.ReasonError{Reason: etf.Tuple{etf.Atom("badkey"), a[1]}}
}

func mapHas(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	if find(m, a[1]) >= 0 {
		return etf.Atom("true"), nil
	}
	return etf.Atom("false"), nil
}

func mapMerge(a []etf.Term) (etf.Term, error) {
	for _, t := range a {
		if _, ok := t.(etf.Map); !ok {
			return nil, badMap(t)
		}
	}
	x, _ := sorted(a[0])
	y, _ := sorted(a[1])
	m := make(etf.Map, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		switch c := etf.CompareExact(x[0].Key, y[0].Key); {
		case c < 0:
			m, x = append(m, x[0]), x[1:]
		case c > 0:
			m, y = append(m, y[0]), y[1:]
		default:
			m, x, y = append(m, y[0]), x[1:], y[1:]
		}
	}
	return append(append(m, x...), y...), nil
}

// sorted is a map in the order of its keys, which is that of a small map in every release up to OTP 25.
func sorted(t etf.Term) (etf.Map, error) {
	m, ok := t.(etf.Map)
	if !ok {
		return nil, badMap(t)
	}
	m = slices.Clone(m)
	slices.SortFunc(m, func(x, y etf.Pair) int { return etf.CompareExact(x.Key, y.Key) })
	return m, nil
}

func mapKeys(a []etf.Term) (etf.Term, error) {
	return mapped(a[0], func(p etf.Pair) etf.Term { return p.Key })
}

func mapValues(a []etf.Term) (etf.Term, error) {
	return mapped(a[0], func(p etf.Pair) etf.Term { return p.Value })
}

func mapList(a []etf.Term) (etf.Term, error) {
	return mapped(a[0], func(p etf.Pair) etf.Term { return etf.Tuple{p.Key, p.Value} })
}

func mapped(t etf.Term, f func(etf.Pair) etf.Term) (etf.Term, error) {
	m, err := sorted(t)
	if err != nil {
		return nil, err
	}
	list := make(etf.List, len(m))
	for i, p := range m {
		list[i] = f(p)
	}
	return list, nil
}

func mapSize(a []etf.Term) (etf.Term, error) {
	m, ok := a[0].(etf.Map)
	if !ok {
		return nil, badMap(a[0])
	}
	return etf.Int(len(m)), nil
}

func listHead(a []etf.Term) (etf.Term, error) {
	switch l := a[0].(type) {
	case etf.List:
		if len(l) > 0 {
			return l[0], nil
		}
	case etf.Improper:
		return l.Elems[0], nil
	}
	return nil, errBadArg
}

func listTail(a []etf.Term) (etf.Term, error) {
	switch l := a[0].(type) {
	case etf.List:
		if len(l) > 0 {
			return l[1:], nil
		}
	case etf.Improper:
		if len(l.Elems) == 1 {
			return l.Tail, nil
		}
		return etf.Improper{Elems: l.Elems[1:], Tail: l.Tail}, nil
	}
	return nil, errBadArg
}

func listLength(a []etf.Term) (etf.Term, error) {
	if l, ok := a[0].(etf.List); ok {
		return etf.Int(len(l)), nil
	}
	return nil, errBadArg
}

// listAppend takes anything as its second argument, which is the result if the first is empty, and else makes an improper list.
func listAppend(a []etf.Term) (etf.Term, error) {
	l, ok := a[0].(etf.List)
	if !ok {
		return nil, errBadArg
	}
	if len(l) == 0 {
		return a[1], nil
	}
	switch r := a[1].(type) {
	case etf.List:
		return slices.Concat(l, r), nil
	case etf.Improper:
		return etf.Improper{Elems: slices.Concat(l, r.Elems), Tail: r.Tail}, nil
	}
	return etf.Improper{Elems: slices.Clone(l), Tail: a[1]}, nil
}

func tupleElement(a []etf.Term) (etf.Term, error) {
	i, isInt := a[0].(etf.Int)
	t, isTuple := a[1].(etf.Tuple)
	if !isInt || !isTuple || i < 1 || int64(i) > int64(len(t)) {
		return nil, errBadArg
	}
	return t[i-1], nil
}

func tupleSize(a []etf.Term) (etf.Term, error) {
	if t, ok := a[0].(etf.Tuple); ok {
		return etf.Int(len(t)), nil
	}
	return nil, errBadArg
}

// absolute is erlang:abs/1; of -0.0 it is 0.0, as since OTP 27.
func absolute(a []etf.Term) (etf.Term, error) {
	if f, ok := a[0].(etf.Float); ok {
		return etf.Float(math.Abs(float64(f))), nil
	}
	x := integer(a[0])
	if x == nil {
		return nil, errBadArg
	}
	return whole(new(big.Int).Abs(x)), nil
}

// whole is an integer as a term.
func whole(z *big.Int) etf.Term {
	if z.IsInt64() {
		return etf.Int(z.Int64())
	}
	return (*etf.Big)(z)
}

// arithmetic is an operator: on integers of any size exact, with a float among them a float. What is no number, or whose
// result is no float, is badarith.
func arithmetic(ints func(z, x, y *big.Int) *big.Int, floats func(x, y float64) float64) pure {
	badArith := &etf.ReasonError{Reason: etf.Atom("badarith")}
	return func(a []etf.Term) (etf.Term, error) {
		x, y := integer(a[0]), integer(a[1])
		if x != nil && y != nil {
			return whole(ints(new(big.Int), x, y)), nil
		}
		f, ok1 := float(a[0], x)
		g, ok2 := float(a[1], y)
		if !ok1 || !ok2 {
			return nil, badArith
		}
		z := floats(f, g)
		if z-z != 0 { // infinite
			return nil, badArith
		}
		return etf.Float(z), nil
	}
}

func integer(t etf.Term) *big.Int {
	switch t := t.(type) {
	case etf.Int:
		return big.NewInt(int64(t))
	case *etf.Big:
		return (*big.Int)(t)
	}
	return nil
}

func float(t etf.Term, i *big.Int) (float64, bool) {
	if f, ok := t.(etf.Float); ok {
		return float64(f), true
	}
	if i == nil {
		return 0, false
	}
	f, _ := new(big.Float).SetInt(i).Float64()
	return f, f-f == 0
}
