//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

var (
	peerFlag    = flag.String("peer", "", "be a peer of this kind (internal)")
	nameFlag    = flag.String("name", "", "node name of the peer (internal)")
	otpFlag     = flag.String("otp", "", "folders with erl and erlc, separated by commas; the first is the one of all pairs with one BEAM")
	rounds      = flag.Int("rounds", 5, "rounds; the figures are their medians")
	ms          = flag.Int("ms", 250, "milliseconds for each piece of work in a round")
	workFlag    = flag.String("work", "", "only this work, separated by commas: -work call1,flood (a key, or what keys begin with)")
	pairsFlag   = flag.String("pair", "", "only these pairs, separated by commas: -pair beam-go,go-go; those with another OTP than the first are, for instance, beam-go-25")
	cpuFlag     = flag.Bool("cpu", false, "print what one operation costs each side: CPU time, context switches, reads and writes")
	jsonFile    = flag.String("json", "", "write the figures there as JSON")
	svgFile     = flag.String("svg", "", "write a chart there")
	mdFlag      = flag.Bool("md", false, "print the table of README, too")
	profile     = flag.String("profile", "", "write a CPU profile of each Go node into this folder")
	gogc        = flag.String("gogc", "800", "GOGC of the Go peers; 100 is Go's default")
	dropCount   = flag.Int("drop", 100_000, "monitors, and links, for the lost connection; in hundreds of hundreds")
	connections = flag.Int("connections", 1000, "nodes connected to one")
	processes   = flag.Int("processes", 1_000_000, "processes of one node")
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
			"go": runGo, "ergo": runErgo, "handcut": runHandCut, "unwatched": runUnwatched, "rawserver": runRawServer, "rawdriver": runRawDriver,
		}[*peerFlag]
		if !ok {
			return fmt.Errorf("no peer of kind %q", *peerFlag)
		}
		return be(*nameFlag, cookie)
	}
	runtime.LockOSThread() // the peers go with the thread that has started them (Pdeathsig): this one is to stay
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	go func() { // go run ends on a signal, and does not pass it on
		for parent := os.Getppid(); os.Getppid() == parent; time.Sleep(time.Second) {
		}
		stop()
	}()
	l, err := newLab(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	res, err := l.measure()
	if res != nil {
		res.print(os.Stdout)
		res.printGoals(os.Stdout)
		if *cpuFlag {
			res.printUsage(os.Stdout)
		}
	}
	if err != nil {
		return err
	}
	if *mdFlag {
		fmt.Printf("\n%s", res.markdown())
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

// measure does everything that is wanted. With an error it returns what there is so far.
func (l *lab) measure() (*result, error) {
	all := works()
	wanted, err := choose(all, *workFlag)
	if err != nil {
		return nil, err
	}
	var rows []*row
	for _, w := range all {
		if wanted[w.key] {
			rows = append(rows, &row{work: w, cells: map[*pair]*cell{}})
		}
	}
	bins := strings.Split(*otpFlag, ",")
	res := newResult()
	start := time.Now()
	if len(rows) > 0 {
		pairs, err := l.pairs(bins, *pairsFlag, wanted["global3"])
		if err != nil {
			return nil, err
		}
		err = l.rounds(pairs, rows)
		res.take(pairs, rows)
		if err != nil {
			return res, err
		}
		l.stop(l.peers...)
	}
	if wanted[connectionsKey] {
		if err := l.connections(res, bins[0], *connections); err != nil {
			return res, fmt.Errorf("many connections: %w", err)
		}
	}
	if wanted[processesKey] {
		if err := l.processes(res, bins[0], *processes); err != nil {
			return res, fmt.Errorf("many processes: %w", err)
		}
	}
	fmt.Fprintf(os.Stderr, "%.0f s in all\n", time.Since(start).Seconds())
	return res, nil
}

func (l *lab) rounds(pairs []*pair, rows []*row) error {
	start := time.Now()
	for round := range *rounds {
		for _, r := range rows {
			for i := range pairs {
				p := pairs[(i+round)%len(pairs)] // nobody is always the one behind somebody
				if err := r.measure(l, p); err != nil {
					return fmt.Errorf("%s, %s: %w", r.work.name, p.name, err)
				}
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d, %.0f s\n", round+1, *rounds, time.Since(start).Seconds())
	}
	return nil
}
