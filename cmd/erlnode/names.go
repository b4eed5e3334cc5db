package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode/epmd"
)

func newNames() *cobra.Command {
	var port int
	cmd := &cobra.Command{
		Use:   "names [HOST]",
		Short: "List the nodes that the epmd of a host knows",
		Long: trim(`
names asks an epmd, on this machine or HOST, for the nodes that are registered
there, and prints them as "epmd -names" does: the part of the name before the @,
and the port on which the node takes connections.`),
		Example: trim(`
  erlnode names
  erlnode names db1
  ERL_EPMD_PORT=4370 erlnode names`) + "\n\n" + trim(`
Exit codes: 0 epmd answered, 1 it did not, 2 wrong usage.`),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			host := "127.0.0.1"
			if len(args) == 1 {
				host = args[0]
			}
			port, err := checkPort("--epmd-port", port, epmd.Port())
			if err != nil {
				return err
			}
			return printNames(cmd, host, port)
		},
	}
	epmdPortFlag(cmd, &port)
	return cmd
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
