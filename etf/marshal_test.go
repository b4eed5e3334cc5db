package etf_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

type (
	colour string
	small  uint8
	octet  byte
	user   struct {
		Name  string
		Age   int      `etf:"age"`
		Tags  []string `etf:"tags,omitempty"`
		Email *string  `etf:"email"`
		Key   int      `etf:"key,string"`
		Skip  int      `etf:"-"`
	}
	point struct {
		_    struct{} `etf:"point,tuple"`
		X, Y int
	}
	pair struct {
		_     struct{} `etf:",tuple"`
		Left  any
		Right etf.Term
	}
	elixirUser struct {
		_    struct{} `etf:"Elixir.User,elixir"`
		Name string   `etf:"name"`
	}
	base struct {
		ID   int
		Name string
	}
	Middle struct {
		base
		Name string
	}
	outer struct {
		*Middle
		base2 `etf:"inner"`
		Pid   etf.Pid
		etf.Atom
	}
	base2 struct{ A int }
	list  struct {
		Value int
		Next  *list
	}
)

// Marshaler and Unmarshaler on a pointer receiver: a temperature that is {celsius, F}.
type celsius float64

func (c *celsius) MarshalETF(dst []byte) ([]byte, error) {
	dst = etf.AppendAtom(etf.AppendTupleHeader(dst, 2), "celsius")
	return etf.AppendFloat(dst, float64(*c)), nil
}

func (c *celsius) UnmarshalETF(r etf.Raw) error {
	rd := etf.NewReader(r)
	if n, err := rd.Tuple(); err != nil || n != 2 {
		return fmt.Errorf("want {celsius, F}")
	}
	if a, err := rd.Atom(); err != nil || a != "celsius" {
		return fmt.Errorf("want {celsius, F}")
	}
	f, err := rd.Float()
	*c = celsius(f)
	return err
}

// Marshaler on a value receiver: an enumeration as atoms.
type level int

func (l level) MarshalETF(dst []byte) ([]byte, error) {
	if l < 0 || int(l) >= len(levels) {
		return nil, fmt.Errorf("level %d", int(l))
	}
	return etf.AppendAtom(dst, levels[l]), nil
}

func (l *level) UnmarshalETF(r etf.Raw) error {
	a, err := etf.As[etf.Atom](r)
	for i, name := range levels {
		if name == a {
			*l = level(i)
			return nil
		}
	}
	return errors.Join(err, fmt.Errorf("no level %s", a))
}

var levels = []etf.Atom{"debug", "info"}

func ptr[T any](v T) *T { return &v }

// TestMarshal: Go values, the terms they are, and back.
func TestMarshal(t *testing.T) {
	pid := etf.Pid{Node: "a@b", ID: 1, Serial: 2, Creation: 3}
	ref := etf.Ref{Node: "a@b", Creation: 1, Len: 2, Words: [5]uint32{1, 2}}
	for _, c := range []struct {
		v    any
		text string
	}{
		{true, "true"}, {false, "false"},
		{int8(-128), "-128"}, {int16(300), "300"}, {int32(-1), "-1"}, {int64(math.MinInt64), "-9223372036854775808"}, {int(5), "5"},
		{uint8(255), "255"}, {uint16(1), "1"}, {uint32(math.MaxUint32), "4294967295"}, {uint64(math.MaxUint64), "18446744073709551615"}, {uint(7), "7"}, {uintptr(8), "8"},
		{float32(0.5), "0.5"}, {1.5e300, "1.5e300"},
		{"text", `<<"text">>`}, {"", "<<>>"}, {"é", `<<"é"/utf8>>`}, {"\xff\x00", "<<255,0>>"}, {colour("red"), `<<"red">>`},
		{[]byte{1, 2}, "<<1,2>>"}, {[]octet{1, 2}, "<<1,2>>"}, {[3]byte{1, 2, 3}, "<<1,2,3>>"}, {[0]byte{}, "<<>>"},
		{etf.Charlist("text"), `"text"`}, {etf.Charlist("жé"), "[1078,233]"}, {etf.Charlist(""), "[]"},
		{[]int{1, 2, 300}, "[1,2,300]"}, {[]int{1, 2}, "[1,2]"}, {[]int{}, "[]"}, {[2]string{"a", "b"}, `[<<"a">>,<<"b">>]`}, {[]small{1, 2}, "<<1,2>>"},
		{[]uint16{104, 105}, `"hi"`}, {[][]int{{1}, {}}, "[[1],[]]"},
		{map[string]int{"b": 2, "a": 1}, `#{<<"a">> => 1,<<"b">> => 2}`}, {map[int]bool{10: true, -1: false, 2: true}, "#{-1 => false,2 => true,10 => true}"},
		{map[etf.Atom]etf.Atom{"k": "v"}, "#{k => v}"}, {map[uint8]string{}, "#{}"}, {map[float64]int{1.5: 1, -2: 2}, "#{-2.0 => 2,1.5 => 1}"},
		{map[point]int{{X: 1, Y: 2}: 3}, "#{{point,1,2} => 3}"}, {map[[2]int]int{{1, 2}: 3}, "#{[1,2] => 3}"}, {map[etf.Pid]int{pid: 1}, "#{#Pid<a@b.1.2/3> => 1}"},
		{ptr(5), "5"}, {ptr(ptr("x")), `<<"x">>`}, {(*int)(nil), "nil"}, {[]*int{nil, ptr(1)}, "[nil,1]"},
		{big.NewInt(7), "7"}, {new(big.Int).Lsh(big.NewInt(1), 64), "18446744073709551616"},
		{etf.Atom("ok"), "ok"}, {etf.Int(3), "3"}, {etf.Float(1), "1.0"}, {etf.Binary("b"), `<<"b">>`}, {etf.BitString{Bytes: []byte{128}, Bits: 1}, "<<1:1>>"},
		{etf.Tuple{etf.Atom("a"), etf.Int(1)}, "{a,1}"}, {etf.List{etf.Atom("a")}, "[a]"}, {etf.Map{{Key: etf.Int(1), Value: etf.Int(2)}}, "#{1 => 2}"},
		{etf.Improper{Elems: []etf.Term{etf.Int(1)}, Tail: etf.Int(2)}, "[1|2]"}, {pid, "#Pid<a@b.1.2/3>"}, {ref, "#Ref<a@b/1.1.2>"},
		{etf.Port{Node: "a@b", ID: 5, Creation: 6}, "#Port<a@b.5/6>"}, {etf.Export{Module: "m", Function: "f", Arity: 2}, "fun m:f/2"},
		{&etf.Fun{Module: "m", Pid: pid}, "#Fun<m.0.0/0,0,00000000000000000000000000000000,#Pid<a@b.1.2/3>,[]>"},
		{&etf.Record{Module: "m", Name: "r", Fields: []etf.Field{{Name: "k", Value: etf.Int(5)}}}, "#m:r{k=5}"},
		{etf.Raw{Bytes: []byte{97, 5}}, "5"},
		{user{Name: "Ann", Age: 3, Tags: []string{"x"}, Email: ptr("e")}, `#{'Name' => <<"Ann">>,age => 3,tags => [<<"x">>],email => <<"e">>,<<"key">> => 0}`},
		{user{}, `#{'Name' => <<>>,age => 0,email => nil,<<"key">> => 0}`},
		{point{X: 1, Y: -2}, "{point,1,-2}"}, {pair{Left: etf.Int(1), Right: etf.Atom("r")}, "{1,r}"},
		{elixirUser{Name: "Ann"}, `#{'__struct__' => 'Elixir.User',name => <<"Ann">>}`},
		{outer{Middle: &Middle{base: base{ID: 1}, Name: "m"}, base2: base2{A: 2}, Pid: pid, Atom: "at"},
			`#{'ID' => 1,'Name' => <<"m">>,'Pid' => #Pid<a@b.1.2/3>,'Atom' => at}`},
		{list{1, &list{2, nil}}, "#{'Value' => 1,'Next' => #{'Value' => 2,'Next' => nil}}"},
		{level(1), "info"}, {[]level{0, 1}, "[debug,info]"}, {map[level]int{1: 1, 0: 2}, "#{info => 1,debug => 2}"},
		{ptr(celsius(1.5)), "{celsius,1.5}"}, {celsius(1.5), "{celsius,1.5}"}, {[]celsius{1}, "[{celsius,1.0}]"}, {(*celsius)(nil), "nil"},
		{struct{ C celsius }{2}, "#{'C' => {celsius,2.0}}"},
		{struct{}{}, "#{}"},
	} {
		name := fmt.Sprintf("%T %s", c.v, c.text)
		data, err := etf.Marshal(c.v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		term, rest, err := etf.Decode(data)
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: Decode: %v, rest %x", name, err, rest)
			continue
		}
		if want := mustParse(t, c.text); !etf.Equal(term, want) {
			t.Errorf("%s: is %s", name, term)
		}
		if strings.Contains(name, "map[") && !strings.Contains(name, "level") && term.String() != c.text {
			t.Errorf("%s: is ordered %s", name, term) // not so for keys that are Marshalers
		}
		if again, err := etf.AppendTerm(nil, term); err != nil || string(again) != string(data[1:]) {
			t.Errorf("%s: Marshal gives %x, its term %x", name, data[1:], again)
		}
		checkRefs(t, name, c.v, data[1:], term)
		checkRefs(t, name, etf.Raw{Bytes: data[1:]}, data[1:], term)
		back := reflect.New(reflect.TypeOf(c.v))
		if err := etf.Unmarshal(data, back.Interface()); err != nil {
			t.Errorf("%s: Unmarshal: %v", name, err)
			continue
		}
		if o, ok := back.Elem().Interface().(outer); ok && o.Middle == nil {
			t.Errorf("%s: embedded pointer is nil", name)
		}
		again, err := etf.Marshal(back.Elem().Interface())
		if err != nil || string(again) != string(data) {
			t.Errorf("%s: comes back as %#v: %v", name, back.Elem().Interface(), err)
		}
	}
}

// TestUnmarshal: what is not simply the way back.
func TestUnmarshal(t *testing.T) {
	for _, c := range []struct {
		text   string
		target any
		want   any
	}{
		{"undefined", ptr(ptr(5)), (*int)(nil)}, {"nil", ptr(ptr(5)), (*int)(nil)}, {"5", ptr(ptr(1)), ptr(5)},
		{"nil", new(any), etf.Atom("nil")}, {"[]", new(any), etf.List(nil)}, {"<<1>>", new(any), etf.Binary{1}},
		{"nil", new(etf.Atom), etf.Atom("nil")}, {"undefined", new(etf.Term), etf.Atom("undefined")},
		{"7", new(float64), 7.0}, {"-9007199254740992", new(float64), -9007199254740992.0}, {"3", new(float32), float32(3)},
		{"[]", &[]int{1, 2}, []int{}}, {"[3]", &[]int{1, 2}, []int{3}}, {`"abc"`, new([]int), []int{97, 98, 99}}, {`"ab"`, new([2]etf.Term), [2]etf.Term{etf.Int(97), etf.Int(98)}},
		{`"ab"`, new([]float64), []float64{97, 98}}, {`"é"`, new(etf.Charlist), etf.Charlist("é")},
		{"#{a => 1}", &map[etf.Atom]int{"b": 2}, map[etf.Atom]int{"a": 1, "b": 2}}, {"#{}", new(map[int]int), map[int]int{}},
		{"#{x => 1,'Name' => <<\"n\">>,{a} => b,<<\"Name\">> => 1,1 => 2}", &user{Age: 9}, user{Name: "n", Age: 9}},
		{"18446744073709551616", new(etf.Term), (*etf.Big)(new(big.Int).Lsh(big.NewInt(1), 64))},
		{"5", new(etf.Big), *(*etf.Big)(big.NewInt(5))},
		{"a", new(fmt.Stringer), etf.Atom("a")},
		{"[<<1>>,<<>>]", new([][]byte), [][]byte{{1}, {}}},
		{"#{<<\"a\">> => [300,x]}", new(map[string]etf.Raw), map[string]etf.Raw{"a": {Bytes: unhex(t, "6c00000002620000012c7701786a")}}},
	} {
		name := fmt.Sprintf("%s into %T", c.text, c.target)
		err := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.text))}.Decode(c.target)
		if got := reflect.ValueOf(c.target).Elem().Interface(); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %v, want %#v", name, got, err, c.want)
		}
	}

	// A pointer in an any is decoded into.
	inner := &base2{}
	holder := struct{ X any }{inner}
	if err := (etf.Raw{Bytes: mustAppend(t, mustParse(t, "#{'X' => #{'A' => 1}}"))}).Decode(&holder); err != nil || inner.A != 1 {
		t.Errorf("pointer in any: %v, %v", inner, err)
	}
	if err := (etf.Raw{Bytes: mustAppend(t, mustParse(t, "#{'X' => nil}"))}).Decode(&holder); err != nil || holder.X != nil {
		t.Errorf("nil over pointer in any: %v, %v", holder.X, err)
	}
}

// TestUnmarshalErrors: what does not fit says where, what stands there and what was to be filled.
func TestUnmarshalErrors(t *testing.T) {
	type deep struct {
		User struct {
			Tags []int `etf:"tags"`
		} `etf:"user"`
		M map[string]int8 `etf:"m"`
		T point           `etf:"t"`
	}
	for _, c := range []struct {
		text   string
		target any
		want   []string
	}{
		{"#{user => #{tags => [1,2,300,x]}}", new(deep), []string{".user.tags[3]", "offset 36", "atom x", "int", "want integer"}},
		{"#{user => #{tags => {}}}", new(deep), []string{".user.tags ", "tuple", "[]int", "want list"}},
		{"#{user => #{tags => [1|2]}}", new(deep), []string{".user.tags ", "improper list", "proper list"}},
		{`#{m => #{<<"k">> => 200}}`, new(deep), []string{`.m[<<"k">>]`, "integer 200", "int8"}},
		{`#{m => #{k => 1}}`, new(deep), []string{".m.key", "atom k", "string", "want binary"}},
		{"#{t => {point,1,a}}", new(deep), []string{".t.Y", "atom a", "int"}},
		{"#{t => {dot,1,2}}", new(deep), []string{".t ", "atom dot", "the atom point"}},
		{"#{t => {point,1}}", new(deep), []string{".t ", "tuple of 2 elements", "etf_test.point", "want 3"}},
		{"300", new(int8), []string{"integer 300", "int8"}}, {"-1", new(uint), []string{"integer -1", "uint"}}, {"256", new(uint8), []string{"integer 256", "uint8"}},
		{"9223372036854775808", new(int), []string{"integer 9223372036854775808", "64 bits"}}, {"1.0", new(int), []string{"float 1.0", "want integer"}},
		{"9007199254740993", new(float64), []string{"integer 9007199254740993", "53 bits"}}, {"1.0e300", new(float32), []string{"float 1.0e300", "float32"}},
		{"ok", new(bool), []string{"atom ok", "bool", "true or false"}}, {"1", new(bool), []string{"integer 1", "true or false"}},
		{"abc", new(string), []string{"atom abc", "string", "want binary"}}, {`"abc"`, new(string), []string{"list", "want binary"}}, {"<<1:1>>", new([]byte), []string{"bit string", "want binary"}},
		{"<<1,2>>", new([3]byte), []string{"binary of 2 bytes", "[3]uint8"}}, {"[1,2]", new([3]int), []string{"list of 2 elements", "[3]int"}}, {"[1,2,3,4000]", new([3]int), []string{"longer list", "[3]int"}},
		{"<<\"a\">>", new(etf.Charlist), []string{"binary", "list of characters"}}, {"[1114112]", new(etf.Charlist), []string{"integer 1114112", "character"}}, {"[55296]", new(etf.Charlist), []string{"integer 55296", "character"}},
		{"[a]", new(etf.Charlist), []string{"atom a", "integer"}}, {"[1,2|x]", new(etf.Charlist), []string{"want list of characters"}},
		{"#{[1] => 2}", new(map[any]int), []string{"key that Go can compare"}}, {"1", new(map[int]int), []string{"integer 1", "want map"}}, {"{}", new(struct{}), []string{"tuple", "want map"}},
		{"#{a => 1}", new(elixirUser), []string{"without __struct__", "Elixir.User"}}, {"#{'__struct__' => 'Elixir.Other'}", new(elixirUser), []string{"__struct__", "Elixir.Other", "Elixir.User"}},
		{"#{'__struct__' => 5}", new(elixirUser), []string{"__struct__", "integer 5"}},
		{"#{'A' => 1}", new(struct{ *base2 }), []string{"embedded pointer", "base2"}},
		{"2", new(etf.Float), []string{"integer 2", "etf.Float"}},
		{"[x]", new([]etf.Pid), []string{"[0]", "atom x", "etf.Pid", "want pid"}}, {"x", new(etf.Ref), []string{"reference"}}, {"x", new(etf.Port), []string{"port"}}, {"x", new(etf.Tuple), []string{"atom x", "etf.Tuple"}},
		{"x", new(etf.Fun), []string{"fun"}}, {"x", new(*etf.Record), []string{"native record"}}, {"x", new(big.Int), []string{"atom x", "want integer"}}, {"5", new(etf.Atom), []string{"integer 5", "want atom"}},
		{"x", new(error), []string{"atom x", "error"}},
		{"5", new(time.Time), []string{"time.Time", "DateTime"}}, {"a", new(time.Duration), []string{"time.Duration", "milliseconds"}}, {"5", new(chan int), []string{"chan int"}},
		{"[{celsius,1.0},5]", new([]celsius), []string{"[1]", "want {celsius, F}"}}, {"[{celsius,x}]", new([]celsius), []string{"[0]", "offset 16", "atom x", "etf_test.celsius"}}, {"nope", new(level), []string{"no level nope"}},
		{"5", nil, []string{"pointer"}}, {"5", 5, []string{"int", "pointer"}}, {"5", (*int)(nil), []string{"*int", "not nil"}}, {"5", (*any)(nil), []string{"not nil"}},
		{"5", new(struct {
			A int `etf:",nonsense"`
		}), []string{"nonsense"}},
	} {
		err := etf.Raw{Bytes: mustAppend(t, mustParse(t, c.text))}.Decode(c.target)
		wantError(t, fmt.Sprintf("%s into %T", c.text, c.target), err, c.want...)
	}
	for name, c := range map[string]struct{ hex, want string }{
		"struct": {"74 00000002 770141 6101 770141 6102", "duplicate key A"},
		"map":    {"74 00000002 6101 6101 6101 6102", "duplicate key 1"},
	} {
		var s struct{ A int }
		var m map[int]int
		var err error
		if raw := (etf.Raw{Bytes: unhex(t, c.hex)}); name == "struct" {
			err = raw.Decode(&s)
		} else {
			err = raw.Decode(&m)
		}
		wantError(t, "duplicate key into "+name, err, c.want)
	}
	wantError(t, "trailing", etf.Unmarshal([]byte{131, 97, 1, 0}, new(int)), "offset 3", "1 bytes after the term")
	wantError(t, "no version", etf.Unmarshal([]byte{97, 1}, new(int)), "version byte is 97, want 131")
	wantError(t, "nothing", etf.Unmarshal(nil, new(int)), "unexpected end")
}

// TestMarshalErrors: what has no encoding, in Go values and in terms.
func TestMarshalErrors(t *testing.T) {
	long := etf.Atom(strings.Repeat("é", 256))
	for _, c := range []struct {
		v    any
		want []string
	}{
		{make(chan int), []string{"chan int"}}, {func() {}, []string{"func()"}}, {complex(1, 2), []string{"complex128"}}, {[]any{1, map[string]any{"x": make(chan int)}}, []string{`[1][<<"x">>]`, "chan int"}},
		{struct{ A []any }{[]any{nil, func() {}}}, []string{".A[1]", "func()"}},
		{math.NaN(), []string{"NaN"}}, {math.Inf(-1), []string{"-Inf"}}, {etf.Float(math.Inf(1)), []string{"+Inf"}}, {[]float32{1, float32(math.Inf(1))}, []string{"[1]", "+Inf"}}, {map[float64]int{math.NaN(): 1}, []string{"NaN"}},
		{long, []string{"256 characters"}}, {etf.Atom("\xff"), []string{"UTF-8"}}, {etf.Tuple{etf.Pid{Node: long}}, []string{"[0]", "256 characters"}}, {map[etf.Atom]int{long: 1}, []string{"key", "256"}},
		{etf.Port{Node: long}, []string{"256"}}, {etf.Ref{Node: long, Len: 1}, []string{"256"}}, {etf.Export{Module: long}, []string{"256"}}, {&etf.Fun{Module: long}, []string{"256"}}, {[]etf.Pid{{Node: long}}, []string{"[0]", "256"}},
		{etf.Ref{Node: "a@b"}, []string{"0 words"}}, {etf.Ref{Node: "a@b", Len: 6}, []string{"6 words"}}, {[]etf.Ref{{Node: "a@b"}}, []string{"[0]", "0 words"}},
		{etf.Charlist("\xff"), []string{"UTF-8"}},
		{etf.Tuple{nil}, []string{"[0]", "nil Term"}}, {[]etf.Term{nil}, []string{"[0]", "nil Term"}}, {etf.List{(*etf.Big)(nil)}, []string{"[0]", "nil pointer"}}, {etf.List{(*etf.Fun)(nil)}, []string{"nil pointer"}}, {etf.List{(*etf.Record)(nil)}, []string{"nil pointer"}},
		{etf.Map{{Key: etf.Atom("k"), Value: nil}}, []string{".k", "nil Term"}}, {etf.Map{{Key: nil}}, []string{".key", "nil Term"}},
		{etf.Map{{Key: etf.Int(1), Value: etf.Int(1)}, {Key: etf.Int(1), Value: etf.Int(2)}}, []string{"duplicate key 1"}},
		{etf.Improper{Tail: etf.Int(1)}, []string{"without elements"}}, {etf.Improper{Elems: []etf.Term{etf.Int(1)}}, []string{"nil tail"}},
		{etf.BitString{Bytes: []byte{1}, Bits: 9}, []string{"9 bits"}}, {etf.BitString{Bits: 1}, []string{"0 bytes"}},
		{&etf.Record{Module: "m", Name: "r", Fields: []etf.Field{{Name: "k", Value: etf.Int(1)}, {Name: "k", Value: etf.Int(1)}}}, []string{"duplicate field k"}},
		{&etf.Record{Module: "m", Name: "r", Fields: []etf.Field{{Name: "k"}}}, []string{".k", "nil Term"}}, {&etf.Record{Module: "m", Name: "r", Fields: []etf.Field{{Name: long}}}, []string{"256"}},
		{&etf.Fun{Module: "m", OldUniq: 1 << 31}, []string{"32 bits"}},
		{new(big.Int).Lsh(big.NewInt(1), 8*4_194_296), []string{"bits"}},
		{map[any]int{1: 1, int64(1): 2}, []string{"two keys are the same term 1"}},
		{etf.Raw{}, []string{"etf.Raw", "malformed term", "unexpected end"}}, {etf.Raw{Bytes: []byte{97, 1, 0}}, []string{"1 bytes after"}}, {etf.Raw{Bytes: []byte{82, 0}}, []string{"reference 0 outside a table of 0"}},
		{etf.Raw{Bytes: []byte{82, 1}, Atoms: []etf.Atom{"a"}}, []string{"reference 1 outside a table of 1"}}, {etf.Raw{Bytes: []byte{131, 97, 1}}, []string{"version byte 131"}}, {[]etf.Raw{{Bytes: []byte{97}}}, []string{"[0]", "unexpected end"}},
		{time.Time{}.AddDate(20000, 0, 0), []string{"time.Time", "year 20001"}}, {struct{ D time.Duration }{1}, []string{".D", "time.Duration"}},
		{etf.Tuple{&etf.Pid{}}, []string{"[0]", "*etf.Pid", "not one of the types"}}, {etf.Tuple{(*etf.Pid)(nil)}, []string{"not one of the types"}}, {etf.List{struct{ etf.Atom }{"a"}}, []string{"[0]", "not one of the types"}},
		{level(7), []string{"level 7"}}, {[]level{0, 7}, []string{"[1]", "level 7"}},
		{badMarshaler(0), []string{"did not append one term"}}, {badMarshaler(1), []string{"did not append one term"}}, {badMarshaler(2), []string{"did not append to its argument"}},
		{struct {
			A int `etf:"x"`
			B int `etf:"x"`
		}{}, []string{"two fields for key x"}},
		{struct {
			_ struct{} `etf:"x,tuple"`
			A int      `etf:",omitempty"`
		}{}, []string{"field A", "tuple"}},
		{struct {
			_ struct{} `etf:"x"`
		}{}, []string{"blank field"}},
		{struct {
			_ struct{} `etf:",elixir"`
		}{}, []string{"blank field"}},
	} {
		dst := []byte("before")
		got, err := etf.Append(dst, c.v)
		if string(got) != "before" {
			t.Errorf("%T: Append returns %q with its error", c.v, got)
		}
		if b, err := etf.Marshal(c.v); b != nil || err == nil {
			t.Errorf("%T: Marshal: %x, %v", c.v, b, err)
		}
		wantError(t, fmt.Sprintf("%T", c.v), err, c.want...)
		var encode *etf.EncodeError
		if err != nil && !errors.As(err, &encode) {
			t.Errorf("%T: error of type %T", c.v, err)
		}
	}
}

type badMarshaler int

func (b badMarshaler) MarshalETF(dst []byte) ([]byte, error) {
	switch b {
	case 0:
		return dst, nil
	case 1:
		return append(dst, 106, 106), nil
	}
	return nil, nil
}

// TestMarshalDoesNotAllocate: appending to a slice with room costs no memory, for terms and for typed values.
func TestMarshalDoesNotAllocate(t *testing.T) {
	pid := etf.Pid{Node: "a@b", ID: 1}
	var term etf.Term = etf.Tuple{etf.Atom("hello"), etf.List{etf.Int(1), etf.Int(1000)}, pid, etf.Map{{Key: etf.Atom("k"), Value: etf.Float(1.5)}}, etf.Binary("b")}
	value := &user{Name: "Ann", Tags: []string{"x", "y"}}
	tuple := &struct {
		_ struct{} `etf:"t,tuple"`
		P etf.Pid
		I []int
		F float64
		R etf.Ref
		T etf.Term
	}{P: pid, I: []int{1, 2, 3}, R: etf.Ref{Len: 1}, T: term}
	buf := make([]byte, 0, 1024)
	for name, v := range map[string]any{"term": term, "map": value, "tuple": tuple} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := etf.Append(buf, v); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestAlias(t *testing.T) {
	data := []byte{etf.Version, 109, 0, 0, 0, 1, 'a'}
	for _, alias := range []bool{false, true} {
		var opts []etf.Option
		want := "a"
		if alias {
			opts, want = append(opts, etf.Alias()), "b"
		}
		data[6] = 'a'
		var b []byte
		var raw etf.Raw
		var dyn any
		for _, v := range []any{&b, &raw, &dyn} {
			if err := etf.Unmarshal(data, v, opts...); err != nil {
				t.Fatal(err)
			}
		}
		term, _, err := etf.Decode(data, opts...)
		if err != nil {
			t.Fatal(err)
		}
		data[6] = 'b'
		got := []string{string(b), string(raw.Bytes[5:]), string(dyn.(etf.Binary)), string(term.(etf.Binary))}
		for i, s := range got {
			if s != want {
				t.Errorf("alias %v: value %d is %q, want %q", alias, i, s, want)
			}
		}
	}
}

// The empty atom is an atom like others, also the second time.
func TestEmptyAtoms(t *testing.T) {
	type three struct {
		_       struct{} `etf:",tuple"`
		A, B, C etf.Atom
	}
	want := three{A: "", B: "", C: "x"}
	var tuple three
	if err := (etf.Raw{Bytes: mustAppend(t, want)}).Decode(&tuple); err != nil || tuple != want {
		t.Errorf("a tuple: %+v, %v, want %+v", tuple, err, want)
	}
	list := []etf.Atom{"", "", "x", ""}
	var got []etf.Atom
	if err := (etf.Raw{Bytes: mustAppend(t, list)}).Decode(&got); err != nil || !slices.Equal(got, list) {
		t.Errorf("a list: %q, %v, want %q", got, err, list)
	}
}
