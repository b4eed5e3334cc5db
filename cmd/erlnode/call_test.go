package main

import (
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// rex is a stand-in for the server of rpc: lists:reverse/1 works, erlang:error/1 raises, timer:sleep/1 never answers, and
// nothing else exists.
type rex struct{}

func (rex) HandleCall(_ *node.Process, _ gen.From, raw etf.Raw) (any, error) {
	var call struct {
		_        struct{} `etf:"call,tuple"`
		M, F     etf.Atom
		Args     etf.List
		IOLeader etf.Term
	}
	if err := raw.Decode(&call); err != nil {
		return nil, err
	}
	badrpc := func(reason etf.Term) etf.Term {
		return etf.Tuple{etf.Atom("badrpc"), etf.Tuple{etf.Atom("EXIT"), etf.Tuple{reason, etf.List{}}}}
	}
	if call.IOLeader != etf.Term(etf.Atom("user")) {
		return badrpc(etf.Atom("group_leader")), nil
	}
	switch f := (etf.Export{Module: call.M, Function: call.F, Arity: uint8(len(call.Args))}); f.String() {
	case "fun lists:reverse/1":
		var reversed etf.List
		for _, t := range call.Args[0].(etf.List) {
			reversed = append(etf.List{t}, reversed...)
		}
		return reversed, nil
	case "fun erlang:node/0":
		return etf.Atom("go@localhost"), nil
	case "fun erlang:error/1":
		return badrpc(call.Args[0]), nil
	case "fun timer:sleep/1":
		return gen.NoReply, nil
	}
	return badrpc(etf.Atom("undef")), nil
}

func TestCall(t *testing.T) {
	n, epmdPort := goNode(t, "go@localhost")
	call := func(words ...string) []string {
		return append([]string{"call", "--cookie=secret", "--timeout=10s", epmdPort, "go@localhost"}, words...)
	}
	want(t, call("erlang", "node"), exitFailed, "", "no process rex")
	if _, err := gen.Start(n, rex{}, node.Register("rex")); err != nil {
		t.Fatal(err)
	}
	want(t, call("erlang", "node"), exitOK, "go@localhost\n", "")
	want(t, call("erlang", "node", "[]"), exitOK, "go@localhost\n", "")
	want(t, call("'lists'", "reverse", `[[a, {b, "c"}, <<"d">>]]`), exitOK, `[<<"d">>,{b,"c"},a]`+"\n", "")
	want(t, call("erlang", "error", "[{my, fault}]"), exitFailed, "", "{badrpc,{'EXIT',{{my,fault},[]}}}\n")
	want(t, call("erlang", "nodes", "[]"), exitFailed, "", "There is no function erlang:nodes/0")
	want(t, call("Enum", "sum", "[[1]]"), exitFailed, "", "try Elixir.Enum")
	want(t, append(call("timer", "sleep", "[1]"), "--timeout=50ms"), exitFailed, "", "go@localhost: no answer within 50ms")
	want(t, append(call("erlang", "node"), "--cookie=no"), exitFailed, "", "cookies differ")
}
