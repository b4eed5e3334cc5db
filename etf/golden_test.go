package etf_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// vector is a line of a file that testdata/etf/vectors.erl has made.
type vector struct {
	where   string // file and line
	release int    // of OTP
	kind    string // the heading above it
	bytes   string // hexadecimal, or sha256:…
	text    string
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("../testdata/etf/vectors-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden vectors: %v", err)
	}
	var all []vector
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "vectors-"), ".txt")
		release, err := strconv.Atoi(name)
		if err != nil {
			t.Fatal(err)
		}
		kind := ""
		for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
			if heading, ok := strings.CutPrefix(line, "% "); ok {
				kind = heading
				continue
			}
			b, text, ok := strings.Cut(line, "\t")
			if !ok {
				t.Fatalf("%s:%d: no tab", file, i+1)
			}
			all = append(all, vector{fmt.Sprintf("%s:%d", filepath.Base(file), i+1), release, kind, b, text})
		}
	}
	return all
}

// TestGolden compares with what real OTP reads, sends and prints.
func TestGolden(t *testing.T) {
	seen := map[string]int{}
	for _, v := range readVectors(t) {
		seen[v.kind]++
		if strings.HasPrefix(v.bytes, "sha256:") {
			testLong(t, v)
			continue
		}
		data, err := hex.DecodeString(v.bytes)
		if err != nil {
			t.Fatalf("%s: %v", v.where, err)
		}
		if v.kind == "refuse" {
			testRefused(t, v, data)
			continue
		}
		term, rest, err := etf.Decode(data)
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: Decode %.80s: %v, rest %x", v.where, v.text, err, rest)
			continue
		}
		if !slices.Contains([]string{"encode print", "encode", "default", "decode"}, v.kind) {
			t.Fatalf("%s: unknown kind %q", v.where, v.kind)
		}
		want, err := etf.Parse(v.text)
		if err != nil {
			t.Errorf("%s: Parse: %v\n%.200s", v.where, err, v.text)
		} else if !etf.Equal(term, want) {
			t.Errorf("%s: decoded\n%.200s\nwant\n%.200s", v.where, term, v.text)
		}
		if v.kind == "encode print" && term.String() != v.text {
			t.Errorf("%s: printed\n%.200s\nOTP prints\n%.200s", v.where, term, v.text)
		}
		if v.kind != "decode" {
			testEncode(t, v, term, data)
		}
		if full, err := etf.AppendTerm(nil, term); err != nil {
			t.Errorf("%s: %v", v.where, err)
		} else {
			checkRefs(t, v.where, term, full, term)
			checkRefs(t, v.where, etf.Raw{Bytes: full}, full, term)
		}
		if data[1] != 80 {
			r := etf.NewReader(etf.Raw{Bytes: data[1:]})
			if err := r.Skip(); err != nil || len(r.Rest()) > 0 {
				t.Errorf("%s: Skip: %v, rest %x", v.where, err, r.Rest())
			}
		}
	}
	for kind, min := range map[string]int{"encode print": 300, "encode": 1000, "default": 400, "decode": 200, "refuse": 280} {
		if seen[kind] < min {
			t.Errorf("%d vectors of kind %q, want at least %d", seen[kind], kind, min)
		}
	}
}

// testEncode checks that term becomes the bytes that OTP has made of it.
func testEncode(t *testing.T, v vector, term etf.Term, want []byte) {
	t.Helper()
	if v.kind == "default" || v.release > 25 { // 23 and 25 send other bytes than term_to_binary/1 makes
		if b, err := etf.Marshal(term, etf.OTP(v.release)); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s: Marshal for OTP %d %.80s: %v\n%.200x\nOTP makes\n%.200x", v.where, v.release, v.text, err, b, want)
		}
		return
	}
	if b, err := etf.AppendTerm([]byte{etf.Version}, term); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%s: AppendTerm %.80s: %v\n%.200x\nOTP sends\n%.200x", v.where, v.text, err, b, want)
	}
	if b, err := etf.Marshal(term); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%s: Marshal %.80s: %v\n%.200x\nOTP sends\n%.200x", v.where, v.text, err, b, want)
	}
}

func testRefused(t *testing.T, v vector, data []byte) {
	if term, _, err := etf.Decode(data); err == nil {
		t.Errorf("%s: Decode %x = %s, OTP refuses it", v.where, data, term)
	}
	var x any
	if err := etf.Unmarshal(data, &x); err == nil {
		t.Errorf("%s: Unmarshal %x = %v, OTP refuses it", v.where, data, x)
	}
}

func testLong(t *testing.T, v vector) {
	term := longTerm(t, v.text)
	b, err := etf.AppendTerm([]byte{etf.Version}, term)
	if err != nil {
		t.Errorf("%s: %v", v.where, err)
		return
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(b)); got != v.bytes {
		t.Errorf("%s: %s encodes to other bytes than with OTP", v.where, v.text)
	}
	back, rest, err := etf.Decode(b)
	if err != nil || len(rest) > 0 || !etf.Equal(back, term) {
		t.Errorf("%s: %s does not survive: %v", v.where, v.text, err)
	}
}

// longTerm makes the term that an expression of the Erlang program stands for.
func longTerm(t *testing.T, expr string) etf.Term {
	two := func(bits string) *big.Int {
		n, err := strconv.ParseUint(bits, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).Lsh(big.NewInt(1), uint(n))
	}
	name, args, _ := strings.Cut(strings.TrimSuffix(expr, ")"), "(")
	first, second, _ := strings.Cut(args, ", ")
	switch {
	case name == "atoms": // of 0 to 255 of one character
		c, err := strconv.Atoi(first)
		if err != nil {
			t.Fatal(err)
		}
		var l etf.List
		for n := range 256 {
			l = append(l, etf.Atom(strings.Repeat(string(rune(c)), n)))
		}
		return l
	case name == "lists:duplicate":
		n, _ := strconv.Atoi(first)
		elem, err := etf.Parse(second)
		if err != nil {
			t.Fatal(err)
		}
		return etf.List(slices.Repeat([]etf.Term{elem}, n))
	case name == "erlang:make_tuple":
		n, _ := strconv.Atoi(first)
		elem, err := etf.Parse(second)
		if err != nil {
			t.Fatal(err)
		}
		return etf.Tuple(slices.Repeat([]etf.Term{elem}, n))
	case name == "binary:copy":
		n, _ := strconv.Atoi(second)
		return etf.Binary(strings.Repeat("x", n))
	case strings.HasPrefix(expr, "1 bsl "):
		return (*etf.Big)(two(strings.TrimPrefix(expr, "1 bsl ")))
	case strings.HasPrefix(expr, "-(1 bsl "):
		i := two(strings.TrimSuffix(strings.TrimPrefix(expr, "-(1 bsl "), " - 1)"))
		return (*etf.Big)(i.Neg(i.Sub(i, big.NewInt(1))))
	}
	t.Fatalf("unknown expression %q", expr)
	return nil
}
