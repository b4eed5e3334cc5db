package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node/rpc"
)

func newPG() *cobra.Command {
	var flags clientFlags
	var scope string
	cmd := &cobra.Command{
		Use:   "pg NODE",
		Short: "List the process groups that a node knows",
		Long: trim(`
pg asks a node for the groups of its pg scope and prints them with their members,
those of all nodes, a line for each: the group, the node of the member, and its
pid as that node prints it. A process that has joined twice is there twice.`),
		Example: trim(`
  erlnode pg iex@host
  erlnode pg iex@host --scope Elixir.Phoenix.PubSub`) + "\n\n" + trim(`
Exit codes: 0 done, also if there are no groups; 1 the node cannot be reached or
has no such scope; 2 wrong usage.`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, words []string) error {
			name, err := atomWord("--scope", scope)
			if err != nil {
				return err
			}
			c, err := flags.start(cmd.Context(), words[0])
			if err != nil {
				return err
			}
			defer c.Close()
			ctx, cancel := flags.context(cmd.Context())
			defer cancel()
			return printGroups(ctx, c, name, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&scope, "scope", "pg", "`SCOPE` to ask for")
	flags.register(cmd, 0)
	return cmd
}

// printGroups prints the groups in Erlang's order, and the members of each by node and age.
func printGroups(ctx context.Context, c *client, scope etf.Atom, out io.Writer) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	groups, err := rpc.Call[[]etf.Term](ctx, c, c.target, "pg", "which_groups", scope)
	if raised, ok := errors.AsType[*rpc.Error](err); ok && raised.Reason == etf.Term(etf.Atom("badarg")) {
		return fmt.Errorf("%s has no pg scope %v\n  On a BEAM node this starts it: pg:start_link(%v)", string(c.target), scope, scope)
	}
	if err != nil {
		return c.explain(ctx, err)
	}
	slices.SortFunc(groups, etf.CompareExact)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, group := range groups {
		members, err := rpc.Call[[]etf.Pid](ctx, c, c.target, "pg", "get_members", scope, group)
		if err != nil {
			return c.explain(ctx, err)
		}
		slices.SortStableFunc(members, func(a, b etf.Pid) int { return cmp.Compare(a.Node, b.Node) })
		for _, pid := range slices.Backward(members) {
			home := etf.Home{Node: pid.Node, Creation: pid.Creation}
			fmt.Fprintf(table, "%v\t%s\t%s\n", group, string(pid.Node), home.Text(pid))
		}
	}
	return table.Flush()
}
