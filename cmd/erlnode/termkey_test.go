package main

import (
	"testing"

	"github.com/erlnode/erlnode/etf"
)

func raw(t testing.TB, text string) etf.Raw {
	t.Helper()
	term, err := etf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := etf.AppendTerm(nil, term)
	if err != nil {
		t.Fatal(err)
	}
	return etf.Raw{Bytes: b}
}

// TestTermKey compares two terms as keys; etf.Equal has to agree.
func TestTermKey(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{"foo", "foo", true},
		{"foo", `<<"foo">>`, false},
		{"foo", `"foo"`, false},
		{"1", "1.0", false},
		{"0.0", "-0.0", false},
		{"[]", "{}", false},
		{"[97,98]", `"ab"`, true},
		{"[1|[2]]", "[1,2]", true},
		{"[1|2]", "[1,2]", false},
		{"12345678901234567890", "12345678901234567890", true},
		{"#{a => 1, b => 2}", "#{b => 2, a => 1}", true},
		{"#{a => 1, b => 2}", "#{b => 1, a => 2}", false},
		{"#{1 => 1}", "#{1.0 => 1}", false},
		{"#{#{a => 1, b => 2} => x, c => 3}", "#{c => 3, #{b => 2, a => 1} => x}", true},
		{"{[#{a => 1, b => 2}], t}", "{[#{b => 2, a => 1}], t}", true},
		{"[x|#{a => 1, b => 2}]", "[x|#{b => 2, a => 1}]", true},
		{"<<1:1>>", "<<1>>", false},
	}
	for _, tt := range tests {
		a, errA := termKey(raw(t, tt.a))
		b, errB := termKey(raw(t, tt.b))
		if errA != nil || errB != nil {
			t.Errorf("%s, %s: %v, %v", tt.a, tt.b, errA, errB)
			continue
		}
		if (a == b) != tt.same {
			t.Errorf("%s and %s: same key: %v, want %v", tt.a, tt.b, a == b, tt.same)
		}
		ta, _ := etf.Parse(tt.a)
		tb, _ := etf.Parse(tt.b)
		if etf.Equal(ta, tb) != tt.same {
			t.Errorf("%s and %s: etf.Equal says otherwise", tt.a, tt.b)
		}
	}
	if _, err := termKey(etf.Raw{Bytes: []byte{'h', 9}}); err == nil {
		t.Error("bytes that are no term have a key")
	}
}

func TestRequest(t *testing.T) {
	tests := []struct {
		term, name string
		args       []string
	}{
		{"keys", "keys/0", nil},
		{"{keys}", "keys/0", nil},
		{"{set, {a, 1}, []}", "set/2", []string{"{a,1}", "[]"}},
		{"{}", "", nil},
		{"{1, set}", "", nil},
		{"[set, 1]", "", nil},
		{`"set"`, "", nil},
	}
	for _, tt := range tests {
		name, args := request(raw(t, tt.term))
		if name != tt.name || len(args) != len(tt.args) {
			t.Errorf("%s: %q, %v", tt.term, name, args)
			continue
		}
		for i, a := range args {
			if a.String() != tt.args[i] {
				t.Errorf("%s: argument %d is %s, want %s", tt.term, i, a, tt.args[i])
			}
		}
	}
	if name, _ := request(etf.Raw{Bytes: []byte{'h', 2, 'w', 1, 'a', 'd'}}); name != "" {
		t.Errorf("a tuple that is cut off is taken for %s", name)
	}
}
