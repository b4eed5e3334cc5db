package etf_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

func unhex(t testing.TB, parts ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustParse(t testing.TB, text string) etf.Term {
	t.Helper()
	term, err := etf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return term
}

func mustAppend(t testing.TB, v any) []byte {
	t.Helper()
	b, err := etf.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantError checks that err is there and says all of what.
func wantError(t testing.TB, name string, err error, what ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want one with %q", name, what)
		return
	}
	for _, w := range what {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: error %q does not say %q", name, err, w)
		}
	}
}
