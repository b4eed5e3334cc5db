package etf_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/erlnode/erlnode/etf"
)

func ExampleCompare() {
	ts := []etf.Term{etf.Binary("b"), etf.Atom("a"), etf.Float(1.5), etf.Int(2), etf.Tuple{}, etf.List{}}
	slices.SortFunc(ts, etf.Compare)
	fmt.Println(etf.List(ts))
	fmt.Println(etf.Compare(etf.Int(1), etf.Float(1)) == 0, etf.Equal(etf.Int(1), etf.Float(1)))
	// Output:
	// [1.5,2,a,{},[],<<"b">>]
	// true false
}

// PHash2N says on which of several nodes a key lives, when BEAM nodes choose by phash2 too.
func ExamplePHash2N() {
	fmt.Println(etf.PHash2N(etf.Binary("user:123"), 10))
	// Output: 2
}

func ExampleAsResult() {
	for _, text := range []string{`{ok, 42}`, `{error, enoent}`, `{ok, <<"text">>}`} {
		t, _ := etf.Parse(text)
		b, _ := etf.Append(nil, t)
		n, err := etf.AsResult[int](etf.Raw{Bytes: b})
		fmt.Println(n, err)
	}
	// Output:
	// 42 <nil>
	// 0 error: enoent
	// 0 etf: offset 6: binary for Go type int, want integer
}

// color is an Enum: see its method Atoms.
func ExampleEnum() {
	b, _ := etf.Append(nil, []color{red, blue})
	fmt.Println(etf.Raw{Bytes: b})
	// Output: [red,blue]
}

func ExampleMarshal_keyword() {
	type options struct {
		_       struct{}      `etf:",keyword"`
		Name    etf.Atom      `etf:"name"`
		Timeout time.Duration `etf:"timeout"`
	}
	b, _ := etf.Append(nil, options{Name: "cache", Timeout: 5 * time.Second})
	fmt.Println(etf.Raw{Bytes: b})
	// Output: [{name,cache},{timeout,5000}]
}

func ExampleDeterministic() {
	t, _ := etf.Parse("#{b => 1, a => 2, 1.0 => x, 1 => y}")
	b, _ := etf.Marshal(t, etf.Deterministic())
	back, _, _ := etf.Decode(b)
	fmt.Println(back)
	// Output: #{1 => y,1.0 => x,a => 2,b => 1}
}

// An AtomTable that is full from the start takes no atom that it was not made with.
func ExampleAtomTable() {
	table := etf.NewAtomTable(0, "ok", "error")
	for _, text := range []string{"{ok, 1}", "{surprise, 1}"} {
		t, _ := etf.Parse(text)
		b, _ := etf.Marshal(t)
		var v any
		fmt.Println(etf.Unmarshal(b, &v, etf.Atoms(table)))
	}
	// Output:
	// <nil>
	// etf: offset 3: exceeds limit Atoms = 2
}
