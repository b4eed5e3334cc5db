package etf_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

func TestJSON(t *testing.T) {
	for _, c := range []struct{ term, want string }{
		{"true", "true"},
		{"nil", "null"},
		{"undefined", `{"$atom":"undefined"}`},
		{"42", "42"},
		{"-18446744073709551616", "-18446744073709551616"},
		{"1.0", "1.0"},
		{"-0.0", "-0.0"},
		{"1.5", "1.5"},
		{"1.0e300", "1e+300"},
		{"5.0e-324", "5e-324"},
		{"1.0e21", "1e+21"},
		{`<<"text">>`, `"text"`},
		{`<<"é\n"/utf8>>`, `"é\n"`},
		{"<<>>", `""`},
		{"<<255>>", `{"$binary":"/w=="}`},
		{"<<1:3>>", `{"$bits":["IA==",3]}`},
		{`"ab"`, "[97,98]"},
		{"[]", "[]"},
		{"{}", `{"$tuple":[]}`},
		{"{ok,{1,a}}", `{"$tuple":[{"$atom":"ok"},{"$tuple":[1,{"$atom":"a"}]}]}`},
		{"[1,2|3]", `{"$improper":[1,2,3]}`},
		{"#{}", "{}"},
		{`#{<<"k">> => 1,<<"l">> => nil}`, `{"k":1,"l":null}`},
		{"#{name => <<\"Joe\">>,'a b' => #{}}", `{"$atoms":{"name":"Joe","a b":{}}}`},
		{"#{1 => a}", `{"$map":[[1,{"$atom":"a"}]]}`},
		{`#{a => 1,<<"a">> => 2}`, `{"$map":[[{"$atom":"a"},1],["a",2]]}`},
		{`#{<<"$tuple">> => []}`, `{"$map":[["$tuple",[]]]}`},
		{`#{'$tuple' => []}`, `{"$map":[[{"$atom":"$tuple"},[]]]}`},
		{`#{<<"$tuple">> => [],<<"b">> => 1}`, `{"$tuple":[],"b":1}`},
		{`#{<<"$ref">> => 1}`, `{"$ref":1}`},
		{"#Pid<a@b.1.2/3>", `{"$term":"#Pid<a@b.1.2/3>"}`},
		{"[#Ref<a@b/1.2.3>,#Port<a@b.1/2>,fun a:b/1]", `[{"$term":"#Ref<a@b/1.2.3>"},{"$term":"#Port<a@b.1/2>"},{"$term":"fun a:b/1"}]`},
		{"#m:r/exported{k={a}}", `{"$term":"#m:r/exported{k={a}}"}`},
	} {
		term := mustParse(t, c.term)
		got, err := etf.AppendJSON([]byte("x"), term)
		if err != nil || string(got) != "x"+c.want {
			t.Errorf("AppendJSON(%s) = %s, %v, want x%s", c.term, got, err, c.want)
			continue
		}
		back, err := etf.ParseJSON(got[1:])
		if err != nil || !etf.Equal(back, term) {
			t.Errorf("%s comes back as %v, %v", c.term, back, err)
		}
	}
}

// TestJSONGolden: all golden vectors survive JSON, and it is JSON to others too.
func TestJSONGolden(t *testing.T) {
	n := 0
	for _, lines := range readTerms(t) {
		for _, o := range lines {
			if o.data == nil {
				continue
			}
			n++
			checkJSON(t, o.term)
		}
	}
	for _, v := range readVectors(t) {
		if v.kind == "refuse" || strings.HasPrefix(v.bytes, "sha256:") {
			continue
		}
		if term, _, err := etf.Decode(unhex(t, v.bytes)); err == nil {
			n++
			checkJSON(t, term)
		}
	}
	if n < 1000 {
		t.Errorf("%d terms", n)
	}
}

func checkJSON(t *testing.T, term etf.Term) {
	t.Helper()
	text, err := etf.AppendJSON(nil, term)
	if err != nil {
		if errors.Is(err, etf.ErrLimit) {
			return
		}
		t.Fatalf("AppendJSON(%.200s): %v", term, err)
	}
	if !json.Valid(text) {
		t.Fatalf("%.200s gives %.200s", term, text)
	}
	back, err := etf.ParseJSON(text)
	if err != nil {
		if errors.Is(err, etf.ErrLimit) {
			return
		}
		t.Fatalf("%.200s: ParseJSON(%.200s): %v", term, text, err)
	}
	if !etf.Equal(back, term) {
		t.Fatalf("%.200s comes back from %.200s as %.200s", term, text, back)
	}
}

func TestJSONErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{"offset 0", "EOF"}},
		{"[1,", []string{"EOF"}},
		{"{\"a\"", []string{"EOF"}},
		{"[1}", []string{"offset 2"}},
		{"nul", []string{"offset"}},
		{"1 2", []string{"more than one value"}},
		{"{\"a\":1,\"a\":2}", []string{"duplicate key <<\"a\">>"}},
		{`{"$map":[[1,2],[1,3]]}`, []string{"duplicate key 1"}},
		{`{"$map":[1]}`, []string{"$map with"}},
		{`{"$map":{}}`, []string{"$map with"}},
		{`{"$tuple":1}`, []string{"$tuple with 1"}},
		{`{"$improper":[1]}`, []string{"$improper with"}},
		{`{"$atom":1}`, []string{"$atom with 1"}},
		{`{"$atom":"` + strings.Repeat("x", 256) + `"}`, []string{"$atom with"}},
		{`{"$atoms":[]}`, []string{"$atoms with"}},
		{`{"$binary":"a"}`, []string{"$binary with"}},
		{`{"$bits":["IA==",9]}`, []string{"$bits with"}},
		{`{"$bits":["",3]}`, []string{"$bits with"}},
		{`{"$term":"{"}`, []string{"$term with"}},
		{"1e400", []string{"out of range"}},
		{"\"\xff\"", []string{"UTF-8"}},
		{strings.Repeat("9", 100_000), []string{"digits"}},
		{strings.Repeat("[", 100_000), []string{"nested deeper"}},
		{strings.Repeat(`{"a":`, 100_000), []string{"nested deeper"}},
		{strings.Repeat(`{"$map":[[`, 100) + "1" + strings.Repeat(",1]]}", 100), []string{"nested by their keys"}},
	} {
		_, err := etf.ParseJSON([]byte(c.text))
		name := c.text
		wantError(t, name[:min(len(name), 40)], err, c.want...)
		var e *etf.JSONError
		if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(c.text)) {
			t.Errorf("%.40s: %#v", c.text, err)
		}
	}
	var deep etf.Term = etf.Int(1)
	for range 6000 {
		deep = etf.Tuple{deep}
	}
	for _, term := range []etf.Term{nil, deep, etf.Tuple{nil}, etf.Map{{nil, nil}}, etf.Map{{etf.Int(1), etf.Int(1)}, {etf.Int(1), etf.Int(1)}},
		etf.Atom("\xff"), (*etf.Big)(nil), (*etf.Fun)(nil), etf.Ref{}, etf.BitString{Bits: 3}, etf.Improper{}} {
		if got, err := etf.AppendJSON([]byte("x"), term); err == nil || string(got) != "x" {
			t.Errorf("AppendJSON(%.40v) = %.40s, %v", term, got, err)
		}
	}
}

// FuzzJSON: terms survive JSON, and JSON that is read gives JSON that reads the same.
func FuzzJSON(f *testing.F) {
	data, _ := seeds(f)
	for _, d := range data {
		f.Add(d)
	}
	for _, s := range []string{`{"a":[1,2.5,null,"x"]}`, `{"$tuple":[{"$atom":"ok"}]}`, `{"$map":[[{"$improper":[1,2]},{"$bits":["/w==",7]}]]}`, `{"$term":"fun a:b/1"}`, `{"$atoms":{"a":1}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if term, _, err := etf.Decode(data); err == nil {
			checkJSON(t, term)
		}
		if term, err := etf.ParseJSON(data); err == nil {
			if !json.Valid(data) {
				t.Fatalf("%q is not JSON", data)
			}
			checkJSON(t, term)
		}
	})
}

func ExampleAppendJSON() {
	t, _ := etf.Parse(`{ok, #{name => <<"Joe">>, tags => [admin, <<255, 0>>]}}`)
	b, _ := etf.AppendJSON(nil, t)
	fmt.Println(string(b))
	back, _ := etf.ParseJSON(b)
	fmt.Println(back)
	// Output:
	// {"$tuple":[{"$atom":"ok"},{"$atoms":{"name":"Joe","tags":[{"$atom":"admin"},{"$binary":"/wA="}]}}]}
	// {ok,#{name => <<"Joe">>,tags => [admin,<<255,0>>]}}
}
