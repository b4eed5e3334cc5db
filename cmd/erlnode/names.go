package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node/rpc"
)

func newNames() *cobra.Command {
	var flags clientFlags
	var global bool
	cmd := &cobra.Command{
		Use:   "names [HOST] | names --global NODE",
		Short: "List the nodes that the epmd of a host knows, or the global names of a cluster",
		Long: trim(`
names asks an epmd, on this machine or HOST, for the nodes that are registered
there, and prints them as "epmd -names" does: the part of the name before the @,
and the port on which the node takes connections.

With --global it asks a node for the names that are registered in :global, and
prints them with their processes, a line for each: the name, the node of the
process, and its pid as that node prints it.`),
		Example: trim(`
  erlnode names
  erlnode names db1
  ERL_EPMD_PORT=4370 erlnode names
  erlnode names --global iex@host`) + "\n\n" + trim(`
Exit codes: 0 there was an answer, 1 there was none, 2 wrong usage.`),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if global {
				if len(args) == 0 {
					return usagef("--global wants the name of a node")
				}
				return globalNames(cmd, &flags, args[0])
			}
			host := "127.0.0.1"
			if len(args) == 1 {
				host = args[0]
			}
			port, err := checkPort("--epmd-port", flags.epmdPort, epmd.Port())
			if err != nil {
				return err
			}
			return printNames(cmd, host, port)
		},
	}
	cmd.Flags().BoolVar(&global, "global", false, "the names in :global, as a node knows them; the flags below are for it")
	flags.register(cmd, 0)
	return cmd
}

// globalNames prints the names of :global in Erlang's order.
func globalNames(cmd *cobra.Command, flags *clientFlags, target string) error {
	c, err := flags.start(cmd.Context(), target)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := flags.context(cmd.Context())
	defer cancel()
	if err := c.connect(ctx); err != nil {
		return err
	}
	names, err := rpc.Call[[]etf.Term](ctx, c, c.target, "global", "registered_names")
	if err != nil {
		return c.explain(ctx, err)
	}
	slices.SortFunc(names, etf.CompareExact)
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, name := range names {
		found, err := rpc.Call[etf.Term](ctx, c, c.target, "global", "whereis_name", name)
		if err != nil {
			return c.explain(ctx, err)
		}
		if pid, ok := found.(etf.Pid); ok { // else it has gone meanwhile
			home := etf.Home{Node: pid.Node, Creation: pid.Creation}
			fmt.Fprintf(table, "%v\t%s\t%s\n", name, string(pid.Node), home.Text(pid))
		}
	}
	return table.Flush()
}

// printNames prints what epmd -names prints.
func printNames(cmd *cobra.Command, host string, port int) error {
	names, err := epmd.Names(cmd.Context(), net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return explainEPMD(err, host, port)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "epmd: up and running on port %d with data:\n", port)
	for _, n := range names {
		fmt.Fprintf(out, "name %s at port %d\n", n.Name, n.Port)
	}
	return nil
}

// printDump prints what epmd -dump prints.
func printDump(cmd *cobra.Command, port int) error {
	entries, err := epmd.Dump(cmd.Context(), net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return explainEPMD(err, "127.0.0.1", port)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "epmd: up and running on port %d with data:\n", port)
	for _, e := range entries {
		if e.Active {
			fmt.Fprintf(out, "active name     <%s> at port %d, fd = %d\n", e.Name, e.Port, e.FD)
		} else {
			fmt.Fprintf(out, "old/unused name <%s>, port = %d, fd = %d \n", e.Name, e.Port, e.FD)
		}
	}
	return nil
}

// explainEPMD says why an epmd did not answer.
func explainEPMD(err error, host string, port int) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no epmd on %s port %d\n%s", host, port, indent("So no node that can be found runs there. On another port: ERL_EPMD_PORT=N."))
	case errors.As(err, &dns):
		return fmt.Errorf("host %q not found (%s)", host, dns.Err)
	case isTimeout(err):
		return fmt.Errorf("the epmd on %s port %d does not answer", host, port)
	}
	return err
}
