package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "target:", err)
		os.Exit(1)
	}
}

// run is the life of the target. It ends, without an error, when ctx is done.
func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	o.cfg.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	n, err := erlnode.Start(ctx, o.name, o.cfg)
	if err != nil {
		return err
	}
	defer n.Close()
	offer(n.Node)
	servers, err := startServers(n)
	if err != nil {
		return err
	}
	for _, peer := range o.connect {
		if err := n.Connect(ctx, peer); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "ready %s port %d\n", string(n.Name()), n.Port()) // the bare name: an Atom prints with quotes

	watch := n.Open()
	if _, err := watch.Monitor(servers); err != nil {
		return err
	}
	m, err := watch.Receive(ctx)
	if err != nil {
		return nil // told to leave
	}
	if down, ok := m.Down(); ok {
		return fmt.Errorf("the servers have ended: %w", &node.ExitError{Reason: down.Reason})
	}
	return fmt.Errorf("unexpected message %v", m)
}
