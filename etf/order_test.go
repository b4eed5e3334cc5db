package etf_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// ordered is a line of a file that testdata/etf/terms.erl has made.
type ordered struct {
	where        string
	data         []byte // nil for long terms
	term         etf.Term
	loose, exact int // places in the two orders
	hash         uint32
	noHash       bool // the hash is not known
}

// readTerms returns the lines of each release's file.
func readTerms(t testing.TB) map[string][]ordered {
	t.Helper()
	files, err := filepath.Glob("../testdata/etf/terms-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	all := map[string][]ordered{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		release := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "terms-"), ".txt")
		for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			cols := strings.Split(line, "\t")
			if len(cols) != 4 {
				t.Fatalf("%s:%d: %d columns", file, i+1, len(cols))
			}
			o := ordered{where: fmt.Sprintf("%s:%d", filepath.Base(file), i+1)}
			hash, err := strconv.ParseUint(cols[3], 10, 32)
			if err != nil && cols[3] != "-" {
				t.Fatalf("%s: %v", o.where, err)
			}
			o.hash, o.noHash = uint32(hash), err != nil
			if kind, n, long := strings.Cut(cols[0], ":"); long {
				o.term = sizedTerm(t, kind, n)
			} else {
				o.data = unhex(t, cols[0])
				if o.term, _, err = etf.Decode(o.data); err != nil {
					t.Fatalf("%s: %v", o.where, err)
				}
				o.loose, _ = strconv.Atoi(cols[1])
				if o.exact, err = strconv.Atoi(cols[2]); err != nil {
					o.exact = -1 // not known
				}
			}
			all[release] = append(all[release], o)
		}
	}
	return all
}

// sizedTerm makes the terms that terms.erl does not write out.
func sizedTerm(t testing.TB, kind, n string) etf.Term {
	size, err := strconv.Atoi(n)
	if err != nil {
		t.Fatal(err)
	}
	var b etf.Binary
	var l etf.List
	var nested etf.Term = etf.Atom("x")
	for i := range size {
		switch kind {
		case "bin":
			b = append(b, byte(i%251))
		case "list":
			l = append(l, etf.Int(i%251))
		case "nested":
			nested = etf.Tuple{nested}
		}
	}
	switch kind {
	case "bin":
		return b
	case "list":
		return l
	case "nested":
		return nested
	}
	t.Fatalf("kind %q", kind)
	return nil
}

func sign(d int) int { return cmp.Compare(d, 0) }

// TestCompareOTP compares each term with each, as real OTP has done.
func TestCompareOTP(t *testing.T) {
	for release, lines := range readTerms(t) {
		n := 0
		for _, a := range lines {
			if a.data == nil {
				continue
			}
			for _, b := range lines {
				if b.data == nil {
					continue
				}
				n++
				if got, want := etf.Compare(a.term, b.term), cmp.Compare(a.loose, b.loose); sign(got) != want {
					t.Fatalf("%s, %s: Compare(%.200s, %.200s) = %d, OTP %s has %d", a.where, b.where, a.term, b.term, got, release, want)
				}
				if a.exact < 0 || b.exact < 0 {
					continue
				}
				if got, want := etf.CompareExact(a.term, b.term), cmp.Compare(a.exact, b.exact); sign(got) != want {
					t.Fatalf("%s, %s: CompareExact(%.200s, %.200s) = %d, OTP %s has %d", a.where, b.where, a.term, b.term, got, release, want)
				}
				if got, want := etf.Equal(a.term, b.term), a.exact == b.exact; got != want {
					t.Fatalf("%s, %s: Equal(%.200s, %.200s) = %t, OTP %s has %t", a.where, b.where, a.term, b.term, got, release, want)
				}
			}
		}
		if n < 100_000 {
			t.Errorf("OTP %s: %d pairs, want more", release, n)
		}
	}
}

// TestSort sorts as lists:sort/1 does.
func TestSort(t *testing.T) {
	for release, lines := range readTerms(t) {
		lines = slices.DeleteFunc(lines, func(o ordered) bool { return o.data == nil })
		rand.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		slices.SortFunc(lines, func(a, b ordered) int { return etf.Compare(a.term, b.term) })
		if !slices.IsSortedFunc(lines, func(a, b ordered) int { return cmp.Compare(a.loose, b.loose) }) {
			t.Errorf("not in the order of OTP %s", release)
		}
	}
}

func TestPHash2OTP(t *testing.T) {
	for _, lines := range readTerms(t) {
		for _, o := range lines {
			if o.noHash {
				continue
			}
			checkHash(t, o.where, o.term, o.hash)
		}
	}
	text, err := os.ReadFile("../testdata/etf/phash2_vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 88 {
		t.Errorf("%d vectors, want 88", len(lines))
	}
	for _, line := range lines {
		cols := strings.Fields(line)
		data, err := hex.DecodeString(cols[0])
		if err != nil {
			t.Fatal(err)
		}
		term, _, err := etf.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(etf.PHash2(term), etf.PHash2N(term, 1<<32), etf.PHash2N(term, 10)); got != strings.Join(cols[1:4], " ") {
			t.Errorf("%s: %s, OTP has %s", term, got, cols[1:4])
		}
	}
}

func checkHash(t *testing.T, where string, term etf.Term, want uint32) {
	t.Helper()
	if got := etf.PHash2N(term, 1<<32); got != want {
		t.Errorf("%s: PHash2N(%.200s) = %d, OTP has %d", where, term, got, want)
	}
	if got := etf.PHash2(term); got != want&(1<<27-1) {
		t.Errorf("%s: PHash2(%.200s) = %d, OTP has %d", where, term, got, want&(1<<27-1))
	}
	if got := etf.PHash2N(term, 1000); got != want%1000 || etf.PHash2N(term, 1) != 0 || etf.PHash2N(term, 0) != want {
		t.Errorf("%s: PHash2N(%.200s, 1000) = %d, OTP has %d", where, term, got, want%1000)
	}
}

// TestDeterministicOTP gives maps in another order and wants that of term_to_binary with option deterministic.
func TestDeterministicOTP(t *testing.T) {
	for release, lines := range readTerms(t) {
		maps := 0
		for _, o := range lines {
			if o.data == nil {
				continue
			}
			want := o.data
			opts := []etf.Option{etf.Deterministic()}
			if release != "25" { // later releases write ports with another tag
				opts = append(opts, etf.OTP(27))
				want = append([]byte{etf.Version}, mustAppend(t, o.term)...)
			}
			shuffled := reverseMaps(o.term, &maps)
			got, err := etf.AppendDeterministic([]byte{etf.Version}, shuffled)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %.100s: %v\n%x, OTP %s has\n%x", o.where, shuffled, err, got, release, o.data)
			}
			got, err = etf.Marshal(shuffled, opts...)
			if err != nil || !bytes.Equal(got, o.data) {
				t.Errorf("%s: Marshal %.100s: %v\n%x, OTP %s has\n%x", o.where, shuffled, err, got, release, o.data)
			}
		}
		if maps < 100 {
			t.Errorf("%d maps in the vectors of OTP %s", maps, release)
		}
	}
}

// reverseMaps turns the order of all maps in t around.
func reverseMaps(t etf.Term, count *int) etf.Term {
	each := func(ts []etf.Term) []etf.Term {
		var out []etf.Term
		for _, e := range ts {
			out = append(out, reverseMaps(e, count))
		}
		return out
	}
	switch t := t.(type) {
	case etf.Tuple:
		return etf.Tuple(each(t))
	case etf.List:
		return etf.List(each(t))
	case etf.Improper:
		return etf.Improper{Elems: each(t.Elems), Tail: reverseMaps(t.Tail, count)}
	case etf.Map:
		var out etf.Map
		for _, p := range slices.Backward(t) {
			out = append(out, etf.Pair{Key: reverseMaps(p.Key, count), Value: reverseMaps(p.Value, count)})
		}
		if len(t) > 1 {
			*count++
		}
		return out
	case *etf.Record:
		r := *t
		r.Fields = slices.Clone(t.Fields)
		for i := range r.Fields {
			r.Fields[i].Value = reverseMaps(r.Fields[i].Value, count)
		}
		return &r
	}
	return t
}

// TestCompareForms compares values in forms that are never decoded, and values that are no terms.
func TestCompareForms(t *testing.T) {
	small := func(i int64) *etf.Big { return (*etf.Big)(big.NewInt(i)) }
	for _, c := range []struct {
		a, b         etf.Term
		loose, exact int
	}{
		{small(1), etf.Int(1), 0, 0},
		{small(1), etf.Float(1), 0, -1},
		{etf.Float(0), etf.Float(math.Copysign(0, -1)), 0, 1},
		{etf.Int(0), etf.Float(math.Copysign(0, -1)), 0, -1},
		{etf.Int(math.MaxInt64), etf.Float(1 << 63), -1, -1},
		{etf.Int(math.MinInt64), etf.Float(-1 << 63), 0, -1},
		{etf.Int(1<<53 + 1), etf.Float(1 << 53), 1, -1},
		{etf.Float(math.NaN()), etf.Int(0), -1, 1},
		{etf.Float(math.NaN()), etf.Float(math.Inf(-1)), -1, -1},
		{etf.Float(math.Inf(1)), etf.Int(math.MaxInt64), 1, 1},
		{etf.Float(math.Inf(-1)), etf.Int(math.MinInt64), -1, 1},
		{etf.Improper{Elems: []etf.Term{etf.Int(1)}, Tail: etf.List{etf.Int(2)}}, etf.List{etf.Int(1), etf.Int(2)}, 0, 0},
		{etf.BitString{Bytes: []byte("a"), Bits: 8}, etf.Binary("a"), 0, 0},
		{etf.BitString{Bytes: []byte{0xff}, Bits: 2}, etf.BitString{Bytes: []byte{0xc0}, Bits: 2}, 0, 0},
		{nil, etf.Int(-1), -1, -1},
		{nil, (*etf.Fun)(nil), 0, 0},
		{(*etf.Big)(nil), (*etf.Record)(nil), 0, 0},
		{&etf.Fun{Module: "m", Arity: 1}, &etf.Fun{Module: "m", Arity: 2}, 0, -1},
		{etf.Ref{Node: "a", Len: 1, Words: [5]uint32{1}}, etf.Ref{Node: "a", Len: 2, Words: [5]uint32{1}}, 0, -1},
	} {
		for _, f := range []struct {
			name string
			got  int
			want int
		}{
			{"Compare", etf.Compare(c.a, c.b), c.loose},
			{"Compare, turned", -etf.Compare(c.b, c.a), c.loose},
			{"CompareExact", etf.CompareExact(c.a, c.b), c.exact},
			{"CompareExact, turned", -etf.CompareExact(c.b, c.a), c.exact},
		} {
			if sign(f.got) != f.want {
				t.Errorf("%s(%v, %v) = %d, want %d", f.name, c.a, c.b, f.got, f.want)
			}
		}
	}
}

// TestCompareHostile: neither nesting nor maps in keys of maps take stack or time without bound.
func TestCompareHostile(t *testing.T) {
	deep := func(leaf etf.Term, wrap func(etf.Term) etf.Term, n int) etf.Term {
		for range n {
			leaf = wrap(leaf)
		}
		return leaf
	}
	tuple := func(t etf.Term) etf.Term { return etf.Tuple{t} }
	a, b := deep(etf.Int(1), tuple, 1_000_000), deep(etf.Int(2), tuple, 1_000_000)
	if d := etf.Compare(a, b); d != 0 {
		t.Errorf("a million levels: %d", d)
	}
	etf.PHash2(a)
	if _, err := etf.AppendDeterministic(nil, a); err == nil {
		t.Error("AppendDeterministic of a million levels: no error")
	}
	a, b = deep(etf.Int(1), tuple, 50_000), deep(etf.Int(2), tuple, 50_000)
	if d := etf.Compare(a, b); d >= 0 {
		t.Errorf("50,000 levels: %d", d)
	}
	// two keys that are maps of two keys that are maps of two keys…, in the wrong order, and different at the bottom only
	var tree func(n int, leaf etf.Int) etf.Term
	tree = func(n int, leaf etf.Int) etf.Term {
		if n == 0 {
			return leaf
		}
		return etf.Map{{tree(n-1, leaf+1<<n), etf.Int(1)}, {tree(n-1, leaf), etf.Int(2)}}
	}
	if d := etf.Compare(tree(12, 0), tree(12, 0)); d != 0 {
		t.Errorf("trees of keys: %d", d)
	}
	if d := etf.Compare(tree(12, 0), tree(12, 1)); d >= 0 {
		t.Errorf("trees of keys: %d", d)
	}
}

// FuzzCompare: both orders are total, and agree with Equal.
func FuzzCompare(f *testing.F) {
	add := func(terms ...string) {
		var b []byte
		for _, s := range terms {
			b = append(b, mustAppend(f, mustParse(f, s))...)
		}
		f.Add(b)
	}
	add("1", "1.0", "2")
	add("9007199254740993", "9007199254740992.0", "9007199254740994")
	add("18446744073709551616", "1.8446744073709552e19", "#{}")
	add("#{1=>a,1.0=>b}", "#{1.0=>a,1=>b}", "#{1=>b,1.0=>a}")
	add("[a|b]", "[a]", "[a,b]")
	add("<<1:1>>", "<<128>>", "<<>>")
	add("#Ref<a@b/1.1.2.3>", "#Ref<a@b/1.1.2>", "#Pid<a@b.1.2/3>")
	add("fun a:b/1", "0.0", "-0.0")
	f.Fuzz(func(t *testing.T, data []byte) {
		r := etf.NewReader(etf.Raw{Bytes: data})
		var ts []etf.Term
		for range 3 {
			term, err := r.Term()
			if err != nil {
				return
			}
			ts = append(ts, term)
		}
		for name, compare := range map[string]func(a, b etf.Term) int{"Compare": etf.Compare, "CompareExact": etf.CompareExact} {
			for _, a := range ts {
				if compare(a, a) != 0 {
					t.Fatalf("%s(%v, itself) is not 0", name, a)
				}
				for _, b := range ts {
					ab := sign(compare(a, b))
					if ab != -sign(compare(b, a)) {
						t.Fatalf("%s is not antisymmetric: %v, %v", name, a, b)
					}
					if equal := etf.Equal(a, b); equal && ab != 0 || name == "CompareExact" && equal != (ab == 0) {
						t.Fatalf("%s(%v, %v) = %d, Equal %t", name, a, b, ab, equal)
					}
					for _, c := range ts {
						if bc, ac := sign(compare(b, c)), sign(compare(a, c)); ab <= 0 && bc <= 0 && ac > 0 || ab == 0 && bc == 0 && ac != 0 {
							t.Fatalf("%s is not transitive: %v, %v, %v", name, a, b, c)
						}
					}
				}
			}
		}
		if etf.Equal(ts[0], ts[1]) && etf.PHash2(ts[0]) != etf.PHash2(ts[1]) {
			t.Fatalf("%v and %v are equal and hash to other", ts[0], ts[1])
		}
		d, err := etf.AppendDeterministic(nil, etf.Tuple(ts))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := (etf.Raw{Bytes: d}).Term(); err != nil || !etf.Equal(back, etf.Tuple(ts)) {
			t.Fatalf("%v comes back as %v, %v", etf.Tuple(ts), back, err)
		}
	})
}
