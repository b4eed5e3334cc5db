package etf

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// reserved words cannot be atoms without quotes. 'maybe' and 'else' joined them in OTP 27; older releases print them
// without quotes and read them with.
var reserved = map[Atom]bool{
	"after": true, "and": true, "andalso": true, "band": true, "begin": true, "bnot": true, "bor": true, "bsl": true,
	"bsr": true, "bxor": true, "case": true, "catch": true, "cond": true, "div": true, "else": true, "end": true,
	"fun": true, "if": true, "let": true, "maybe": true, "not": true, "of": true, "or": true, "orelse": true,
	"receive": true, "rem": true, "try": true, "when": true, "xor": true,
}

// appendAtomText appends an atom in Erlang syntax (io_lib:write_atom/1).
func appendAtomText(dst []byte, a Atom) []byte {
	if bareAtom(a) {
		return append(dst, a...)
	}
	return appendQuoted(dst, string(a))
}

func bareAtom(a Atom) bool {
	for i, c := range string(a) {
		if i == 0 && !lower(c) || !nameChar(c) {
			return false
		}
	}
	return a != "" && !reserved[a]
}

// lower reports whether an atom without quotes may start with c: Latin-1 only.
func lower(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'ß' && c <= 'ÿ' && c != '÷' }

func nameChar(c rune) bool {
	return lower(c) || c >= 'A' && c <= 'Z' || c >= 'À' && c <= 'Þ' && c != '×' || c >= '0' && c <= '9' || c == '_' || c == '@'
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '\'')
	for i, c := range s {
		if c == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 { // only in atoms that have no encoding
				dst = append(dst, s[i])
				continue
			}
		}
		dst = appendChar(dst, c, '\'')
	}
	return append(dst, '\'')
}

// appendChar appends a character of a quoted text, escaped if need be.
func appendChar(dst []byte, c, quote rune) []byte {
	switch {
	case c == quote || c == '\\':
		return append(dst, '\\', byte(c))
	case c >= ' ' && c < 0x7f || c >= 0xa0:
		return utf8.AppendRune(dst, c)
	}
	if i := strings.IndexRune("\n\t\v\b\f\r\x1b\x7f", c); i >= 0 {
		return append(dst, '\\', "ntvbfred"[i])
	}
	return append(dst, '\\', byte('0'+c>>6), byte('0'+c>>3&7), byte('0'+c&7))
}

// printable reports whether Erlang shows c as text (io_lib:printable_unicode_list/1).
func printable(c rune) bool {
	switch {
	case c >= ' ' && c <= '~', c >= 0xa0 && c < 0xd800, c > 0xdfff && c < 0xfffe, c > 0xffff && c <= 0x10ffff:
		return true
	}
	return c == '\n' || c == '\r' || c == '\t' || c == '\v' || c == '\b' || c == '\f' || c == 0x1b
}

func printableList(l List) bool {
	for _, e := range l {
		if i, ok := e.(Int); !ok || i < 0 || i > utf8.MaxRune || !printable(rune(i)) {
			return false
		}
	}
	return true
}

func printableUTF8(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range string(b) {
		if !printable(c) {
			return false
		}
	}
	return true
}

func printableLatin1(b []byte) bool {
	for _, c := range b {
		if !printable(rune(c)) {
			return false
		}
	}
	return true
}

// appendFloatText appends the shortest digits that read back as f, in the shorter of the two notations, and always with
// an exponent beyond 2^53 (float_to_list/2 with option short).
func appendFloatText(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) { // no Erlang float, but it may have to be shown
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
		f = -f
	}
	if f == 0 {
		return append(dst, "0.0"...)
	}
	var buf [32]byte
	mantissa, exp, _ := strings.Cut(string(strconv.AppendFloat(buf[:0], f, 'e', -1, 64)), "e")
	e, _ := strconv.Atoi(exp)
	digits := strings.Replace(mantissa, ".", "", 1)
	n, point := len(digits), e+1 // the point stands behind this many digits
	expText := strconv.Itoa(e)
	expCost := len(expText) + 2
	if n == 1 {
		expCost++ // the zero in 1.0e5
	}
	switch {
	case f < 1<<53 && point > 0 && point < n:
		return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
	case f < 1<<53 && point <= 0 && 2-point <= expCost:
		return append(append(append(dst, "0."...), strings.Repeat("0", -point)...), digits...)
	case f < 1<<53 && point >= n && point-n+2 <= expCost:
		return append(append(append(dst, digits...), strings.Repeat("0", point-n)...), ".0"...)
	}
	dst = append(append(dst, digits[0]), '.')
	if n == 1 {
		dst = append(dst, '0')
	}
	return append(append(append(dst, digits[1:]...), 'e'), expText...)
}
