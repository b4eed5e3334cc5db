package etf_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// nested returns a term in which others nest n deep, in the five ways in which terms nest.
func nested(how string, n int) []byte {
	var open, end string
	switch how {
	case "tuple":
		open = "\x68\x01"
	case "list":
		open, end = "\x6c\x00\x00\x00\x01", "\x6a"
	case "map value":
		open = "\x74\x00\x00\x00\x01\x6a"
	case "map key":
		open, end = "\x74\x00\x00\x00\x01", "\x6a"
	case "fun":
		open = "\x70\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 20) + "\x00\x00\x00\x01\x77\x01m\x61\x00\x61\x00\x58\x77\x01n" + strings.Repeat("\x00", 12)
	case "record":
		open = "\x43\x00\x00\x00\x01\x00\x77\x01m\x77\x01r\x77\x01f"
	}
	return []byte(strings.Repeat(open, n) + "\x77\x01x" + strings.Repeat(end, n))
}

func TestDepthLimit(t *testing.T) {
	for _, how := range []string{"tuple", "list", "map value", "fun", "record"} {
		for _, c := range []struct {
			limit, depth int
			ok           bool
		}{
			{0, 10_000, true}, {0, 10_001, false}, {3, 3, true}, {3, 4, false}, {-1, 100_000, true}, {-1, 100_001, false},
			{-1, 1_000_000, false}, {1_000_000, 100_001, false},
		} {
			if c.depth > 10_001 && how != "tuple" {
				continue // once is enough, for the time it takes with the race detector
			}
			raw := etf.Raw{Bytes: nested(how, c.depth)}
			opt := etf.WithLimits(etf.Limits{Depth: c.limit})
			var x any
			r := etf.NewReader(raw, opt)
			_, errTerm := r.Term()
			for name, err := range map[string]error{"Decode": raw.Decode(&x, opt), "Term": errTerm, "Skip": r.Skip(), "ignore": raw.Decode(new(deaf), opt)} {
				if name == "Skip" && errTerm == nil {
					continue // already read
				}
				if (err == nil) != c.ok {
					t.Errorf("%s %d deep, limit %d: %s: %v", how, c.depth, c.limit, name, err)
				}
				var limit *etf.LimitError
				if err != nil && (!errors.As(err, &limit) || limit.Limit != "Depth" || !errors.Is(err, etf.ErrLimit)) {
					t.Errorf("%s %d deep: %s: %v", how, c.depth, name, err)
				}
			}
			if !c.ok || c.depth < 10_000 {
				continue
			}
			// What can be read can be written, compared, copied and printed.
			term := x.(etf.Term)
			b, err := etf.AppendTerm(nil, term)
			if err != nil || !bytes.Equal(clearSizes(how, b), raw.Bytes) {
				t.Errorf("%s %d deep: AppendTerm: %v", how, c.depth, err)
			}
			if !etf.Equal(term, term) {
				t.Errorf("%s %d deep: not Equal to itself", how, c.depth)
			}
			if s := term.String(); strings.Contains(s, "...") {
				t.Errorf("%s %d deep: prints as %.20s…%s", how, c.depth, s, s[len(s)-20:])
			}
		}
	}
}

// clearSizes sets the size fields of funs to what nested writes.
func clearSizes(how string, b []byte) []byte {
	if how == "fun" {
		for i := 0; i < len(b) && b[i] == 0x70; i += 53 {
			binary.BigEndian.PutUint32(b[i+1:], 0)
		}
	}
	return b
}

func TestMapKeyDepthLimit(t *testing.T) {
	if _, err := (etf.Raw{Bytes: nested("map key", 64)}).Term(); err != nil {
		t.Errorf("64 maps in each other's keys: %v", err)
	}
	_, err := etf.Raw{Bytes: nested("map key", 65)}.Term()
	wantError(t, "65 maps in each other's keys", err, "keys", "64")
	wantError(t, "65 that nobody looks at", etf.Raw{Bytes: nested("map key", 65)}.Decode(new(deaf)), "keys", "64")
	_, err = etf.Parse(strings.Repeat("#{", 65))
	wantError(t, "the same as text", err, "keys", "64")
}

// TestTooDeepToEncode: values in circles give an error, not an end of the program.
func TestTooDeepToEncode(t *testing.T) {
	list := etf.List{nil, nil}
	list[0], list[1] = list, list
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = ring
	var self any
	self = &self
	slice := []any{nil}
	slice[0] = slice
	gomap := map[string]any{}
	gomap["x"] = gomap
	tail := etf.Improper{Elems: []etf.Term{etf.Int(1)}, Tail: etf.Tuple{nil}}
	tail.Tail.(etf.Tuple)[0] = tail
	for name, v := range map[string]any{"list": list, "struct": ring, "any": self, "slice": slice, "map": gomap, "improper": tail} {
		if _, err := etf.Append(nil, v); !errors.Is(err, etf.ErrLimit) {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	if s := list.String(); !strings.Contains(s, "...") {
		t.Errorf("printed %.50s", s)
	}
}

func TestElementsLimit(t *testing.T) {
	ten := etf.WithLimits(etf.Limits{Elements: 10})
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"{1,2,3,4,5,6,7,8,9,0}", true}, {"{1,2,3,4,5,6,7,8,9,0,1}", false}, {"{a,[1,2,3,4,5,6,7,8]}", true}, {"{a,[1,2,3,4,5,6,7,8,9]}", false},
		{"[a,b,c,d,e,f,g,h,i,j]", true}, {"[a,b,c,d,e,f,g,h,i,j,k]", false}, {"#{a => 1,b => 2,c => 3,d => 4,e => 5}", true},
		{"#{a => 1,b => 2,c => 3,d => 4,e => 5,f => 6}", false}, {`"0123456789"`, true}, {`"0123456789a"`, false}, {`<<"0123456789abc">>`, true},
		{"[[],[],[],[[],[],[],[],[],[]]]", true}, {"[[],[],[],[[],[],[],[],[],[],[]]]", false},
	} {
		raw := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.text))}
		var x any
		err := raw.Decode(&x, ten)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, etf.ErrLimit) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
	for name, v := range map[string]any{"slice": &[]int{}, "array": &[11]int{}, "map": &map[int]int{}, "struct": &struct{ A int }{}} {
		var raw etf.Raw
		switch name {
		case "slice", "array":
			raw.Bytes = mustAppend(t, mustParse(t, "[1,2,3,4,5,6,7,8,9,10,11]"))
		default:
			raw.Bytes = mustAppend(t, mustParse(t, "#{1 => 1,2 => 2,3 => 3,4 => 4,5 => 5,6 => 6}"))
		}
		if err := raw.Decode(v, ten); !errors.Is(err, etf.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if err := raw.Decode(v); err != nil {
			t.Errorf("%s without the limit: %v", name, err)
		}
	}
}

func zip(declared uint32, inner []byte) []byte {
	var b bytes.Buffer
	b.Write([]byte{etf.Version, 80})
	binary.Write(&b, binary.BigEndian, declared)
	z := zlib.NewWriter(&b)
	z.Write(inner)
	z.Close()
	return b.Bytes()
}

func TestInflatedLimit(t *testing.T) {
	inner := etf.AppendBinary(nil, make([]byte, 995)) // 1000 bytes
	data := zip(1000, inner)
	for limit, ok := range map[int]bool{0: true, -1: true, 1000: true, 999: false} {
		_, rest, err := etf.Decode(append(data, "next"...), etf.WithLimits(etf.Limits{Inflated: limit}))
		if (err == nil) != ok || ok && string(rest) != "next" || !ok && !errors.Is(err, etf.ErrLimit) {
			t.Errorf("limit %d: %v, rest %q", limit, err, rest)
		}
	}
	wantError(t, "bytes behind a compressed term", etf.Unmarshal(append(data, 0), new(any)), "1 bytes after the term")
	wantError(t, "bytes inside", etf.Unmarshal(zip(3, []byte{97, 1, 0}), new(any)), "inflated bytes", "1 bytes after the term")
	wantError(t, "error inside", etf.Unmarshal(zip(2, []byte{0, 1}), new(any)), "offset 0 of the inflated bytes", "unknown tag 0")
}

// TestBombs: claims of size cost neither memory nor time: some microseconds, most of them nanoseconds.
func TestBombs(t *testing.T) {
	big := bytes.Repeat([]byte{0}, 64<<20)
	deflated := zip(1<<32-1, big)
	bombs := map[string][]byte{
		"tuple":                       {etf.Version, 105, 0, 255, 255, 255},
		"list":                        {etf.Version, 108, 255, 255, 255, 255, 106},
		"map":                         {etf.Version, 116, 255, 255, 255, 255, 106},
		"binary":                      {etf.Version, 109, 255, 255, 255, 255},
		"bit string":                  {etf.Version, 77, 255, 255, 255, 255, 1},
		"big":                         {etf.Version, 111, 255, 255, 255, 255, 0},
		"record":                      {etf.Version, 67, 255, 255, 255, 255, 0, 119, 1, 97, 119, 1, 97},
		"inflates to 4 GiB":           {etf.Version, 80, 255, 255, 255, 255, 0x78, 0x9c},
		"inflates to 64 MiB, it says": append([]byte{etf.Version, 80, 4, 0, 0, 0}, deflated[6:40]...),
		"inflates to more":            append([]byte{etf.Version, 80, 0, 0, 0, 9}, deflated[6:]...),
		"nested lists of many":        append([]byte{etf.Version}, bytes.Repeat([]byte{108, 0, 0, 16, 0}, 5000)...),
		"nested tuples of many":       append([]byte{etf.Version}, bytes.Repeat([]byte{105, 0, 0, 16, 0}, 5000)...),
		"nested maps of many":         append([]byte{etf.Version}, bytes.Repeat([]byte{116, 0, 0, 8, 0, 106}, 5000)...),
	}
	for name, data := range bombs {
		for _, v := range []any{new(any), new([]int), new([][1000]string), new(map[string]any), new([]byte), new([1 << 20]int), new(etf.Raw), new(deaf), new(passing)} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := etf.Unmarshal(data, v)
			runtime.ReadMemStats(&after)
			took := time.Hour
			for range 5 { // others use the machine too
				start := time.Now()
				etf.Unmarshal(data, v)
				took = min(took, time.Since(start))
			}
			if err == nil {
				t.Fatalf("%s is accepted", name)
			}
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(400*len(data)+1<<20); got > most {
				t.Errorf("%s into %T: %d bytes allocated for %d", name, v, got, len(data))
			}
			if took > 2*time.Millisecond {
				t.Errorf("%s into %T took %v", name, v, took)
			}
		}
	}
}

// TestMemoryMultiple: what is accepted takes at most 24 times the memory of the input, however it is made, and a slice that
// grows three times what its elements are besides; 40 with the race detector, under which slices.Grow takes more.
func TestMemoryMultiple(t *testing.T) {
	const n = 20_000
	list := func(elem string) []byte {
		b := etf.AppendListHeader([]byte{etf.Version}, n)
		return append(append(b, strings.Repeat(elem, n)...), 'j')
	}
	numbers := etf.AppendMapHeader([]byte{etf.Version}, n)
	for i := range n {
		numbers = append(binary.BigEndian.AppendUint32(append(numbers, 'b'), uint32(i)), 'j')
	}
	for name, data := range map[string][]byte{
		"empty lists": list("j"), "bytes": list("a\x01"), "empty maps": list("t\x00\x00\x00\x00"), "maps": list("t\x00\x00\x00\x01jj"), "empty tuples": list("h\x00"),
		"tuples": list("h\x01j"), "lists": list("l\x00\x00\x00\x01jj"), "lists of bytes": list("k\x00\x01\x00"), "empty binaries": list("m\x00\x00\x00\x00"),
		"binaries": list("m\x00\x00\x00\x01x"), "bigs": list("n\x09\x00123456789"), "bits": list("M\x00\x00\x00\x01\x01\x00"), "exports": list("qw\x00w\x00a\x00"),
		"references": list("r\x00\x01w\x00\x00\x00\x00\x00\x00"), "pids": list("gw\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "atoms": list("w\x01x"),
		"records": list("C\x00\x00\x00\x00\x00w\x00w\x00"), "floats": list("F\x00\x00\x00\x00\x00\x00\x00\x00"), "improper": list("l\x00\x00\x00\x01ja\x01"), "keys": numbers,
	} {
		for _, v := range []any{new(any), new(deaf), new(etf.Raw), new(map[int]deaf), new(passingNone), new([]any), new([]etf.Raw)} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := etf.Unmarshal(data, v)
			runtime.ReadMemStats(&after)
			most := 40.0
			if s := reflect.TypeOf(v).Elem(); s.Kind() == reflect.Slice {
				most += 3 * float64(s.Elem().Size())
			}
			if got := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(data)); got > most {
				t.Errorf("%s into %T: %.1f times %d bytes (%v)", name, v, got, len(data), err)
			}
		}
	}
}
