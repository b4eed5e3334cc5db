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

// row is one term in one direction. The order of who is that of columns.
type row struct {
	name string
	who  [4]*contender
}

var columns = [4]string{"OTP", "typed", "Term", "ergo"}

func main() {
	bin := flag.String("otp", "", "folder of erl and erlc; empty for those in PATH")
	rounds := flag.Int("rounds", 7, "how often everything is measured; the figures are medians")
	ms := flag.Int("ms", 20, "milliseconds per measurement")
	only := flag.String("only", "", "measure only the terms whose names contain this")
	flag.Parse()
	log.SetFlags(0)

	o, err := startOTP(*bin)
	if err != nil {
		log.Fatal(err)
	}
	defer o.stop()
	var enc, dec []row
	for _, s := range subjects {
		if !strings.Contains(s.name, *only) {
			continue
		}
		e, d, err := rows(o, s, *ms)
		if err != nil {
			log.Fatalf("%s: %v", s.name, err)
		}
		enc, dec = append(enc, e), append(dec, d)
	}
	all := slices.Concat(enc, dec)
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
	report("encode into a reused buffer; OTP makes a new binary", enc)
	report("decode, copying; a new value each time", dec)
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
	enc = row{s.name, [4]*contender{
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
	dec = row{s.name, [4]*contender{
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

func report(title string, rows []row) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "term\t")
	for i, c := range columns {
		fmt.Fprint(w, c, "\t")
		if i == 1 || i == 2 {
			fmt.Fprint(w, "x\te\t")
		}
	}
	fmt.Fprintln(w)
	var sum [4][2]float64 // of the logarithms of the ratios
	for _, r := range rows {
		beam, other := r.who[0].median(), r.who[3].median()
		fmt.Fprint(w, r.name, "\t")
		for i, c := range r.who {
			m := c.median()
			if i == 0 {
				fmt.Fprintf(w, "%.0f\t", m)
				continue
			}
			fmt.Fprintf(w, "%.0f (%.0f)\t", m, c.allocs)
			if i < 3 {
				fmt.Fprintf(w, "%.2f\t%.1f\t", beam/m, other/m)
			}
			sum[i][0] += math.Log(beam / m)
			sum[i][1] += math.Log(other / m)
		}
		fmt.Fprintln(w)
	}
	mean := func(i, j int) float64 { return math.Exp(sum[i][j] / float64(len(rows))) }
	fmt.Fprintf(w, "geometric mean\t\t\t%.2f\t%.1f\t\t%.2f\t%.1f\t\n", mean(1, 0), mean(1, 1), mean(2, 0), mean(2, 1))
	w.Flush()
}
