package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes. "erlnode epmd" has those of epmd instead, which knows no exitUsage.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for did not happen
	exitUsage  = 2 // nothing was tried: the command line makes no sense
)

// run is the whole command, and returns its exit code. ctx is done when the user has had enough.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(epmdArgs(args))
	started := false // the command line was understood
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "erlnode: %v\n", err)
	var usage *usageError
	switch {
	case started && !errors.As(err, &usage):
		return exitFailed
	default:
		if cmd.HasParent() {
			fmt.Fprintf(stderr, "Usage: %s\n", cmd.UseLine())
		}
		fmt.Fprintf(stderr, "Try '%s --help'.\n", cmd.CommandPath())
		if cmd.Name() == "epmd" {
			return exitFailed
		}
		return exitUsage
	}
}

// usageError is a command line that makes no sense, found out after cobra has looked at it.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "erlnode",
		Short: "A node of an Erlang cluster on the command line",
		Long: trim(`
erlnode talks to Erlang and Elixir nodes in their own language, the distribution
protocol, and is such a node itself. It needs no Erlang on the machine.

A node is called alive@host. Without a host, this machine's short host name is
meant, as with "iex --sname alive". Nodes prove to each other that they know the
same cookie: --cookie, or else the one in ~/.erlang.cookie, as for erl and iex.
Nodes are found through epmd, the port mapper on their host: port 4369, or
ERL_EPMD_PORT.`),
		Example: trim(`
  erlnode serve --name go --cookie secret      in one terminal, and in another
  iex --sname me --cookie secret               Node.connect(:"go@HOST")

  erlnode ping me --cookie secret
  erlnode call me erlang system_info '[otp_release]' --cookie secret`) + "\n\n" + trim(`
Exit codes:
  0  done
  1  not done: no such node, another cookie, an error from the other side, …
  2  wrong usage; nothing was tried
  ("erlnode epmd" has the exit codes of epmd: see its help.)

With ERLNODE_TRACE=1 in the environment every signal from and to other nodes is
printed to standard error in Erlang syntax.`),
		Version:           version(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(newServe(), newPing(), newCall(), newNames(), newPG(), newEPMD(), newVersion())
	return root
}

// trim makes help texts readable in the source.
func trim(s string) string { return strings.Trim(s, "\n") }
