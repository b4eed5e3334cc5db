package etf

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Which atoms are identifiers to Elixir: letters and what may follow them by UAX 31, without what UTS 39 restricts, in
// NFC, and of one script between two underscores. (String.Tokenizer.tokenize/1 and Macro.classify_atom/1 of Elixir.)

//go:generate go run elixir_gen.go UNICODE-FOLDER

// identKind is what an atom is to Elixir.
type identKind uint8

const (
	noIdent    identKind = iota // it has quotes
	notCalled                   // it has none, but as the name of a function behind a module it has
	identifier                  // it has none
)

// What a character may be in an identifier.
const (
	charUpper   = iota + 1 // an uppercase letter: one at the beginning is an atom, and not an identifier
	charStart              // another letter
	charFurther            // not the first
)

// identRange is characters of one kind, in the same set of scripts.
type identRange struct {
	first, last rune
	kind        uint8
	scripts     uint64
}

// identTables are what Elixir knows of characters beyond ASCII.
type identTables struct {
	ranges  []identRange
	class   map[rune]uint8 // canonical combining classes
	compose map[[2]rune]rune
	parts   map[rune][2]rune
}

// loadIdents unpacks the table at first use.
var loadIdents = sync.OnceValue(func() *identTables {
	data, err := base64.RawStdEncoding.DecodeString(elixirTable)
	if err != nil {
		panic(err) // the test of Inspect would have seen it
	}
	next := func() uint64 {
		v, n := binary.Uvarint(data)
		data = data[n:]
		return v
	}
	sets := make([]uint64, next())
	for i := range sets {
		sets[i] = next()
	}
	t := &identTables{ranges: make([]identRange, next()), class: map[rune]uint8{}, compose: map[[2]rune]rune{}, parts: map[rune][2]rune{}}
	c := rune(0)
	for i := range t.ranges {
		first := c + rune(next())
		c = first + rune(next()) - 1
		kind := next()
		t.ranges[i] = identRange{first, c, uint8(kind & 3), sets[kind>>2]}
	}
	c = 0
	for range next() {
		c += rune(next())
		t.class[c] = uint8(next())
	}
	c = 0
	for range next() {
		c += rune(next())
		pair := [2]rune{rune(next()), rune(next())}
		t.compose[pair], t.parts[c] = c, pair
	}
	return t
})

const (
	allScripts = ^uint64(0)
	latin      = uint64(1)
)

// char returns what c may be in an identifier, 0 for nothing, and the scripts that it is of.
func (t *identTables) char(c rune) (kind uint8, scripts uint64) {
	switch {
	case c >= 'a' && c <= 'z':
		return charStart, latin
	case c >= 'A' && c <= 'Z':
		return charUpper, latin
	case c == '_':
		return charStart, allScripts
	case c >= '0' && c <= '9':
		return charFurther, allScripts
	case c < utf8.RuneSelf:
		return 0, 0
	}
	i, ok := slices.BinarySearchFunc(t.ranges, c, func(r identRange, c rune) int {
		switch {
		case c > r.last:
			return -1
		case c < r.first:
			return 1
		}
		return 0
	})
	if !ok {
		return 0, 0
	}
	return t.ranges[i].kind, t.ranges[i].scripts
}

// identOf returns what a is to Elixir; operators and aliases have been seen to.
func identOf(a Atom) identKind {
	s := string(a)
	if n := len(s); n > 1 && (s[n-1] == '?' || s[n-1] == '!') {
		s = s[:n-1]
	}
	var t *identTables
	if !isASCII(s) {
		t = loadIdents()
	}
	given := s
	s = strings.ReplaceAll(s, "µ", "μ") // the micro sign is taken for the letter
	kind := noIdent
	whole := allScripts
	for i, c := range s {
		if c == '@' && i > 0 {
			kind = notCalled
			continue
		}
		k, scripts := t.char(c)
		switch {
		case k == 0 || i == 0 && k == charFurther:
			return noIdent
		case i == 0 && k == charStart:
			kind = identifier
		case i == 0:
			kind = notCalled
		}
		whole &= scripts
	}
	switch {
	case t == nil:
	case kind == identifier:
		if n := t.normalize(s); n != given || whole == 0 && t.mixed(n) {
			return noIdent
		}
	case whole == 0 && t.mixed(t.normalize(s)):
		return noIdent
	}
	return kind
}

// mixed reports whether s has letters of different scripts that no underscore is between.
func (t *identTables) mixed(s string) bool {
	chunk := allScripts
	for _, c := range s {
		if c == '_' {
			chunk = allScripts
		} else if _, scripts := t.char(c); scripts != 0 {
			if chunk &= scripts; chunk == 0 {
				return true
			}
		}
	}
	return false
}

// normalize returns the NFC of s, which is made of characters of identifiers.
func (t *identTables) normalize(s string) string {
	var chars []rune
	for _, c := range s {
		chars = t.decompose(chars, c)
	}
	// Marks in the order of their classes, between characters of class 0.
	for i := 0; i < len(chars); {
		j := i
		for j < len(chars) && t.class[chars[j]] > 0 {
			j++
		}
		slices.SortStableFunc(chars[i:j], func(a, b rune) int { return cmp.Compare(t.class[a], t.class[b]) })
		i = max(j, i+1)
	}
	out := chars[:0]
	starter, last := -1, 0 // in out; the class before
	for _, c := range chars {
		class := int(t.class[c])
		if starter >= 0 && (starter == len(out)-1 || last > 0 && last < class) {
			if whole, ok := t.compose[[2]rune{out[starter], c}]; ok {
				out[starter] = whole
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, c)
	}
	return string(out)
}

func (t *identTables) decompose(to []rune, c rune) []rune {
	if p, ok := t.parts[c]; ok {
		return append(t.decompose(to, p[0]), p[1])
	}
	return append(to, c)
}

// The atoms that are no identifiers and have no quotes all the same: special forms, and operators but for those that are
// deprecated or would run into the colon.
var (
	specialForms    = atomSet("% %{} {} <<>> ... .. . ..// ->")
	calledOperators = atomSet("& ! ^ + - @ <- \\\\ | = || ||| && &&& == != =~ === !== < <= >= > |> <<< >>> <~ ~> <<~ ~>> <~> ++ -- <> +++ --- * / ** " +
		":: ^^^ ~~~ <|>")
	quotedOperators = atomSet(":: ^^^ ~~~ <|>")
)

func atomSet(words string) map[Atom]bool {
	m := map[Atom]bool{}
	for s := range strings.FieldsSeq(words) {
		m[Atom(s)] = true
	}
	return m
}

// plainAtomText reports whether a, which is no alias, has no quotes behind its colon.
func plainAtomText(a Atom) bool {
	if specialForms[a] || calledOperators[a] {
		return !quotedOperators[a]
	}
	return identOf(a) != noIdent
}

// remoteName reports whether a stands without quotes behind a module and a point.
func remoteName(a Atom) bool {
	return calledOperators[a] || !specialForms[a] && !isAlias(a) && identOf(a) == identifier
}
