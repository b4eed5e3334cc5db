package user

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/erlnode/erlnode/etf"
)

var errFormat = errors.New("user: format and arguments do not fit")

// formatted is io_lib:format(Format, Args), with its sequences but for the widths of fields, and terms on one line.
func formatted(format, args etf.Term) (etf.Term, error) {
	text, valid := appendChars(nil, format, false)
	list, isList := args.(etf.List)
	if !valid || !isList {
		return nil, errFormat
	}
	var b strings.Builder
	next := func() (t etf.Term, err error) {
		if len(list) == 0 {
			return nil, errFormat
		}
		t, list = list[0], list[1:]
		return t, nil
	}
	for s := string(text); s != ""; {
		before, after, found := strings.Cut(s, "~")
		b.WriteString(before)
		if !found {
			break
		}
		after = strings.TrimLeft(after, "0123456789.-tlkK")
		if strings.HasPrefix(after, "*") { // a width from the arguments
			if _, err := next(); err != nil {
				return nil, err
			}
			after = strings.TrimLeft(after, "*.")
		}
		if after == "" {
			return nil, errFormat
		}
		c, size := utf8.DecodeRuneInString(after)
		s = after[size:]
		switch c {
		case 'n':
			b.WriteByte('\n')
			continue
		case '~':
			b.WriteByte('~')
			continue
		}
		t, err := next()
		if err != nil {
			return nil, err
		}
		if err := sequence(&b, c, t, next); err != nil {
			return nil, err
		}
	}
	if len(list) > 0 {
		return nil, errFormat
	}
	return etf.Binary(b.String()), nil
}

// sequence writes what a control sequence makes of an argument.
func sequence(b *strings.Builder, c rune, t etf.Term, next func() (etf.Term, error)) error {
	switch c {
	case 'p', 'w':
		b.WriteString(t.String())
	case 'P', 'W':
		b.WriteString(t.String())
		_, err := next()
		return err
	case 's':
		if a, ok := t.(etf.Atom); ok {
			b.WriteString(string(a))
			return nil
		}
		text, valid := appendChars(nil, t, false)
		if !valid {
			return errFormat
		}
		b.Write(text)
	case 'c':
		i, ok := t.(etf.Int)
		if !ok {
			return errFormat
		}
		b.WriteRune(rune(i))
	case 'i':
	case 'b', 'B', 'x', 'X', '#', '+', 'd':
		if _, ok := t.(etf.Float); ok {
			return errFormat
		}
		b.WriteString(t.String())
	case 'f', 'e', 'g':
		f, ok := t.(etf.Float)
		if !ok {
			return errFormat
		}
		precision := 6
		b.WriteString(strconv.FormatFloat(float64(f), byte(c), precision, 64))
	default:
		return errFormat
	}
	return nil
}
