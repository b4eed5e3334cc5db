//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is what a peer says about one command, by name: ops, operations done; ns, nanoseconds that they took; and others that
// the commands have.
type outcome map[string]float64

func done(ops int, took time.Duration) outcome {
	return outcome{"ops": float64(ops), "ns": float64(took)}
}

// rate is in operations a second.
func (o outcome) rate() float64 { return o["ops"] / o["ns"] * 1e9 }

// String is the line of an answer: ok and the values.
func (o outcome) String() string {
	var b strings.Builder
	b.WriteString("ok")
	for _, name := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, " %s=%s", name, strconv.FormatFloat(o[name], 'f', -1, 64))
	}
	return b.String()
}

func parseOutcome(line string) (outcome, error) {
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != "ok" {
		return nil, fmt.Errorf("answer %q", line)
	}
	o := outcome{}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("answer %q: %w", line, err)
		}
		o[name] = f
	}
	return o, nil
}
