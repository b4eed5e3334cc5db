package rpc

import (
	"context"
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// next is the next message as text.
func next(t *testing.T, p *node.Process) string {
	t.Helper()
	m, err := p.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.String()
}

// What others send to rex as plain messages: C nodes, sbcast and old releases.
func TestRexMessages(t *testing.T) {
	n := nodes(t, nil, "a@test", "b@test")
	a, b := n[0], n[1]
	receiver := b.Open(node.Register("receiver"))
	Handle(b, "m", "print", func(p *node.Process) error { // as io:put_chars/1 does
		for _, chars := range []etf.Term{etf.Binary("hi "), etf.List{etf.Int('ü'), etf.List{etf.Binary("!")}},
			etf.Improper{Elems: []etf.Term{etf.Int('a')}, Tail: etf.Binary("b")}, etf.Int(-1), etf.Atom("no")} {
			p.Send(p.GroupLeader(), etf.Tuple{etf.Atom("io_request"), p.Self(), etf.Int(1), etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), chars}})
			m, err := p.Receive(p.Context())
			if err != nil {
				return err
			}
			if got := m.String(); got != "{io_reply,1,ok}" && got != "{io_reply,1,{error,request}}" {
				return fmt.Errorf("reply %s", got)
			}
		}
		return nil
	})
	p := a.Open()
	call := func(m, f etf.Atom, leader etf.Term) etf.Term {
		return etf.Tuple{etf.Atom("call"), m, f, etf.List{}, leader}
	}
	self := p.Self()
	tests := []struct {
		request etf.Term
		want    []string
	}{
		{etf.Atom("features_request"), []string{"{features_reply,b@test,[erpc]}"}},
		{etf.Tuple{etf.Atom("sbcast"), etf.Atom("receiver"), etf.Atom("hi")}, []string{"{rex,b@test,b@test}"}},
		{etf.Tuple{etf.Atom("sbcast"), etf.Atom("nobody"), etf.Atom("hi")}, []string{"{rex,b@test,{nonexisting_name,nobody}}"}},
		{etf.Tuple{etf.Atom("send"), etf.Atom("nobody"), etf.Atom("hi")}, []string{"{rex,b@test,{nonexisting_name,nobody}}"}},
		{etf.Tuple{etf.Atom("sbcast"), etf.Int(1), etf.Atom("hi")}, []string{"{rex,b@test,{nonexisting_name,1}}"}},
		{etf.Tuple{etf.Atom("send"), etf.Atom("receiver"), etf.Atom("ho")}, nil},
		{etf.Tuple{etf.Atom("nonsense"), etf.Atom("receiver"), etf.Atom("no")}, nil},
		{etf.Tuple{etf.Atom("nonsense")}, nil},
		{etf.Atom("nonsense"), nil},
		{call("erlang", "node", etf.Atom("user")), []string{"{rex,b@test}"}},
		{call("erlang", "node", self), []string{"{rex,b@test}"}},
		{call("nomod", "f", self), []string{"{rex,{badrpc,{'EXIT',{undef,[{nomod,f,[],[]}]}}}}"}},
		{call("erlang", "group_leader", self), []string{fmt.Sprintf("{rex,%v}", self)}},
		{call("erlang", "node", etf.Int(1)), []string{"{rex,{badrpc,{'EXIT',{function_clause,[{rpc,set_group_leader,[1],[]}]}}}}"}},
		{call("m", "print", etf.Atom("send_stdout_to_caller")),
			[]string{`{rex_stdout,<<"hi ">>}`, `{rex_stdout,<<"ü!"/utf8>>}`, `{rex_stdout,<<"ab">>}`, "{rex,ok}"}},
	}
	for _, tt := range tests {
		if err := p.Send(node.At("rex", "b@test"), etf.Tuple{self, tt.request}); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if got := next(t, p); got != want {
				t.Errorf("%v: %s, want %s", tt.request, got, want)
			}
		}
	}
	if got := next(t, receiver) + next(t, receiver); got != fmt.Sprintf("hi{%v,ho}", self) {
		t.Error(got)
	}
	if n := p.Messages(); n != 0 {
		t.Errorf("%d more messages", n)
	}
	// What it does not know has no answer, and it goes on.
	p.Send(node.At("rex", "b@test"), etf.Int(1))
	gen.Cast(t.Context(), p, node.At("rex", "b@test"), etf.Int(1))
	short, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() {
		_, err := gen.Call[etf.Term](short, p, node.At("rex", "b@test"), etf.Atom("nonsense"))
		answered <- err
	}()
	if v, err := BlockCall[etf.Atom](t.Context(), p, "b@test", "erlang", "node"); v != "b@test" {
		t.Error(v, err)
	}
	cancel()
	if err := <-answered; err == nil {
		t.Error("an answer to nonsense")
	}
}

// Rex is back when something has ended it.
func TestRexRestarts(t *testing.T) {
	n := nodes(t, nil, "a@test")[0]
	p := n.Open()
	pid, _ := n.Whereis("rex")
	ref, _ := p.Monitor(pid)
	p.SendExit(pid, etf.Atom("kill"))
	if got, want := next(t, p), fmt.Sprintf("{'DOWN',%v,process,%v,killed}", ref, pid); got != want {
		t.Error(got, want)
	}
	for {
		if _, err := BlockCall[etf.Atom](t.Context(), p, "a@test", "erlang", "node"); err == nil {
			break
		}
	}
}
