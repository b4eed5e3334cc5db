package etf_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/erlnode/erlnode/etf"
)

// readInspect returns what a release of Elixir prints, by external form in hexadecimal.
func readInspect(t testing.TB, version string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../testdata/etf/inspect-" + version + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		data, text, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("%s:%d: no tab", version, i+1)
		}
		lines[data] = text
	}
	return lines
}

func TestInspectElixir(t *testing.T) {
	latest := readInspect(t, "1.18")
	for _, version := range []string{"1.14", "1.18", "1.20"} {
		lines, other := readInspect(t, version), 0
		for data, want := range lines {
			term, _, err := etf.Decode(unhex(t, data))
			if err != nil {
				t.Fatal(err)
			}
			if now, ok := latest[data]; version == "1.14" && ok && want != now { // charlists as 'text', and U+00A0 as it is
				if other++; !strings.Contains(now, `~c"`) && !strings.Contains(now, `\u`) {
					t.Errorf("Elixir 1.14 prints %s, 1.18 %s", want, now)
				}
				continue
			}
			if got := etf.Inspect(term); got != want {
				t.Errorf("Inspect(%v) = %s\nElixir %s prints %s", term, got, version, want)
			}
		}
		if len(lines) < 250 || other > 20 {
			t.Errorf("Elixir %s: %d terms, %d printed otherwise", version, len(lines), other)
		}
	}
}

// TestInspectOdd prints what Elixir would not have, or not so.
func TestInspectOdd(t *testing.T) {
	for _, c := range []struct{ term, want string }{
		{"#{'__struct__' => 'Elixir.Date', calendar => 'Elixir.Calendar.ISO', year => x}", "%Date{calendar: Calendar.ISO, year: :x}"},
		{"#{'__struct__' => 'Elixir.Time', calendar => 'Elixir.Foo'}", "%Time{calendar: Foo}"},
		{"#{'__struct__' => 'Elixir.Range', first => 1}", "%Range{first: 1}"},
		{"#{'__struct__' => 'Elixir.MapSet', map => []}", "%MapSet{map: []}"},
		{"#{'__struct__' => lower, a => 1}", "%{__struct__: :lower, a: 1}"},
		{"#{'__struct__' => 'Elixir.Foo', 1 => 2}", "%{1 => 2, :__struct__ => Foo}"},
		{"[1267650600228229401496703205376]", "[1267650600228229401496703205376]"},
		{"-0.0", "-0.0"},
		{"#Fun<m.3.4/1,0,00000000000000000000000000000000,#Pid<a@b.1.0/1>,[1]>", "#Function<3.4/1 in :m>"},
		{"#m:r/exported{k=1}", "#m:r/exported{k=1}"},
	} {
		if got := etf.Inspect(mustParse(t, c.term)); got != c.want {
			t.Errorf("Inspect(%s) = %s, want %s", c.term, got, c.want)
		}
	}
	if got := etf.Inspect(nil); got != "#Nil<>" {
		t.Errorf("Inspect(nil) = %s", got)
	}
	var deep etf.Term = etf.Int(1)
	for range 200_000 {
		deep = etf.Tuple{deep}
	}
	if got := etf.Inspect(deep); !strings.Contains(got, "{...}") {
		t.Errorf("200,000 levels: %d bytes", len(got))
	}
}

// FuzzInspect: no term makes Inspect panic, and what it gives is one line of UTF-8.
func FuzzInspect(f *testing.F) {
	data, _ := seeds(f)
	for _, d := range data {
		f.Add(d)
	}
	for d := range readInspect(f, "1.14") {
		f.Add(unhex(f, d))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		term, _, err := etf.Decode(data)
		if err != nil {
			return
		}
		if s := etf.Inspect(term); s == "" || !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00") {
			t.Fatalf("Inspect(%v) = %q", term, s)
		}
	})
}

func ExampleInspect() {
	t, _ := etf.Parse("{ok, #{'__struct__' => 'Elixir.User', name => <<\"Joe\">>, tags => [admin]}}")
	fmt.Println(etf.Inspect(t))
	// Output: {:ok, %User{name: "Joe", tags: [:admin]}}
}
