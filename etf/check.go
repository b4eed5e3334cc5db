package etf

import (
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// The checks of values that have a Go form but no encoding.

func checkAtom(a Atom) error {
	if ValidAtom(a) {
		return nil
	}
	if !utf8.ValidString(string(a)) {
		return encodeErrorf(a, "atom %q is not valid UTF-8", short(a))
	}
	return encodeErrorf(a, "atom of %d characters, the most is %d", utf8.RuneCountInString(string(a)), maxAtomChars)
}

func checkAtoms(a, b Atom) error {
	if err := checkAtom(a); err != nil {
		return err
	}
	return checkAtom(b)
}

func checkBig(i *big.Int) error {
	if i == nil {
		return encodeErrorf(i, "nil pointer")
	}
	if i.BitLen() > 8*maxBigBytes {
		return encodeErrorf(i, "integer of %d bits, the most is %d", i.BitLen(), 8*maxBigBytes)
	}
	return nil
}

func checkFloat(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return encodeErrorf(f, "%v is no Erlang float", f)
	}
	return nil
}

func checkLen(n int) error {
	if int64(n) > maxLen {
		return &EncodeError{Msg: "length " + strconv.Itoa(n) + " exceeds 32 bits"}
	}
	return nil
}

func checkRef(r Ref) error {
	if r.Len < 1 || r.Len > maxRefWords {
		return encodeErrorf(r, "reference of %d words, want 1 to %d", r.Len, maxRefWords)
	}
	return checkAtom(r.Node)
}

// short is a term in a few characters, for error messages.
func short(t Term) string {
	s := []rune(text(t))
	if len(s) > 60 {
		return string(s[:60]) + "…"
	}
	return string(s)
}

func keyStep(k Term) string {
	if a, ok := k.(Atom); ok {
		if s := a.String(); s == string(a) {
			return "." + s
		}
	}
	return "[" + short(k) + "]"
}
