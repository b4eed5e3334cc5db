package erlnode_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/discovery"
	"github.com/erlnode/erlnode/node/rpc"
)

// The Go code of README.md stands here, where it is compiled, and as far as it needs no other node, run.
// TestREADME holds the two together.

// A node with one process, which iex talks to.
func Example() {
	ctx := context.Background()
	n, err := erlnode.Start(ctx, "go@localhost", erlnode.Config{Cookie: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	greeter := n.Open(node.Register("greeter"))
	for msg := range greeter.Inbox(ctx) {
		var name string
		if msg.Decode(&name) == nil {
			greeter.Send(msg.From(), "Hello, "+name)
		}
	}
}

// A call to a gen_server of an iex, and a monitor of it.
func Example_caller() {
	ctx := context.Background()
	n, err := erlnode.Start(ctx, "caller@localhost", erlnode.Config{Cookie: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	stack := node.Name{Name: "stack", Node: "iex@localhost"}

	top, err := gen.Call[string](ctx, n, stack, etf.Atom("pop"))
	fmt.Println("popped:", top, err)

	p := n.Open()
	p.Monitor(stack)
	msg, err := p.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if down, ok := msg.Down(); ok {
		fmt.Println("the stack has ended:", down.Reason)
	}
}

// start starts a node that needs no EPMD, for examples that live on one node.
func start() (context.Context, *erlnode.Node) {
	ctx := context.Background()
	n, err := erlnode.Start(ctx, "example@localhost", erlnode.Config{Cookie: "secret", EPMD: node.EPMDNone})
	if err != nil {
		log.Fatal(err)
	}
	return ctx, n
}

// Processes, messages, and what an exit means to a monitor and to a link.
func Example_processes() {
	ctx, n := start()
	defer n.Close()

	// A process that answers {From, Text}, and exits with the reason {unexpected, Message} on anything else.
	echo, err := n.Spawn(func(p *node.Process) error {
		for {
			msg, err := p.Receive(ctx)
			if err != nil {
				return err
			}
			var said struct {
				_    struct{} `etf:",tuple"`
				From etf.Pid
				Text string
			}
			if msg.Decode(&said) != nil {
				term, _ := msg.Term()
				return node.Exit(etf.Tuple{etf.Atom("unexpected"), term})
			}
			p.Send(said.From, "you said "+said.Text)
		}
	}, node.Register("echo"))
	if err != nil {
		log.Fatal(err)
	}

	me := n.Open()
	me.Send(etf.Atom("echo"), etf.Tuple{me.Self(), etf.Binary("hi")})
	msg, err := me.Receive(ctx)
	fmt.Println(msg, err)

	linked := n.Open()
	linked.Link(echo.Self())
	me.Monitor(echo)
	me.Send(echo, etf.Atom("rubbish"))

	msg, err = me.Receive(ctx)
	if down, ok := msg.Down(); ok {
		fmt.Println("monitor:", down.Reason)
	}
	<-linked.Done()
	fmt.Println("link:", context.Cause(linked.Context()))

	// Output:
	// <<"you said hi">> <nil>
	// monitor: {unexpected,rubbish}
	// link: exit: {unexpected,rubbish}
}

// Counter is a gen_server: {add, N} answers the sum so far.
type Counter struct{ sum int }

type Add struct {
	_ struct{} `etf:"add,tuple"`
	N int
}

func (c *Counter) HandleCall(p *node.Process, from gen.From, request etf.Raw) (any, error) {
	var add Add
	if err := request.Decode(&add); err != nil {
		return nil, err // ends the server; a supervisor starts it again
	}
	c.sum += add.N
	return c.sum, nil
}

// A gen_server under a supervisor, and calls that fail.
func Example_servers() {
	ctx, n := start()
	defer n.Close()

	_, err := gen.StartSupervisor(n, gen.SupervisorConfig{MaxRestarts: 3, Period: 10 * time.Second}, []gen.Child{{
		ID: "counter",
		Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(n, &Counter{}, node.Register("counter"), node.Linked(sup))
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for _, server := range []etf.Atom{"counter", "nobody"} {
		callCtx, cancel := context.WithTimeout(ctx, time.Second)
		sum, err := gen.Call[int](callCtx, n, server, Add{N: 2})
		cancel()
		var exit *node.ExitError
		switch {
		case err == nil:
			fmt.Println("sum:", sum)
		case errors.Is(err, node.ErrNoProc):
			fmt.Println("there is no such process")
		case errors.Is(err, node.ErrNoConnection):
			fmt.Println("its node cannot be reached, or was lost meanwhile")
		case errors.As(err, &exit):
			fmt.Println("it ended instead of answering:", exit.Reason)
		case errors.Is(err, context.DeadlineExceeded):
			fmt.Println("it did not answer in time")
		}
	}

	// Output:
	// sum: 2
	// there is no such process
}

// Names of the whole cluster.
func Example_global() {
	ctx, n := start()
	defer n.Close()
	counter, err := gen.Start(n, &Counter{})
	if err != nil {
		log.Fatal(err)
	}

	if err := n.Global.Register(ctx, "counter", counter); err != nil {
		log.Fatal(err) // global.ErrNameTaken: somebody in the cluster has it
	}
	sum, err := gen.Call[int](ctx, n, n.Global.Name("counter"), Add{N: 2})
	fmt.Println(sum, err, n.Global.Names())

	err = n.Global.Trans(ctx, "backup", func(ctx context.Context) error {
		return nil // on one node of the cluster at a time
	})
	fmt.Println(err)
	// Output:
	// 2 <nil> [counter]
	// <nil>
}

// Agents, here and elsewhere.
func Example_agent() {
	ctx, n := start()
	defer n.Close()

	agent, err := gen.StartAgent(n, map[string]int{"a": 1})
	if err == nil {
		err = n.Global.Register(ctx, "settings", agent)
	}
	if err != nil {
		log.Fatal(err)
	}
	settings := n.Global.Name("settings") // or that of an agent in Elixir
	a, err := gen.AgentGetAndUpdate[int](ctx, n, settings, gen.MFA{Module: "Elixir.Map", Function: "pop", Args: []any{"a"}})
	fmt.Println(a, err)
	if err := gen.AgentUpdate(ctx, n, settings, gen.MFA{Module: "Elixir.Map", Function: "put", Args: []any{"b", 2}}); err != nil {
		log.Fatal(err)
	}
	b, err := gen.AgentGet[int](ctx, n, settings, gen.MFA{Module: "Elixir.Map", Function: "get", Args: []any{"b"}})
	fmt.Println(b, err)
	left, err := gen.AgentGet[map[string]int](ctx, n, settings, etf.Export{Module: "Elixir.Function", Function: "identity", Arity: 1})
	fmt.Println(left, err)
	// Output:
	// 1 <nil>
	// 2 <nil>
	// map[b:2] <nil>
}

// Process groups.
func Example_groups() {
	ctx, n := start()
	defer n.Close()
	me := n.Open()

	_, events, err := n.PG.Monitor(ctx, "room 1")
	if err != nil {
		log.Fatal(err)
	}
	n.PG.Join("room 1", me.Self()) // :pg.join("room 1", self())
	for _, member := range n.PG.Members("room 1") {
		me.Send(member, "hello, everybody")
	}
	event := <-events

	msg, err := me.Receive(ctx)
	fmt.Println(msg, err)
	fmt.Println(event.Kind, event.Group)
	// Output:
	// <<"hello, everybody">> <nil>
	// join <<"room 1">>
}

// A node that talks TLS, finds others by a table, and stays connected to one of them.
func Example_transport() {
	ctx := context.Background()
	tls, err := node.TLSFiles("cert.pem", "key.pem", "ca.pem") // both sides show certificates of this authority
	if err != nil {
		log.Fatal(err)
	}
	n, err := erlnode.Start(ctx, "go@app1", erlnode.Config{
		Cookie:    "secret",
		Transport: tls,
		Listen:    ":9100-9110",
		Discovery: discovery.Static{"db@db1": "db1:9100", "iex@db1": "db1:9101"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	go discovery.StayConnected(ctx, n, discovery.Links{Nodes: []etf.Atom{"db@db1"}})
}

// A function that other nodes may call, and a call of one.
func Example_functions() {
	ctx, n := start()
	defer n.Close()
	rpc.Handle(n, "math", "div", func(ctx context.Context, a, b int) (int, error) {
		if b == 0 {
			return 0, rpc.ErrorOf(etf.Atom("badarith"))
		}
		return a / b, nil
	})
	quotient, err := rpc.Call[int](ctx, n, n.Name(), "math", "div", 42, 6)
	_, err = rpc.Call[int](ctx, n, n.Name(), "math", "div", 42, 0)
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		fmt.Println(quotient, e.Class, e.Reason) // 7 error badarith
	}
	// Output: 7 error badarith
}
