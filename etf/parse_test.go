package etf_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestParse: texts that are not what is printed.
func TestParse(t *testing.T) {
	for _, c := range []struct{ text, prints string }{
		{" a ", "a"}, {"a.", "a"}, {"a . % done", "a"}, {"% first\n{a, % second\n b}\n.\n", "{a,b}"}, {"{\t}", "{}"}, {"[ ]", "[]"}, {"#{ }", "#{}"}, {"<< >>", "<<>>"},
		{"[a|[b|[c|[]]]]", "[a,b,c]"}, {"[a|[b|c]]", "[a,b|c]"}, {`[$a|"bc"]`, `"abc"`}, {"[1 , 2 | 3]", "[1,2|3]"},
		{"16#ff", "255"}, {"2#1010", "10"}, {"36#Zz", "1295"}, {"-16#FF", "-255"}, {"1_000_000", "1000000"}, {"16#ff_ff", "65535"}, {"+5", "5"}, {"- 5", "-5"}, {"-0", "0"}, {"007", "7"},
		{"16#ffffffffffffffffffff", "1208925819614629174706175"}, {"-9223372036854775808", "-9223372036854775808"}, {"9223372036854775808", "9223372036854775808"},
		{"1.0", "1.0"}, {"1.50E+10", "1.5e10"}, {"1.0e-3", "0.001"}, {"-0.0", "-0.0"}, {"1_0.2_5", "10.25"}, {"1.0e-400", "0.0"},
		{"$a", "97"}, {"$\\n", "10"}, {"$ ", "32"}, {"$\\s", "32"}, {"$ж", "1078"}, {"$\\x{1F600}", "128512"}, {"-$a", "-97"}, {"$'", "39"}, {"$\\\\", "92"}, {"[$a,$b]", `"ab"`},
		{`"a" "b" % c` + "\n" + `"c"`, `"abc"`}, {`""`, "[]"}, {`"\x41\x{42}\103\^A\d\s\e\'\q"`, "[65,66,67,1,127,32,27,39,113]"}, {`"\0\12\1234"`, `[0,10,83,52]`}, {"\"a\nb\"", `"a\nb"`},
		{"''", "''"}, {"'ok'", "ok"}, {"'a\\'b'", `'a\'b'`}, {"'Été'", "'Été'"}, {"été", "été"}, {"a@b_C1", "a@b_C1"}, {"maybe", "'maybe'"}, {"else", "'else'"}, {"'fun'", "'fun'"}, {"'when'", "'when'"},
		{"{fun, x}", ""}, {"fun lists : map / 2", "fun lists:map/2"}, {"fun 'A b':c/16#0", "fun 'A b':c/0"},
		{"<<1,2,300>>", "<<1,2,44>>"}, {"<<-2:9>>", "<<255,0:1>>"}, {"<<1:4,2:4>>", "<<18>>"}, {"<<1:16>>", "<<0,1>>"}, {"<<-1:12>>", "<<255,15:4>>"}, {"<<5:3/integer>>", "<<5:3>>"}, {"<<1:0>>", "<<>>"},
		{`<<"abc","def">>`, `<<"abcdef">>`}, {`<<"é">>`, `<<"é">>`}, {`<<"é"/utf8>>`, `<<"é"/utf8>>`}, {`<<233/utf8>>`, `<<"é"/utf8>>`}, {"<<$a,$b>>", `<<"ab">>`}, {"<<16#1:100>>", "<<0,0,0,0,0,0,0,0,0,0,0,0,1:4>>"}, {"<<36893488147419103233:72>>", "<<2,0,0,0,0,0,0,0,1>>"},
		{"#{a=>1, b => 2}", "#{a => 1,b => 2}"}, {"#{1=>a,1.0=>b,0.0=>c,-0.0=>d}", "#{1 => a,1.0 => b,0.0 => c,-0.0 => d}"},
		{"#m:r{}", "#m:r{}"}, {"#'M':'R'{ 'A' = 1 , b=#m:r/exported{k=[]} }", "#'M':'R'{'A'=1,b=#m:r/exported{k=[]}}"},
		{"#Pid<a@b.1.2/3>", "#Pid<a@b.1.2/3>"}, {"#Pid<'a b'.1.2/3>", "#Pid<'a b'.1.2/3>"}, {"#Pid<'a@b'.1.2/3>", "#Pid<a@b.1.2/3>"}, {"#Pid<a.1.5.0/3>", "#Pid<a.1.5.0/3>"}, {"#Pid<''.1.2/3>", "#Pid<''.1.2/3>"},
		{"#Port<n@h.x.18446744073709551615/4294967295>", "#Port<n@h.x.18446744073709551615/4294967295>"}, {"#Ref<n@10.0.0.1/7.1.2.3.4.5>", "#Ref<n@10.0.0.1/7.1.2.3.4.5>"}, {"#Ref<''/7.1>", "#Ref<''/7.1>"},
		{"#Fun<m.1.-2/3,4,000102030405060708090a0b0c0d0e0f,#Pid<a@b.1.2/3>,[x,\"ab\"]>", "#Fun<m.1.-2/3,4,000102030405060708090a0b0c0d0e0f,#Pid<a@b.1.2/3>,[x,\"ab\"]>"},
		{"\u00a0a\u00a0", "a"},
	} {
		term, err := etf.Parse(c.text)
		if c.prints == "" {
			wantError(t, c.text, err)
			continue
		}
		if err != nil || term.String() != c.prints {
			t.Errorf("%q: %v, %v, want %s", c.text, term, err, c.prints)
			continue
		}
		if again, err := etf.Parse(c.prints); err != nil || !etf.Equal(again, term) {
			t.Errorf("%q: %v, %v", c.prints, again, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "line 1, offset 0: end of text"}, {"% only", "end of text"}, {"a b", "offset 2: 'b' after the term"}, {"a..", "offset 2: '.' after"}, {"{a,\n b", "line 2, offset 6: end of text where \",\""},
		{"{a,}", "offset 3: '}' where a term"}, {"[a,]", "']' where a term"}, {"[|a]", "'|' where a term"}, {"[a|]", "']' where a term"}, {"[a|b,c]", "',' where \"]\""}, {"{a b}", "'b' where \",\" or \"}\""}, {"[a}", "'}' where \",\", \"|\""},
		{"X", "variable"}, {"_", "variable"}, {"case", "reserved word case"}, {"'abc", "offset 0: no closing"}, {`"abc`, "no closing"}, {`"\x"`, "\\x escape"}, {`"\x{}"`, "\\x escape"}, {`"\x{110000}"`, "no such character"}, {`"\x{d800}"`, "no such character"}, {`"\x{41"`, "\\x escape"}, {`"\`, "no character"}, {`"\^1"`, "control"}, {"$", "no character"}, {"\"\xff\"", "not valid UTF-8"},
		{"'" + strings.Repeat("a", 256) + "'", "255 characters"}, {strings.Repeat("a", 256), "255 characters"}, {"ж", "where a term"}, {"\xff", "where a term"}, {"*", "'*' where a term"},
		{"1_", "digit"}, {"1__0", "digit"}, {"37#1", "base 37"}, {"1#0", "base 1"}, {"2#2", "'2' where a digit"}, {"16#", "'#' after"}, {"-", "digit"}, {"-a", "digit"}, {"1.0e", "digit"}, {"1.0e400", "out of range"}, {"1e5", "'e' after"}, {"1.", ""}, {"1.a", "'a' after"},
		{"<<a>>", "integer or a string"}, {"<<1.5>>", "float in a binary"}, {"<<1:-1>>", "size -1"}, {"<<1:65537>>", "size 65537"}, {"<<1:18446744073709551616>>", "size"}, {"<<\"ж\">>", "/utf8"}, {"<<1/float>>", "type float"}, {"<<1:8/utf8>>", "utf8 with a size"}, {"<<\"a\":8>>", "string with a size"}, {"<<55296/utf8>>", "no character"}, {"<<1", "\">>\""}, {"<<1,>>", "'>'"},
		{"#{a}", "=>"}, {"#{a => 1,a => 2}", "duplicate key a"}, {"#{a => 1", "\"}\""}, {"#{a := 1}", "=>"}, {"#rec{a=1}", "without a module"}, {"#m:r{a=1,a=2}", "duplicate field a"}, {"#m:r{a}", "\"=\""}, {"#", "end of text"},
		{"<0.1.2>", "#Pid<node@host.ID.Serial/Creation>"}, {"#Ref<0.1.2.3>", "node"}, {"#Port<0.5>", "node"}, {"#Pid<0.1.2>", "node"}, {"#Fun<erl_eval.42.3316493>", "'/'"}, {"#Pid<a@b.1/2>", "malformed node"}, {"#Pid<a@b.x.1/2>", "32 bits"}, {"#Pid<a@b.1.4294967296/2>", "32 bits"}, {"#Pid<a b.1.2/3>", "malformed node"}, {"#Pid<a@b.1.2/3", "\">\""}, {"#Ref<a@b/1>", "'.'"}, {"#Ref<a@b/1.1.2.3.4.5.6>", "more than 5"}, {"#Pid<" + strings.Repeat("a", 256) + ".1.2/3>", "255"},
		{"fun m:f/256", "arity 256"}, {"fun m:f", "\"/\""}, {"fun(X) -> X end", "where a term"}, {"#Fun<m.1.2/3,4,00,#Pid<a@b.1.2/3>,[]>", "uniq"}, {"#Fun<m.1.2147483648/3,4,00,#Pid<a@b.1.2/3>,[]>", "32 bits"},
		{strings.Repeat("[", 10_001), "nested deeper"}, {strings.Repeat("[a|", 10_001), "nested deeper"}, {strings.Repeat("#m:r{a=", 10_001), "nested deeper"},
	} {
		term, err := etf.Parse(c.text)
		if c.want == "" {
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		name := c.text[:min(40, len(c.text))]
		if term != nil {
			t.Errorf("%q: a term with an error", name)
		}
		wantError(t, name, err, c.want)
		var parse *etf.ParseError
		if err != nil && !errors.As(err, &parse) {
			t.Errorf("%q: error of type %T", name, err)
		}
	}
}
