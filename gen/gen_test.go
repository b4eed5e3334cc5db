package gen_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// start starts nodes that find each other without an EPMD.
func start(t testing.TB, names ...string) []*node.Node {
	t.Helper()
	addrs := make(map[string]string)
	resolve := func(_ context.Context, name string) (string, error) {
		if addr, ok := addrs[name]; ok {
			return addr, nil
		}
		return "", errors.New("no such node")
	}
	var all []*node.Node
	for _, name := range names {
		n, err := node.Start(t.Context(), name, node.Config{Cookie: "secret", EPMD: node.EPMDNone, Listen: "127.0.0.1:0", Resolve: resolve})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		addrs[name] = "127.0.0.1:" + strconv.Itoa(n.Port())
		all = append(all, n)
	}
	return all
}

// bank is a server with everything a server can have.
type bank struct {
	balance int
	waiting []gen.From
	log     chan string
}

func (b *bank) Init(p *node.Process) error {
	if b.balance < 0 {
		return node.Exit(etf.Atom("in_debt"))
	}
	return nil
}

func (b *bank) HandleCall(p *node.Process, from gen.From, request etf.Raw) (any, error) {
	var op etf.Atom
	if request.Decode(&op) != nil {
		return etf.Tuple{etf.Atom("error"), etf.Atom("badarg")}, nil
	}
	switch op {
	case "balance":
		return b.balance, nil
	case "later":
		b.waiting = append(b.waiting, from)
		return gen.NoReply, nil
	case "release":
		for _, w := range b.waiting {
			gen.Reply(p, w, "released")
		}
		return nil, nil
	case "stop":
		return etf.Atom("ok"), node.Exit(etf.Atom("normal"))
	case "crash":
		return nil, errors.New("crashed")
	case "panic":
		panic("no")
	case "unencodable":
		return make(chan int), nil
	}
	return gen.NoReply, nil
}

func (b *bank) HandleCast(p *node.Process, request etf.Raw) error {
	var n int
	if err := request.Decode(&n); err != nil {
		return node.Exit(etf.Atom("bad_cast"))
	}
	b.balance += n
	return nil
}

func (b *bank) HandleInfo(p *node.Process, m node.Message) error {
	b.say(m.String())
	return nil
}

func (b *bank) Terminate(reason error) { b.say(fmt.Sprint("terminated: ", reason)) }

func (b *bank) say(s string) {
	if b.log != nil {
		b.log <- s
	}
}

func TestCallAndCast(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	for _, caller := range []*node.Node{nodes[1], nodes[0]} { // from afar and at home
		log := make(chan string, 10)
		name := "bank of " + caller.Name()
		pid, err := gen.Start(nodes[1], &bank{balance: 1, log: log}, node.Register(name))
		if err != nil {
			t.Fatal(err)
		}
		to := node.Name{Name: name, Node: "b@test"}
		p := caller.Open()
		if err := gen.Cast(t.Context(), p, to, 41); err != nil {
			t.Fatal(err)
		}
		if got, err := gen.Call[int](t.Context(), p, to, etf.Atom("balance")); got != 42 || err != nil {
			t.Error(got, err)
		}
		if got, err := gen.Call[etf.Term](t.Context(), caller, pid, 7); err != nil || got.String() != "{error,badarg}" {
			t.Error(got, err)
		}
		if _, err := gen.Call[string](t.Context(), caller, pid, etf.Atom("balance")); err == nil {
			t.Error("an integer was decoded into a string")
		}
		p.Send(pid, etf.Atom("hello"))
		p.Send(pid, etf.Tuple{etf.Atom("$gen_call"), etf.Int(1), etf.Int(2)}) // no call, whatever it begins with
		p.Send(pid, etf.Tuple{etf.Atom("$gen_cast")})
		for _, want := range []string{"hello", "{'$gen_call',1,2}", "{'$gen_cast'}"} {
			if got := <-log; got != want {
				t.Errorf("HandleInfo got %s, want %s", got, want)
			}
		}
		if got, err := gen.Call[etf.Atom](t.Context(), caller, to, etf.Atom("stop")); got != "ok" || err != nil {
			t.Error(got, err)
		}
		if got := <-log; got != "terminated: exit: normal" {
			t.Error(got)
		}
	}
}

func TestCallErrors(t *testing.T) {
	nodes := start(t, "a@test", "b@test")
	a, b := nodes[0], nodes[1]
	to := node.Name{Name: "bank", Node: "b@test"}
	for op, want := range map[etf.Atom]string{
		"crash":       `{error,<<"crashed">>}`,
		"panic":       `{panic,<<"no">>}`,
		"unencodable": "",
	} {
		pid, err := gen.Start(b, &bank{}, node.Register("bank"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = gen.Call[etf.Term](t.Context(), a, to, op)
		exit, ok := errors.AsType[*node.ExitError](err)
		if !ok || want != "" && exit.Reason.String() != want {
			t.Errorf("%s: %v", op, err)
		}
		if _, err := gen.Call[etf.Term](t.Context(), a, pid, op); !errors.Is(err, node.ErrNoProc) {
			t.Errorf("%s: of the dead server: %v", op, err)
		}
	}
	if _, err := gen.Call[etf.Term](t.Context(), a, node.Name{Name: "bank", Node: "nowhere@test"}, 1); !errors.Is(err, node.ErrNoConnection) {
		t.Error(err)
	}
	if _, err := gen.Start(b, &bank{balance: -1}); err == nil || err.Error() != "exit: in_debt" {
		t.Errorf("Start of a server whose Init fails: %v", err)
	}
	if _, err := gen.Start(b, &bank{}, node.Register("net_kernel")); !errors.Is(err, node.ErrNameTaken) {
		t.Error(err)
	}
}

// GenServer.stop and :sys reach a server in Go.
func TestSystemMessages(t *testing.T) {
	a := start(t, "a@test")[0]
	log := make(chan string, 1)
	pid, err := gen.Start(a, &bank{log: log})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := a.Request(t.Context(), pid, func(dst []byte, from node.From) ([]byte, error) {
		return etf.AppendTerm(dst, etf.Tuple{etf.Atom("system"), etf.Tuple{from.Pid, from.Tag()}, etf.Atom("no_such_thing")})
	})
	if got := raw.String(); err != nil || got != "{error,{unknown_system_msg,no_such_thing}}" {
		t.Error(got, err)
	}
	if err := gen.Stop(t.Context(), a, pid, etf.Atom("normal")); err != nil || a.Alive(pid) {
		t.Error(err, a.Alive(pid))
	}
	if got := <-log; got != "terminated: exit: normal" {
		t.Error(got)
	}
	if err := gen.Stop(t.Context(), a, pid, etf.Atom("normal")); !errors.Is(err, node.ErrNoProc) {
		t.Errorf("a second time: %v", err)
	}
}

// A child whose restart fails at first is started again, not mistaken for a stranger's exit.
func TestSupervisorRetries(t *testing.T) {
	a := start(t, "a@test")[0]
	debts := []int{0, -1, -1, 0}
	_, err := gen.StartSupervisor(a, gen.SupervisorConfig{MaxRestarts: 5, Period: time.Hour}, []gen.Child{{ID: "bank",
		Start: func(sup *node.Process) (etf.Pid, error) {
			debt := debts[0]
			debts = debts[1:]
			return gen.Start(a, &bank{balance: debt}, node.Register("bank"), node.Linked(sup))
		}}})
	if err != nil {
		t.Fatal(err)
	}
	gen.Call[etf.Term](t.Context(), a, etf.Atom("bank"), etf.Atom("crash"))
	for {
		_, err := gen.Call[int](t.Context(), a, etf.Atom("bank"), etf.Atom("balance"))
		if err == nil {
			break
		}
		if _, ok := errors.AsType[*node.ExitError](err); !ok { // noproc, or in_debt of one that does not start
			t.Fatal(err)
		}
	}
}

func TestReplyLater(t *testing.T) {
	a := start(t, "a@test")[0]
	pid, err := gen.Start(a, &bank{})
	if err != nil {
		t.Fatal(err)
	}
	const calls = 10
	got := make(chan string, calls)
	for range calls {
		go func() {
			s, err := gen.Call[string](t.Context(), a, pid, etf.Atom("later"))
			if err != nil {
				t.Error(err)
			}
			got <- s
		}()
	}
	for n := 0; n < calls; { // release until all have been released
		if _, err := gen.Call[any](t.Context(), a, pid, etf.Atom("release")); err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-got:
			if s != "released" {
				t.Error(s)
			}
			n++
		default:
		}
	}
}

// A supervisor restarts what fails, under the same name, and gives up when it fails too often.
func TestSupervisor(t *testing.T) {
	a := start(t, "a@test")[0]
	child := func(name etf.Atom, restart gen.Restart) gen.Child {
		return gen.Child{ID: string(name), Restart: restart, Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(a, &bank{}, node.Register(name), node.Linked(sup))
		}}
	}
	sup, err := gen.StartSupervisor(a, gen.SupervisorConfig{MaxRestarts: 3, Period: time.Hour},
		[]gen.Child{child("permanent", gen.Permanent), child("transient", gen.Transient), child("temporary", gen.Temporary)})
	if err != nil {
		t.Fatal(err)
	}
	w := a.Open()
	// end makes a child end and waits for that.
	end := func(name, how etf.Atom) {
		t.Helper()
		ref, err := w.Monitor(name)
		if err != nil {
			t.Fatal(err)
		}
		gen.Call[etf.Term](t.Context(), a, name, how)
		m, err := w.Receive(t.Context())
		if d, ok := m.Down(); err != nil || !ok || d.Ref != ref {
			t.Fatal(m, err)
		}
	}
	// back waits until a child is there again.
	back := func(name etf.Atom) {
		t.Helper()
		for {
			_, err := gen.Call[int](t.Context(), a, name, etf.Atom("balance"))
			if err == nil {
				return
			}
			if !errors.Is(err, node.ErrNoProc) {
				t.Fatal(err)
			}
		}
	}
	end("permanent", "stop")
	back("permanent")
	end("transient", "crash")
	back("transient")
	end("transient", "stop") // in good order: it stays away
	end("temporary", "crash")
	end("permanent", "crash")
	back("permanent")
	for _, name := range []etf.Atom{"transient", "temporary"} {
		if _, ok := a.Whereis(name); ok {
			t.Errorf("%s is back", name)
		}
	}
	ref, _ := w.Monitor(sup)
	gen.Call[etf.Term](t.Context(), a, etf.Atom("permanent"), etf.Atom("crash")) // the fourth time
	m, err := w.Receive(t.Context())
	if d, ok := m.Down(); err != nil || !ok || d.Ref != ref || d.Reason.String() != "shutdown" {
		t.Errorf("the supervisor after too many restarts: %v, %v", m, err)
	}
}

func TestSupervisorStops(t *testing.T) {
	a := start(t, "a@test")[0]
	log := make(chan string, 10)
	var children []gen.Child
	for _, name := range []etf.Atom{"first", "second"} {
		children = append(children, gen.Child{ID: string(name), Start: func(sup *node.Process) (etf.Pid, error) {
			return gen.Start(a, &bank{log: log}, node.Register(name), node.Linked(sup))
		}})
	}
	sup, err := gen.StartSupervisor(a, gen.SupervisorConfig{}, children)
	if err != nil {
		t.Fatal(err)
	}
	w := a.Open()
	w.SendExit(sup, etf.Atom("stranger")) // means nothing to it
	if err := gen.Stop(t.Context(), a, sup, etf.Atom("enough")); err != nil {
		t.Error(err)
	}
	for range 2 {
		if got := <-log; got != "terminated: exit: shutdown" {
			t.Error(got)
		}
	}
	// Its parent's exit ends it, and with it the children.
	parent := a.Open()
	if sup, err = gen.StartSupervisor(a, gen.SupervisorConfig{}, children, node.Linked(parent)); err != nil {
		t.Fatal(err)
	}
	ref, _ := w.Monitor(sup)
	parent.Exit(etf.Atom("over"))
	m, err := w.Receive(t.Context())
	if d, ok := m.Down(); err != nil || !ok || d.Ref != ref || d.Reason.String() != "over" {
		t.Error(m, err)
	}
	for range 2 {
		if got := <-log; got != "terminated: exit: shutdown" {
			t.Error(got)
		}
	}
	// A child that does not start takes those before it down again.
	children = append(children, gen.Child{ID: "third", Start: func(*node.Process) (etf.Pid, error) { return etf.Pid{}, errors.New("no") }})
	if _, err := gen.StartSupervisor(a, gen.SupervisorConfig{}, children); err == nil || err.Error() != "gen: starting child third: no" {
		t.Error(err)
	}
	for _, name := range []etf.Atom{"first", "second"} {
		if _, ok := a.Whereis(name); ok {
			t.Errorf("%s is left", name)
		}
	}
}

// A server that does not heed its exit signal in time is killed. The time is synctest's.
func TestSupervisorKills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := node.Start(t.Context(), "a@test", node.Config{Cookie: "secret", NoListen: true})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var stubborn *node.Process
		sup, err := gen.StartSupervisor(a, gen.SupervisorConfig{}, []gen.Child{{ID: "stubborn", Shutdown: time.Minute,
			Start: func(sup *node.Process) (etf.Pid, error) {
				stubborn = a.Open(node.TrapExit(), node.Linked(sup))
				return stubborn.Self(), nil
			}}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		go gen.Stop(t.Context(), a, sup, etf.Atom("enough"))
		<-stubborn.Done()
		if got := time.Since(begin); got != time.Minute || stubborn.Err().Error() != "exit: killed" {
			t.Error(got, stubborn.Err())
		}
	})
}

// counter is the server of the examples.
type counter struct{ n int }

func (c *counter) HandleCall(_ *node.Process, _ gen.From, request etf.Raw) (any, error) {
	var by int
	if err := request.Decode(&by); err != nil {
		return etf.Tuple{etf.Atom("error"), etf.Atom("badarg")}, nil
	}
	c.n += by
	return c.n, nil
}

func ExampleStart() {
	n, err := node.Start(context.Background(), "go@localhost", node.Config{Cookie: "secret", EPMD: node.EPMDNone})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	if _, err := gen.Start(n, &counter{}, node.Register("counter")); err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // GenServer.call({:counter, :go@localhost}, 21) in iex
		sum, err := gen.Call[int](context.Background(), n, etf.Atom("counter"), 21)
		fmt.Println(sum, err)
	}
	// Output:
	// 21 <nil>
	// 42 <nil>
}
