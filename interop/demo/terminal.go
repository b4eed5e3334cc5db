//go:build unix

package main

import (
	"fmt"
	"strings"
	"time"
)

// patience is how long iex may take to show its prompt again.
const patience = 30 * time.Second

// typist is an iex: *otp.IEx.
type typist interface {
	TryType(line string, timeout time.Duration) (string, error)
	Screen() (string, error)
}

// terminal is an iex and how much of its screen is in the transcript.
type terminal struct {
	iex   typist
	shown int
}

// typed types a line, and returns what iex answers and all that the screen shows from the line's prompt on.
func (t *terminal) typed(line string) (answer, screen string, err error) {
	answer, err = t.iex.TryType(line, patience)
	if err != nil {
		return "", "", err
	}
	text, err := t.iex.Screen()
	if err != nil {
		return "", "", err
	}
	lines := strings.Split(text, "\n")
	last := len(lines) - 1 // the prompt for the next line
	if t.shown > last {
		return "", "", fmt.Errorf("the screen has lost lines")
	}
	screen = strings.Join(lines[t.shown:last], "\n")
	t.shown = last
	return answer, screen, nil
}

// skip leaves out what the screen shows before the first line is typed.
func (t *terminal) skip() error {
	text, err := t.iex.Screen()
	t.shown = strings.Count(text, "\n")
	return err
}
