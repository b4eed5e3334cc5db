// Command ready is a program that keeps the contract of otp.Program without being a node.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	name := flag.String("name", "", "node name")
	cookie := flag.String("cookie", "", "cookie")
	status := flag.Int("status", 0, "exit status at SIGTERM")
	broken := flag.Bool("broken", false, "end before being ready")
	flag.Parse()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if *broken {
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(7)
	}
	fmt.Fprintln(os.Stderr, "cookie", *cookie, "epmd", os.Getenv("ERL_EPMD_PORT"))
	fmt.Printf("ready %s port 4711\n", *name)
	<-stop
	os.Exit(*status)
}
