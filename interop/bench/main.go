package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	ergo "github.com/ergo-services/ergo/etf"
	"github.com/ergo-services/ergo/lib"

	"github.com/erlnode/erlnode/etf"
)

// contender is one way to encode or decode one term.
type contender struct {
	run     func(n int)
	measure func() float64 // instead of run: OTP measures itself
	ns      []float64      // one figure per round
	allocs  float64
}

// row is one term in one direction: OTP first, then ours, ergo last.
type row struct {
	name string
	who  []*contender
}

func main() {
	bin := flag.String("otp", "", "folder of erl and erlc; empty for those in PATH")
	rounds := flag.Int("rounds", 7, "how often everything is measured; the figures are medians")
	ms := flag.Int("ms", 20, "milliseconds per measurement")
	only := flag.String("only", "", "measure only the terms whose names contain this")
	heap := flag.Int("heap", 16, "MiB of live data in this program")
	flag.Parse()
	log.SetFlags(0)
	// Go collects garbage when the heap has doubled; in a program that has nothing else in it that is each 4 MiB, which is
	// no program that there is.
	ballast := make([]byte, *heap<<20)
	defer runtime.KeepAlive(ballast)

	o, err := startOTP(*bin)
	if err != nil {
		log.Fatal(err)
	}
	defer o.stop()
	var enc, all []row
	var dec [2][]row
	var bare []row
	for _, s := range subjects {
		if !strings.Contains(s.name, *only) {
			continue
		}
		e, d, err := rows(o, s, *ms)
		if err != nil {
			log.Fatalf("%s: %v", s.name, err)
		}
		enc = append(enc, e)
		dec[0] = append(dec[0], row{d.name, []*contender{d.who[0], d.who[1], d.who[2], d.who[5]}})
		dec[1] = append(dec[1], row{d.name, []*contender{d.who[0], d.who[3], d.who[4], d.who[5]}})
		all = append(all, e, d)
		if s.bareTyped != nil {
			b := row{s.name, []*contender{d.who[1], {run: times(s.bareTyped)}, d.who[2], {run: times(s.bareTerm)}}}
			bare = append(bare, b)
			all = append(all, row{s.name, []*contender{b.who[1], b.who[3]}})
		}
	}
	for range *rounds {
		for _, r := range all {
			for _, c := range r.who {
				c.round(*ms)
			}
		}
	}
	fmt.Printf("OTP %s, %s, ergo v1.999.224, %d CPUs; medians of %d interleaved rounds of %d ms; ns (allocations)\n",
		o.release, runtime.Version(), runtime.NumCPU(), *rounds, *ms)
	fmt.Println("x: how many times as fast as OTP; e: as ergo. typed: Go structs and slices; Term: dynamic.")
	report("encode, into a reused buffer; OTP makes a new binary", enc, "typed", "Term")
	report("decode, into a new value each time, copying binaries", dec[0], "typed", "Term")
	reportBare(bare)
	report("decode with Alias, typed into a value that is there; OTP as above", dec[1], "typed", "Term")
}

// rows prepares everything about one term, and checks that all agree about it.
func rows(o *otp, s subject, ms int) (enc, dec row, err error) {
	data, err := o.bytes(s.name)
	if err != nil {
		return row{}, row{}, err
	}
	typed, err := s.typed(data)
	if err != nil {
		return row{}, row{}, err
	}
	term, _, err := etf.Decode(data)
	if err != nil {
		return row{}, row{}, err
	}
	for _, v := range []any{typed, term} {
		b, err := etf.Marshal(v)
		if err != nil {
			return row{}, row{}, err
		}
		back, _, err := etf.Decode(b)
		if err != nil || !etf.Equal(back, term) {
			return row{}, row{}, fmt.Errorf("%T comes back as %v (%v)", v, back, err)
		}
		if _, isTerm := v.(etf.Term); isTerm && !bytes.Equal(b, data) {
			return row{}, row{}, fmt.Errorf("other bytes than OTP's: %x", b)
		}
	}
	other, _, err := ergo.Decode(data[1:], nil, ergo.DecodeOptions{FlagBigPidRef: true})
	if err != nil {
		return row{}, row{}, fmt.Errorf("ergo: %w", err)
	}
	buf := make([]byte, 0, 1<<17)
	encode := func(v any) func(int) {
		return func(n int) {
			for range n {
				if _, err := etf.Append(buf, v); err != nil {
					log.Fatal(err)
				}
			}
		}
	}
	b := lib.TakeBuffer()
	alias := etf.Alias()
	enc = row{s.name, []*contender{
		{measure: func() float64 { return otpNs(o, "enc", s.name, ms) }},
		{run: encode(typed)},
		{run: encode(term)},
		{run: func(n int) {
			for range n {
				b.Reset()
				if err := ergo.Encode(other, b, ergo.EncodeOptions{FlagBigPidRef: true, FlagBigCreation: true}); err != nil {
					log.Fatal(err)
				}
			}
		}},
	}}
	dec = row{s.name, []*contender{
		{measure: func() float64 { return otpNs(o, "dec", s.name, ms) }},
		{run: func(n int) {
			for range n {
				if _, err := s.typed(data); err != nil {
					log.Fatal(err)
				}
			}
		}},
		{run: func(n int) {
			for range n {
				if _, _, err := etf.Decode(data); err != nil {
					log.Fatal(err)
				}
			}
		}},
		{run: func(n int) {
			for range n {
				if err := etf.Unmarshal(data, typed, alias); err != nil {
					log.Fatal(err)
				}
			}
		}},
		{run: func(n int) {
			for range n {
				if _, _, err := etf.Decode(data, alias); err != nil {
					log.Fatal(err)
				}
			}
		}},
		{run: func(n int) {
			for range n {
				if _, _, err := ergo.Decode(data[1:], nil, ergo.DecodeOptions{FlagBigPidRef: true}); err != nil {
					log.Fatal(err)
				}
			}
		}},
	}}
	return enc, dec, nil
}

func otpNs(o *otp, what, name string, ms int) float64 {
	ns, err := o.measure(what, name, ms)
	if err != nil {
		log.Fatal(err)
	}
	return ns
}

// round measures once more.
func (c *contender) round(ms int) {
	if c.measure != nil {
		c.ns = append(c.ns, c.measure())
		return
	}
	if len(c.ns) == 0 {
		c.allocs = testing.AllocsPerRun(20, func() { c.run(1) })
	}
	want := time.Duration(ms) * time.Millisecond
	n := 1
	for {
		start := time.Now()
		c.run(n)
		took := time.Since(start)
		if took*10 < want {
			n *= 4
			continue
		}
		n = max(1, int(float64(n)*float64(want)/float64(took)))
		break
	}
	start := time.Now()
	c.run(n)
	c.ns = append(c.ns, float64(time.Since(start))/float64(n))
}

func (c *contender) median() float64 {
	ns := slices.Sorted(slices.Values(c.ns))
	return ns[len(ns)/2]
}

func times(f func()) func(int) {
	return func(n int) {
		for range n {
			f()
		}
	}
}

// reportBare says how much of decoding is the memory of the result.
func reportBare(rows []row) {
	fmt.Printf("\nof that, taking memory for the result and filling it, with nothing decoded\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "term\ttyped\tmemory\tof it\tTerm\tmemory\tof it\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t", r.name)
		for i := 0; i < 4; i += 2 {
			all, memory := r.who[i].median(), r.who[i+1].median()
			fmt.Fprintf(w, "%.0f\t%.0f\t%.0f%%\t", all, memory, 100*memory/all)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

func report(title string, rows []row, ours ...string) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "term\tOTP\t")
	for _, c := range ours {
		fmt.Fprint(w, c, "\tx\te\t")
	}
	fmt.Fprintln(w, "ergo\t")
	sum := make([][2]float64, len(ours)) // of the logarithms of the ratios
	for _, r := range rows {
		beam, ergo := r.who[0], r.who[len(r.who)-1]
		fmt.Fprintf(w, "%s\t%.0f\t", r.name, beam.median())
		for i := range ours {
			c := r.who[i+1]
			x, e := beam.median()/c.median(), ergo.median()/c.median()
			fmt.Fprintf(w, "%.0f (%.0f)\t%.2f\t%.1f\t", c.median(), c.allocs, x, e)
			sum[i][0] += math.Log(x)
			sum[i][1] += math.Log(e)
		}
		fmt.Fprintf(w, "%.0f (%.0f)\t\n", ergo.median(), ergo.allocs)
	}
	fmt.Fprint(w, "geometric mean\t\t")
	for _, s := range sum {
		fmt.Fprintf(w, "\t%.2f\t%.1f\t", math.Exp(s[0]/float64(len(rows))), math.Exp(s[1]/float64(len(rows))))
	}
	fmt.Fprintln(w)
	w.Flush()
}
