//go:build unix

package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// want is what an output must be: the text itself, in which PID and REF stand for any pid or reference as iex prints them,
// PORT for a port number, and … for anything. Where lines end does not matter: iex breaks them by their length.
type want string

// placeholder finds them, and what iex has printed itself, such as #PID<0.1.2>, which is text.
var placeholder = regexp.MustCompile(`#?\b(?:PID|REF|PORT)\b|…`)

var placeholders = map[string]string{"PID": `#PID<\d+\.\d+\.\d+>`, "REF": `#Reference<[\d.]+>`, "PORT": `\d+`, "…": `.*`}

// pattern is the regular expression for it, without anchors.
func (w want) pattern() string {
	return placeholder.ReplaceAllStringFunc(regexp.QuoteMeta(oneLine(string(w))), func(s string) string {
		return cmp.Or(placeholders[s], s)
	})
}

func (w want) check(got string) error {
	if regexp.MustCompile(`^(?:` + w.pattern() + `)$`).MatchString(oneLine(got)) {
		return nil
	}
	return &mismatch{got, string(w)}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// mismatch is an output that is not as wanted.
type mismatch struct{ got, want string }

func (m *mismatch) Error() string {
	return fmt.Sprintf("got\n\t%s\nwant\n\t%s", indented(m.got), indented(m.want))
}

func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n\t") }
