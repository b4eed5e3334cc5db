//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is everything that was measured, as it goes into the JSON file.
type result struct {
	Go, OTP string
	GOGC    string // of the Go peers
	CPUs    int
	Rounds  int
	Ms      int
	Pairs   []pairResult
	Work    []workResult
}

type pairResult struct {
	Name                       string
	DriverMemory, ServerMemory float64 // most resident bytes
}

type workResult struct {
	Name, Unit string
	Pairs      []figure
}

type figure struct {
	Pair             string
	Median, Min, Max float64
	Ratio            float64 // to BEAM with BEAM; of latencies the inverse, so that more is always better
	P50, P99         float64 `json:",omitempty"` // µs
	Driver, Server   cost    // of one operation
}

// cost is what one side takes for one operation, as the median of the rounds.
type cost struct {
	CPU    float64 // µs, which is as many seconds per million
	Slept  float64 // voluntary context switches
	Pushed float64 // involuntary ones
	Reads  float64 // system calls that Linux counts as such: not recv and its kin, which the BEAM uses
	Writes float64
}

func costOf(all []usage) cost {
	of := func(f func(usage) float64) float64 {
		var s []float64
		for _, u := range all {
			s = append(s, f(u))
		}
		return median(s)
	}
	return cost{
		CPU:    of(func(u usage) float64 { return u.cpu / 1e3 }),
		Slept:  of(func(u usage) float64 { return u.slept }),
		Pushed: of(func(u usage) float64 { return u.preempted }),
		Reads:  of(func(u usage) float64 { return u.reads }),
		Writes: of(func(u usage) float64 { return u.writes }),
	}
}

func newResult(pairs []*pair, rows []*row) *result {
	res := &result{Go: goVersion, GOGC: *gogc, CPUs: runtime.NumCPU(), Rounds: *rounds, Ms: *ms}
	for _, p := range pairs {
		res.Pairs = append(res.Pairs, pairResult{p.name, p.driver.memory(), p.server.memory()})
		if p.driver.kind == "BEAM" && res.OTP == "" {
			res.OTP = p.driver.ready
		}
	}
	for _, r := range rows {
		w := workResult{Name: r.work.name, Unit: r.work.unit}
		for _, p := range pairs {
			c := r.cells[p]
			if c == nil {
				continue
			}
			f := figure{Pair: p.name, Median: median(c.rates), Min: slices.Min(c.rates), Max: slices.Max(c.rates),
				P50: median(c.p50), P99: median(c.p99), Driver: costOf(c.driver), Server: costOf(c.server)}
			if base := r.cells[p.base]; base != nil {
				f.Ratio = f.Median / median(base.rates)
				if r.work.latency {
					f.Ratio = 1 / f.Ratio
				}
			}
			w.Pairs = append(w.Pairs, f)
		}
		res.Work = append(res.Work, w)
	}
	return res
}

func median(s []float64) float64 {
	if len(s) == 0 {
		return 0
	}
	s = slices.Sorted(slices.Values(s))
	return s[len(s)/2]
}

func (r *result) print(out io.Writer) {
	fmt.Fprintf(out, "OTP %s, %s with GOGC=%s, %d CPUs; medians of %d rounds of %d ms\n", r.OTP, r.Go, r.GOGC, r.CPUs, r.Rounds, r.Ms)
	fmt.Fprintln(out, "x: how many times as good as BEAM with BEAM; CPU: seconds of driver and server per million operations")
	for _, w := range r.Work {
		fmt.Fprintf(out, "\n%s, %s\n", w.Name, w.Unit)
		tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, "pair\tmedian\tmin\tmax\tx\tp50 µs\tp99 µs\tCPU driver\tserver\t")
		for _, f := range w.Pairs {
			ratio := "-"
			if f.Ratio > 0 {
				ratio = fmt.Sprintf("%.2f", f.Ratio)
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%.0f\t%.0f\t%.2f\t%.2f\t\n", f.Pair, number(f.Median), number(f.Min), number(f.Max), ratio, f.P50, f.P99, f.Driver.CPU, f.Server.CPU)
		}
		tw.Flush()
	}
	fmt.Fprintln(out, "\nmost resident memory, MB: driver, server")
	for _, p := range r.Pairs {
		fmt.Fprintf(out, "%-16s %6.0f %6.0f\n", p.Name, p.DriverMemory/1e6, p.ServerMemory/1e6)
	}
}

// printUsage prints what one operation costs each side.
func (r *result) printUsage(out io.Writer) {
	fmt.Fprintln(out, "\nof one operation, driver | server: µs of CPU; context switches, voluntary and involuntary; calls of read and write (not of recv and send)")
	for _, w := range r.Work {
		fmt.Fprintf(out, "\n%s\n", w.Name)
		tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, "pair\tCPU\tvol\tinvol\tread\twrite\t|\tCPU\tvol\tinvol\tread\twrite\t")
		for _, f := range w.Pairs {
			fmt.Fprintf(tw, "%s\t", f.Pair)
			for _, c := range []cost{f.Driver, f.Server} {
				fmt.Fprintf(tw, "%.2f\t%.3f\t%.3f\t%.3f\t%.3f\t|\t", c.CPU, c.Slept, c.Pushed, c.Reads, c.Writes)
			}
			fmt.Fprintln(tw)
		}
		tw.Flush()
	}
}

func number(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

func (r *result) writeJSON(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o666)
}

// The chart has a group of bars for each piece of work: the pairs with Go in them, as ratios to BEAM with BEAM.
var colours = map[string]string{"BEAM-Go": "#3b82f6", "Go-BEAM": "#14b8a6", "Go-Go": "#f59e0b", "BEAM-ergo": "#9ca3af", "BEAM-C": "#d1d5db"}

func (r *result) writeSVG(file string) error {
	const left, bar, gap, unit, most = 190, 12, 12, 90, 6.0
	var b strings.Builder
	y := 46
	for _, w := range r.Work {
		top := y
		for _, f := range w.Pairs {
			colour, ok := colours[f.Pair]
			if !ok || f.Ratio == 0 {
				continue
			}
			width := math.Min(f.Ratio, most) * unit
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left, y, width, bar-2, colour)
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" font-size="9">%.2f</text>`+"\n", left+width+4, y+9, f.Ratio)
			y += bar
		}
		if y == top {
			continue
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-8, (top+y)/2+3, html.EscapeString(w.Name))
		y += gap
	}
	var legend strings.Builder
	x := left
	for _, name := range []string{"BEAM-Go", "Go-BEAM", "Go-Go", "BEAM-ergo", "BEAM-C"} {
		fmt.Fprintf(&legend, `<rect x="%d" y="26" width="10" height="10" fill="%s"/><text x="%d" y="35">%s</text>`+"\n", x, colours[name], x+14, name)
		x += 92
	}
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="white"/>
<text x="%d" y="16" font-weight="bold">times BEAM with BEAM (OTP %s, %s, GOGC=%s, %d CPUs, both nodes on one machine); bars end at %.0f</text>
%s<line x1="%d" y1="42" x2="%d" y2="%d" stroke="#dc2626" stroke-dasharray="3 3"/>
%s</svg>
`, left+int(most*unit)+50, y+10, 10, r.OTP, r.Go, r.GOGC, r.CPUs, most, legend.String(), left+unit, left+unit, y, b.String())
	return os.WriteFile(file, []byte(svg), 0o666)
}
