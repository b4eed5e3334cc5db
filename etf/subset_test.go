package etf_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// What Unmarshal accepts is a part of what Decode accepts, whatever the Go type: also of what no field, no element and no
// Unmarshaler looks at nothing malformed may pass.

// The types of passing* leave most of what they are given aside.
type (
	passing     struct{ A etf.Raw }
	passingNone struct{}
	passingOwn  struct{ B int }
	passingBins struct {
		A any `etf:"a,string"`
	}
	passingInner struct {
		*passing
		Skipped any `etf:"-"`
		M       map[string]passing
	}
	passingElixir struct {
		_ struct{} `etf:"Elixir.P,elixir"`
		A any      `etf:"a"`
	}
	passingKeyword struct {
		_ struct{} `etf:",keyword"`
		A etf.Raw  `etf:"a"`
	}
	passingTuple struct {
		_    struct{} `etf:"t,tuple"`
		A, B etf.Raw
	}
	passingPair struct {
		_    struct{} `etf:",tuple"`
		A, B etf.Raw
	}
	passingKey struct{ M *map[passingKey]int }
)

// deaf is an Unmarshaler that does not look at what it is given.
type deaf struct{}

func (*deaf) UnmarshalETF(etf.Raw) error { return nil }

// passingTargets are new values of types that take much without looking at it, and of others.
func passingTargets() []any {
	return []any{new(passing), new(passingNone), new(passingOwn), new(passingBins), new(passingInner), new(passingElixir), new(passingKeyword),
		new(passingTuple), new(map[passingKey]int), new(deaf), new([]deaf), new(map[int]deaf), new(map[deaf]deaf), new(map[string]passing),
		new(map[etf.Atom]passingNone), new(etf.Raw), new([]etf.Raw), new(map[int]etf.Raw), &map[int]etf.Raw{1: {}}, &map[etf.Atom]deaf{"a": {}, "b": {}},
		new(map[float64]passingNone), new(map[*int]etf.Raw), new(map[any]any), new(map[[1]any]deaf), new(map[time.Time]deaf), new(map[etf.Charlist]deaf),
		new(map[*etf.Big]deaf), new(map[etf.Term]deaf), new(map[passingOwn]deaf), new(map[etf.Pid]deaf), new(map[*etf.Fun]deaf), new(map[[2]*int]deaf),
		new(etf.Result[etf.Raw]), new(etf.Keyword[etf.Raw]), new(etf.Keyword[passingNone]), new(startOptions), new(etf.Result[passingNone]), new(etf.Result[passingPair]), new([]etf.Result[deaf]), new(map[etf.Result[int]]deaf),
		new([2]passing), new([]passingNone), new([][]deaf), new(*passing), new([]*deaf), new(any), new(etf.Term), new(etf.Map), new(etf.List), new(etf.Tuple),
		new(etf.Charlist), new([]etf.Charlist), new([]int), new([]float64), new([]string), new([]uint8Like), new(string), new([]byte), new([3]byte), new(bool),
		new(int8), new(uint64), new(float32), new(big.Int), new(color), new(time.Time), new(etf.NaiveDateTime), new(time.Duration), new(etf.Pid), new(etf.Ref),
		new(etf.Port), new(etf.Fun), new(etf.Export), new(etf.Record), new(etf.BitString), new(etf.Improper), new(etf.Atom), new(fuzzTarget),
		new(map[string][]passing), new(map[etf.Ref]any)}
}

// checkSubset decodes data into every target, and calls fail for what one takes and Decode does not.
func checkSubset(data []byte, fail func(format string, args ...any)) (accepted int) {
	for _, opts := range [][]etf.Option{nil, {etf.WithLimits(etf.Limits{Depth: 3, Elements: 12}), etf.Alias()}} {
		_, rest, err := etf.Decode(data, opts...)
		if err == nil && len(rest) > 0 {
			err = etf.ErrLimit // Unmarshal wants all to be the term
		}
		for _, v := range passingTargets() {
			if etf.Unmarshal(data, v, opts...) != nil {
				continue
			}
			accepted++
			if err != nil {
				fail("%x is accepted into %T; Decode: %v", data, v, err)
			}
		}
		if len(data) > 1 && data[0] == etf.Version && data[1] != 'P' {
			raw := etf.Raw{Bytes: data[1:], Atoms: table}
			_, err := raw.Term()
			if err == nil && len(opts) > 0 {
				r := etf.NewReader(raw, opts...)
				_, err = r.Term()
			}
			for _, v := range passingTargets() {
				if raw.Decode(v, opts...) == nil && err != nil {
					fail("%x with an atom cache is accepted into %T; Term: %v", data, v, err)
				}
			}
			if _, e := etf.Append(nil, raw); e == nil && err != nil && len(opts) == 0 {
				fail("%x is appended as Raw; Term: %v", data, err)
			}
		}
		err2 := etf.NewDecoder(bytes.NewReader(data), opts...).Decode(new(passing))
		if err2 == nil && err != nil && len(rest) == 0 {
			fail("a Decoder takes %x into a struct; Decode: %v", data, err)
		}
	}
	return accepted
}

// TestIgnoredIsChecked: each of these has a fault, or twice the same key, where nobody looks.
func TestIgnoredIsChecked(t *testing.T) {
	atom := func(s string) string { return "w" + string(rune(len(s))) + s }
	mapOf := func(parts ...string) string {
		return "t\x00\x00\x00" + string(rune(len(parts)/2)) + strings.Join(parts, "")
	}
	list := func(parts ...string) string {
		return "l\x00\x00\x00" + string(rune(len(parts))) + strings.Join(parts, "") + "j"
	}
	one, oneWide, oneBig := "a\x01", "b\x00\x00\x00\x01", "n\x01\x00\x01"
	bin, bits := "m\x00\x00\x00\x01b", "M\x00\x00\x00\x01\x08b"
	twice := mapOf(one, one, oneWide, one)
	notUTF8, latin := "w\x02\xff\xfe", "d\x00\x01z"
	faults := map[string]string{
		"two equal keys":                      twice,
		"keys of two tags":                    mapOf(one, one, oneBig, one),
		"atoms of two tags":                   mapOf(atom("z"), one, latin, one),
		"binaries of two tags":                mapOf(bin, one, bits, one),
		"equal lists":                         mapOf("k\x00\x01\x01", one, list(oneWide), one),
		"equal floats":                        mapOf("F\x3f\xf0\x00\x00\x00\x00\x00\x00", one, "c1.00000000000000000000e+00\x00\x00\x00\x00\x00", one),
		"equal maps":                          mapOf(mapOf(one, one, bin, one), one, mapOf(bin, one, one, one), one),
		"deep equal keys":                     list(list("h\x01" + twice)),
		"equal keys in a key":                 mapOf(twice, one),
		"equal keys in the tail":              "l\x00\x00\x00\x01" + one + twice,
		"atom that is no text":                notUTF8,
		"atom that is no text, in a list":     list(one, notUTF8),
		"key that is no text":                 mapOf(notUTF8, one),
		"atom of 256 characters":              "v\x01\x00" + strings.Repeat("x", 256),
		"NaN":                                 "F\x7f\xf8\x00\x00\x00\x00\x00\x00",
		"infinity in a list":                  list("F\x7f\xf0\x00\x00\x00\x00\x00\x00"),
		"float without text":                  "c" + strings.Repeat("x", 31),
		"bit string of nine bits":             "M\x00\x00\x00\x01\x09b",
		"pid of an atom that is no text":      "X" + notUTF8 + strings.Repeat("\x00", 12),
		"old pid of creation 4":               "g" + atom("a@b") + strings.Repeat("\x00", 8) + "\x04",
		"reference of six words":              "Z\x00\x06" + atom("a@b") + strings.Repeat("\x00", 28),
		"reference without words":             "Z\x00\x00" + atom("a@b") + strings.Repeat("\x00", 4),
		"old reference of a large word":       "r\x00\x01" + atom("a@b") + "\x00\xff\xff\xff\xff",
		"export of arity 256":                 "q" + atom("m") + atom("f") + "b\x00\x00\x01\x00",
		"export of a binary":                  "q" + bin + atom("f") + one,
		"fun of a big":                        "p\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 24) + atom("m") + "n\x05\x00\x01\x01\x01\x01\x01" + one + "X" + atom("a") + strings.Repeat("\x00", 12),
		"record with a field twice":           "C\x00\x00\x00\x02\x00" + atom("m") + atom("r") + atom("f") + atom("f") + one + one,
		"tuple that is cut off":               "h\x02" + one,
		"integer of two bytes less":           "b\x00\x00",
		"nothing":                             "",
		"compressed inside":                   "P\x00\x00\x00\x01x",
		"local":                               "y\x00\x00\x00\x00\x00\x00\x00\x00" + one,
		"cache reference without a cache":     "R\x00",
		"tuple of more than there is":         "i\xff\xff\xff\xff" + one,
		"list of more than there is":          "l\xff\xff\xff\xff" + one,
		"maps nested by their keys 70 deep":   strings.Repeat("t\x00\x00\x00\x01", 70) + strings.Repeat(one, 71),
		"maps nested by keys and values deep": strings.Repeat("t\x00\x00\x00\x01h\x01", 70) + strings.Repeat(one, 71),
	}
	for name, fault := range faults {
		for _, c := range []struct {
			term string
			into any
		}{
			{mapOf(atom("x"), fault), new(passingNone)},
			{mapOf(atom("A"), fault), new(passing)},
			{mapOf(fault, one), new(passingNone)},
			{mapOf(atom("A"), one, atom("Skipped"), fault), new(passingInner)},
			{mapOf(atom("A"), one, atom("a"), fault), new(passingInner)},
			{mapOf(atom("a"), fault), new(passingOwn)},
			{mapOf(atom("M"), mapOf(bin, mapOf(atom("x"), fault))), new(passingInner)},
			{mapOf(atom("__struct__"), atom("Elixir.P"), atom("x"), fault), new(passingElixir)},
			{list("h\x02" + atom("x") + fault), new(passingKeyword)},
			{list("h\x02"+atom("a")+one, "h\x02"+atom("a")+fault), new(passingKeyword)},
			{"h\x03" + atom("t") + one + fault, new(passingTuple)},
			{"h\x02" + atom("ok") + fault, new(etf.Result[passingNone])},
			{"h\x02" + atom("ok") + mapOf(atom("x"), fault), new(etf.Result[passingNone])},
			{"h\x02" + atom("error") + fault, new(etf.Result[int])},
			{"h\x03" + atom("ok") + one + fault, new(etf.Result[passingPair])},
			{fault, new(deaf)},
			{fault, new(etf.Raw)},
			{mapOf(one, fault), new(map[int]deaf)},
			{mapOf(one, fault), new(map[int]etf.Raw)},
		} {
			data := []byte("\x83" + c.term)
			if _, _, err := etf.Decode(data); err == nil && name != "equal floats" {
				t.Errorf("%s: Decode accepts %q", name, data)
			}
			if err := etf.Unmarshal(data, c.into); err == nil {
				t.Errorf("%s: %q is accepted into %T", name, data, c.into)
			}
		}
		checkSubset([]byte("\x83"+fault), t.Errorf)
		checkSubset([]byte("\x83"+mapOf(atom("A"), one, atom("x"), fault)), t.Errorf)
		checkSubset([]byte("\x83"+mapOf(fault, one)), t.Errorf)
	}
	// What has its key twice where Go sees one value.
	for _, c := range []struct {
		term string
		into any
	}{
		{mapOf(one, one, oneWide, one), new(map[*int]int)},
		{mapOf(one, one, oneWide, one), &map[int]int{1: 1}},
		{mapOf(one, one, oneWide, one), &map[int]int{7: 1}},
		{mapOf(one, one, oneWide, one), new(map[any]int)},
		{mapOf("n\x09\x00123456789", one, "n\x0a\x00123456789\x00", one), new(map[any]int)},
		{mapOf("n\x09\x00123456789", one, "n\x0a\x00123456789\x00", one), new(map[etf.Term]int)},
		{mapOf("n\x09\x00123456789", one, "n\x0a\x00123456789\x00", one), new(map[*big.Int]int)},
		{mapOf(atom("a"), one, atom("a"), one), &map[etf.Atom]int{"a": 1}},
		{mapOf(atom("__struct__"), atom("Elixir.P"), atom("__struct__"), atom("Elixir.P")), new(passingElixir)},
		{mapOf(bin, one, bits, one), new(passingNone)},
		{mapOf("m\x00\x00\x00\x01a", one, "M\x00\x00\x00\x01\x08a", one), new(passingBins)},
	} {
		err := etf.Unmarshal([]byte("\x83"+c.term), c.into)
		if _, ok := err.(*etf.SyntaxError); !ok || !strings.Contains(err.Error(), "duplicate key") {
			t.Errorf("%q into %T: %v", c.term, c.into, err)
		}
	}
	// Keys that are different terms and one Go value.
	float := "F\x3f\xf0\x00\x00\x00\x00\x00\x00"
	for _, into := range []any{new(map[float64]int), &map[float64]int{1: 1}, &map[float64]int{3: 1}, new(map[passingNone]int)} {
		term := mapOf(one, one, float, one)
		if _, ok := into.(*map[passingNone]int); ok {
			term = mapOf(mapOf(), one, mapOf(one, one), one)
		}
		var e *etf.TypeError
		if err := etf.Unmarshal([]byte("\x83"+term), into); !asType(err, &e) || !strings.Contains(err.Error(), "same Go value") {
			t.Errorf("%q into %T: %v", term, into, err)
		}
	}
}

func asType(err error, e **etf.TypeError) bool {
	var ok bool
	*e, ok = err.(*etf.TypeError)
	return ok
}

// TestSubset lets random faults into terms that the targets take.
func TestSubset(t *testing.T) {
	accepted := 0
	s := newMutator(3)
	for i, data := range subsetSeeds(t) {
		if i >= 50 && i%5 > 0 { // FuzzSubset can have the others
			continue
		}
		accepted += checkSubset(data, t.Errorf)
		for range 2 {
			accepted += checkSubset(s.mutate(data), t.Errorf)
		}
	}
	if accepted < 3_000 {
		t.Errorf("only %d were accepted", accepted)
	}
}

// FuzzSubset: what is accepted into any Go type is accepted by Decode.
func FuzzSubset(f *testing.F) {
	for i, data := range subsetSeeds(f) {
		if i < 50 || i%10 == 1 { // TestSubset has others
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2000 {
			checkSubset(data, t.Errorf)
		}
	})
}

// subsetSeeds are terms that some of the targets take, with much that they pass over.
func subsetSeeds(t testing.TB) [][]byte {
	var all [][]byte
	for _, text := range []string{
		"#{'A' => 1, x => #{1 => 2, \"b\" => [#{a => b}]}, 2 => y}", "#{a => 1, <<\"a\">> => 2, x => #{}}", "#{'__struct__' => 'Elixir.P', a => 1, b => #{c => 1.5}}",
		"[{a, 1}, a, {b, #{1 => 2}}, {a, 'x'}]", "{t, #{a => 1, b => 2}, [1, 2 | 3]}", "{ok, #{a => 1}}", "{ok, 1, #{x => y}}", "{error, #{x => 1}}", "error",
		"#{1 => a, 2 => b}", "#{1.5 => a, 2 => b}", "#{a => 1, b => #{c => 1}}", "#{[104, 105] => 1, [1, 2, 3] => 2}", "[#{a => 1}, #{}, #{b => #{}}]",
		"#{<<\"a\">> => [#{'A' => 1, x => #{1 => 2}}]}", "#{#{a => 1} => 1, #{b => 2} => 2}", "#{#{'M' => #{#{} => 1}} => 1}", "#{'A' => [1 | 2], 1267650600228229401496703205376 => 1}",
		"#{{{2024, 2, 29}, {1, 2, 3}} => 1}", "\"text\"", "[[], \"a\", [1000]]", "[1, 2000, 1267650600228229401496703205376]", "#{ok => 1, {ok, 3} => 2}", "nil",
		"{ok, ok, ok}", "[{ok, 1}, {error, b}, ok]", "#{env => [{a, 1}, b], tune => [{a, 1}, {a, x}]}", "[{a, #{x => 1}}, {b, #{}}]",
	} {
		b, err := etf.Marshal(mustParse(t, text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	for _, v := range readVectors(t) {
		if b, err := hex.DecodeString(v.bytes); err == nil && len(b) < 200 {
			all = append(all, b)
		}
	}
	return all
}

func TestPassingOverIsCounted(t *testing.T) {
	deep := bytes.Repeat([]byte("h\x01"), 50)
	data := append(append([]byte("\x83t\x00\x00\x00\x01w\x01x"), deep...), 'j')
	for _, opt := range []etf.Limits{{Depth: 30}, {Elements: 30}} {
		err := etf.Unmarshal(data, new(passingNone), etf.WithLimits(opt))
		if le, ok := err.(*etf.LimitError); !ok {
			t.Errorf("%+v: %v", opt, err)
		} else if reflect.ValueOf(opt).FieldByName(le.Limit).Int() != 30 {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}
