package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// packet is how many terms go at once, and fresh after how many a node is replaced, before its table of atoms fills.
const (
	packet = 500
	fresh  = 100_000
)

// comparison counts what one mode has found.
type comparison struct {
	name     string
	terms    int
	accepted int
	crashes  int
	known    map[string]int
	failures int
}

type fuzzer struct {
	*oracle
	*source
	golden [][]byte
}

func main() {
	log.SetFlags(0)
	bin := flag.String("otp", "", "folder of erl and erlc; empty for those in PATH")
	count := flag.Int("count", 50_000, "terms in each mode")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random numbers")
	mode := flag.String("mode", "", "only this mode: encode, decode or mutate")
	golden := flag.String("golden", "testdata/etf", "folder of the golden vectors, which are mutated too")
	flag.Parse()

	dir, err := os.MkdirTemp("", "etf")
	if err != nil {
		log.Fatal(err)
	}
	failed := run(*bin, dir, *count, *seed, *mode, *golden)
	os.RemoveAll(dir)
	if failed {
		os.Exit(1)
	}
}

func run(bin, dir string, count int, seed uint64, only, golden string) (failed bool) {
	o, err := newOracle(bin, dir)
	if err != nil {
		log.Print(err)
		return true
	}
	defer o.stop()
	f := &fuzzer{oracle: o, source: newSource(seed, o.release)}
	if f.golden, err = vectors(golden); err != nil {
		log.Print(err)
		return true
	}
	fmt.Printf("OTP %s, %d terms each, -seed %d\n", o.release, count, seed)
	for _, m := range []struct {
		name string
		step func(*comparison, int) error
	}{{"encode", f.encode}, {"decode", f.decode}, {"mutate", f.mutated}} {
		if only != "" && only != m.name {
			continue
		}
		c := &comparison{name: m.name, known: map[string]int{}}
		start := time.Now()
		for since := 0; c.terms < count; since += packet {
			if since >= fresh {
				if err := f.restart(); err != nil {
					log.Print(err)
					return true
				}
				since = 0
			}
			if err := m.step(c, min(packet, count-c.terms)); err != nil {
				log.Printf("%s: %v", m.name, err)
				return true
			}
		}
		c.report(time.Since(start))
		failed = failed || c.failures > 0
	}
	return failed
}

func (c *comparison) report(took time.Duration) {
	fmt.Printf("%-7s %d terms in %.1f s, %d accepted, %d failures", c.name, c.terms, took.Seconds(), c.accepted, c.failures)
	if c.crashes > 0 {
		fmt.Printf(", %d crashes of OTP", c.crashes)
	}
	fmt.Println()
	for _, name := range slices.Sorted(mapKeys(c.known)) {
		fmt.Printf("        known difference, %d times: %s\n", c.known[name], name)
	}
}

func mapKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// fail prints the first few failures.
func (c *comparison) fail(data []byte, format string, args ...any) {
	if c.failures++; c.failures <= 20 {
		fmt.Printf("FAIL %s %.2000s\n     %.1000s\n", c.name, hex.EncodeToString(data), fmt.Sprintf(format, args...))
	}
}

// encode lets OTP decode what Go has encoded.
func (f *fuzzer) encode(c *comparison, n int) error {
	terms, data := make([]etf.Term, n), make([][]byte, n)
	for i := range terms {
		terms[i] = f.term(3)
		var err error
		if data[i], err = etf.Marshal(terms[i]); err != nil {
			return fmt.Errorf("%v: %w", terms[i], err)
		}
	}
	got, err := f.oracle.decode(data)
	if err != nil {
		return err
	}
	for i, a := range got {
		c.terms++
		if !a.ok {
			c.fail(data[i], "OTP refuses %v", terms[i])
			continue
		}
		c.accepted++
		if hash := etf.PHash2N(terms[i], 1<<32); hash != a.hash && !ownHash(terms[i]) {
			c.fail(data[i], "phash2 %d, in OTP %d: %v", hash, a.hash, terms[i])
		}
		if !bytes.Equal(a.bytes, data[i]) { // the order of maps is OTP's own, and so is the form of ports since OTP 26
			back, rest, err := etf.Decode(a.bytes)
			if err != nil || len(rest) > 0 || !etf.Equal(back, terms[i]) {
				c.fail(data[i], "OTP has %x (%v)\nfor %v", a.bytes, err, terms[i])
			}
		}
	}
	return nil
}

// decode lets Go decode and encode what OTP has encoded.
func (f *fuzzer) decode(c *comparison, n int) error {
	made, err := f.generate(n, f.Uint64())
	if err != nil {
		return err
	}
	for _, a := range made {
		c.terms++
		term, rest, err := etf.Decode(a.bytes)
		if err != nil || len(rest) > 0 {
			c.fail(a.bytes, "Decode: %v, %d bytes left", err, len(rest))
			continue
		}
		c.accepted++
		var opts []etf.Option
		if f.release > "25" {
			opts = []etf.Option{etf.OTP(29)}
		}
		if b, err := etf.Marshal(term, opts...); err != nil || !bytes.Equal(b, a.bytes) {
			c.fail(a.bytes, "encodes as %x (%v)\n%v", b, err, term)
		}
		if hash := etf.PHash2N(term, 1<<32); hash != a.hash && !ownHash(term) {
			c.fail(a.bytes, "phash2 %d, in OTP %d: %v", hash, a.hash, term)
		}
	}
	return nil
}

// ownHash reports whether there is a native record of several fields in t, which each VM hashes in its own way.
func ownHash(t etf.Term) bool {
	switch t := t.(type) {
	case etf.Tuple:
		return slices.ContainsFunc(t, ownHash)
	case etf.List:
		return slices.ContainsFunc(t, ownHash)
	case etf.Improper:
		return slices.ContainsFunc(t.Elems, ownHash) || ownHash(t.Tail)
	case etf.Map:
		return slices.ContainsFunc(t, func(p etf.Pair) bool { return ownHash(p.Key) || ownHash(p.Value) })
	case *etf.Fun:
		return slices.ContainsFunc(t.Free, ownHash)
	case *etf.Record:
		return len(t.Fields) > 1 || slices.ContainsFunc(t.Fields, func(f etf.Field) bool { return ownHash(f.Value) })
	}
	return false
}

// mutated lets both decode bytes with faults.
func (f *fuzzer) mutated(c *comparison, n int) error {
	data := make([][]byte, n)
	var last []byte
	for i := range data {
		b := f.golden[f.IntN(len(f.golden))]
		if f.IntN(2) == 0 {
			var err error
			if b, err = etf.Marshal(f.term(3)); err != nil {
				return err
			}
		}
		data[i] = f.mutate(b, last)
		last = b
	}
	got, err := f.oracle.decode(data)
	if err == nil {
		for i, a := range got {
			f.agree(c, data[i], a)
		}
		return nil
	}
	// One of them has taken the node down.
	for _, d := range data {
		if f.cmd.ProcessState != nil || err != nil {
			if err := f.restart(); err != nil {
				return err
			}
		}
		if got, err = f.oracle.decode([][]byte{d}); err != nil {
			c.terms++
			c.crashes++
			_, _, ours := etf.Decode(d)
			fmt.Printf("CRASH of OTP %s: %.400x (we say: %v)\n", f.release, d, ours)
			continue
		}
		f.agree(c, d, got[0])
	}
	if err != nil {
		return f.restart()
	}
	return nil
}

// agree checks that we say of data what OTP says.
func (f *fuzzer) agree(c *comparison, data []byte, a answer) {
	c.terms++
	term, _, err := etf.Decode(data)
	switch {
	case a.ok && err != nil:
		if name := f.explain(data, nil, err); name != "" {
			c.known[name]++
			return
		}
		c.fail(data, "OTP accepts, we do not: %v\nOTP has %x", err, a.bytes)
	case !a.ok && err == nil:
		if name := f.explain(data, term, nil); name != "" {
			c.known[name]++
			return
		}
		c.fail(data, "OTP refuses, we accept: %v", term)
	case a.ok:
		c.accepted++
		back, _, err := etf.Decode(a.bytes)
		if err != nil || !etf.Equal(f.created(back), f.created(term)) {
			if name := otherwise(data, back); name != "" {
				c.known[name]++
				return
			}
			c.fail(data, "OTP has %x\nwe have %v", a.bytes, term)
		}
	}
}

// created gives all funs in t the creator that OTP gives them since 26, if this is such a release. There the old numbers
// of a fun may be those of another with the same module, index and MD5, which has come before.
func (f *fuzzer) created(t etf.Term) etf.Term {
	if f.creator == nil {
		return t
	}
	each := func(terms []etf.Term) []etf.Term {
		out := make([]etf.Term, len(terms))
		for i, e := range terms {
			out[i] = f.created(e)
		}
		return out
	}
	switch t := t.(type) {
	case etf.Tuple:
		return etf.Tuple(each(t))
	case etf.List:
		return etf.List(each(t))
	case etf.Improper:
		return etf.Improper{Elems: each(t.Elems), Tail: f.created(t.Tail)}
	case etf.Map:
		out := make(etf.Map, len(t))
		for i, p := range t {
			out[i] = etf.Pair{Key: f.created(p.Key), Value: f.created(p.Value)}
		}
		return out
	case *etf.Fun:
		fun := *t
		fun.Pid, fun.OldIndex, fun.OldUniq, fun.Free = *f.creator, 0, 0, each(t.Free)
		return &fun
	case *etf.Record:
		rec := *t
		rec.Fields = slices.Clone(t.Fields)
		for i := range rec.Fields {
			rec.Fields[i].Value = f.created(rec.Fields[i].Value)
		}
		return &rec
	}
	return t
}

// vectors reads the golden vectors, the good and the bad.
func vectors(dir string) ([][]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "vectors-*.txt"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no golden vectors in %s (%v)", dir, err)
	}
	var all [][]byte
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			text, _, _ := strings.Cut(lines.Text(), "\t")
			if b, err := hex.DecodeString(text); err == nil && len(b) > 1 && len(b) < 600 {
				all = append(all, b)
			}
		}
		f.Close()
	}
	return all, nil
}
