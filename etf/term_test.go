package etf_test

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestNewerReleases: forms that OTP 25 does not send. The vectors of the record and of the messages were captured from
// OTP 29.
func TestNewerReleases(t *testing.T) {
	for _, c := range []struct {
		hex, text string
		again     string // what we encode it to, if not the same
	}{
		{"43 00000001 00 77016d 770172 77016b 6105", "#m:r{k=5}", ""},
		{"43 00000000 01 77016d 770172", "#m:r/exported{}", ""},
		{"43 00000002 01 77016d 770172 770161 770162 6101 6a", "#m:r/exported{a=1,b=[]}", ""},
		// OTP 27 and 29 send every port as V4_PORT_EXT.
		{"78 7703614062 0000000000000005 00000007", "#Port<a@b.5/7>", "59 7703614062 00000005 00000007"},
		{"78 7703614062 0000000010000000 00000007", "#Port<a@b.268435456/7>", ""},
		// Aliases of OTP 26 and later have five words.
		{"5a 0005 7703614062 00000007 00000001 00000002 00000003 00000004 00000005", "#Ref<a@b/7.1.2.3.4.5>", ""},
		{"68046106 5877066e323940766d 0000005c 00000000 6b00c7b4 7700 770178", "{6,#Pid<n29@vm.92.0/1795213236>,'',x}", ""},
		{"6803770568656c6c6f 6c00000001 7703666f6f 6a 770568656c6c6f", "{hello,[foo],hello}", ""},
	} {
		data := unhex(t, c.hex)
		term, err := etf.Raw{Bytes: data}.Term()
		if err != nil || term.String() != c.text {
			t.Errorf("%s: %v, %v", c.text, term, err)
			continue
		}
		if c.again != "" {
			data = unhex(t, c.again)
		}
		if b, err := etf.AppendTerm(nil, term); err != nil || !bytes.Equal(b, data) {
			t.Errorf("%s: encodes to %x, %v", c.text, b, err)
		}
		if parsed, err := etf.Parse(c.text); err != nil || !etf.Equal(parsed, term) {
			t.Errorf("%s: parses to %v, %v", c.text, parsed, err)
		}
	}
}

// TestMalformed: what OTP 25 either does not know, or takes and we do not. The rest is in the golden vectors.
func TestMalformed(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"local", "79 00000000 6101", "LOCAL_EXT"}, {"local inside", "6801 79 00000000", "offset 2: LOCAL_EXT"}, {"old fun", "75 00000000", "FUN_EXT"}, {"compressed inside", "6801 50", "offset 2: compressed term"},
		{"version inside", "6801 83 6101", "version byte 131"}, {"record flags", "43 00000000 02 77016d 770172", "flags 0x2"}, {"record field twice", "43 00000002 00 77016d 770172 77016b 77016b 6101 6101", "duplicate field k"}, {"record of an integer", "43 00000000 00 6101 770172", "native record with integer 1"},
		// Differences from OTP: a reference without words, an arity that does not fit, and keys that are 0.0 and -0.0 (since 27).
		{"reference without words", "5a 0000 7703614062 00000007", "0 words"}, {"arity", "71 770161 770162 62 00000100", "arity 256"},
		{"fun with big", "70 00000000 00" + strings.Repeat("00", 16) + "00000000 00000000 770161 6e0500ffffffff7f 6101 58 770161 000000000000000000000000", "32 bits"},
		{"zeros of both signs", "74 00000002 46 0000000000000000 6101 46 8000000000000000 6102", ""},
	} {
		_, err := etf.Raw{Bytes: unhex(t, c.hex)}.Term()
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		wantError(t, c.name, err, c.want)
	}
}

func TestEqual(t *testing.T) {
	one := (*etf.Big)(big.NewInt(1))
	p := func(text string) etf.Term { return mustParse(t, text) }
	// Within a group all are equal; terms of different groups are not.
	groups := [][]etf.Term{
		{etf.Int(1), one}, {etf.Float(1)}, {etf.Float(0)}, {p("-0.0")}, {etf.Int(0)}, {p("18446744073709551616"), p("18446744073709551616")}, {p("-18446744073709551616")},
		{etf.Atom("a"), p("a")}, {etf.Atom("")}, {etf.Binary("a"), etf.BitString{Bytes: []byte("a")}, etf.BitString{Bytes: []byte("a"), Bits: 8}},
		{etf.Binary{}, etf.Binary(nil), etf.BitString{}}, {etf.BitString{Bytes: []byte{0x80}, Bits: 1}, etf.BitString{Bytes: []byte{0xff}, Bits: 1}}, {etf.BitString{Bytes: []byte{0x80}, Bits: 2}}, {etf.BitString{Bytes: []byte{1, 0x80}, Bits: 1}},
		{etf.List{}, etf.List(nil)}, {etf.Tuple{}, etf.Tuple(nil)}, {etf.Map{}, etf.Map(nil)}, {p("{a}")}, {p("[a]"), etf.Improper{Elems: []etf.Term{etf.Atom("a")}, Tail: etf.List{}}}, {p("{a,b}")}, {p("{a,c}")},
		{p("[a,b]"), etf.Improper{Elems: []etf.Term{etf.Atom("a")}, Tail: etf.List{etf.Atom("b")}}}, {p("[a|b]")}, {p("[a,b|c]"), etf.Improper{Elems: []etf.Term{etf.Atom("a")}, Tail: etf.Improper{Elems: []etf.Term{etf.Atom("b")}, Tail: etf.Atom("c")}}}, {p("[a,b|d]")},
		{p("#{a => 1,b => 2}"), p("#{b => 2,a => 1}")}, {p("#{a => 1,b => 3}")}, {p("#{a => 1,c => 2}")}, {p("#{a => 1}")}, {p("#{#{a => 1,b => 2} => x}"), p("#{#{b => 2,a => 1} => x}")}, {p("#{{#{a => 1,b => 2}} => x,y => z}"), p("#{y => z,{#{b => 2,a => 1}} => x}")},
		{p("#Pid<a@b.1.2/3>"), p("#Pid<a@b.1.2/3>")}, {p("#Pid<a@b.1.2/4>")}, {p("#Ref<a@b/1.2>"), p("#Ref<a@b/1.2>")}, {p("#Ref<a@b/1.2.0>")}, {p("#Port<a@b.1/2>"), p("#Port<a@b.1/2>")}, {p("fun m:f/1"), p("fun m:f/1")}, {p("fun m:f/2")},
		{p("#Fun<m.0.0/0,0,00000000000000000000000000000000,#Pid<a@b.1.2/3>,[1]>"), p("#Fun<m.0.0/0,0,00000000000000000000000000000000,#Pid<a@b.1.2/3>,[1]>")}, {p("#Fun<m.0.0/0,0,00000000000000000000000000000000,#Pid<a@b.1.2/3>,[2]>")},
		{p("#m:r{a=1}"), p("#m:r{a=1}")}, {p("#m:r{a=2}")}, {p("#m:r/exported{a=1}")}, {nil, nil}, {(*etf.Big)(nil), (*etf.Big)(nil)}, {(*etf.Fun)(nil)}, {(*etf.Record)(nil)},
	}
	for i, g := range groups {
		for j, h := range groups {
			for _, a := range g {
				for _, b := range h {
					if etf.Equal(a, b) != (i == j) {
						t.Errorf("Equal(%v, %v) = %v", a, b, i != j)
					}
					// Keys are distinct if and only if they are not equal, among few keys and among many.
					if a == nil || b == nil || isNil(a) || isNil(b) {
						continue
					}
					few := etf.Map{{Key: a, Value: etf.Int(1)}, {Key: b, Value: etf.Int(2)}}
					many := etf.Map{}
					for n := range 20 {
						many = append(many, etf.Pair{Key: etf.Int(1000 + n), Value: etf.Int(n)})
					}
					for _, m := range []etf.Map{few, append(many, few...)} {
						if _, err := etf.AppendTerm(nil, m); (err != nil) != (i == j) {
							t.Errorf("keys %v and %v among %d: %v", a, b, len(m), err)
						}
					}
				}
			}
		}
	}
}

func isNil(t etf.Term) bool {
	switch t := t.(type) {
	case *etf.Big:
		return t == nil
	case *etf.Fun:
		return t == nil
	case *etf.Record:
		return t == nil
	}
	return false
}

// TestPrintOddValues: values that no BEAM node sends still print, for they may have to be looked at.
func TestPrintOddValues(t *testing.T) {
	for want, term := range map[string]etf.Term{
		"[#Nil<>]": etf.List{nil}, "{#Nil<>,#Nil<>,#Nil<>}": etf.Tuple{(*etf.Big)(nil), (*etf.Fun)(nil), (*etf.Record)(nil)},
		"'\xff'": etf.Atom("\xff"), "<<>>": etf.BitString{Bits: 3}, "#Ref<a@b/1>": etf.Ref{Node: "a@b", Creation: 1}, "[1|#Nil<>]": etf.Improper{Elems: []etf.Term{etf.Int(1)}},
		"[#Nil<>,#Nil<>]": etf.List{&etf.Pid{}, struct{ etf.Atom }{"a"}},
		"[1,2]":           etf.Improper{Elems: []etf.Term{etf.Int(1)}, Tail: etf.List{etf.Int(2)}},
	} {
		if got := term.String(); got != want {
			t.Errorf("%#v prints as %s, want %s", term, got, want)
		}
	}
	if got := string(etf.AppendText([]byte("x = "), etf.Int(1))); got != "x = 1" {
		t.Errorf("AppendText = %s", got)
	}
	raw := etf.Raw{Bytes: []byte{104, 2, 97}}
	if got := raw.String(); !strings.HasPrefix(got, "#Raw<3 bytes, etf: ") {
		t.Errorf("malformed Raw prints as %s", got)
	}
	if own := raw.Own(); !bytes.Equal(own.Bytes, raw.Bytes) {
		t.Errorf("malformed Raw is owned as %x", own.Bytes)
	}
}

// TestRawReplacesReferences: a Raw with an atom cache is written without, in all the places where an atom may stand.
func TestRawReplacesReferences(t *testing.T) {
	atoms := []etf.Atom{"ok", "node@host", "m"}
	raw := etf.Raw{Atoms: atoms, Bytes: unhex(t, "6808 5200",
		"58 5201 00000001 00000002 00000003", "59 5201 00000001 00000002", "78 5201 0000000010000000 00000002", "5a 0002 5201 00000001 00000002 00000003",
		"71 5202 5200 6101",
		// A fun in a fun: their sizes change.
		"70 00000000 01", strings.Repeat("ab", 16), "00000001 00000002 5202 6101 6102 58 5201 00000001 00000002 00000003 5200",
		"70 00000000 01", strings.Repeat("cd", 16), "00000001 00000001 5202 6101 6102 58 5201 00000001 00000002 00000003 5200",
		"43 00000001 00 5202 5200 5201 5200")}
	term, err := raw.Term()
	if err != nil {
		t.Fatal(err)
	}
	want := mustAppend(t, term)
	got, err := etf.Append([]byte("x"), raw)
	if err != nil || string(got) != "x"+string(want) {
		t.Errorf("Append: %x, %v\nwant %x", got, err, want)
	}
	if own := raw.Own(); !bytes.Equal(own.Bytes, want) || own.Atoms != nil {
		t.Errorf("Own: %x\nwant %x", own.Bytes, want)
	}
	var list []etf.Raw
	if err := (etf.Raw{Bytes: append(append([]byte{108, 0, 0, 0, 1}, raw.Bytes...), 106), Atoms: atoms}).Decode(&list); err != nil || !bytes.Equal(list[0].Bytes, want) {
		t.Errorf("Decode into []Raw: %v", err)
	}
	bad := etf.Raw{Bytes: []byte{82, 0}, Atoms: []etf.Atom{etf.Atom(strings.Repeat("a", 256))}}
	_, err = etf.Append(nil, bad)
	wantError(t, "invalid atom in the table", err, "invalid atom")
}

// TestManyFields: field names are compared each with each, or looked up if they are many.
func TestManyFields(t *testing.T) {
	r := &etf.Record{Module: "m", Name: "r"}
	for i := range 30 {
		r.Fields = append(r.Fields, etf.Field{Name: etf.Atom("f" + etf.Int(i).String()), Value: etf.Int(i)})
	}
	b, err := etf.AppendTerm(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := (etf.Raw{Bytes: b}).Term(); err != nil || !etf.Equal(back, r) {
		t.Errorf("30 fields come back as %v, %v", back, err)
	}
	r.Fields[29].Name = "f0"
	_, err = etf.AppendTerm(nil, r)
	wantError(t, "the 30th is the first again", err, "duplicate field f0")
}

func TestMapGet(t *testing.T) {
	m := mustParse(t, "#{a => 1,{b,[1]} => 2}").(etf.Map)
	if v, ok := m.Get(etf.Tuple{etf.Atom("b"), etf.List{etf.Int(1)}}); !ok || v != etf.Int(2) {
		t.Errorf("Get = %v, %v", v, ok)
	}
	if v, ok := m.Get(etf.Binary("a")); ok || v != nil {
		t.Errorf("Get of a key that is not there = %v, %v", v, ok)
	}
}

func TestValidAtom(t *testing.T) {
	for a, want := range map[etf.Atom]bool{
		"": true, "a": true, etf.Atom(strings.Repeat("😀", 255)): true, etf.Atom(strings.Repeat("😀", 256)): false, etf.Atom(strings.Repeat("a", 255)): true,
		etf.Atom(strings.Repeat("a", 256)): false, "\xff": false, "\x00": true,
	} {
		if etf.ValidAtom(a) != want {
			t.Errorf("ValidAtom(%.10q…) = %v", a, !want)
		}
	}
	// Whatever is given to AppendAtom, the bytes stay a term.
	r := etf.NewReader(etf.Raw{Bytes: etf.AppendAtom(nil, etf.Atom(strings.Repeat("é", 70_000)))})
	if a, err := r.Atom(); err != nil || a != etf.Atom(strings.Repeat("é", 255)) || len(r.Rest()) != 0 {
		t.Errorf("AppendAtom of a long atom: %v, %v", a, err)
	}
}
