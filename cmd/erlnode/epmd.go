package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode/epmd"
)

// epmdFlags are the options of epmd, under their names.
type epmdFlags struct {
	debug   int
	port    int
	address string
	relaxed bool
	packet  int
	accept  int
	write   int
	systemd bool
	names   bool
	started bool
	dump    bool
	kill    bool
	stop    string
	daemon  bool
}

func newEPMD() *cobra.Command {
	var flags epmdFlags
	cmd := &cobra.Command{
		Use:   "epmd",
		Short: "Run an epmd, the port mapper through which nodes are found",
		Long: trim(`
epmd runs the Erlang port mapper in the foreground until it is interrupted or
killed (-kill). BEAM nodes, and the original epmd's command line, use it as they
use the original. It has the original's options, with one dash or two, and
honours ERL_EPMD_PORT, ERL_EPMD_ADDRESS and ERL_EPMD_RELAXED_COMMAND_CHECK.

With -names, -dump, -started, -kill or -stop it talks to an epmd that runs.

There is no -daemon: leave that to systemd or the shell (erlnode epmd &).`),
		Example: trim(`
  erlnode epmd
  erlnode epmd -d -d -port 4370 -address 127.0.0.1
  erlnode epmd -names`) + "\n\n" + trim(`
Exit codes, as of epmd: 0 it was interrupted or killed, or another one runs
already; 1 anything else, wrong usage too.`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.CountVarP(&flags.debug, "debug", "d", "print what happens to standard error; up to three times for more")
	fs.IntVar(&flags.port, "port", 0, "`PORT` (default: ERL_EPMD_PORT, else 4369)")
	fs.StringVar(&flags.address, "address", "", "listen on these `IP` addresses only, separated by commas, and on loopback")
	fs.BoolVar(&flags.relaxed, "relaxed_command_check", false, "allow -kill with nodes registered, and -stop")
	fs.BoolVar(&flags.relaxed, "relaxed", false, "short for -relaxed_command_check")
	fs.IntVar(&flags.packet, "packet_timeout", 60, "`SECONDS` for a request to come")
	fs.IntVar(&flags.accept, "delay_accept", 0, "`SECONDS` to wait before a connection is taken, as a busy epmd would")
	fs.IntVar(&flags.write, "delay_write", 0, "`SECONDS` to wait before an answer is written")
	fs.BoolVar(&flags.systemd, "systemd", false, "listen on the sockets that systemd has passed (a .socket unit)")
	fs.BoolVar(&flags.names, "names", false, "list the nodes that the running epmd knows")
	fs.BoolVar(&flags.dump, "dump", false, "list all that the running epmd knows, names no longer registered among them")
	fs.BoolVar(&flags.started, "started", false, "tell by the exit code whether an epmd runs")
	fs.BoolVar(&flags.kill, "kill", false, "end the running epmd, if no nodes are registered")
	fs.StringVar(&flags.stop, "stop", "", "unregister the node `NAME`, if the running epmd is relaxed")
	fs.BoolVar(&flags.daemon, "daemon", false, "")
	fs.MarkHidden("daemon")
	cmd.MarkFlagsMutuallyExclusive("names", "dump", "started", "kill", "stop")
	return cmd
}

// epmdArgs lets "erlnode epmd" take its options with one dash, as epmd does.
func epmdArgs(args []string) []string {
	if len(args) == 0 || args[0] != "epmd" {
		return args
	}
	fs := newEPMD().Flags()
	args = slices.Clone(args)
	for i, a := range args {
		name, single := strings.CutPrefix(a, "-")
		name, _, _ = strings.Cut(name, "=")
		if single && len(name) > 1 && fs.Lookup(name) != nil {
			args[i] = "-" + a
		}
	}
	return args
}

func (f *epmdFlags) run(cmd *cobra.Command) error {
	port, err := checkPort("-port", f.port, epmd.Port())
	if err != nil {
		return err
	}
	switch {
	case f.names:
		return printNames(cmd, "127.0.0.1", port)
	case f.started:
		if !isEPMD(cmd.Context(), port) {
			return fmt.Errorf("no epmd on port %d", port)
		}
		return nil
	case f.dump:
		return printDump(cmd, port)
	case f.kill, f.stop != "":
		return f.command(cmd, port)
	case f.daemon:
		return usagef("there is no -daemon: leave that to systemd or the shell (erlnode epmd &)")
	case f.packet <= 0:
		return usagef("-packet_timeout is a number of seconds, 1 or more")
	case f.accept < 0 || f.write < 0:
		return usagef("-delay_accept and -delay_write are numbers of seconds")
	}
	cfg := epmd.FromEnv()
	cfg.Port = port
	if f.address != "" {
		cfg.Addresses = epmd.SplitAddresses(f.address)
	}
	cfg.RelaxedCommandCheck = cfg.RelaxedCommandCheck || f.relaxed
	cfg.PacketTimeout = time.Duration(f.packet) * time.Second
	cfg.DelayAccept = time.Duration(f.accept) * time.Second
	cfg.DelayWrite = time.Duration(f.write) * time.Second
	if f.systemd {
		if cfg.Listeners, err = systemdSockets(os.Getenv, os.Getpid()); err != nil {
			return err
		}
	}
	cfg.Debug = cmd.ErrOrStderr() // complaints come without -d, too
	cfg.DebugLevel = f.debug
	return serveEPMD(cmd, cfg)
}

func serveEPMD(cmd *cobra.Command, cfg epmd.ServerConfig) error {
	server, err := epmd.Listen(cfg)
	if errors.Is(err, syscall.EADDRINUSE) && isEPMD(cmd.Context(), cfg.Port) {
		fmt.Fprintf(cmd.ErrOrStderr(), "epmd: there is already a epmd running at port %d\n", cfg.Port)
		return nil
	}
	if err != nil {
		return err
	}
	defer server.Close()
	if len(cfg.Listeners) > 0 {
		notifySystemd(os.Getenv, fmt.Sprintf("READY=1\nSTATUS=Processing port mapping requests...\nMAINPID=%d", os.Getpid()))
	}
	select {
	case <-cmd.Context().Done():
	case <-server.Done():
	}
	return nil
}

// isEPMD tells whether what has the port is an epmd; the original takes that for granted.
func isEPMD(ctx context.Context, port int) bool {
	_, err := epmd.Names(ctx, fmt.Sprintf("127.0.0.1:%d", port))
	return err == nil
}

// command has the running epmd do something, and prints what the original prints.
func (f *epmdFlags) command(cmd *cobra.Command, port int) error {
	ctx, addr, out := cmd.Context(), fmt.Sprintf("127.0.0.1:%d", port), cmd.OutOrStdout()
	if f.kill {
		err := epmd.Kill(ctx, addr)
		if errors.Is(err, epmd.ErrLiveNodes) {
			fmt.Fprintln(out, "Killing not allowed - living nodes in database.")
			return errors.New("stop the nodes first (erlnode epmd -names lists them), or run epmd with -relaxed_command_check")
		}
		if err != nil {
			return explainEPMD(err, "127.0.0.1", port)
		}
		fmt.Fprintln(out, "Killed")
		return nil
	}
	err := epmd.Stop(ctx, addr, f.stop)
	switch {
	case errors.Is(err, epmd.ErrRefused):
		return errors.New("the epmd does not allow that: it runs without -relaxed_command_check")
	case errors.Is(err, epmd.ErrNotRegistered):
		fmt.Fprintln(out, "NOEXIST")
		return nil
	case err != nil:
		return explainEPMD(err, "127.0.0.1", port)
	}
	fmt.Fprintln(out, "STOPPED")
	return nil
}
