//go:build unix

package main

import (
	"testing"

	"github.com/erlnode/erlnode/interop/otp"
)

// TestSequences runs some hundred random sequences, the same ones each time. More by make fuzz-dist.
func TestSequences(t *testing.T) {
	install := otp.Find(t)
	w, err := newWorlds(t.Context(), install, "../target")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	count := 300
	if testing.Short() {
		count = 100
	}
	r, err := w.run(t.Context(), 1, count, func(result) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.found {
		t.Error(d)
	}
	t.Logf("%d sequences, %d that differed once and not with more time", r.run, len(r.raced))
	if r.run != count && len(r.found) == 0 {
		t.Errorf("%d sequences were run, want %d", r.run, count)
	}
}

// A seed stands for a sequence, and steps that are left out change nothing in the others.
func TestGenerate(t *testing.T) {
	kinds := map[string]bool{}
	for seed := range uint64(500) {
		s := generate(seed, 29)
		if s.String() != generate(seed, 29).String() {
			t.Fatalf("seed %d gives two sequences", seed)
		}
		for i, st := range s.steps {
			if st.id != i || st.puppet < 1 || st.puppet > len(s.sites) || len(st.commands) == 0 {
				t.Fatalf("seed %d: step %+v", seed, st)
			}
			for _, c := range st.commands {
				name := c[1:]
				for j, r := range name {
					if r == ',' || r == '}' {
						name = name[:j]
						break
					}
				}
				kinds[name] = true
			}
		}
	}
	for _, want := range []string{"send", "link", "unlink", "monitor", "demonitor", "exit", "register", "unregister", "whereis",
		"alias", "monitor_alias", "unalias", "cast", "call", "trap_exit", "disconnect", "connect", "ping", "monitor_node"} {
		if !kinds[want] {
			t.Errorf("no %s in 500 sequences", want)
		}
	}
}
