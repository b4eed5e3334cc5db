//go:build unix

package interop

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
)

// forgetVersion6 makes a node of OTP 23 one of before: its dist_util announces no HANDSHAKE_23 and nothing of the second flag
// word, and sees none in others. The module is compiled anew from the abstract code that the release comes with.
const forgetVersion6 = `
	{ok, {_, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(code:which(dist_util), [abstract_code]),
	Old = element(2, erts_internal:get_dflags()) band 16#feffffff,
	Rewrite = fun F({call, L, {remote, _, {atom, _, erts_internal}, {atom, _, get_dflags}}, []} = Call) ->
			{call, L, {remote, L, {atom, L, erlang}, {atom, L, setelement}}, [{integer, L, 2}, Call, {integer, L, Old}]};
		F({integer, L, 16#1000000}) -> {integer, L, 0};
		F(T) when is_tuple(T) -> list_to_tuple(F(tuple_to_list(T)));
		F([H | T]) -> [F(H) | F(T)];
		F(T) -> T end,
	{ok, dist_util, Code} = compile:forms(Rewrite(Forms), []),
	code:unstick_mod(dist_util),
	{module, dist_util} = code:load_binary(dist_util, "dist_util.erl", Code),
	ok.`

// Version 5 of the handshake with a real node, dialled and dialling: OTP 23 begins with it towards a peer whose EPMD says that it
// knows no other, and upgrades by the complement; without the flag of version 6 both speak version 5 to the end.
func TestVersion5(t *testing.T) {
	install := otp.Find(t)
	if release, err := install.Release(); err != nil || release != 23 {
		t.Skipf("OTP %d begins no handshake with version 5: %v", release, err)
	}
	for _, pure := range []bool{false, true} {
		t.Run(map[bool]string{false: "upgrade", true: "pure"}[pure], func(t *testing.T) {
			var log collisions
			port := install.EPMD(t)
			g := plainNode(t, "go@127.0.0.1", port, func(c *node.Config) { c.Logger = slog.New(&log) })
			beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port, Args: alone, Env: []string{"ERL_EPMD_DIST_HIGH=5"}})
			if pure {
				beam.Eval(t, forgetVersion6)
			}
			on := etf.Atom(beam.Name())
			beam.Eval(t, `Echo = spawn(fun F() -> receive {die, R} -> exit(R); {From, M} -> From ! {self(), M}, F() end end), register(echo, Echo).`)
			for _, dial := range []func(){
				func() {
					if err := g.Connect(t.Context(), on); err != nil {
						t.Fatal(err)
					}
				},
				func() {
					if got := beam.Eval(t, "net_kernel:connect_node('go@127.0.0.1')"); got != "true" {
						t.Fatal(got)
					}
				},
			} {
				dial()
				if said := log.log(); strings.Contains(said[strings.LastIndex(said, "negotiated"):], "HANDSHAKE_23") == pure {
					t.Errorf("version 6: %v, want %v\n%s", !strings.Contains(said, "HANDSHAKE_23"), !pure, said)
				}
				p := g.Open(node.TrapExit())
				echo := pidOf(t, beam, p, "Echo")
				big := etf.Binary(strings.Repeat("b", 200_000))
				for _, m := range []etf.Term{etf.Int(1), big, etf.Tuple{p.Self(), etf.Atom("a")}} {
					p.Send(node.Name{Name: "echo", Node: on}, etf.Tuple{p.Self(), m})
					await(t, p, fmt.Sprintf("{%v,%v}", echo, m))
				}
				// A process there with a link and a monitor from here and to here: each EXIT goes out and comes in.
				other := pidOf(t, beam, p, "spawn(fun() -> receive {exit, To} -> process_flag(trap_exit, true), link(To), exit(To, boom), receive {'EXIT', To, boom} -> exit(heard) end end end)")
				q := g.Open()
				ref, err := p.Monitor(other)
				if err != nil {
					t.Fatal(err)
				}
				p.Send(other, etf.Tuple{etf.Atom("exit"), q.Self()})
				await(t, p, fmt.Sprintf("{'DOWN',%v,process,%v,heard}", ref, other))
				if err := p.Link(echo); err != nil {
					t.Fatal(err)
				}
				if err := p.Unlink(echo); err != nil {
					t.Fatal(err)
				}
				victim := pidOf(t, beam, p, "spawn(fun() -> receive R -> exit(R) end end)")
				if err := p.Link(victim); err != nil {
					t.Fatal(err)
				}
				if err := p.SendExit(victim, etf.Atom("out")); err != nil {
					t.Fatal(err)
				}
				await(t, p, fmt.Sprintf("{'EXIT',%v,out}", victim))
				p.Exit(nil)
				if !g.Disconnect(on) {
					t.Error("no connection")
				}
				eventually(t, beam, "nodes(connected)", "[]")
			}
		})
	}
}
