//go:build linux

package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The chart has a group of rows for each piece of work, a row for each pair, and four columns: the rate as a multiple of that of
// BEAM with BEAM, the CPU time of one operation and the memory of both sides, and how long a call takes. It has its own background,
// and colours for light and dark pages.
const (
	chartWidth = 960
	rowHeight  = 13
	barHeight  = 9

	nameEnd     = 104 // names of pairs end here
	rateLeft    = 112
	rateUnit    = 48 // of BEAM with BEAM
	rateMost    = 5
	cpuLeft     = 480
	cpuWidth    = 110
	memoryLeft  = 652
	memoryWidth = 60
	timeLeft    = 770
	timeWidth   = 92
	fastest     = 10  // µs, where the scale of times begins
	slowest     = 1e5 // and ends
	style       = `<style>
text { font: 10px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
.card { fill: #ffffff; stroke: #d1d9e0; }
.title { font-size: 13px; font-weight: 600; }
.work { font-size: 11px; font-weight: 600; }
.soft, .unit { fill: #59636e; }
.unit { font-weight: 400; font-size: 10px; white-space: pre; }
.line { stroke: #d1d9e0; }
.one { stroke: #cf222e; stroke-dasharray: 3 2; }
.beam { fill: #8c959f; }
.beamgo { fill: #2f81f7; }
.gobeam { fill: #1a9c8c; }
.gogo { fill: #e08a00; }
.floor { fill: #b9a5e2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.card { fill: #0d1117; stroke: #3d444d; }
.soft, .unit { fill: #9198a1; }
.line { stroke: #3d444d; }
.one { stroke: #ff7b72; }
.beam { fill: #7d8590; }
.floor { fill: #8a74c4; }
}
</style>
`
)

// inChart says which pairs have a row, and in which colour. Those that are there for comparison have one where they tell most.
func inChart(w workResult, f figure) (class string, ok bool) {
	if f.Missing != "" {
		return "", false
	}
	switch f.Pair {
	case "BEAM-BEAM":
		return "beam", true
	case "BEAM-Go":
		return "beamgo", true
	case "Go-BEAM":
		return "gobeam", true
	case "Go-Go":
		return "gogo", true
	case "TCP":
		return "floor", true
	case "BEAM-C", "BEAM-handcut", "BEAM-unwatched":
		return "floor", w.Key == "call1" || w.Key == "call64"
	}
	return "floor", strings.HasPrefix(f.Pair, "BEAM-ergo") && (w.Key == "call1" || w.Key == "call64" || w.Key == "ping" || w.Key == "flood1")
}

// drawing is an SVG that grows downwards.
type drawing struct {
	strings.Builder
	y int
}

func (d *drawing) text(class string, x float64, y int, anchor, s string) {
	fmt.Fprintf(d, `<text class="%s" x="%.1f" y="%d" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, html.EscapeString(s))
}

func (d *drawing) bar(class string, x, width, opacity float64) {
	if width > 0 {
		fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" opacity="%.2f"/>`+"\n", class, x, d.y+2, math.Max(width, 1), barHeight, opacity)
	}
}

func (r *result) chart() string {
	d := &drawing{y: 22}
	d.text("title", 14, d.y, "start", fmt.Sprintf("OTP %s and erlnode (%s, GOGC=%s), %d CPUs, both nodes on one machine; medians of %d rounds", r.OTP, r.Go, r.GOGC, r.CPUs, r.Rounds))
	d.y += 22
	for _, h := range []struct {
		x    float64
		text string
	}{
		{rateLeft, "times BEAM with BEAM (more is better)"}, {cpuLeft, "CPU of one operation"}, {memoryLeft, "memory"}, {timeLeft, "a call, p50 and p99"},
	} {
		d.text("soft", h.x, d.y, "start", h.text)
	}
	d.y += 12
	d.text("soft", cpuLeft, d.y, "start", "driver, and fainter server")
	d.text("soft", memoryLeft, d.y, "start", "driver, server")
	d.text("soft", timeLeft, d.y, "start", "10 µs to 100 ms, logarithmic")
	d.y += 6
	memory := 0.0
	for _, w := range r.Work {
		for _, f := range w.Pairs {
			memory = max(memory, f.Driver.Memory+f.Server.Memory)
		}
	}
	for _, w := range r.Work {
		d.work(w, memory)
	}
	d.y += 6
	for _, line := range r.remarks() {
		d.y += 15
		d.text("", 14, d.y, "start", line)
	}
	height := d.y + 14
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n%s<rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n%s</svg>\n",
		chartWidth, height, chartWidth, height, style, chartWidth-1, height-1, d.String())
}

func (d *drawing) work(w workResult, memory float64) {
	type shown struct {
		figure
		class string
	}
	var rows []shown
	cpu := 0.0
	for _, f := range w.Pairs {
		if class, ok := inChart(w, f); ok {
			rows = append(rows, shown{f, class})
			cpu = max(cpu, f.Driver.CPU+f.Server.CPU)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(d, `<line class="line" x1="14" y1="%d" x2="%d" y2="%d"/>`+"\n", d.y+4, chartWidth-14, d.y+4)
	d.y += 17
	fmt.Fprintf(d, `<text class="work" x="14" y="%d">%s<tspan class="unit" dx="8">%s</tspan></text>`+"\n", d.y, html.EscapeString(w.Name), html.EscapeString(chartUnit(w.Unit)))
	d.y += 3
	top := d.y
	for _, f := range rows {
		base := d.y + barHeight + 1
		d.text("soft", nameEnd, base, "end", f.Pair)
		width := math.Min(f.Ratio, rateMost) * rateUnit
		d.bar(f.class, rateLeft, width, 1)
		label := measured(w.Unit, f.Median)
		if f.Ratio > 0 {
			label = fmt.Sprintf("%.2f ×   %s", f.Ratio, label)
		}
		if f.Ratio > rateMost {
			label = "▸ " + label
		}
		d.text("", rateLeft+math.Max(width, rateUnit)+5, base, "start", label)
		if cpu > 0 {
			scale := cpuWidth / cpu
			d.bar(f.class, cpuLeft, f.Driver.CPU*scale, 1)
			d.bar(f.class, cpuLeft+f.Driver.CPU*scale, f.Server.CPU*scale, 0.5)
			d.text("", cpuLeft+(f.Driver.CPU+f.Server.CPU)*scale+4, base, "start", duration(f.Driver.CPU+f.Server.CPU))
		}
		if memory > 0 {
			scale := memoryWidth / memory
			d.bar(f.class, memoryLeft, f.Driver.Memory*scale, 1)
			d.bar(f.class, memoryLeft+f.Driver.Memory*scale, f.Server.Memory*scale, 0.5)
			d.text("", memoryLeft+(f.Driver.Memory+f.Server.Memory)*scale+4, base, "start", fmt.Sprintf("%.0f MB", (f.Driver.Memory+f.Server.Memory)/1e6))
		}
		if f.P50 > 0 {
			from, to := at(f.P50), at(f.P99)
			middle := d.y + 2 + barHeight/2
			fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="3" opacity="0.5"/>`+"\n", f.class, from, middle-1, to-from)
			fmt.Fprintf(d, `<circle class="%s" cx="%.1f" cy="%d" r="3.5"/><rect class="%s" x="%.1f" y="%d" width="2.5" height="%d"/>`+"\n",
				f.class, from, middle, f.class, to-1, middle-4, barHeight)
			d.text("", to+6, base, "start", duration(f.P50)+", "+duration(f.P99))
		}
		d.y += rowHeight
	}
	fmt.Fprintf(d, `<line class="one" x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", rateLeft+rateUnit, top, rateLeft+rateUnit, d.y)
}

// at is where a time has its place.
func at(us float64) float64 {
	us = math.Max(fastest, math.Min(us, slowest))
	return timeLeft + timeWidth*math.Log(us/fastest)/math.Log(slowest/fastest)
}

// remarks says what has no bars.
func (r *result) remarks() []string {
	var lines []string
	for _, c := range r.Connections {
		lines = append(lines, fmt.Sprintf("%s nodes connected to %s: %.1f KiB and %.1f %s each; idle, %.2f %% of one CPU for all of them", thousands(float64(c.Connections)), c.Server,
			c.Bytes/1024, c.Goroutines, threads(c.Server), c.IdleCPU*float64(c.Connections)/60e6*100))
	}
	for _, p := range r.Processes {
		how := "spawned"
		if p.Kind == "open" {
			how = "opened, without goroutines"
		}
		lines = append(lines, fmt.Sprintf("%s processes of %s, %s: %s a second, %s bytes each, a message to each in %.0f ns", thousands(float64(p.Count)), p.Node, how, thousands(p.PerSecond),
			thousands(p.Bytes), p.Message))
	}
	return lines
}

// measured is a rate or time without its unit, where the head of the rows has it.
func measured(unit string, f float64) string {
	switch unit {
	case "µs":
		return duration(f)
	case "MB/s":
		return fmt.Sprintf("%.2f", f/1e3)
	}
	return thousands(f)
}

func chartUnit(unit string) string {
	switch unit {
	case "µs":
		return ""
	case "MB/s":
		return "GB/s"
	}
	return unit
}

// duration of so many microseconds.
func duration(us float64) string {
	switch {
	case us < 10:
		return fmt.Sprintf("%.2f µs", us)
	case us < 1000:
		return fmt.Sprintf("%.0f µs", us)
	case us < 10_000:
		return fmt.Sprintf("%.1f ms", us/1e3)
	}
	return fmt.Sprintf("%.0f ms", us/1e3)
}

func thousands(f float64) string {
	digits := []byte(fmt.Sprintf("%.0f", f))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}
