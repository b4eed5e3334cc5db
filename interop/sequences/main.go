//go:build unix

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

func main() {
	count := flag.Int("count", 300, "how many sequences")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the first sequence; the next one has the next")
	pkg := flag.String("target", "./interop/target", "the main package of the Go target")
	show := flag.Bool("print", false, "print the sequences, and run nothing")
	raced := flag.Bool("raced", false, "print also what did not differ again with more time")
	flag.Parse()
	if *show {
		for i := range *count {
			fmt.Printf("%% seed %d\n%v\n", *seed+uint64(i), generate(*seed+uint64(i), 29))
		}
		return
	}
	if err := fuzz(*seed, *count, *pkg, *raced); err != nil {
		fmt.Fprintln(os.Stderr, "sequences:", err)
		os.Exit(1)
	}
}

func fuzz(seed uint64, count int, pkg string, raced bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	install, err := otp.Lookup()
	if err != nil {
		return err
	}
	w, err := newWorlds(ctx, install, pkg)
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Printf("OTP %d, %d sequences from seed %d\n", w.release, count, seed)
	begun, told := time.Now(), time.Now()
	r, err := w.run(ctx, seed, count, func(r result) {
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Printf("%d in %v\n", r.run, time.Since(begun).Round(time.Second))
		}
	})
	if raced {
		for _, d := range r.raced {
			fmt.Printf("\nonce, %v\n", d)
		}
	}
	for _, d := range r.found {
		fmt.Printf("\n%v\n", d)
	}
	fmt.Printf("%d sequences in %v: %d differences, %d that did not come back with more time\n", r.run,
		time.Since(begun).Round(time.Second), len(r.found), len(r.raced))
	if err == nil && len(r.found) > 0 {
		err = fmt.Errorf("%d sequences differ", len(r.found))
	}
	return err
}
