//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// worlds are the two that are compared.
type worlds struct {
	beam, native *world
	release      int
}

// newWorlds starts both. pkg is the Go target's main package.
func newWorlds(ctx context.Context, install *otp.Install, pkg string) (*worlds, error) {
	release, err := install.Release()
	if err != nil {
		return nil, err
	}
	beam, err := newWorld(ctx, install, "")
	if err != nil {
		return nil, err
	}
	native, err := newWorld(ctx, install, pkg)
	if err != nil {
		beam.Close()
		return nil, err
	}
	return &worlds{beam, native, release}, nil
}

func (w *worlds) Close() error {
	err := w.native.Close()
	if berr := w.beam.Close(); err == nil {
		err = berr
	}
	return err
}

// both runs the sequences in both worlds at the same time.
func (w *worlds) both(all []sequence, slow time.Duration) (beam, native []string, err error) {
	var berr, nerr error
	var wait sync.WaitGroup
	wait.Go(func() { beam, berr = w.beam.run(all, slow) })
	wait.Go(func() { native, nerr = w.native.run(all, slow) })
	wait.Wait()
	switch {
	case berr != nil:
		return nil, nil, fmt.Errorf("with the BEAM target: %w", berr)
	case nerr != nil:
		return nil, nil, fmt.Errorf("with the Go target: %w", nerr)
	}
	return beam, native, nil
}

// result is what a run of many sequences came to.
type result struct {
	run   int
	raced []difference // not when there was more time; as they were
	found []difference
}

// difference is a sequence, made as small as it could be, with two traces.
type difference struct {
	seed         uint64
	release      int
	sequence     sequence
	beam, native string
}

func (d difference) String() string {
	indent := func(s string) string { return "\t" + strings.ReplaceAll(s, "\n", "\n\t") }
	return fmt.Sprintf("seed %d, OTP %d:\n%v\nBEAM:\n%s\nGo:\n%s", d.seed, d.release, d.sequence, indent(d.beam), indent(d.native))
}

const batch = 100

// settled is how long everything has to be quiet after each step when a difference is looked at again.
const settled = 30 * time.Millisecond

// run runs count sequences from a seed on, and stops after some that differ.
func (w *worlds) run(ctx context.Context, seed uint64, count int, progress func(result)) (r result, err error) {
	for done := 0; done < count && len(r.found) < 3 && ctx.Err() == nil; done += batch {
		var all []sequence
		for i := done; i < min(done+batch, count); i++ {
			all = append(all, generate(seed+uint64(i), w.release))
		}
		beam, native, err := w.both(all, 0)
		if err != nil {
			return r, fmt.Errorf("seeds %d to %d: %w", seed+uint64(done), seed+uint64(done+len(all)-1), err)
		}
		for i := range all {
			if beam[i] == native[i] {
				continue
			}
			d, differs, err := w.again(all[i])
			if err != nil {
				return r, err
			}
			if !differs {
				d = difference{sequence: all[i], beam: beam[i], native: native[i]}
			}
			d.seed, d.release = seed+uint64(done+i), w.release
			if differs {
				r.found = append(r.found, d)
			} else {
				r.raced = append(r.raced, d)
			}
		}
		r.run += len(all)
		progress(r)
	}
	return r, ctx.Err()
}

// again looks at a difference with more time, and makes it smaller.
func (w *worlds) again(s sequence) (d difference, differs bool, err error) {
	b, n, err := w.both([]sequence{s}, settled)
	if err != nil || b[0] == n[0] {
		return d, false, err
	}
	d = difference{sequence: s, beam: b[0], native: n[0]}
	for size := max(1, len(s.steps)/2); size > 0; size /= 2 {
		for at := len(d.sequence.steps) - size; at >= 0; at = min(at, len(d.sequence.steps)) - size {
			smaller := d.sequence
			smaller.steps = append(append([]step(nil), smaller.steps[:at]...), smaller.steps[at+size:]...)
			b, n, err := w.both([]sequence{smaller}, settled)
			if err != nil {
				return d, true, err
			}
			if b[0] != n[0] {
				d.sequence, d.beam, d.native = smaller, b[0], n[0]
			}
		}
	}
	return d, true, nil
}
