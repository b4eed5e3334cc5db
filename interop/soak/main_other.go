//go:build !unix

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "soak: it starts and kills Erlang nodes as a Unix system does")
	os.Exit(1)
}
