package etf

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
)

// Compare orders terms as Erlang's < and == do. It returns a negative number if a < b, 0 if a == b, and a positive number
// if a > b:
//
//	number < atom < reference < fun < port < pid < tuple < native record < map < [] < list < bit string
//
// Integers and floats compare by their value, exactly, so 1 == 1.0 and 0.0 == -0.0. The keys of maps compare as
// CompareExact does. slices.SortFunc(terms, etf.Compare) sorts as lists:sort/1.
//
// It is a total order of all terms of up to 100,000 levels; what lies deeper counts as equal. Values that are no terms, as
// a nil Term, are equal to each other and less than all terms, and a Float that is NaN is less than other numbers.
//
// Erlang does not promise the order of identifiers of different nodes, nor that of funs; it is the one of OTP 25 to 29.
//
// Source: erts_cmp_compound of utils.c in ERTS.
func Compare(a, b Term) int {
	var c comparer
	return c.compare(a, b, false, hardDepth+1)
}

// CompareExact orders terms as the keys of a map are ordered, by maps:iterator/2 with ordered among others. It differs
// from Compare in numbers: every integer is less than every float, and -0.0 less than 0.0, as since OTP 27. Where
// CompareExact returns 0, Equal reports true, and the other way round.
func CompareExact(a, b Term) int {
	var c comparer
	return c.compare(a, b, true, hardDepth+1)
}

// The order of kinds.
const (
	orderNone = iota // no term
	orderNumber
	orderAtom
	orderRef
	orderFun
	orderPort
	orderPid
	orderTuple
	orderRecord
	orderMap
	orderNil
	orderList
	orderBits
)

// orderOf returns the kind of a term that is normal.
func orderOf(t Term) int {
	switch t := t.(type) {
	case Int, Float:
		return orderNumber
	case *Big:
		if t != nil {
			return orderNumber
		}
	case Atom:
		return orderAtom
	case Ref:
		return orderRef
	case Export:
		return orderFun
	case *Fun:
		if t != nil {
			return orderFun
		}
	case Port:
		return orderPort
	case Pid:
		return orderPid
	case Tuple:
		return orderTuple
	case *Record:
		if t != nil {
			return orderRecord
		}
	case Map:
		return orderMap
	case List:
		if len(t) == 0 {
			return orderNil
		}
		return orderList
	case Improper:
		return orderList
	case Binary, BitString:
		return orderBits
	}
	return orderNone
}

// comparer compares two terms.
type comparer struct {
	// sorted holds maps whose associations had to be sorted, by their first association: a key that is a map itself is
	// compared with many others, and its keys with many, and without this that would be exponential in the nesting.
	sorted map[*Pair]Map
}

func (c *comparer) compare(a, b Term, exact bool, depth int) int {
	if depth <= 0 {
		return 0
	}
	if a, ok := a.(Atom); ok {
		if b, ok := b.(Atom); ok {
			return strings.Compare(string(a), string(b))
		}
	}
	a, b = normal(a), normal(b)
	kind := orderOf(a)
	if other := orderOf(b); kind != other {
		return cmp.Compare(kind, other)
	}
	switch kind {
	case orderNumber:
		return compareNumbers(a, b, exact)
	case orderAtom:
		return strings.Compare(string(a.(Atom)), string(b.(Atom)))
	case orderRef:
		return compareRefs(a.(Ref), b.(Ref), exact)
	case orderFun:
		return c.funs(a, b, exact, depth)
	case orderPort:
		a, b := a.(Port), b.(Port)
		return cmp.Or(strings.Compare(string(a.Node), string(b.Node)), cmp.Compare(a.Creation, b.Creation), cmp.Compare(a.ID, b.ID))
	case orderPid:
		a, b := a.(Pid), b.(Pid)
		return comparePids(a, b)
	case orderTuple:
		a, b := a.(Tuple), b.(Tuple)
		if len(a) != len(b) {
			return cmp.Compare(len(a), len(b))
		}
		return c.terms(a, b, exact, depth)
	case orderRecord:
		return c.records(a.(*Record), b.(*Record), exact, depth)
	case orderMap:
		return c.maps(a.(Map), b.(Map), exact, depth)
	case orderList:
		return c.lists(a, b, exact, depth)
	case orderBits:
		return compareBits(a, b)
	}
	return 0 // both are [], or no terms
}

// terms compares as many terms as both slices have.
func (c *comparer) terms(a, b []Term, exact bool, depth int) int {
	for i := range min(len(a), len(b)) {
		if d := c.compare(a[i], b[i], exact, depth-1); d != 0 {
			return d
		}
	}
	return 0
}

// lists compares lists that are not empty: element by element, and what follows the shorter with what is left of the other.
func (c *comparer) lists(a, b Term, exact bool, depth int) int {
	as, atail := consOf(a)
	bs, btail := consOf(b)
	if d := c.terms(as, bs, exact, depth); d != 0 {
		return d
	}
	switch {
	case len(as) == len(bs):
		return c.compare(atail, btail, exact, depth-1)
	case len(as) < len(bs): // a tail is no list itself, so that kinds alone decide
		if orderOf(atail) > orderList {
			return 1
		}
		return -1
	case orderOf(btail) > orderList:
		return -1
	}
	return 1
}

func consOf(t Term) ([]Term, Term) {
	if t, ok := t.(Improper); ok {
		return t.Elems, t.Tail
	}
	return t.(List), List(nil)
}

// maps compares by size, then by the keys in their order, then by the values in that order.
func (c *comparer) maps(a, b Map, exact bool, depth int) int {
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	if len(a) == 0 {
		return 0
	}
	a, b = c.sort(a, depth), c.sort(b, depth)
	for i := range a {
		if d := c.compare(a[i].Key, b[i].Key, true, depth-1); d != 0 {
			return d
		}
	}
	for i := range a {
		if d := c.compare(a[i].Value, b[i].Value, exact, depth-1); d != 0 {
			return d
		}
	}
	return 0
}

// sort returns the associations of m in the order of their keys.
func (c *comparer) sort(m Map, depth int) Map {
	if s, ok := c.sorted[&m[0]]; ok && len(s) == len(m) {
		return s
	}
	order := func(p, q Pair) int { return c.compare(p.Key, q.Key, true, depth-1) }
	s := m
	if !slices.IsSortedFunc(m, order) {
		s = slices.Clone(m)
		slices.SortStableFunc(s, order)
	}
	if slices.ContainsFunc(m, func(p Pair) bool { return compound(p.Key) }) {
		if c.sorted == nil {
			c.sorted = make(map[*Pair]Map)
		}
		c.sorted[&m[0]] = s
	}
	return s
}

// compound reports whether there may be terms in t.
func compound(t Term) bool {
	switch t.(type) {
	case Tuple, List, Improper, Map, *Fun, *Record:
		return true
	}
	return false
}

// funs compares closures by module, index, uniq and environment, and puts all of them before external funs.
func (c *comparer) funs(a, b Term, exact bool, depth int) int {
	f, local := a.(*Fun)
	g, other := b.(*Fun)
	switch {
	case local != other && local:
		return -1
	case local != other:
		return 1
	case !local:
		a, b := a.(Export), b.(Export)
		return cmp.Or(strings.Compare(string(a.Module), string(b.Module)), strings.Compare(string(a.Function), string(b.Function)),
			cmp.Compare(a.Arity, b.Arity))
	}
	d := cmp.Or(strings.Compare(string(f.Module), string(g.Module)), cmp.Compare(f.OldIndex, g.OldIndex),
		cmp.Compare(f.OldUniq, g.OldUniq), cmp.Compare(len(f.Free), len(g.Free)))
	if d == 0 {
		d = c.terms(f.Free, g.Free, exact, depth)
	}
	if d == 0 && exact { // Equal compares all there is
		d = cmp.Or(cmp.Compare(f.Arity, g.Arity), bytes.Compare(f.Uniq[:], g.Uniq[:]), cmp.Compare(f.Index, g.Index), comparePids(f.Pid, g.Pid))
	}
	return d
}

func (c *comparer) records(a, b *Record, exact bool, depth int) int {
	d := cmp.Or(strings.Compare(string(a.Module), string(b.Module)), strings.Compare(string(a.Name), string(b.Name)),
		cmp.Compare(truth(a.Exported), truth(b.Exported)), cmp.Compare(len(a.Fields), len(b.Fields)))
	for i := 0; i < len(a.Fields) && d == 0; i++ {
		d = strings.Compare(string(a.Fields[i].Name), string(b.Fields[i].Name))
	}
	for i := 0; i < len(a.Fields) && d == 0; i++ {
		d = c.compare(a.Fields[i].Value, b.Fields[i].Value, exact, depth-1)
	}
	return d
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func comparePids(a, b Pid) int {
	return cmp.Or(cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.ID, b.ID),
		strings.Compare(string(a.Node), string(b.Node)), cmp.Compare(a.Creation, b.Creation))
}

// compareRefs compares by node, then by words, of which the last counts most and missing ones are 0.
func compareRefs(a, b Ref, exact bool) int {
	if d := cmp.Or(strings.Compare(string(a.Node), string(b.Node)), cmp.Compare(a.Creation, b.Creation)); d != 0 {
		return d
	}
	for i := maxRefWords - 1; i >= 0; i-- {
		if d := cmp.Compare(a.Words[i], b.Words[i]); d != 0 {
			return d
		}
	}
	if exact {
		return cmp.Compare(a.Len, b.Len)
	}
	return 0
}

// compareBits compares bit by bit; what is the beginning of another is less.
func compareBits(a, b Term) int {
	ab, alast, abits := splitBits(a)
	bb, blast, bbits := splitBits(b)
	n := min(len(ab), len(bb))
	if d := bytes.Compare(ab[:n], bb[:n]); d != 0 {
		return d
	}
	switch {
	case len(ab) > n:
		alast, abits = ab[n], 8
	case len(bb) > n:
		blast, bbits = bb[n], 8
	}
	common := min(abits, bbits)
	return cmp.Or(cmp.Compare(alast>>(8-common), blast>>(8-common)), cmp.Compare(len(ab), len(bb)), cmp.Compare(abits, bbits))
}

// splitBits returns the whole bytes of a bit string, and the byte with the bits that follow them.
func splitBits(t Term) (whole []byte, last byte, bits uint8) {
	switch t := t.(type) {
	case Binary:
		whole = t
	case BitString:
		n := len(t.Bytes) - 1
		if n < 0 || t.Bits > 8 {
			return t.Bytes, 0, 0
		}
		return t.Bytes[:n], t.Bytes[n] &^ (0xff >> t.Bits), t.Bits
	}
	return whole, 0, 0
}

func compareNumbers(a, b Term, exact bool) int {
	f, isFloat := a.(Float)
	g, otherFloat := b.(Float)
	switch {
	case isFloat && otherFloat:
		d := cmp.Compare(f, g)
		if d == 0 && exact {
			d = cmp.Compare(truth(math.Signbit(float64(g))), truth(math.Signbit(float64(f))))
		}
		return d
	case exact && isFloat:
		return 1
	case exact && otherFloat:
		return -1
	case isFloat:
		return -compareToFloat(b, float64(f))
	case otherFloat:
		return compareToFloat(a, float64(g))
	}
	i, small := a.(Int)
	j, otherSmall := b.(Int)
	switch {
	case small && otherSmall:
		return cmp.Compare(i, j)
	case small: // b lies outside the range of Int
		return -b.(*Big).int().Sign()
	case otherSmall:
		return a.(*Big).int().Sign()
	}
	return a.(*Big).int().Cmp(b.(*Big).int())
}

// compareToFloat compares an integer with a float by their exact values.
func compareToFloat(t Term, f float64) int {
	switch {
	case math.IsNaN(f) || math.IsInf(f, -1):
		return 1
	case math.IsInf(f, 1):
		return -1
	}
	if t, ok := t.(*Big); ok {
		i := t.int()
		if i.BitLen() > 1024 || math.Abs(f) < 1<<62 { // no float has more bits than that
			return i.Sign()
		}
		whole, _ := big.NewFloat(f).Int(nil)
		return i.Cmp(whole)
	}
	i := int64(t.(Int))
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	return cmp.Or(cmp.Compare(i, int64(whole)), cmp.Compare(whole, f))
}
