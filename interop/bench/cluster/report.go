//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
)

// result is everything that was measured, as it goes into the JSON file.
type result struct {
	Go, OTP     string
	GOGC        string // of the Go peers
	CPUs        int
	Rounds      int
	Ms          int
	Work        []workResult
	Memory      []memoryResult
	Connections []connectionsResult
	Processes   []processesResult
}

type workResult struct {
	Key, Name, Unit string
	Pairs           []figure
}

type figure struct {
	Pair             string
	Missing          string  `json:",omitempty"` // why there are no figures
	Median, Min, Max float64 // of the rounds
	Ratio            float64 // to BEAM with BEAM; of latencies the inverse, so that more is always better
	P50, P99         float64 `json:",omitempty"` // µs
	Beside           float64 `json:",omitempty"` // MB/s of the stream beside the calls
	Driver, Server   cost
}

// cost is what one side takes, as the median of the rounds: for one operation, which is a binary where calls are made beside a stream.
type cost struct {
	CPU    float64 // µs, which is as many seconds per million
	Slept  float64 // voluntary context switches
	Pushed float64 // involuntary ones
	Reads  float64 // system calls that Linux counts as such: not recv and its kin, which the BEAM uses
	Writes float64
	Memory float64 // most resident bytes while the work was done, whatever for
}

// memoryResult is the most that the two processes of a pair had resident in any work.
type memoryResult struct {
	Pair           string
	Driver, Server float64
}

func newResult() *result {
	return &result{Go: runtime.Version(), GOGC: *gogc, CPUs: runtime.NumCPU(), Rounds: *rounds, Ms: *ms}
}

func costOf(all []usage, memory []float64) cost {
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
		Memory: median(memory),
	}
}

// take takes over what was measured with pairs.
func (r *result) take(pairs []*pair, rows []*row) {
	most := map[*pair]*memoryResult{}
	for _, p := range pairs {
		if p.missing == "" {
			if p.driver.kind == "beam" && r.OTP == "" {
				r.OTP = p.driver.ready
			}
			most[p] = &memoryResult{Pair: p.name}
		}
	}
	for _, row := range rows {
		w := workResult{Key: row.work.key, Name: row.work.name, Unit: row.work.unit}
		for _, p := range pairs {
			if missing := p.lacks(row.work); missing != "" {
				w.Pairs = append(w.Pairs, figure{Pair: p.name, Missing: missing})
				continue
			}
			c := row.cells[p]
			if c == nil || len(c.rates) == 0 { // it came to no round
				continue
			}
			f := figure{Pair: p.name, Median: median(c.rates), Min: slices.Min(c.rates), Max: slices.Max(c.rates), P50: median(c.p50), P99: median(c.p99),
				Beside: median(c.beside), Driver: costOf(c.driver, c.driverMemory), Server: costOf(c.server, c.serverMemory)}
			if base := row.cells[p.base]; base != nil && len(base.rates) > 0 {
				f.Ratio = f.Median / median(base.rates)
				if row.work.latency {
					f.Ratio = 1 / f.Ratio
				}
			}
			w.Pairs = append(w.Pairs, f)
			most[p].Driver = max(most[p].Driver, slices.Max(c.driverMemory))
			most[p].Server = max(most[p].Server, slices.Max(c.serverMemory))
		}
		r.Work = append(r.Work, w)
	}
	for _, p := range pairs {
		if m := most[p]; m != nil {
			r.Memory = append(r.Memory, *m)
		}
	}
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
	if len(r.Work) > 0 {
		fmt.Fprintln(out, "x: how many times as good as BEAM with BEAM of the same release; CPU: seconds per million operations, and MB: most resident memory,")
		fmt.Fprintln(out, "of the driver (the first of the pair) and of the server")
	}
	for _, w := range r.Work {
		fmt.Fprintf(out, "\n%s, %s\n", w.Name, w.Unit)
		fmt.Fprintf(out, "%-14s %9s %9s %9s %6s %7s %7s %9s %9s %6s %6s\n", "pair", "median", "min", "max", "x", "p50 µs", "p99 µs", "CPU", "CPU", "MB", "MB")
		for _, f := range w.Pairs {
			if f.Missing != "" {
				continue
			}
			fmt.Fprintf(out, "%-14s %9s %9s %9s %6s %7s %7s %9s %9s %6.0f %6.0f%s\n", f.Pair, number(f.Median), number(f.Min), number(f.Max), optional("%.2f", f.Ratio),
				optional("%.0f", f.P50), optional("%.0f", f.P99), number(f.Driver.CPU), number(f.Server.CPU), f.Driver.Memory/1e6, f.Server.Memory/1e6,
				optional("  beside %.0f MB/s", f.Beside))
		}
		for _, m := range w.missing() {
			fmt.Fprintf(out, "not measured: %s\n", m)
		}
	}
	if len(r.Memory) > 0 {
		fmt.Fprintln(out, "\nmost resident memory in all of it, MB: driver, server")
	}
	for _, m := range r.Memory {
		fmt.Fprintf(out, "%-14s %6.0f %6.0f\n", m.Pair, m.Driver/1e6, m.Server/1e6)
	}
	for _, c := range r.Connections {
		fmt.Fprintf(out, "\n%d nodes connected to %s, %d of them BEAM nodes; the Go nodes in %.1f s\n", c.Connections, c.Server, c.BEAM, c.Seconds)
		fmt.Fprintf(out, "  each: %.1f KiB in use, %.1f KiB resident, %.2f %s; idle, with ticks: %.0f µs of CPU a minute (%.2f %% of a CPU for all)\n", c.Bytes/1024, c.Resident/1024,
			c.Goroutines, threads(c.Server), c.IdleCPU, c.IdleCPU*float64(c.Connections)/60e6*100)
	}
	for _, p := range r.Processes {
		fmt.Fprintf(out, "\n%d processes of %s (%s): %s made a second; each %.0f bytes in use, %.0f resident; %.0f ns for a message to each\n", p.Count, p.Node, p.Kind,
			number(p.PerSecond), p.Bytes, p.Resident, p.Message)
	}
}

// missing says which pairs have no figures, and why: those with the same reason together.
func (w workResult) missing() []string {
	var reasons []string
	pairs := map[string][]string{}
	for _, f := range w.Pairs {
		if f.Missing != "" {
			if pairs[f.Missing] == nil {
				reasons = append(reasons, f.Missing)
			}
			pairs[f.Missing] = append(pairs[f.Missing], f.Pair)
		}
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(pairs[reason], ", ") + " (" + reason + ")"
	}
	return reasons
}

func threads(server string) string {
	if strings.HasPrefix(server, "OTP") {
		return "processes"
	}
	return "goroutines"
}

// printUsage prints what one operation costs each side.
func (r *result) printUsage(out io.Writer) {
	fmt.Fprintln(out, "\nof one operation, driver | server: µs of CPU; context switches, voluntary and involuntary; calls of read and write (not of recv and send)")
	for _, w := range r.Work {
		fmt.Fprintf(out, "\n%s\n", w.Name)
		fmt.Fprint(out, strings.Repeat(" ", 14))
		for _, end := range []string{"  |", "\n"} {
			fmt.Fprintf(out, " %9s %7s %7s %7s %7s%s", "CPU", "vol", "invol", "read", "write", end)
		}
		for _, f := range w.Pairs {
			if f.Missing != "" {
				continue
			}
			fmt.Fprintf(out, "%-14s", f.Pair)
			for i, c := range []cost{f.Driver, f.Server} {
				fmt.Fprintf(out, " %9.3f %7.3f %7.3f %7.3f %7.3f%s", c.CPU, c.Slept, c.Pushed, c.Reads, c.Writes, []string{"  |", "\n"}[i])
			}
		}
	}
}

func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func optional(format string, f float64) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf(format, f)
}

func (r *result) writeJSON(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o666)
}

// markdown is the table of README: ratios to BEAM with BEAM, and rates of Go with Go.
func (r *result) markdown() string {
	var b strings.Builder
	b.WriteString("| work | BEAM to Go | Go to BEAM | Go to Go | rate, Go to Go |\n|---|---|---|---|---|\n")
	for _, w := range r.Work {
		fmt.Fprintf(&b, "| %s |", w.Name)
		for _, pair := range []string{"BEAM-Go", "Go-BEAM", "Go-Go"} {
			f, _ := r.figure(w.Key, pair)
			fmt.Fprintf(&b, " %s |", optional("%.2f", f.Ratio))
		}
		f, _ := r.figure(w.Key, "Go-Go")
		fmt.Fprintf(&b, " %s %s |\n", measured(w.Unit, f.Median), chartUnit(w.Unit))
	}
	return b.String()
}

func (r *result) writeSVG(file string) error { return os.WriteFile(file, []byte(r.chart()), 0o666) }
