//go:build unix

package interop

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// since skips a test that needs a later release.
func since(t testing.TB, release int) {
	t.Helper()
	if r, err := otp.Find(t).Release(); err != nil || r < release {
		t.Skipf("needs OTP %d, this is %d (%v)", release, r, err)
	}
}

// hand makes a pid or reference of Go known to a BEAM node's shell under the name of a variable.
func hand(t testing.TB, beam *otp.Node, p *node.Process, variable string, v etf.Term) {
	t.Helper()
	beam.Eval(t, "register(hand, self()).")
	if err := p.Send(node.At("hand", etf.Atom(beam.Name())), etf.Tuple{etf.Atom("hand"), v}); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, fmt.Sprintf("%s = receive {hand, X%s} -> X%s end, unregister(hand), ok.", variable, variable, variable))
}

// What has priority (OTP 28, EEP 76) comes first at a Go process, if that asked for it, and at a BEAM process.
func TestPriority(t *testing.T) {
	since(t, 28)
	n, beam := pair(t)
	for name, c := range map[string]struct {
		mode node.AliasMode
		want string
	}{
		"with":    {node.AliasPriority, "[a exit b 1 2 exit c 3]"},
		"without": {node.AliasExplicit, "[1 a 2 exit b exit c 3]"},
	} {
		p := n.Open(node.TrapExit())
		hand(t, beam, p, "P"+name, p.Self())
		hand(t, beam, p, "A"+name, p.Alias(c.mode))
		r := strings.NewReplacer("$P", "P"+name, "$A", "A"+name)
		beam.Eval(t, r.Replace("$P ! 1, erlang:send($A, a, [priority]), $A ! 2, exit($A, b, [priority]), exit($A, c), erlang:send($P, 3, [priority]), ok."))
		beam.Eval(t, "pong = net_adm:ping('go@127.0.0.1').") // everything has arrived
		var got []string
		for p.Messages() > 0 {
			m, _ := p.Receive(t.Context())
			text := m.String()
			if e, ok := m.Exit(); ok {
				text = "exit " + e.Reason.String()
			}
			got = append(got, text)
		}
		if got := fmt.Sprint(got); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	p := n.Open()
	if err := p.Register("asker"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ options, want string }{
		{"[priority]", "[a,{'EXIT',b},1,2,{'EXIT',c},3]"},
		{"[]", "[1,a,2,{'EXIT',b},{'EXIT',c},3]"},
	} {
		beam.Eval(t, "spawn(fun() -> process_flag(trap_exit, true), {asker, 'go@127.0.0.1'} ! {self(), alias("+c.options+")}, receive go -> ok end, "+
			"F = fun F() -> receive {'EXIT', _, R} -> [{'EXIT', R} | F()]; X -> [X | F()] after 0 -> [] end end, {asker, 'go@127.0.0.1'} ! F() end), ok.")
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var to struct {
			_     struct{} `etf:",tuple"`
			Pid   etf.Pid
			Alias etf.Ref
		}
		if err := m.Decode(&to); err != nil {
			t.Fatal(m, err)
		}
		p.Send(to.Pid, 1)
		p.SendPriority(to.Alias, etf.Atom("a"))
		p.Send(to.Alias, 2)
		p.SendExitPriority(to.Alias, etf.Atom("b"))
		p.SendExit(to.Alias, etf.Atom("c"))
		p.SendPriority(to.Pid, 3)
		p.Send(to.Pid, etf.Atom("go"))
		await(t, p, c.want)
	}
}

// An exit reason of 5 MB reaches linked and monitoring processes whole, both ways.
func TestBigExitReason(t *testing.T) {
	n, beam := pair(t)
	const size = 5_000_000
	p := n.Open(node.TrapExit())
	hand(t, beam, p, "P", p.Self())
	beam.Eval(t, "process_flag(trap_exit, true), {V, _} = spawn_monitor(fun() -> receive go -> exit({big, binary:copy(<<\"x\">>, 5000000)}) end end), P ! V, ok.")
	m, err := p.Receive(t.Context())
	var v etf.Pid
	if err != nil || m.Decode(&v) != nil {
		t.Fatal(m, err)
	}
	p.Monitor(v)
	p.Link(v)
	p.Send(v, etf.Atom("go"))
	check := func(reason etf.Term) {
		t.Helper()
		tuple, _ := reason.(etf.Tuple)
		if len(tuple) != 2 || tuple[0] != etf.Term(etf.Atom("big")) || len(tuple[1].(etf.Binary)) != size {
			t.Errorf("the reason is %.100v", reason)
		}
	}
	for range 2 {
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := m.Exit(); ok {
			check(e.Reason)
		} else if d, ok := m.Down(); ok {
			check(d.Reason)
		} else {
			t.Fatal(m)
		}
	}
	q := n.Open()
	hand(t, beam, p, "Q", q.Self())
	beam.Eval(t, "R = monitor(process, Q), link(Q), ok.")
	if err := n.Ping(t.Context(), etf.Atom(beam.Name())); err != nil {
		t.Fatal(err)
	}
	beam.Eval(t, "pong = net_adm:ping('go@127.0.0.1').") // the link is there
	q.Exit(etf.Tuple{etf.Atom("big"), etf.Binary(strings.Repeat("y", size))})
	got := beam.Eval(t, "[receive {'EXIT', Q, {big, B}} -> B =:= binary:copy(<<\"y\">>, 5000000) after 10000 -> timeout end, "+
		"receive {'DOWN', R, process, Q, {big, B2}} -> B2 =:= binary:copy(<<\"y\">>, 5000000) after 10000 -> timeout end].")
	if got != "[true,true]" {
		t.Error(got)
	}
}

// Links made and taken back from both sides at once leave both sides with the same belief; the protocol without
// acknowledgements of OTP 23 cannot promise that. A process that has taken its link back last and then sees the other
// end is not told; one whose link stands is.
func TestLinkRaces(t *testing.T) {
	since(t, 24)
	n, beam := pair(t)
	const rounds = 100
	for i := range rounds {
		p := n.Open(node.TrapExit())
		v := fmt.Sprint("P", i)
		hand(t, beam, p, v, p.Self())
		beam.Eval(t, "spawn(fun() -> P = "+v+", process_flag(trap_exit, true), P ! self(), receive go -> ok end, [begin link(P), unlink(P) end || _ <- lists:seq(1, 20)], "+
			"receive {finally, L} -> (L andalso link(P)) end, P ! ready, receive {'EXIT', P, R} -> exit({saw, R}); die -> exit(died) end end), ok.")
		m, err := p.Receive(t.Context())
		var q etf.Pid
		if err != nil || m.Decode(&q) != nil {
			t.Fatal(m, err)
		}
		p.Send(q, etf.Atom("go"))
		for range 20 {
			p.Link(q)
			p.Unlink(q)
		}
		linked := i%2 == 0
		p.Send(q, etf.Tuple{etf.Atom("finally"), etf.Atom(strconv.FormatBool(linked))})
		await(t, p, "ready")
		p.Send(q, etf.Atom("die"))
		ref, _ := p.Monitor(q)
		var exits, downs int
		for downs == 0 || linked && exits == 0 {
			m, err := p.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := m.Exit(); ok {
				exits++
			} else if d, ok := m.Down(); ok && d.Ref == ref {
				downs++
			} else {
				t.Fatal(m)
			}
		}
		if err := n.Ping(t.Context(), etf.Atom(beam.Name())); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 1}[linked]; exits != want || p.Messages() != 0 {
			t.Fatalf("round %d: %d exit signals, want %d; %d messages left", i, exits, want, p.Messages())
		}
		p.Exit(nil)
	}
}

// Group leaders are set both ways.
func TestGroupLeader(t *testing.T) {
	n, beam := pair(t)
	p := n.Open()
	hand(t, beam, p, "P", p.Self())
	beam.Eval(t, "group_leader(self(), P), pong = net_adm:ping('go@127.0.0.1').")
	there := pid(t, beam, n.Open(), "self()")
	if got := p.GroupLeader(); got != there {
		t.Errorf("the group leader is %v, want %v", got, there)
	}
	beam.Eval(t, "L = spawn(fun() -> receive stop -> ok end end), ok.")
	l := pid(t, beam, n.Open(), "L")
	if err := p.SetGroupLeader(p.Self(), l); err != nil {
		t.Fatal(err)
	}
	if err := n.Ping(t.Context(), etf.Atom(beam.Name())); err != nil {
		t.Fatal(err)
	}
	if got := beam.Eval(t, "{group_leader, P} =:= process_info(L, group_leader)."); got != "true" {
		t.Error(got)
	}
}

// What a process sends that has a seq_trace token arrives as from any other.
func TestTraceTokens(t *testing.T) {
	n, beam := pair(t)
	p := n.Open(node.TrapExit())
	if err := p.Register("traced"); err != nil {
		t.Fatal(err)
	}
	hand(t, beam, p, "P", p.Self())
	alias := ""
	if r, err := otp.Find(t).Release(); err == nil && r >= 24 {
		hand(t, beam, p, "A", p.Alias(node.AliasExplicit))
		alias = "A ! 3, "
	}
	beam.Eval(t, "T = spawn(fun() -> link(P), seq_trace:set_token(label, {a, label}), seq_trace:set_token(send, true), P ! 1, {traced, node(P)} ! 2, "+alias+
		"exit(P, 4), exit({five, self()}) end), ok.")
	there := pid(t, beam, n.Open(), "T")
	if alias != "" {
		alias = "3 "
	}
	want := fmt.Sprintf("[1 2 %s{'EXIT',%v,4} {'EXIT',%v,{five,%v}}]", alias, there, there, there)
	var got []string
	for len(got) == 0 || !strings.Contains(got[len(got)-1], "five") {
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.String())
	}
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
