package user

import (
	"bufio"
	"context"
	"io"
	"sync"
	"unicode/utf8"
)

// input reads lines for whoever asks, and gives up waiting when its context is done; reading itself goes on in a goroutine that
// nobody waits for, since a terminal cannot be told to stop.
type input struct {
	turn chan struct{} // who reads; one at a time

	r     *bufio.Reader // nil: nothing to read
	start sync.Once
	lines chan read
	rest  string // read, and not taken
}

type read struct {
	text string
	err  error
}

func newInput(r io.Reader) *input {
	in := &input{turn: make(chan struct{}, 1), lines: make(chan read)}
	if r != nil {
		in.r = bufio.NewReader(r)
	}
	return in
}

func (in *input) more(ctx context.Context) (string, error) {
	if in.r == nil {
		return "", io.EOF
	}
	in.start.Do(func() {
		go func() {
			for {
				text, err := in.r.ReadString('\n')
				in.lines <- read{text, err}
			}
		}()
	})
	select {
	case l := <-in.lines:
		return l.text, l.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// line reads to the end of a line, which it includes. The last one may have none.
func (in *input) line(ctx context.Context) (string, error) {
	select {
	case in.turn <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { <-in.turn }()
	if text := in.rest; text != "" {
		in.rest = ""
		return text, nil
	}
	return in.more(ctx)
}

// runes reads n characters, fewer at the end.
func (in *input) runes(ctx context.Context, n int) (string, error) {
	select {
	case in.turn <- struct{}{}:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	defer func() { <-in.turn }()
	var err error
	for err == nil && utf8.RuneCountInString(in.rest) < n {
		var text string
		text, err = in.more(ctx)
		in.rest += text
	}
	end := len(in.rest)
	for i := range in.rest {
		if n == 0 {
			end = i
			break
		}
		n--
	}
	text := in.rest[:end]
	in.rest = in.rest[end:]
	return text, err
}

// unread gives back what a function did not take.
func (in *input) unread(text string) {
	in.turn <- struct{}{}
	in.rest = text + in.rest
	<-in.turn
}
