//go:build unix

package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// transcript is what the demo prints, as it happens.
type transcript struct {
	w      io.Writer
	colour bool
	steps  int
}

const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	cyan  = "\x1b[36m"
)

func (t *transcript) paint(style, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return style + s + "\x1b[0m"
}

// heading begins a step.
func (t *transcript) heading(title string) {
	t.steps++
	fmt.Fprintf(t.w, "\n%s\n\n", t.paint(bold+cyan, fmt.Sprintf("%d. %s", t.steps, title)))
}

// note is a remark that comes from the demo itself.
func (t *transcript) note(text string) { fmt.Fprintf(t.w, "    %s\n", t.paint(faint, "# "+text)) }

// prompted is what a person types after a prompt: "iex(a@b)1> 1 + 1", "$ erlnode serve".
var prompted = regexp.MustCompile(`^(iex\([^()\s]*\)\d*>|\$) (.*)$`)

// show prints lines of a terminal.
func (t *transcript) show(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := prompted.FindStringSubmatch(line); m != nil {
			line = t.paint(faint, m[1]) + " " + t.paint(bold, m[2])
		}
		fmt.Fprintln(t.w, strings.TrimRight("    "+line, " "))
	}
}
