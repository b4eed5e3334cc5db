//go:build !unix

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "demo: it types into iex through tmux, which needs a Unix system")
	os.Exit(1)
}
