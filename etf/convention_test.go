package etf_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

type color int

const (
	red color = iota
	green
	blue
)

func (color) Atoms() []etf.Atom { return []etf.Atom{"red", "green", "blue"} }

type bit uint8

func (bit) Atoms() []etf.Atom { return []etf.Atom{"zero", "one"} }

type logLevel string

func (logLevel) Atoms() []etf.Atom { return []etf.Atom{"debug", "info"} }

type badEnum int

func (badEnum) Atoms() []etf.Atom { return nil }

func TestEnum(t *testing.T) {
	type all struct {
		_ struct{} `etf:",tuple"`
		A color
		B []bit
		C map[color]logLevel
		D *logLevel
		E any
	}
	info := logLevel("info")
	in := all{A: blue, B: []bit{1, 0}, C: map[color]logLevel{green: "debug"}, D: &info, E: green}
	const text = "{blue,[one,zero],#{green => debug},info,green}"
	b := mustAppend(t, in)
	if got := (etf.Raw{Bytes: b}).String(); got != text {
		t.Errorf("encoded %s, want %s", got, text)
	}
	var out all
	if err := (etf.Raw{Bytes: b}).Decode(&out); err != nil || out.A != blue || fmt.Sprint(out.B) != "[1 0]" || out.C[green] != "debug" || *out.D != "info" {
		t.Errorf("decoded %+v, %v", out, err)
	}
	for _, v := range []any{color(3), color(-1), bit(2), logLevel("x"), badEnum(0), []color{7}} {
		if b, err := etf.Marshal(v); err == nil {
			t.Errorf("Marshal(%#v) = %x, no error", v, b)
		}
	}
	for _, text := range []string{"purple", "1", `<<"red">>`} {
		var c color
		wantError(t, text, etf.Raw{Bytes: mustAppend(t, mustParse(t, text))}.Decode(&c), "color")
	}
}

type listOptions struct {
	_       struct{}      `etf:",keyword"`
	Name    string        `etf:"name"`
	Timeout time.Duration `etf:"timeout,omitempty"`
	Debug   bool          `etf:"debug,omitempty"`
	embeddedOptions
}

type embeddedOptions struct {
	Port uint16 `etf:"port,omitempty"`
}

func TestKeyword(t *testing.T) {
	for _, c := range []struct {
		v    listOptions
		want string
	}{
		{listOptions{Name: "x"}, `[{name,<<"x">>}]`},
		{listOptions{Name: "x", Timeout: 5 * time.Second, Debug: true, embeddedOptions: embeddedOptions{80}}, `[{name,<<"x">>},{timeout,5000},{debug,true},{port,80}]`},
	} {
		b := mustAppend(t, c.v)
		if got := (etf.Raw{Bytes: b}).String(); got != c.want {
			t.Errorf("encoded %s, want %s", got, c.want)
		}
		var back listOptions
		if err := (etf.Raw{Bytes: b}).Decode(&back, etf.Strict()); err != nil || back != c.v {
			t.Errorf("%s: %+v, %v", c.want, back, err)
		}
	}
	for _, c := range []struct {
		term string
		want listOptions
		err  string
	}{
		{"[]", listOptions{}, ""},
		{`[{port,1},{name,<<"a">>},{name,<<"b">>},{port,2}]`, listOptions{Name: "a", embeddedOptions: embeddedOptions{1}}, ""},
		{"[debug,{timeout,infinity},other,{other,[1,2]}]", listOptions{Debug: true, Timeout: etf.Infinity}, ""},
		{"[port]", listOptions{}, "[0].port"},
		{"[{port,65536}]", listOptions{}, "[0].port"},
		{"[{name,1}]", listOptions{}, "[0].name"},
		{"[{a,b,c}]", listOptions{}, "tuple of 3 elements"},
		{"[{1,2}]", listOptions{}, "integer 1"},
		{"[1,2]", listOptions{}, "list"},
		{"[debug|x]", listOptions{}, "atom x"},
		{"#{}", listOptions{}, "keyword list"},
	} {
		var got listOptions
		err := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.term))}.Decode(&got)
		if c.err != "" {
			wantError(t, c.term, err, c.err, "offset")
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.term, got, err, c.want)
		}
	}
	var o listOptions
	wantError(t, "strict", etf.Raw{Bytes: mustAppend(t, mustParse(t, "[{other,1}]"))}.Decode(&o, etf.Strict()), "unknown key other")
	type none struct {
		_ struct{} `etf:",keyword"`
		A int      `etf:",omitempty"`
	}
	if b := mustAppend(t, []none{{}, {A: 1}}); !bytes.Equal(b, mustAppend(t, mustParse(t, "[[],[{'A',1}]]"))) {
		t.Errorf("empty: %v", etf.Raw{Bytes: b})
	}
	type bad struct {
		_ struct{} `etf:",keyword"`
		A int      `etf:",string"`
	}
	if _, err := etf.Marshal(bad{}); err == nil {
		t.Error("string in a keyword list: no error")
	}
}

// TestTime uses what Elixir made of ~U, ~N and DateTime structs.
func TestTime(t *testing.T) {
	lines := readInspect(t, "1.14")
	seen := 0
	for data, text := range lines {
		kind, rest, _ := strings.Cut(text, "[")
		if kind != "~U" && kind != "~N" || strings.HasPrefix(rest, "-") {
			continue
		}
		seen++
		want, err := time.Parse("2006-01-02 15:04:05.999999", strings.TrimRight(rest, "Z]"))
		if err != nil {
			t.Fatal(err)
		}
		var got time.Time
		if err := etf.Unmarshal(unhex(t, data), &got); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		var v any = got
		if kind == "~N" {
			v = etf.NaiveDateTime(got)
		}
		if strings.Contains(text, ".001") || strings.Count(text, ".") == 0 {
			continue // Go writes all six digits
		}
		b, err := etf.Marshal(v, etf.Deterministic())
		if err != nil || !bytes.Equal(b, unhex(t, data)) {
			t.Errorf("%s: Marshal: %x, %v\nwant %s", text, b, err, data)
		}
	}
	if seen < 5 {
		t.Errorf("%d times", seen)
	}
	for data, text := range lines {
		if strings.HasPrefix(text, "#DateTime<2024-07-01") {
			var got time.Time
			err := etf.Unmarshal(unhex(t, data), &got, etf.Strict())
			if name, offset := got.Zone(); err != nil || got.Format(time.RFC3339) != "2024-07-01T02:03:04-02:30" || name != "NDT" || offset != -9000 {
				t.Errorf("%s: %v, %v", text, got, err)
			}
		}
	}
	local := time.Date(2024, 2, 29, 1, 2, 3, 123456789, time.FixedZone("X", 7200))
	for _, c := range []struct {
		v    any
		want string
	}{
		{local, "~U[2024-02-28 23:02:03.123456Z]"},
		{etf.NaiveDateTime(local), "~N[2024-02-29 01:02:03.123456]"},
		{struct{ At *time.Time }{&local}, "%{At: ~U[2024-02-28 23:02:03.123456Z]}"},
		{[]time.Duration{0, -time.Second, etf.Infinity}, "[0, -1000, :infinity]"},
		{struct{ time.Time }{local}, "%{Time: ~U[2024-02-28 23:02:03.123456Z]}"},
	} {
		term, err := etf.Raw{Bytes: mustAppend(t, c.v)}.Term()
		if got := etf.Inspect(term); err != nil || got != c.want {
			t.Errorf("%v: %s, %v, want %s", c.v, got, err, c.want)
		}
	}
	for _, v := range []any{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Duration(1), etf.Infinity - 1} {
		if _, err := etf.Marshal(v); err == nil {
			t.Errorf("Marshal(%v): no error", v)
		}
	}
	for _, c := range []struct{ term, want string }{
		{"{{2024,2,29},{1,2,3}}", "2024-02-29T01:02:03Z"},
		{"{{2023,2,29},{1,2,3}}", ""}, {"{{2024,13,1},{1,2,3}}", ""}, {"{{2024,1,1},{24,0,0}}", ""}, {"{1,2}", ""}, {"5", ""}, {"#{}", ""},
		{"#{'__struct__' => 'Elixir.Date'}", ""}, {"{{2024,2,29},{1,2}}", ""}, {"{{2024,2,x},{1,2,3}}", ""}, {"#{'__struct__' => 'Elixir.NaiveDateTime',calendar => 'Elixir.Calendar.ISO',year => 2024}", ""},
		{"#{'__struct__' => 'Elixir.NaiveDateTime',calendar => 'Elixir.Calendar.ISO',year => 2024,month => 2,day => 29,hour => 1,minute => 2,second => 3,microsecond => {0,0}}", "2024-02-29T01:02:03Z"},
		{"#{'__struct__' => 'Elixir.NaiveDateTime',calendar => 'Elixir.Calendar.ISO',year => 2024,month => 2,day => 29,hour => 1,minute => 2,second => 3}", ""},
		{"#{'__struct__' => 'Elixir.DateTime',calendar => 'Elixir.Calendar.ISO',year => 2024,month => 2,day => 29,hour => 1,minute => 2,second => 3,microsecond => {0,0}}", ""},
		{"{{9223372036854775807,1,1},{0,0,0}}", ""},
	} {
		var got time.Time
		err := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.term))}.Decode(&got)
		if c.want == "" {
			wantError(t, c.term, err, "offset 0", "time.Time")
		} else if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %v, %v", c.term, got, err)
		}
	}
	for _, c := range []struct {
		term string
		want time.Duration
		ok   bool
	}{
		{"1500", 1500 * time.Millisecond, true}, {"infinity", etf.Infinity, true}, {"-1", -time.Millisecond, true},
		{"9223372036854", 9223372036854 * time.Millisecond, true}, {"9223372036855", 0, false}, {"-9223372036855", 0, false},
		{fmt.Sprint(int64(math.MaxInt64)), 0, false}, {"1.5", 0, false}, {"soon", 0, false},
	} {
		var got time.Duration
		err := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.term))}.Decode(&got)
		if c.ok != (err == nil) || got != c.want {
			t.Errorf("%s: %v, %v", c.term, got, err)
		}
	}
}
