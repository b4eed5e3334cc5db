//go:build unix

package interop

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/handshake"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// pairWith is pair with changes to the Go node.
func pairWith(t testing.TB, change func(*erlnode.Config)) (*erlnode.Node, *otp.Node) {
	t.Helper()
	install := otp.Find(t)
	port := otp.FreePort(t)
	n := goNode(t, "go@127.0.0.1", port, func(c *erlnode.Config) { c.EPMD = node.EPMDEmbedded; change(c) })
	return n, install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
}

// Fragments and atom cache, each on and off: what the BEAM reads of ours and sends back is what we sent. Atoms of all lengths, more
// in a message than a header has room for, more in all than the cache has slots, and large messages of several senders at a time.
func TestFragmentsAndCache(t *testing.T) {
	const fragments, cache = handshake.Fragments, handshake.DistHdrAtomCache
	for name, without := range map[string]handshake.Flags{"both": 0, "no fragments": fragments, "no cache": cache, "neither": fragments | cache} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, beam := pairWith(t, func(c *erlnode.Config) { c.Flags = handshake.Default &^ without })
			beam.Eval(t, "target:start().")
			echo := node.Name{Name: "echo", Node: etf.Atom(beam.Name())}
			var senders sync.WaitGroup
			for i := range 3 {
				senders.Go(func() {
					big := etf.Binary(make([]byte, 3<<20+i))
					for k := range big {
						big[k] = byte(k >> i)
					}
					for round := range 4 {
						var atoms etf.List
						for k := range 300 {
							atoms = append(atoms, etf.Atom(fmt.Sprintf("atom_%d_%d_%d", i, round, k)))
						}
						for _, want := range []etf.Term{
							etf.Tuple{etf.Atom("ok"), etf.Atom(""), etf.Atom(strings.Repeat("é", 255)), etf.Atom("ok"), etf.Int(round)},
							atoms,
							etf.Tuple{big, etf.Atom("after"), etf.Atom("big")},
							etf.Map{{Key: etf.Atom("key"), Value: etf.Atom("value")}, {Key: etf.Binary("key"), Value: n.Open().Self()}},
							etf.List{etf.Export{Module: "lists", Function: "map", Arity: 2}, etf.Atom("é"), etf.Float(1.5), etf.Atom("ok")},
						} {
							got, err := gen.Call[etf.Term](t.Context(), n, echo, want)
							if err != nil || !etf.Equal(got, want) {
								text := want.String()
								t.Errorf("%.80s came back different, %v", text, err)
								return
							}
						}
					}
				})
			}
			senders.Wait()
		})
	}
}

// What a traced process of the BEAM sends arrives as if it were not traced, in order, and by the operations that carry a token.
func TestTraceTokenForms(t *testing.T) {
	since(t, 24) // OTP 23 has no aliases
	var mu sync.Mutex
	ops := map[dist.Op]bool{}
	n, beam := pairWith(t, func(c *erlnode.Config) {
		c.Dist.Trace = func(received bool, s *dist.Signal) {
			if mu.Lock(); received {
				ops[s.Op] = true
			}
			mu.Unlock()
		}
	})
	p, linked := n.Open(), n.Open()
	p.Register("collector")
	p.TrapExit(true)
	linked.TrapExit(true)
	alias := p.Alias(node.AliasExplicit)
	beam.Eval(t, "register(traced, spawn(fun() -> receive {P, L, A} -> seq_trace:set_token(label, 17), seq_trace:set_token(send, true), link(L), "+
		"{collector, 'go@127.0.0.1'} ! by_name, P ! by_pid, A ! by_alias, P ! {large, binary:copy(<<\"x\">>, 300000)}, exit(P, by_exit2), "+
		"spawn(node(P), no, such, []), erlang:spawn_request(node(P), no, such, [], [monitor]), P ! last, exit(by_exit) end end)), ok.")
	if err := p.Send(node.Name{Name: "traced", Node: etf.Atom(beam.Name())}, etf.Tuple{p.Self(), linked.Self(), alias}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, want := range []string{"by_name", "by_pid", "by_alias", "{large,", "{'EXIT',", "last"} {
		m, err := p.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.String(); !strings.HasPrefix(got, want) {
			t.Fatalf("got %.80s, want %s", got, want)
		}
	}
	m, err := linked.Receive(ctx)
	if err != nil || !strings.HasSuffix(m.String(), ",by_exit}") {
		t.Errorf("the link: %v, %v", m, err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, op := range []dist.Op{dist.OpRegSendTT, dist.OpSendSenderTT, dist.OpSpawnRequestTT} {
		if !ops[op] {
			t.Errorf("%v did not come: %v", op, ops)
		}
	}
	if !ops[dist.OpAliasSendTT] && !ops[dist.OpAltactSigSend] {
		t.Errorf("neither ALIAS_SEND_TT nor ALTACT_SIG_SEND came: %v", ops)
	}
}
