package etf

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends t as JSON to dst, so that people and their tools can read it, and ParseJSON can make the same term of
// it again:
//
//	true, false, nil                        true, false, null
//	integer of any size                     number without point and exponent
//	float                                   number with point or exponent
//	binary that is UTF-8                    string
//	list                                    array
//	map with binaries that are UTF-8 as keys  object
//	map with atoms as keys                  {"$atoms": object}
//	any other map                           {"$map": [[key, value], …]}
//	any other atom                          {"$atom": string}
//	tuple                                   {"$tuple": array}
//	any other binary                        {"$binary": string in base64}
//	bit string                              {"$bits": [string in base64, bits in the last byte]}
//	improper list                           {"$improper": [element, …, tail]}
//	pid, port, reference, fun, record       {"$term": string as Term.String returns it}
//
// A map that would be taken for one of these forms, such as #{<<"$tuple">> => 1}, is a {"$map": …}. Maps keep their
// order. An error is returned for what has no encoding either (see AppendTerm), and for JSON that would nest deeper than
// 10,000, which parsers tend to refuse; dst is then returned as it was.
func AppendJSON(dst []byte, t Term) ([]byte, error) {
	out, err := appendJSON(dst, t, defaultDepth)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// The names of the forms for what JSON does not have.
const (
	jsonAtom     = "$atom"
	jsonAtoms    = "$atoms"
	jsonMap      = "$map"
	jsonTuple    = "$tuple"
	jsonBinary   = "$binary"
	jsonBits     = "$bits"
	jsonImproper = "$improper"
	jsonTerm     = "$term"
)

func jsonForm(key string) bool {
	return slices.Contains([]string{jsonAtom, jsonAtoms, jsonMap, jsonTuple, jsonBinary, jsonBits, jsonImproper, jsonTerm}, key)
}

func appendJSON(dst []byte, t Term, depth int) ([]byte, error) {
	switch t := normal(t).(type) {
	case Atom:
		if err := checkAtom(t); err != nil {
			return nil, err
		}
		switch t {
		case "true", "false":
			return append(dst, t...), nil
		case "nil":
			return append(dst, "null"...), nil
		}
		return closed(appendJSONText(open(dst, jsonAtom), string(t))), nil
	case Int:
		return strconv.AppendInt(dst, int64(t), 10), nil
	case *Big:
		if t == nil {
			return nil, encodeErrorf(t, "nil pointer")
		}
		return t.int().Append(dst, 10), nil
	case Float:
		if err := checkFloat(float64(t)); err != nil {
			return nil, err
		}
		return appendJSONFloat(dst, float64(t)), nil
	case Binary:
		if utf8.Valid(t) {
			return appendJSONText(dst, string(t)), nil
		}
		return closed(appendBase64(open(dst, jsonBinary), t)), nil
	case BitString:
		if t.Bits > 8 || len(t.Bytes) == 0 {
			return nil, encodeErrorf(t, "bit string of %d bytes with %d bits in the last", len(t.Bytes), t.Bits)
		}
		dst = appendBase64(append(open(dst, jsonBits), '['), t.Bytes)
		return closed(append(strconv.AppendUint(append(dst, ','), uint64(t.Bits), 10), ']')), nil
	case Tuple:
		return closedOr(appendJSONArray(open(dst, jsonTuple), t, nil, depth-1))
	case List:
		return appendJSONArray(dst, t, nil, depth)
	case Improper:
		if len(t.Elems) == 0 || t.Tail == nil {
			return nil, encodeErrorf(t, "improper list without elements or tail")
		}
		return closedOr(appendJSONArray(open(dst, jsonImproper), t.Elems, t.Tail, depth-1))
	case Map:
		return appendJSONMap(dst, t, depth)
	case nil:
		return nil, &EncodeError{Msg: "nil Term"}
	default:
		if _, err := appendTerm(nil, t, way{depth: depth}); err != nil {
			return nil, err
		}
		return closed(appendJSONText(open(dst, jsonTerm), t.String())), nil
	}
}

// open begins an object with one key.
func open(dst []byte, key string) []byte {
	return append(append(append(dst, '{', '"'), key...), '"', ':')
}

func closed(dst []byte) []byte { return append(dst, '}') }

func closedOr(dst []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return closed(dst), nil
}

func appendBase64(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}

func appendJSONText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendJSONFloat(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', 1, 64)
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64)
}

// appendJSONArray appends an array of terms, and of last if that is not nil. depth is how many levels it may have.
func appendJSONArray(dst []byte, terms []Term, last Term, depth int) ([]byte, error) {
	if depth <= 0 {
		return nil, &LimitError{Offset: -1, Limit: "Depth", Max: defaultDepth}
	}
	dst = append(dst, '[')
	var err error
	for i, t := range terms {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendJSON(dst, t, depth-1); err != nil {
			return nil, addPath(err, indexStep(i))
		}
	}
	if last != nil {
		if dst, err = appendJSON(append(dst, ','), last, depth-1); err != nil {
			return nil, addPath(err, ".tail")
		}
	}
	return append(dst, ']'), nil
}

func appendJSONMap(dst []byte, m Map, depth int) ([]byte, error) {
	if i := duplicateKey(m); i >= 0 {
		return nil, encodeErrorf(m, "duplicate key %s", short(m[i].Key))
	}
	atoms, texts := 0, 0
	for _, p := range m {
		switch k := normal(p.Key).(type) {
		case Atom:
			if len(m) > 1 || !jsonForm(string(k)) {
				atoms++
			}
		case Binary:
			if utf8.Valid(k) && (len(m) > 1 || !jsonForm(string(k))) {
				texts++
			}
		}
	}
	switch len(m) {
	case texts:
		return appendJSONObject(dst, m, depth)
	case atoms:
		return closedOr(appendJSONObject(open(dst, jsonAtoms), m, depth-1))
	}
	dst = append(open(dst, jsonMap), '[')
	var err error
	for i, p := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendJSONArray(dst, []Term{p.Key, p.Value}, nil, depth-2); err != nil {
			return nil, addPath(err, keyStep(p.Key))
		}
	}
	return closed(append(dst, ']')), nil
}

// appendJSONObject appends a map of which all keys are atoms or all are text.
func appendJSONObject(dst []byte, m Map, depth int) ([]byte, error) {
	if depth <= 0 {
		return nil, &LimitError{Offset: -1, Limit: "Depth", Max: defaultDepth}
	}
	dst = append(dst, '{')
	var err error
	for i, p := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch k := normal(p.Key).(type) {
		case Atom:
			if err := checkAtom(k); err != nil {
				return nil, err
			}
			dst = appendJSONText(dst, string(k))
		case Binary:
			dst = appendJSONText(dst, string(k))
		}
		if dst, err = appendJSON(append(dst, ':'), p.Value, depth-1); err != nil {
			return nil, addPath(err, keyStep(p.Key))
		}
	}
	return closed(dst), nil
}
