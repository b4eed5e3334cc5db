//go:build unix

package interop

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/interop/otp"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/discovery"
)

// carries puts a carrier to work: both sides connect, messages small and large go both ways in order, idle ticks keep the
// connection up, a loss is noticed on both sides.
func carries(t *testing.T, g *node.Node, beam *otp.Node) {
	t.Helper()
	for _, goFirst := range []bool{true, false} {
		if goFirst {
			if err := g.Connect(t.Context(), etf.Atom(beam.Name())); err != nil {
				t.Fatal(err)
			}
		} else if got := beam.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", string(g.Name()))); got != "true" {
			t.Fatalf("connect_node: %s\n%s", got, beam.Log())
		}
		p := g.Open(node.TrapExit())
		remote := pid(t, beam, p, `spawn(fun() -> F = fun F() -> receive {P, M} -> P ! M, F() end end, F() end)`)
		if err := p.Link(remote); err != nil {
			t.Fatal(err)
		}
		sizes := []int{0, 1, 100, 16 << 10, 1 << 20, 5 << 20}
		for i, size := range sizes {
			if err := p.Send(remote, etf.Tuple{p.Self(), etf.Tuple{etf.Int(i), etf.Binary(bytes.Repeat([]byte{byte(i)}, size))}}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 2000 {
			if err := p.Send(remote, etf.Tuple{p.Self(), etf.Int(i)}); err != nil {
				t.Fatal(err)
			}
		}
		for i, size := range sizes {
			m, err := p.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			term, err := m.Term()
			if err != nil {
				t.Fatal(err)
			}
			got, _ := term.(etf.Tuple)
			if len(got) != 2 || got[0] != etf.Term(etf.Int(i)) || !bytes.Equal(got[1].(etf.Binary), bytes.Repeat([]byte{byte(i)}, size)) {
				t.Fatalf("message %d of %d bytes: %.100v", i, size, term)
			}
		}
		for i := range 2000 {
			await(t, p, fmt.Sprint(i))
		}
		if goFirst {
			time.Sleep(3 * time.Second / 2) // more than a tick time of a second, with nothing sent
		}
		if got := strings.ReplaceAll(beam.Eval(t, "nodes(connected)"), "'", ""); got != fmt.Sprintf("[%s]", string(g.Name())) {
			t.Fatalf("after idling: %s", got)
		}
		g.Disconnect(etf.Atom(beam.Name()))
		await(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", remote))
		eventually(t, beam, "nodes(connected)", "[]")
	}
}

func quick(c *node.Config) { c.Dist = dist.Config{NetTickTime: time.Second}; c.Hidden = true }

// TLS as -proto_dist inet_tls speaks it, both ways, with certificates on both sides and host names checked.
func TestTLSDistribution(t *testing.T) {
	install := otp.Find(t)
	ca, stranger := newAuthority(t), newAuthority(t)
	for version, max := range map[string]uint16{"'tlsv1.3'": tls.VersionTLS13, "'tlsv1.2'": tls.VersionTLS12} {
		t.Run(strings.Trim(version, "'"), func(t *testing.T) {
			if testing.Short() && max != tls.VersionTLS13 {
				t.Skip("not in a sample")
			}
			port := install.EPMD(t)
			beam := install.Erl(t, otp.Options{Name: "beam@localhost", Cookie: cookie, EPMDPort: port, NetTickTime: 1, Args: ca.args("localhost", version)})
			start := func(name string, cfg *tls.Config) *node.Node {
				cfg.MaxVersion = max
				return plainNode(t, name, port, quick, func(c *node.Config) { c.Transport = node.TLS{Config: cfg} })
			}
			carries(t, start("go@localhost", ca.config("localhost")), beam)
			if max != tls.VersionTLS13 {
				return
			}
			refused := func(g *node.Node, says string, is func(error) bool) {
				t.Helper()
				if err := g.Connect(t.Context(), "beam@localhost"); !errors.Is(err, node.ErrNoConnection) || is != nil && !is(err) {
					t.Errorf("%v: %v", g.Name(), err)
				}
				if got := beam.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", string(g.Name()))); got != "false" {
					t.Errorf("%v: BEAM: %s", g.Name(), got)
				}
				if says != "" && !strings.Contains(beam.Log(), says) {
					t.Errorf("%v: BEAM does not say %q:\n%s", g.Name(), says, beam.Log())
				}
			}
			refused(start("strange@localhost", stranger.config("localhost")), "", func(err error) bool {
				return errors.As(err, new(x509.UnknownAuthorityError))
			})
			plain := plainNode(t, "plain@localhost", port, quick)
			plain2 := plain // without TLS at all: each waits for the other until the set-up time is over, or sees that it is no TLS
			refused(plain2, "", nil)

			// A certificate of somebody else's host, on either side.
			elsewhere := start("elsewhere@localhost", ca.config("elsewhere"))
			if got := beam.Eval(t, "net_kernel:connect_node('elsewhere@localhost')"); got != "false" {
				t.Errorf("BEAM took a certificate for another host: %s", got)
			}
			if err := elsewhere.Connect(t.Context(), "beam@localhost"); err != nil { // OTP does not check a client's host unless told to
				t.Error(err)
			}
			other := install.Erl(t, otp.Options{Name: "other@localhost", Cookie: cookie, EPMDPort: port, Args: ca.args("elsewhere", version)})
			if err := start("g@localhost", ca.config("localhost")).Connect(t.Context(), etf.Atom(other.Name())); !errors.As(err, new(x509.HostnameError)) {
				t.Errorf("Go, a certificate for another host: %v", err)
			}
			// A client without a certificate.
			bare := start("bare@localhost", &tls.Config{RootCAs: ca.pool, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return nil, errors.New("none")
			}})
			refused(bare, "", func(err error) bool { return strings.Contains(err.Error(), "certificate") })
			// The cookie counts all the same.
			wrong := start("wrong@localhost", ca.config("localhost"))
			wrong.SetCookie("beam@localhost", "wrong")
			refused(wrong, "Invalid challenge reply", nil)
		})
	}
}

// The target of the scenarios speaks TLS by its flags.
func TestTLSTarget(t *testing.T) {
	install := otp.Find(t)
	ca := newAuthority(t)
	port := install.EPMD(t)
	cert, key := ca.files("localhost")
	target := otp.Go(t, "./target", otp.Options{Name: "target@localhost", Cookie: cookie, EPMDPort: port, Args: []string{"-tls-cert", cert, "-tls-key", key, "-tls-ca", ca.ca()}})
	beam := install.Erl(t, otp.Options{Name: "beam@localhost", Cookie: cookie, EPMDPort: port, Args: ca.args("localhost", "'tlsv1.3', 'tlsv1.2'")})
	if got := beam.Eval(t, fmt.Sprintf("{echo, '%s'} ! {self(), over_tls}, receive {_, M} -> M; M -> M after 10000 -> none end.", target.Name())); got != "over_tls" {
		t.Error(got)
	}
}

// Unix sockets as OTP's example erl_uds_dist has them.
func TestUnixDistribution(t *testing.T) {
	install := otp.Find(t)
	release, err := install.Release()
	if err != nil {
		t.Fatal(err)
	}
	if release < 24 {
		t.Skip("needs OTP 24") // 23's example has the old handshake, and the later one calls functions of 24
	}
	beam := install.Erl(t, otp.Options{Name: "asked@localhost", Args: []string{"-start_epmd", "false"}})
	source := udsSource(beam.Eval(t, "{'$text', code:lib_dir(kernel)}"))
	beam.Close()
	if source == "" {
		const why = "no erl_uds_dist.erl: it is in Debian's erlang-examples, which scripts/get-otp 25 brings"
		if os.Getenv("OTP_INTEROP") == "require" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	dir := t.TempDir()
	compile := exec.Command(install.Path("erlc"), "-o", dir, source)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("erlc: %v\n%s", err, out)
	}
	// BEAM's sockets are in the folder that it runs in; ours are told where.
	beam = install.Erl(t, otp.Options{Name: "udsbeam@localhost", Cookie: cookie, NetTickTime: 1,
		Args: []string{"-proto_dist", "erl_uds", "-no_epmd", "-pa", dir}})
	sockets := beam.Eval(t, "{ok, Dir} = file:get_cwd(), {'$text', Dir}.")
	g := plainNode(t, "udsgo@localhost", 0, quick, func(c *node.Config) { c.Transport = node.Unix{Dir: sockets} })
	carries(t, g, beam)
}

// udsSource finds the example in the kernel application of the OTP that runs, or else of one that scripts/get-otp has put beside it, or that
// Debian has installed: it runs on others too, and Debian's package for OTP 29 has it no more.
func udsSource(kernel string) string {
	beside := filepath.Join(kernel, "../../../../../../..") // of 29/root/usr/lib/erlang/lib/kernel-11.0.4
	for _, lib := range []string{
		kernel,
		filepath.Join(beside, "25/root/usr/lib/erlang/lib/kernel-*"),
		filepath.Join(beside, "27/root/usr/lib/erlang/lib/kernel-*"),
		"/usr/lib/erlang/lib/kernel-*",
	} {
		if found, _ := filepath.Glob(filepath.Join(lib, "examples/erl_uds_dist/src/erl_uds_dist.erl")); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// IPv6, and a port range on one interface.
func TestIPv6Distribution(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	g := plainNode(t, "go@::1", port, quick, func(c *node.Config) {
		c.EPMD, c.Transport, c.Listen = node.EPMDEmbedded, node.TCP{Network: "tcp6"}, "[::1]:20000-40000"
	})
	if g.Port() < 20000 || g.Port() > 40000 {
		t.Error(g.Port())
	}
	beam := install.Erl(t, otp.Options{Name: "beam@::1", Cookie: cookie, EPMDPort: port, NetTickTime: 1,
		Args: []string{"-proto_dist", "inet6_tcp", "-kernel", "inet_dist_use_interface", "{0,0,0,0,0,0,0,1}"}})
	carries(t, g, beam)
}

// -erl_epmd_port: one port for all nodes, each on a host of its own, and no EPMD.
func TestFixedPort(t *testing.T) {
	install := otp.Find(t)
	port := otp.FreePort(t)
	g := plainNode(t, "go@127.0.0.2", 1, quick, func(c *node.Config) {
		c.Discovery, c.Listen = discovery.Port(port), fmt.Sprintf("127.0.0.2:%d", port)
	})
	beam := install.Erl(t, otp.Options{Name: "beam@127.0.0.1", Cookie: cookie, EPMDPort: 1, NetTickTime: 1,
		Args: []string{"-erl_epmd_port", fmt.Sprint(port), "-kernel", "inet_dist_use_interface", "{127,0,0,1}"}})
	carries(t, g, beam)
}

// A BEAM node restarts: StayConnected finds it again, by its new port.
func TestStayConnectedToBEAM(t *testing.T) {
	install := otp.Find(t)
	port := install.EPMD(t)
	g := plainNode(t, "go@127.0.0.1", 0, quick, func(c *node.Config) { c.Discovery = discovery.EPMD{Port: port} })
	if info, err := epmd.Lookup(t.Context(), fmt.Sprintf("127.0.0.1:%d", port), "go"); err != nil || info.Port != g.Port() {
		t.Error(info, err)
	}
	ups := make(chan etf.Atom, 100)
	go discovery.StayConnected(t.Context(), g, discovery.Links{
		Nodes: []etf.Atom{"beam@127.0.0.1"}, Min: 10 * time.Millisecond, Max: 50 * time.Millisecond,
		Report: func(name etf.Atom, err error) {
			if err == nil {
				ups <- name
			}
		},
	})
	for range 2 {
		beam := install.Erl(t, otp.Options{Name: "beam", Cookie: cookie, EPMDPort: port})
		select {
		case <-ups:
		case <-time.After(20 * time.Second):
			t.Fatal("not connected")
		}
		beam.Kill()
	}
}
