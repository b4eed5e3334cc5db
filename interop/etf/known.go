package main

import (
	"bytes"
	"errors"
	"strings"

	"github.com/erlnode/erlnode/etf"
)

// known are the differences between package etf and OTP that are meant: see doc.go of etf, which says why. Each has a
// name for the summary, and tells whether it explains that one of the two refuses what the other accepts.
var known = []struct {
	name string
	is   func(data []byte, term etf.Term, err error) bool // err is ours; nil if OTP refuses what we accept as term
}{
	{"empty bit string, which OTP takes up to 25", func(data []byte, _ etf.Term, err error) bool {
		return err == nil && bytes.Contains(data, []byte{77, 0, 0, 0, 0, 0})
	}},
	{"reference without words", says("reference of 0 words")},
	{"external fun with an odd arity", says("external fun of arity")},
	{"external fun with an integer or atom behind empty LIST_EXT", says("external fun with list")},
	{"internal tags 73 and 75", says("unknown tag 73", "unknown tag 75")},
	{"comma in the text of a float", func(data []byte, _ etf.Term, err error) bool {
		return err != nil && strings.Contains(err.Error(), "malformed float text") && bytes.IndexByte(data, ',') >= 0
	}},
	{"fun whose creator is no pid", says("fun with port where", "fun with reference where")},
	{longFloatName, func(data []byte, _ etf.Term, _ error) bool { return longFloat(data) }},
	{"bytes behind a compressed term", says("of the inflated bytes): ", "bytes after the term")},
	{"maps nested by their keys", says("nested by their keys")},
	{"limits", func(_ []byte, _ etf.Term, err error) bool { return errors.Is(err, etf.ErrLimit) }},
	{"an identifier of the node itself", func(data []byte, _ etf.Term, err error) bool {
		return err == nil && bytes.Contains(data, []byte("nonode@nohost"))
	}},
	{"0.0 and -0.0 as keys", func(data []byte, _ etf.Term, err error) bool {
		return err == nil && bytes.Contains(data, []byte{70, 0x80, 0, 0, 0, 0, 0, 0, 0}) && bytes.Contains(data, []byte{70, 0, 0, 0, 0, 0, 0, 0, 0})
	}},
	{"native records", func(data []byte, _ etf.Term, err error) bool { return err == nil && bytes.IndexByte(data, 67) >= 0 }},
}

func says(texts ...string) func([]byte, etf.Term, error) bool {
	return func(_ []byte, _ etf.Term, err error) bool {
		if err == nil {
			return false
		}
		for _, text := range texts {
			if strings.Contains(err.Error(), text) {
				return true
			}
		}
		return false
	}
}

// explain returns the name of the known difference, or "".
func (f *fuzzer) explain(data []byte, term etf.Term, err error) string {
	if f.release < "24" && err == nil && hasIdent(term) {
		return "identifiers that are too large for OTP 23"
	}
	for _, k := range known {
		if k.is(data, term, err) {
			return k.name
		}
	}
	return ""
}

// otherwise returns the name of the known difference because of which OTP takes data as another term, back, than we do,
// or "".
func otherwise(data []byte, back etf.Term) string {
	switch {
	case longFloat(data):
		return longFloatName
	case bytes.Contains(data, []byte("nonode@nohost")) && strings.Contains(back.String(), "#Ref<nonode@nohost/0.0.0.0>"):
		return "reference of the node itself, which OTP fills up to three words"
	}
	return ""
}

const longFloatName = "text of a float that OTP reads beyond its 31 bytes"

// longFloat reports whether there may be a FLOAT_EXT in data whose text has no end within its 31 bytes.
func longFloat(data []byte) bool {
	for i, tag := range data {
		if tag == 99 && len(data)-i > 31 && bytes.IndexByte(data[i+1:i+32], 0) < 0 {
			return true
		}
	}
	return false
}

// hasIdent reports whether there is a pid, port or reference in t.
func hasIdent(t etf.Term) bool {
	s := t.String()
	return strings.Contains(s, "#Pid<") || strings.Contains(s, "#Port<") || strings.Contains(s, "#Ref<")
}
