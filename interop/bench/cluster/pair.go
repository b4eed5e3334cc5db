//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pair is a driver and a server.
type pair struct {
	name           string
	driver, server *peer
	third          *peer // another server, in the cluster of three
	three          *pair // the same kinds of nodes as a cluster of three, if there is work for it
	base           *pair // the BEAM pair that ratios are to; itself for that one
	missing        string
}

// key is how -pair calls it.
func (p *pair) key() string { return strings.ToLower(strings.ReplaceAll(p.name, " ", "-")) }

// lacks says why the pair cannot do some work, "" if it can.
func (p *pair) lacks(w *work) string {
	if p.missing != "" {
		return p.missing
	}
	calls := strings.HasPrefix(w.key, "call")
	switch p.server.kind {
	case "c", "handcut", "unwatched":
		if !calls {
			return "it answers calls, and that is all"
		}
	case "rawserver":
		if w.raw == "" {
			return "there is no such thing without a protocol"
		}
	case "ergo":
		switch {
		case w.bytes > 0:
			return "it loses messages of 64 KiB and more"
		case w.key == "drop":
			return "its links and monitors are not compared"
		case !calls && w.key != "ping" && w.key != "maps" && !strings.HasPrefix(w.key, "flood"):
			return "it has neither global nor pg"
		}
	}
	if w.three && p.three == nil {
		return "measured with the first release only"
	}
	return ""
}

// starter starts one peer of a pair.
type starter func() (*peer, error)

// pairs starts those that are wanted, on the releases in the folders. three says whether clusters of three are wanted too.
func (l *lab) pairs(bins []string, names string, three bool) ([]*pair, error) {
	var all []*pair
	type parts struct{ driver, server starter }
	start := map[*pair]parts{}
	add := func(name string, base *pair, driver, server starter) *pair {
		p := &pair{name: name, base: base}
		if base == nil {
			p.base = p
		}
		start[p] = parts{driver, server}
		all = append(all, p)
		return p
	}
	self := func(kind string) starter { return func() (*peer, error) { return l.self(kind) } }
	golang := self("go")
	ergo := false
	var beam starter
	var base *pair
	for i, bin := range bins {
		release, err := l.releaseOf(bin)
		if err != nil {
			return nil, err
		}
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprint(" ", release)
		}
		beam = func() (*peer, error) { return l.beam(bin) }
		base = add("BEAM-BEAM"+suffix, nil, beam, beam)
		add("BEAM-Go"+suffix, base, beam, golang)
		add("Go-BEAM"+suffix, base, golang, beam)
		if i == 0 {
			add("Go-Go", base, golang, golang)
			add("BEAM-C", base, beam, l.c)
			add("BEAM-handcut", base, beam, self("handcut"))
			add("BEAM-unwatched", base, beam, self("unwatched"))
			add("TCP", base, self("rawdriver"), self("rawserver"))
		}
		if release < 26 && !ergo {
			ergo = true
			add("BEAM-ergo"+suffix, base, beam, self("ergo"))
		}
	}
	if !ergo {
		add("BEAM-ergo", base, nil, nil).missing = "OTP 26 and later refuse it: measured with an older one only"
	}
	if names != "" {
		var known []string
		for _, p := range all {
			known = append(known, p.key())
		}
		wanted := strings.Split(strings.ToLower(names), ",")
		for _, name := range wanted {
			if !slices.Contains(known, name) {
				return nil, fmt.Errorf("there is no pair %q; there is %s", name, strings.Join(known, ", "))
			}
		}
		all = slices.DeleteFunc(all, func(p *pair) bool { return !slices.Contains(wanted, p.key()) })
	}
	for _, p := range all {
		if p.missing != "" {
			continue
		}
		with := start[p]
		var err error
		if p.server, err = with.server(); err != nil {
			var none *noCompiler
			if errors.As(err, &none) {
				p.missing = none.Error()
				continue
			}
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		if p.driver, err = with.driver(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		if three && !strings.Contains(p.name, " ") && nodes(p.server) && nodes(p.driver) {
			p.three = &pair{name: p.name, base: p.base.three}
			for _, q := range []struct {
				peer  **peer
				start starter
			}{{&p.three.driver, with.driver}, {&p.three.server, with.server}, {&p.three.third, with.server}} {
				if *q.peer, err = q.start(); err != nil {
					return nil, fmt.Errorf("%s, cluster of three: %w", p.name, err)
				}
			}
		}
		if err := p.connect(l); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return all, nil
}

// nodes says whether the peer is a whole node: BEAM or Go.
func nodes(p *peer) bool { return p.kind == "beam" || p.kind == "go" }

// connect connects the nodes of a pair, and lets code be loaded and compiled.
func (p *pair) connect(l *lab) error {
	if p.three != nil {
		if err := p.three.connect(l); err != nil {
			return err
		}
	}
	if p.driver.kind == "rawdriver" {
		return nil
	}
	for _, s := range p.servers() {
		if _, err := p.driver.do(l.ctx, "connect "+s.node, s); err != nil {
			return err
		}
		if _, err := p.driver.do(l.ctx, fmt.Sprintf("call %s small 1 50", s.node), s); err != nil {
			return err
		}
	}
	if p.third == nil {
		return nil
	}
	// global of all three has to know of all three, which takes a moment.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		_, err := p.driver.do(l.ctx, p.global(10))
		if _, err2 := p.driver.do(l.ctx, "forget"); err == nil {
			err = err2
		}
		if err == nil || time.Now().After(end) || l.ctx.Err() != nil {
			return err
		}
	}
}

func (p *pair) servers() []*peer {
	if p.third != nil {
		return []*peer{p.server, p.third}
	}
	return []*peer{p.server}
}

func (p *pair) global(ms int) string {
	s := "global"
	for _, server := range p.servers() {
		s += " " + server.node
	}
	return fmt.Sprint(s, " ", ms)
}

// settle waits until both have done what they do when the work is over: garbage, names and processes that go.
func (p *pair) settle() error {
	for range 200 {
		d0, err1 := p.driver.usage()
		s0, err2 := p.server.usage()
		time.Sleep(10 * time.Millisecond)
		d1, err3 := p.driver.usage()
		s1, err4 := p.server.usage()
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
		if busy := d1.minus(d0).cpu + s1.minus(s0).cpu; busy < 1e6 {
			return nil
		}
	}
	return nil
}
