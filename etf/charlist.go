package etf

import (
	"reflect"
	"unicode/utf8"
)

// Charlist is text that is a list of characters in Erlang, as "text" in its source is; a Go string is a binary.
// It must be valid UTF-8. Decoding takes a list of Unicode code points, and nothing else.
type Charlist string

// AppendCharlist appends the list of the characters of s, each invalid byte as U+FFFD.
func AppendCharlist(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, tagNil)
	}
	n, small := 0, true
	for _, c := range s {
		n++
		small = small && c < 256
	}
	if small && n <= 0xffff {
		dst = append(dst, tagString, byte(n>>8), byte(n))
		for _, c := range s {
			dst = append(dst, byte(c))
		}
		return dst
	}
	dst = AppendListHeader(dst, n)
	for _, c := range s {
		dst = AppendInt(dst, int64(c))
	}
	return append(dst, tagNil)
}

// Charlist reads a list of Unicode code points.
func (r *Reader) Charlist() (string, error) {
	c := *r
	s, err := c.charlist()
	if err == nil {
		r.pos = c.pos
	}
	return s, err
}

func (r *Reader) charlist() (string, error) {
	start := r.pos
	var text []byte
	for {
		if r.left() > 0 && r.data[r.pos] == tagString {
			b, err := r.Bytes()
			if err != nil {
				return "", err
			}
			for _, c := range b {
				text = utf8.AppendRune(text, rune(c))
			}
			return string(text), nil
		}
		n, err := r.List()
		if err != nil {
			if t, ok := err.(*TypeError); ok {
				return "", &TypeError{Offset: t.Offset, Found: t.Found, Want: "list of characters"}
			}
			return "", err
		}
		if n == 0 {
			return string(text), nil
		}
		for range n {
			at := r.pos
			i, err := r.Int()
			if err != nil {
				return "", err
			}
			if i < 0 || i > utf8.MaxRune || !utf8.ValidRune(rune(i)) {
				r.pos = at
				return "", &TypeError{Offset: at, Found: r.describe(), Want: "character in the list at offset " + Int(start).String()}
			}
			text = utf8.AppendRune(text, rune(i))
		}
	}
}

func encCharlist(dst []byte, v reflect.Value, _ way) ([]byte, error) {
	if s := v.String(); !utf8.ValidString(s) {
		return nil, &EncodeError{Type: v.Type(), Msg: "text is not valid UTF-8"}
	}
	return AppendCharlist(dst, v.String()), nil
}

func decCharlist(r *Reader, v reflect.Value) error {
	start := *r
	s, err := r.Charlist()
	if err != nil {
		return withType(err, v.Type())
	}
	// It counts as what it is.
	end := r.pos
	*r = start
	if err := r.verifyList(); err != nil {
		return err
	}
	r.pos = end
	v.SetString(s)
	return nil
}
