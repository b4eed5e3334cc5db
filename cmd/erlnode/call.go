package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

func newCall() *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "call NODE MODULE FUNCTION [ARGS]",
		Short: "Call a function on a node and print its result",
		Long: trim(`
call calls MODULE:FUNCTION on an Erlang or Elixir node and prints what it
returns, in Erlang syntax: the work of erl_call, and of rpc:call/4.

ARGS is the list of arguments in Erlang syntax; without it there are none. It is
one word for the shell: put it in single quotes. Terms with variables, funs or
function calls in them are not taken. An Elixir module is called Elixir.Name, and
a string of Elixir is written <<"text">>: "text" is a charlist.

What the function prints appears here, before its result.

Each name that ever connected stays in the atom table of a BEAM node. For a call
that a machine makes again and again, give this side one name with --name.`),
		Example: trim(`
  erlnode call iex@host erlang system_info '[otp_release]'
  erlnode call iex@host erlang nodes
  erlnode call iex@host lists seq '[1, 5]'
  erlnode call iex@host Elixir.String upcase '[<<"hello">>]'
  erlnode call iex@host gen_server call "[kv, {set, foo, 123}]"`) + "\n\n" + trim(`
Exit codes: 0 the function returned, 1 it did not ({badrpc, Reason} on standard
error) or the node cannot be reached, 2 wrong usage.`),
		Args: cobra.RangeArgs(3, 4),
		RunE: func(cmd *cobra.Command, words []string) error {
			m, err := atomWord("MODULE", words[1])
			if err != nil {
				return err
			}
			f, err := atomWord("FUNCTION", words[2])
			if err != nil {
				return err
			}
			args := etf.List{}
			if len(words) == 4 {
				if args, err = parseArgs(words[3]); err != nil {
					return err
				}
			}
			flags.output = cmd.OutOrStdout()
			c, err := flags.start(cmd.Context(), words[0])
			if err != nil {
				return err
			}
			defer c.Close()
			ctx, cancel := flags.context(cmd.Context())
			defer cancel()
			reply, err := call(ctx, c, m, f, args)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), reply)
			return nil
		},
	}
	flags.register(cmd, 0)
	return cmd
}

// call is rpc:call/4: what was thrown counts as returned, and what was raised is a {badrpc, Reason}.
func call(ctx context.Context, c *client, m, f etf.Atom, args etf.List) (etf.Term, error) {
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	list := make([]any, len(args))
	for i, a := range args {
		list[i] = a
	}
	reply, err := rpc.Call[etf.Term](ctx, c, c.target, m, f, list...)
	if err == nil {
		return reply, nil
	}
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		switch {
		case e.Class == "throw":
			return e.Reason, nil
		case e.Class == "exit":
			return nil, badRPC(e.Reason, m, f, len(args))
		}
		return nil, badRPC(etf.Tuple{e.Reason, e.Stack}, m, f, len(args))
	}
	exit, ok := errors.AsType[*node.ExitError](err)
	switch {
	case errors.Is(err, node.ErrNotSup), ok && strings.HasPrefix(exit.Reason.String(), "{undef,[{erpc,execute_call,"):
		return nil, fmt.Errorf("%s serves no remote calls", string(c.target))
	case ok && !errors.Is(err, node.ErrNoConnection):
		return nil, badRPC(exit.Reason, m, f, len(args))
	}
	return nil, c.explain(ctx, err)
}

// badRPC says what {badrpc, {'EXIT', Reason}} means, where it is the common mistake.
func badRPC(reason etf.Term, m, f etf.Atom, arity int) error {
	bad := etf.Tuple{etf.Atom("badrpc"), etf.Tuple{etf.Atom("EXIT"), reason}}
	what := etf.Export{Module: m, Function: f, Arity: uint8(min(arity, 255))}
	undef, _ := reason.(etf.Tuple)
	if len(undef) != 2 || undef[0] != etf.Term(etf.Atom("undef")) {
		return fmt.Errorf("%v", bad)
	}
	advice := ""
	if first := []rune(string(m) + " ")[0]; unicode.IsUpper(first) && !strings.HasPrefix(string(m), "Elixir.") {
		advice = fmt.Sprintf("\n  An Elixir module has the prefix Elixir: try Elixir.%s", string(m))
	}
	return fmt.Errorf("%v\n  There is no function %v on that node, or none that it calls.%s", bad,
		strings.TrimPrefix(what.String(), "fun "), advice)
}

// atomWord reads a module or function: any text is an atom, and one in quotes is written as in Erlang.
func atomWord(what, word string) (etf.Atom, error) {
	if strings.HasPrefix(word, "'") {
		if t, err := etf.Parse(word); err == nil {
			if a, ok := t.(etf.Atom); ok {
				return a, nil
			}
		}
		return "", usagef("%s %s is no atom", what, word)
	}
	if word == "" || !etf.ValidAtom(etf.Atom(word)) {
		return "", usagef("%s %q is no atom: 1 to 255 characters", what, word)
	}
	return etf.Atom(word), nil
}

// parseArgs reads the list of arguments.
func parseArgs(text string) (etf.List, error) {
	t, err := etf.Parse(text)
	if err != nil {
		return nil, usagef("ARGS is no Erlang term: %v", err)
	}
	list, ok := t.(etf.List)
	if !ok {
		return nil, usagef("ARGS must be a list, such as '[1, foo, \"text\"]': %v is none", t)
	}
	return list, nil
}
