//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/erlnode/erlnode/epmd"
)

var (
	peerFlag  = flag.String("peer", "", "be a peer of this kind (internal)")
	nameFlag  = flag.String("name", "", "node name of the peer (internal)")
	otpFlag   = flag.String("otp", "", "folders with erl and erlc, separated by commas; the first is the one of all pairs with one BEAM")
	rounds    = flag.Int("rounds", 5, "rounds; the figures are their medians")
	ms        = flag.Int("ms", 300, "milliseconds for each piece of work in a round")
	workFlag  = flag.String("work", "", "only this work, separated by commas: -work call1,flood (a key, or what keys begin with)")
	pairsFlag = flag.String("pair", "", "only these pairs, separated by commas: -pair beam-go,go-go; those with another OTP than the first are, for instance, beam-go-25")
	cpuFlag   = flag.Bool("cpu", false, "print what one operation costs each side: CPU time, context switches, reads and writes")
	jsonFile  = flag.String("json", "", "write the figures there as JSON")
	svgFile   = flag.String("svg", "", "write a chart there")
	scaleFlag = flag.Bool("scale", false, "only measure what many connections and many processes take of a Go node")
	gogc      = flag.String("gogc", "800", "GOGC of the Go peers; 100 is Go's default")
	dropCount = flag.Int("drop", 100_000, "monitors, and links, for the lost connection")
)

const cookie = "benchmark"

func main() {
	flag.Parse()
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if *peerFlag != "" {
		be, ok := map[string]func(name, cookie string) error{
			"go": runGo, "ergo": runErgo, "handcut": runHandCut, "rawserver": runRawServer, "rawdriver": runRawDriver,
		}[*peerFlag]
		if !ok {
			return fmt.Errorf("no peer of kind %q", *peerFlag)
		}
		return be(*nameFlag, cookie)
	}
	l, err := newLab()
	if err != nil {
		return err
	}
	defer l.close()
	if *scaleFlag {
		return l.scale(os.Stdout, 1000, 1_000_000)
	}
	pairs, err := l.pairs(strings.Split(*otpFlag, ","))
	if err != nil {
		return err
	}
	chosen, err := choose(works(), *workFlag)
	if err != nil {
		return err
	}
	var rows []*row
	for _, w := range chosen {
		rows = append(rows, &row{work: w, cells: map[*pair]*cell{}})
	}
	for _, p := range pairs { // connect, and let code be loaded and compiled
		if p.driver.kind != "rawdriver" {
			if _, err := p.driver.do("call %s small 1 50", p.server.node); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	start := time.Now()
	for round := range *rounds {
		for _, r := range rows {
			for _, p := range pairs {
				if err := r.measure(p); err != nil {
					return fmt.Errorf("%s, %s: %w", r.work.name, p.name, err)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d, %.0f s\n", round+1, *rounds, time.Since(start).Seconds())
	}
	res := newResult(pairs, rows)
	res.print(os.Stdout)
	if *cpuFlag {
		res.printUsage(os.Stdout)
	}
	if *jsonFile != "" {
		if err := res.writeJSON(*jsonFile); err != nil {
			return err
		}
	}
	if *svgFile != "" {
		return res.writeSVG(*svgFile)
	}
	return nil
}

// lab is where everything runs: an EPMD, a folder of compiled programs, and the peers.
type lab struct {
	dir   string
	epmd  *epmd.Server
	peers []*peer
	beams map[string]string // folder of cluster.beam by folder of erl
	seq   int
}

func newLab() (*lab, error) {
	dir, err := os.MkdirTemp("", "bench-cluster")
	if err != nil {
		return nil, err
	}
	s, err := epmd.Listen(epmd.ServerConfig{Addresses: []string{"127.0.0.1"}, Port: -1})
	if err != nil {
		return nil, err
	}
	return &lab{dir: dir, epmd: s, beams: map[string]string{}}, os.Setenv("ERL_EPMD_PORT", strconv.Itoa(s.Port()))
}

func (l *lab) close() {
	for _, p := range l.peers {
		p.stop()
	}
	l.epmd.Close()
	os.RemoveAll(l.dir)
}

// name returns a node name that is not taken.
func (l *lab) name(kind string) string {
	l.seq++
	return fmt.Sprintf("%s%d@127.0.0.1", kind, l.seq)
}

func (l *lab) start(kind, node string, cmd *exec.Cmd) (*peer, error) {
	p, err := startPeer(kind, node, cmd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	l.peers = append(l.peers, p)
	return p, nil
}

// self starts this program as a peer.
func (l *lab) self(kind string) (*peer, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	node := l.name(kind)
	cmd := exec.Command(exe, "-peer", kind, "-name", node)
	cmd.Env = append(os.Environ(), "GOGC="+*gogc)
	return l.start(kind, node, cmd)
}

// beam starts a BEAM node of the release in a folder.
func (l *lab) beam(bin string) (*peer, error) {
	dir, ok := l.beams[bin]
	if !ok {
		dir = filepath.Join(l.dir, strconv.Itoa(len(l.beams)))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		if out, err := exec.Command(filepath.Join(bin, "erlc"), "-o", dir, "cluster.erl").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("erlc: %w\n%s", err, out)
		}
		l.beams[bin] = dir
	}
	node := l.name("beam")
	return l.start("BEAM", node, exec.Command(filepath.Join(bin, "erl"), "-noshell", "-boot", "start_clean", "-start_epmd", "false",
		"-name", node, "-setcookie", cookie, "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
		"-kernel", "logger", "[{handler,default,logger_std_h,#{config=>#{type=>standard_error}}}]", "-pa", dir, "-s", "cluster", "main"))
}

// c compiles and starts the program on erl_interface; nil if this machine has not what that takes.
func (l *lab) c() (*peer, error) {
	bin := filepath.Join(l.dir, "echo")
	if out, err := exec.Command("gcc", "-O2", "-o", bin, "c/echo.c", "-lei", "-lpthread").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "no C peer (Debian: erlang-dev, gcc): %v\n%.300s\n", err, out)
		return nil, nil
	}
	node := l.name("c")
	return l.start("C", node, exec.Command(bin, node, cookie))
}

// pair is a driver and a server.
type pair struct {
	name           string
	driver, server *peer
	base           *pair // the BEAM pair that ratios are to; itself for that one
	can            func(w *work) bool
}

func everything(*work) bool { return true }

func (l *lab) pairs(bins []string) ([]*pair, error) {
	var all []*pair
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(strings.ToLower(*pairsFlag), ",") {
		wanted[name] = true
	}
	add := func(name string, base *pair, can func(*work) bool, driver, server func() (*peer, error)) (*pair, error) {
		key := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
		if *pairsFlag != "" && !wanted[key] {
			return nil, nil
		}
		delete(wanted, key)
		s, err := server()
		if err != nil || s == nil {
			return nil, err
		}
		d, err := driver()
		if err != nil {
			return nil, err
		}
		p := &pair{name: name, driver: d, server: s, can: can, base: base}
		if base == nil {
			p.base = p
		}
		all = append(all, p)
		return p, nil
	}
	golang := func() (*peer, error) { return l.self("go") }
	for i, bin := range bins {
		beam := func() (*peer, error) { return l.beam(bin) }
		release := releaseOf(bin)
		suffix := ""
		if i > 0 {
			suffix = " " + release
		}
		base, err := add("BEAM-BEAM"+suffix, nil, everything, beam, beam)
		if err != nil {
			return nil, err
		}
		for _, p := range []struct {
			name           string
			can            func(*work) bool
			driver, server func() (*peer, error)
			only           int // with the first release only (1), or with the last (-1)
		}{
			{"BEAM-Go", everything, beam, golang, 0},
			{"Go-BEAM", everything, golang, beam, 0},
			{"Go-Go", everything, golang, golang, 1},
			{"BEAM-ergo", ergoCan, beam, func() (*peer, error) { return l.self("ergo") }, -1}, // OTP 26 and later refuse it
			{"BEAM-C", callsOnly, beam, l.c, 1},
			{"BEAM-handcut", callsOnly, beam, func() (*peer, error) { return l.self("handcut") }, 1},
			{"TCP", rawCan, func() (*peer, error) { return l.self("rawdriver") }, func() (*peer, error) { return l.self("rawserver") }, 1},
		} {
			if p.only == 1 && i > 0 || p.only == -1 && i < len(bins)-1 {
				continue
			}
			if _, err := add(p.name+suffix, base, p.can, p.driver, p.server); err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	if *pairsFlag != "" {
		for name := range wanted {
			return nil, fmt.Errorf("there is no pair %q", name)
		}
	}
	return all, nil
}

func releaseOf(bin string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "erl"), "-noshell", "-boot", "start_clean", "-eval",
		`io:put_chars(erlang:system_info(otp_release)), halt().`).Output()
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(out))
}

var goVersion = runtime.Version()
