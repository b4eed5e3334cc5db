package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newPing() *cobra.Command {
	var flags clientFlags
	var count int
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "ping NODE",
		Short: "Ask whether a node is alive and takes our cookie: pong or pang",
		Long: trim(`
ping connects to a node and asks its net_kernel whether it is there, as
Node.ping/1 and net_adm:ping/1 do. It prints pong and how long that took, or pang
on standard output, with the reason and what to do about it on standard error.

It connects as a hidden node: the other one does not list it in Node.list().`),
		Example: trim(`
  erlnode ping go                        go at this machine's short host name
  erlnode ping go@db1 --cookie secret
  erlnode ping go@127.0.0.1 --count 5    five times, over one connection`) + "\n\n" + trim(`
Exit codes: 0 pong (each time), 1 pang, 2 wrong usage.`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if count < 0 || interval < 0 {
				return usagef("--count and --interval are not negative")
			}
			ctx := cmd.Context()
			c, err := flags.start(ctx, args[0])
			if err != nil {
				if errors.As(err, new(*unreachable)) {
					fmt.Fprintln(cmd.OutOrStdout(), "pang")
				}
				return err
			}
			defer c.Close()
			failed := 0
			var last error
			for i := 0; count == 0 || i < count; i++ {
				if i > 0 {
					select {
					case <-time.After(interval):
					case <-ctx.Done():
						return last
					}
				}
				text, err := pingOnce(ctx, c, &flags)
				if ctx.Err() != nil {
					return last
				}
				fmt.Fprintln(cmd.OutOrStdout(), text)
				if err == nil {
					continue
				}
				failed++
				if last != nil && i+1 != count {
					fmt.Fprintf(cmd.ErrOrStderr(), "erlnode: %v\n", err)
				}
				last = err
			}
			if failed > 0 && count > 1 {
				return fmt.Errorf("%d of %d without an answer; the last one: %w", failed, count, last)
			}
			return last
		},
	}
	cmd.Flags().IntVar(&count, "count", 1, "how many `TIMES`; 0: until interrupted")
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "`TIME` from one answer to the next question")
	flags.register(cmd, 10*time.Second)
	return cmd
}

// pingOnce connects if need be and pings.
func pingOnce(ctx context.Context, c *client, flags *clientFlags) (string, error) {
	ctx, cancel := flags.context(ctx)
	defer cancel()
	connected := ""
	if !c.isUp() {
		begin := time.Now()
		if err := c.connect(ctx); err != nil {
			return "pang", err
		}
		connected = fmt.Sprintf(", after %s to connect", time.Since(begin).Round(time.Microsecond))
	}
	begin := time.Now()
	if err := c.Ping(ctx, c.target); err != nil {
		return "pang", c.explain(ctx, err)
	}
	return fmt.Sprintf("pong from %s in %s%s", string(c.target), time.Since(begin).Round(time.Microsecond), connected), nil
}
