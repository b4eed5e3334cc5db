//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

const (
	targetName = "target@127.0.0.1"
	otherName  = "other@127.0.0.1"
	cookie     = "sequences"
	lanes      = 8
)

// world is a target, the other node, and the one that drives both. Every world has the same names.
type world struct {
	driver *otp.Node
	close  []func() error
}

// newWorld starts a world with a target that is a BEAM node, or, if pkg is not empty, the program of that package.
func newWorld(ctx context.Context, install *otp.Install, pkg string) (_ *world, err error) {
	w := &world{}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	epmd, err := install.StartEPMD(ctx)
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, func() error { epmd.Close(); return nil })
	// Hidden, so that global has no part in it: what it does on a lost connection would come in between.
	o := otp.Options{Name: targetName, Cookie: cookie, EPMDPort: epmd.Port, Hidden: true}
	if pkg != "" {
		p, err := otp.StartGo(ctx, pkg, o)
		if err != nil {
			return nil, err
		}
		w.close = append(w.close, p.Close)
	} else if _, err = w.erl(ctx, install, o, "target:start()"); err != nil {
		return nil, err
	}
	o.Name = otherName
	if _, err = w.erl(ctx, install, o, "target:start()"); err != nil {
		return nil, err
	}
	o.Name = "driver"
	w.driver, err = w.erl(ctx, install, o, "ok")
	return w, err
}

func (w *world) erl(ctx context.Context, install *otp.Install, o otp.Options, start string) (*otp.Node, error) {
	n, err := install.StartErl(ctx, o)
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, n.Close)
	_, err = n.TryEval(start, 0)
	return n, err
}

// Close ends all of it. What did not end as it should is the error.
func (w *world) Close() error {
	var first error
	for i := len(w.close) - 1; i >= 0; i-- {
		if err := w.close[i](); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// run gives the trace of each sequence. With slow, that time has to be quiet after each step.
func (w *world) run(all []sequence, slow time.Duration) ([]string, error) {
	var texts []string
	for _, s := range all {
		texts = append(texts, s.String())
	}
	expr := fmt.Sprintf("sequence:run('%s','%s',[%s],%d,%d)", targetName, otherName, strings.Join(texts, ",\n"), lanes, slow.Milliseconds())
	text, err := w.driver.TryRun(expr, time.Duration(len(all)+1)*30*time.Second)
	if err != nil {
		return nil, err
	}
	traces := strings.Split(strings.TrimSuffix(text, "\n\n"), "\n\n")
	if len(traces) != len(all) {
		return nil, fmt.Errorf("%d sequences, %d traces:\n%s", len(all), len(traces), text)
	}
	return traces, nil
}
