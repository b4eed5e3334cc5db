package main

import (
	"strconv"
	"testing"

	"github.com/erlnode/erlnode/node"
)

func TestCall(t *testing.T) {
	_, epmdPort := goNode(t, "go@localhost")
	call := func(words ...string) []string {
		return append([]string{"call", "--cookie=secret", "--timeout=10s", epmdPort, "go@localhost"}, words...)
	}
	want(t, call("erlang", "node"), exitOK, "go@localhost\n", "")
	want(t, call("erlang", "node", "[]"), exitOK, "go@localhost\n", "")
	want(t, call("'lists'", "reverse", `[[a, {b, "c"}, <<"d">>]]`), exitOK, `[<<"d">>,{b,"c"},a]`+"\n", "")
	want(t, call("erlang", "throw", "[{ball, 1}]"), exitOK, "{ball,1}\n", "")
	want(t, call("erlang", "error", "[{my, fault}]"), exitFailed, "", "{badrpc,{'EXIT',{{my,fault},[")
	want(t, call("Elixir.IO", "puts", `[<<"hi">>]`), exitOK, "hi\nok\n", "")
	want(t, call("io", "format", `["~p~n", [{a, 1}]]`), exitOK, "{a,1}\nok\n", "")
	want(t, call("erlang", "exit", "[why]"), exitFailed, "", "{badrpc,{'EXIT',why}}\n")
	want(t, call("erlang", "nosuch", "[]"), exitFailed, "", "There is no function erlang:nosuch/0")
	want(t, call("Enum", "sum", "[[1]]"), exitFailed, "", "try Elixir.Enum")
	want(t, append(call("timer", "sleep", "[60000]"), "--timeout=50ms"), exitFailed, "", "go@localhost: no answer within 50ms")
	want(t, append(call("erlang", "node"), "--cookie=no"), exitFailed, "", "cookies differ")
}

// A node that serves no rpc says so.
func TestCallWithoutRex(t *testing.T) {
	n, err := node.Start(t.Context(), "go@localhost", node.Config{Cookie: "secret", EPMD: node.EPMDNone, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	want(t, []string{"call", "--cookie=secret", "--timeout=10s", "--address=" + strconv.Itoa(n.Port()), "go@localhost", "erlang", "node"},
		exitFailed, "", "serves no remote calls")
}
