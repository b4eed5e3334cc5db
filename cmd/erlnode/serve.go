package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

type serveFlags struct {
	name     string
	cookie   string
	epmd     string
	epmdPort int
	port     string
	listen   string
	hidden   bool
	conn     connectionFlags
	connect  []string
	ticktime int
	verbose  bool
}

func newServe() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a demonstration node with processes to call from iex or erl",
		Long: trim(`
serve runs a node until it is interrupted. When others can connect it prints
"ready NAME port PORT". Its processes, for an iex with n = its name as an atom:

echo     GenServer.call({:echo, n}, term)              term
         send({:echo, n}, {self(), term})              a message {:echo, term}

counter  GenServer.call({:counter, n}, :get)           the count, from 0
         GenServer.call({:counter, n}, :inc)           the count after adding 1
         GenServer.call({:counter, n}, {:add, 41})     the count after adding 41
         GenServer.call({:counter, n}, :reset)         0
         GenServer.call({:counter, n}, :pid)           its pid, for Process.link
         GenServer.call({:counter, n}, {:stop, why})   :ok; it exits with why
         GenServer.cast takes :inc, {:add, i} and :reset as well

kv       GenServer.call({:kv, n}, {:set, :foo, 123})   :ok
         GenServer.call({:kv, n}, {:get, :foo})        123, or nil
         GenServer.call({:kv, n}, :keys)               [:foo]

pubsub   GenServer.call({:pubsub, n}, {:subscribe, topic})         :ok
         GenServer.call({:pubsub, n}, {:unsubscribe, topic})       :ok
         GenServer.call({:pubsub, n}, {:subscribers, topic})       [pid]
         GenServer.call({:pubsub, n}, {:broadcast, topic, term})   :ok; each
             subscriber gets term as a message. The subscriber is the caller;
             one that dies, or whose node is lost, is removed.

agent    Agent.get({:agent, n}, Function, :identity, [])        the state, %{}
         Agent.update({:agent, n}, Map, :put, [:foo, 1])        :ok
         Agent.get({:agent, n}, Map, :get, [:foo])              1
         Agent.get_and_update({:agent, n}, Map, :pop, [:foo])   1
         Agent.cast and functions like &map_size/1 work as well. fn s -> s end
             does not: its code is not here, and like every function that
             raises it ends the agent.

kv, pubsub and agent are kv1, ps1 and go_agent in :global too, so that every node
of the cluster finds them: Agent.get({:global, :go_agent}, &Function.identity/1).

Keys and topics are any terms. Any other call of the first four is answered with
{:error, {:unknown_call, term}}.
Whoever exits is restarted by a supervisor under the same name, empty.`),
		Example: trim(`
  erlnode serve                                    go at the short host name
  erlnode serve --name go@127.0.0.1 --cookie secret
  erlnode serve --name b --connect go              joins another node
  erlnode serve --epmd none --port 9100            without epmd
  erlnode serve --listen 10.0.0.5 --port 9100-9110
  erlnode serve --tls-cert c.pem --tls-key k.pem --tls-ca ca.pem`) + "\n\n" + trim(`
Exit codes: 0 interrupted (SIGINT, SIGTERM) after closing its connections, 1 it
did not start or a node of --connect cannot be reached, 2 wrong usage.`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&flags.name, "name", "go", "`NAME` of the node: alive, or alive@host")
	fs.StringVar(&flags.cookie, "cookie", "", "`COOKIE` (default: that of ~/.erlang.cookie, created if need be)")
	fs.StringVar(&flags.epmd, "epmd", "auto", "`MODE`: auto, the epmd that runs, else an embedded one; external; embedded; none")
	epmdPortFlag(cmd, &flags.epmdPort)
	fs.StringVar(&flags.port, "port", "0", "`PORT` for connections of nodes, or a range MIN-MAX to take the first free one of; 0: any")
	fs.StringVar(&flags.listen, "listen", "", "take connections at this `ADDRESS` only, a host or an IP of this machine (default: at all)")
	fs.BoolVar(&flags.hidden, "hidden", false, "be a hidden node: in nobody's nodes()")
	fs.StringArrayVar(&flags.connect, "connect", nil, "connect to this `NODE` at the start; may be repeated")
	fs.IntVar(&flags.ticktime, "ticktime", 60, "net_ticktime in `SECONDS`: a node that is silent for so long is down")
	flags.conn.register(cmd)
	fs.BoolVar(&flags.verbose, "verbose", false, "log connections that come and go to standard error")
	return cmd
}

var epmdModes = map[string]node.EPMDMode{
	"auto":     node.EPMDAuto,
	"external": node.EPMDExternal,
	"embedded": node.EPMDEmbedded,
	"none":     node.EPMDNone,
}

func (f *serveFlags) config(stderr io.Writer) (erlnode.Config, error) {
	mode, ok := epmdModes[f.epmd]
	if !ok {
		return erlnode.Config{}, usagef("--epmd is auto, external, embedded or none, not %q", f.epmd)
	}
	epmdPort, err := checkPort("--epmd-port", f.epmdPort, epmd.Port())
	if err != nil {
		return erlnode.Config{}, err
	}
	if err := checkPorts("--port", f.port); err != nil {
		return erlnode.Config{}, err
	}
	transport, err := f.conn.transport(true)
	if err != nil {
		return erlnode.Config{}, err
	}
	finds, err := f.conn.discovery()
	if err != nil {
		return erlnode.Config{}, err
	}
	port := f.port
	if finds != nil && port == "0" {
		port = strconv.Itoa(f.conn.nodePort)
	}
	if f.ticktime <= 0 {
		return erlnode.Config{}, usagef("--ticktime is a number of seconds, 1 or more")
	}
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelInfo
	}
	return erlnode.Config{
		Cookie:    f.cookie,
		Hidden:    f.hidden,
		EPMD:      mode,
		EPMDPort:  epmdPort,
		Transport: transport,
		Discovery: finds,
		Listen:    net.JoinHostPort(f.listen, port),
		Dist:      dist.Config{NetTickTime: time.Duration(f.ticktime) * time.Second},
		Logger:    slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
	}, nil
}

func (f *serveFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	cfg, err := f.config(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	name, err := fullName(f.name)
	if err != nil {
		return err
	}
	n, err := erlnode.Start(ctx, name, cfg)
	if err != nil {
		return explainStart(err, cfg.EPMDPort)
	}
	defer n.Close()
	supervisor, err := startDemo(ctx, n, cfg.Logger)
	if err != nil {
		return err
	}
	watch := n.Open()
	if _, err := watch.Monitor(supervisor); err != nil {
		return err
	}
	for _, peer := range f.connect {
		if err := join(ctx, n, peer); err != nil {
			return err
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "ready %s port %d\n", string(n.Name()), n.Port())
	f.hint(cmd.ErrOrStderr(), n, cfg)

	m, err := watch.Receive(ctx)
	if err != nil {
		return nil // interrupted
	}
	return fmt.Errorf("the supervisor of the demonstration has ended: %v", m)
}

// join connects to a node of --connect.
func join(ctx context.Context, n *erlnode.Node, peer string) error {
	peer, err := fullName(peer)
	if err != nil {
		return err
	}
	if err := n.Connect(ctx, etf.Atom(peer)); err != nil {
		return explain(err, peer)
	}
	return nil
}

// hint tells how to go on from iex.
func (f *serveFlags) hint(w io.Writer, n *erlnode.Node, cfg erlnode.Config) {
	alive, host := splitName(string(n.Name()))
	iex := "iex --sname me"
	switch own, _ := shortHost(); {
	case isLong(host):
		iex = "iex --name me@" + host
	case host != own:
		iex += "@" + host
	}
	if f.cookie != "" {
		iex += " --cookie " + shellQuote(f.cookie)
	}
	switch {
	case cfg.EPMD == node.EPMDNone && cfg.Discovery == nil:
		fmt.Fprintf(w, "\nNo epmd knows this node:\n\n    erlnode ping %s --address %s\n\n", string(n.Name()),
			net.JoinHostPort(host, strconv.Itoa(n.Port())))
		return
	case cfg.EPMDPort != epmd.DefaultPort:
		iex = fmt.Sprintf("ERL_EPMD_PORT=%d %s", cfg.EPMDPort, iex)
	}
	fmt.Fprintf(w, `
Try it in another terminal (erlnode serve --help has more; Ctrl-C ends %[1]s):

    %[2]s
    n = :"%[3]s"
    Node.connect(n)
    Node.ping(n)
    send({:echo, n}, {self(), :hello}); flush()
    GenServer.call({:counter, n}, {:add, 41})
    GenServer.call({:kv, n}, {:set, :foo, 123})
    GenServer.call({:pubsub, n}, {:subscribe, "news"})
    GenServer.call({:pubsub, n}, {:broadcast, "news", :extra}); flush()

`, alive, iex, string(n.Name()))
}

// shellQuote makes one word of s for the shell.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("-_./:@%+=,", r) || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
