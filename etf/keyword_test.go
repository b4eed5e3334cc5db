package etf_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

type startOptions struct {
	Env  map[string]any   `etf:"env,keyword,omitempty"`
	Tune map[etf.Atom]int `etf:"tune,keyword"`
}

func TestKeywordMap(t *testing.T) {
	v := startOptions{Env: map[string]any{"b": etf.Int(1), "a": etf.Atom("x"), "é": etf.Binary("y")}, Tune: map[etf.Atom]int{"n": 7}}
	const want = `#{env => [{a,x},{b,1},{é,<<"y">>}],tune => [{n,7}]}`
	raw := etf.Raw{Bytes: mustAppend(t, v)}
	if raw.String() != want {
		t.Errorf("encoded %s, want %s", raw, want)
	}
	var back startOptions
	if err := raw.Decode(&back, etf.Strict()); err != nil || !maps.Equal(back.Tune, v.Tune) || len(back.Env) != 3 || back.Env["a"] != etf.Atom("x") {
		t.Errorf("%+v, %v", back, err)
	}
	if b := mustAppend(t, startOptions{}); !bytes.Equal(b, mustAppend(t, mustParse(t, "#{tune => []}"))) {
		t.Errorf("empty: %v", etf.Raw{Bytes: b})
	}
	for _, c := range []struct {
		term string
		tune map[etf.Atom]int
		err  string
	}{
		{"#{tune => [{a,1},{b,2},{a,3}]}", map[etf.Atom]int{"a": 1, "b": 2, "was": 0}, ""},
		{"#{tune => []}", map[etf.Atom]int{"was": 0}, ""},
		{"#{tune => [{was,1}]}", map[etf.Atom]int{"was": 1}, ""},
		{"#{tune => [a]}", nil, ".tune[0].a"},
		{"#{tune => [{a,b}]}", nil, ".tune[0].a"},
		{"#{tune => [{a,1},{<<98>>,1}]}", nil, ".tune[1]"},
		{"#{tune => [{a,1,2}]}", nil, "tuple of 3 elements"},
		{"#{tune => [{a,1}|b]}", nil, "atom b"},
		{"#{tune => #{a => 1}}", nil, "want keyword list"},
		{"#{env => [debug]}", map[etf.Atom]int{"was": 0}, ""},
	} {
		got := startOptions{Tune: map[etf.Atom]int{"was": 0}}
		err := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.term))}.Decode(&got)
		if c.err != "" {
			wantError(t, c.term, err, c.err, "offset")
		} else if err != nil || !maps.Equal(got.Tune, c.tune) {
			t.Errorf("%s: %v, %v, want %v", c.term, got.Tune, err, c.tune)
		}
		if got.Env != nil && got.Env["debug"] != etf.Atom("true") {
			t.Errorf("%s: %v", c.term, got.Env)
		}
	}
	for _, bad := range []any{
		struct {
			A map[int]int `etf:",keyword"`
		}{},
		struct {
			A []int `etf:",keyword"`
		}{},
		startOptions{Tune: map[etf.Atom]int{"\xff": 1}},
	} {
		if b, err := etf.Append(nil, bad); err == nil {
			t.Errorf("%T: %x", bad, b)
		}
	}
}

func TestKeywordSlice(t *testing.T) {
	k := etf.Keyword[int]{{Key: "b", Value: 2}, {Key: "a", Value: 1}, {Key: "b", Value: 3}}
	raw := etf.Raw{Bytes: mustAppend(t, k)}
	if raw.String() != "[{b,2},{a,1},{b,3}]" {
		t.Errorf("encoded %s", raw)
	}
	var back etf.Keyword[int]
	if err := raw.Decode(&back); err != nil || !slices.Equal(back, k) {
		t.Errorf("%v, %v", back, err)
	}
	if v, ok := back.Get("b"); v != 2 || !ok {
		t.Errorf("Get(b) = %d, %v", v, ok)
	}
	if v, ok := back.Get("c"); v != 0 || ok {
		t.Errorf("Get(c) = %d, %v", v, ok)
	}
	if m := back.Map(); !maps.Equal(m, map[etf.Atom]int{"a": 1, "b": 2}) {
		t.Errorf("Map() = %v", m)
	}
	var flags etf.Keyword[any]
	if err := (etf.Raw{Bytes: mustAppend(t, mustParse(t, "[binary,{packet,4}]"))}).Decode(&flags); err != nil || len(flags) != 2 || flags[0].Value != etf.Atom("true") {
		t.Errorf("%v, %v", flags, err)
	}
	wantError(t, "a bare atom", etf.Raw{Bytes: mustAppend(t, mustParse(t, "[a]"))}.Decode(&back), "{a, Value}", "[0]")
	wantError(t, "another key", etf.Raw{Bytes: mustAppend(t, mustParse(t, "[{1,2}]"))}.Decode(&back), "integer 1", "[0]")
}

func ExampleKeyword() {
	opts := etf.KeywordOf(map[string]any{"timeout": 5000, "name": etf.Atom("cache")})
	opts = append(opts, etf.KeywordPair[any]{Key: "debug", Value: true})
	b, _ := etf.Append(nil, opts)
	fmt.Println(etf.Raw{Bytes: b})
	// Output: [{name,cache},{timeout,5000},{debug,true}]
}

// TestAppendOptions: Append with options writes what Marshal writes, behind what is there.
func TestAppendOptions(t *testing.T) {
	term := mustParse(t, "{#{b => 1, a => [é, #{2.0 => x, 1 => y}]}, #Port<a@b.7/2>, 'ж'}")
	for _, v := range []any{term, struct{ B, A int }{1, 2}, map[string]int{"b": 1, "a": 2}, "text", nil, etf.Raw{Bytes: mustAppend(t, term)}} {
		for _, opts := range [][]etf.Option{{etf.Deterministic()}, {etf.OTP(25)}, {etf.OTP(29), etf.Deterministic()}, {etf.OTP(25), etf.Deterministic()}, {etf.OTP(0)}} {
			want, err := etf.Marshal(v, opts...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := etf.Append([]byte("before"), v, opts...)
			if err != nil || string(got) != "before"+string(want[1:]) {
				t.Errorf("Append(%v) = %q, %v; Marshal gives %q", v, got, err, want)
			}
		}
	}
	if got, err := etf.Append([]byte("before"), etf.Float(0)/etf.Float(zero), etf.Deterministic()); err == nil || string(got) != "before" {
		t.Errorf("NaN: %q, %v", got, err)
	}
	// The same map in two orders.
	buf := make([]byte, 0, 100)
	a, _ := etf.Append(buf, mustParse(t, "#{b => 1, a => 2}"), etf.Deterministic())
	a = bytes.Clone(a)
	b, _ := etf.Append(buf, mustParse(t, "#{a => 2, b => 1}"), etf.Deterministic())
	if !bytes.Equal(a, b) || &b[0] != &buf[:1][0] {
		t.Errorf("%x and %x", a, b)
	}
}

var zero = 0.0
