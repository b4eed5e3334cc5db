//go:build linux

package main

import (
	"fmt"
	"io"
)

// goal is what a figure is to come to.
type goal struct {
	name   string
	got    float64
	want   float64
	atMost bool // else at least
}

func (g goal) met() bool {
	if g.atMost {
		return g.got <= g.want
	}
	return g.got >= g.want
}

// goals are those that erlnode has set itself, as far as there are figures for them. Ratios are to BEAM with BEAM unless they say else.
func (r *result) goals() []goal {
	var all []goal
	add := func(name string, got, want float64) { all = append(all, goal{name: name, got: got, want: want}) }
	least := func(key string, want float64, pairs ...string) {
		for _, pair := range pairs {
			if f, ok := r.figure(key, pair); ok && f.Ratio > 0 {
				add(key+" "+pair, f.Ratio, want)
			}
		}
	}
	over := func(name, key, pair, otherKey, other string, of func(figure) float64, want float64, atMost bool) {
		a, ok := r.figure(key, pair)
		b, ok2 := r.figure(otherKey, other)
		if ok && ok2 && of(b) > 0 {
			all = append(all, goal{key + " " + pair + name, of(a) / of(b), want, atMost})
		}
	}
	rate := func(f figure) float64 { return f.Median }
	all3 := []string{"BEAM-Go", "Go-BEAM", "Go-Go"}
	least("call1", 1.15, "BEAM-Go", "Go-BEAM")
	least("call1", 2.2, "Go-Go")
	over(", of raw TCP", "call1", "Go-Go", "call1", "TCP", rate, 0.6, false)
	for _, key := range []string{"call16", "call64"} {
		least(key, 1.6, "BEAM-Go")
		least(key, 4, "Go-Go")
	}
	least("flood1", 1, "BEAM-Go")
	over(", CPU of the server", "flood1", "BEAM-Go", "flood1", "BEAM-BEAM", func(f figure) float64 { return f.Server.CPU }, 0.5, true)
	least("flood1", 1.2, "Go-BEAM")
	over(", CPU of the driver", "flood1", "Go-BEAM", "flood1", "BEAM-BEAM", func(f figure) float64 { return f.Driver.CPU }, 0.5, true)
	least("flood1", 5, "Go-Go")
	if f, ok := r.figure("flood1", "Go-Go"); ok {
		add("flood1 Go-Go, millions a second", f.Median/1e6, 2.5)
	}
	over(", of flood1", "flood8", "Go-Go", "flood1", "Go-Go", rate, 1, false)
	least("maps", 4, "Go-Go")
	for _, key := range []string{"stream64k", "stream1m"} {
		least(key, 1, all3...)
		over(", of raw TCP", key, "Go-Go", key, "TCP", rate, 0.8, false)
	}
	least("mixed", 1, all3...)
	least("drop", 2, "Go-Go") // where a BEAM takes part, it is the last to hear
	for _, c := range r.Connections {
		if c.Server == "Go" {
			all = append(all, goal{"KiB of an idle connection", c.Bytes / 1024, 32, true}, goal{"goroutines of an idle connection", c.Goroutines, 2, true})
		}
	}
	for _, p := range r.Processes {
		if want := map[string]float64{"open": 1, "spawn": 4}[p.Kind]; p.Node == "Go" {
			all = append(all, goal{"KiB of an idle process, " + p.Kind, p.Bytes / 1024, want, true})
		}
	}
	return all
}

// figure finds what a pair did of some work.
func (r *result) figure(key, pair string) (figure, bool) {
	for _, w := range r.Work {
		if w.Key == key {
			for _, f := range w.Pairs {
				if f.Pair == pair && f.Missing == "" {
					return f, true
				}
			}
		}
	}
	return figure{}, false
}

func (r *result) printGoals(out io.Writer) {
	goals := r.goals()
	if len(goals) == 0 {
		return
	}
	met := 0
	for _, g := range goals {
		if g.met() {
			met++
		}
	}
	fmt.Fprintf(out, "\n%d of %d goals are met\n", met, len(goals))
	for _, g := range goals {
		bound, mark := "at least", "no "
		if g.atMost {
			bound = "at most"
		}
		if g.met() {
			mark = "yes"
		}
		fmt.Fprintf(out, "%s  %-38s %7.2f  %s %s\n", mark, g.name, g.got, bound, number(g.want))
	}
}
