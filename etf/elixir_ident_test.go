package etf_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestIdentifiers compares with Elixir 1.20 which atoms have quotes.
func TestIdentifiers(t *testing.T) {
	text, err := os.ReadFile("../testdata/etf/idents-1.20.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	for i := 0; i < len(lines); i += 2 {
		b, err := hex.DecodeString(lines[i])
		if err != nil {
			t.Fatal(err)
		}
		a := etf.Atom(b)
		got := ""
		for _, c := range []struct {
			term   etf.Term
			prefix string
		}{{a, `:"`}, {etf.Export{Module: "m", Function: a, Arity: 1}, `&:m."`}} {
			if strings.HasPrefix(etf.Inspect(c.term), c.prefix) {
				got += "q"
			} else {
				got += "p"
			}
		}
		if got != lines[i+1] {
			t.Errorf("%+q: %s, in Elixir %s", b, got, lines[i+1])
		}
	}
	if len(lines) < 6000 {
		t.Errorf("only %d vectors", len(lines)/2)
	}
}

// TestIdentifierRules has an example of each rule, as Elixir 1.20 prints it.
func TestIdentifierRules(t *testing.T) {
	for _, c := range []struct{ atom, want, why string }{
		{"größe", ":größe", "a letter of a script in use"},
		{"été?", ":été?", "punctuation at the end"},
		{"Été", ":Été", "an uppercase letter first"},
		{"2nd", `:"2nd"`, "a digit first"},
		{"a²", `:"a²"`, "a form of another character"},
		{"ǣ", `:"ǣ"`, "a letter that UTS 39 has as rare"},
		{"ⅷ", `:"ⅷ"`, "a letter number that is a form of letters"},
		{"가나", ":가나", "syllables of Hangul"},
		{"e\u0301", ":\"e\u0301\"", "not in NFC"},
		{"E\u0301", ":E\u0301", "not in NFC, but no identifier anyway"},
		{"e\u0301@x", ":e\u0301@x", "the same"},
		{"a\u0323\u0302", ":\"a\u0323\u0302\"", "two marks that compose with the letter"},
		{"аб", ":аб", "Cyrillic alone"},
		{"aб", `:"aб"`, "Latin and Cyrillic"},
		{"a_б", ":a_б", "with an underscore between"},
		{"日本ごカナ", ":日本ごカナ", "scripts that are written together"},
		{"日本가", ":日本가", "the same"},
		{"ごな가", `:"ごな가"`, "scripts that are not"},
		{"µ", `:"µ"`, "the micro sign is taken for the letter mu"},
		{"μ", ":μ", "the letter itself"},
		{"aμ", ":aμ", "which may stand with any script"},
	} {
		if got := etf.Inspect(etf.Atom(c.atom)); got != c.want {
			t.Errorf("%s: Inspect(%+q) = %s, want %s", c.why, c.atom, got, c.want)
		}
	}
}
