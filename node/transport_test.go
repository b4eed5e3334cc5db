package node

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// authority makes certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(crand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	a := &authority{t, cert, key, x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

// issue makes a certificate for a host.
func (a *authority) issue(host string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(crand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// mutual is a configuration in which both sides show a certificate.
func (a *authority) mutual(host string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(host)}, RootCAs: a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

// Whatever carries the connection: messages of all sizes, links and monitors, races of both to connect, a loss.
func TestTransports(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	old := ca.mutual("test")
	old.MaxVersion = tls.VersionTLS12
	for name, tt := range map[string]Transport{
		"tcp":      TCP{},
		"tcp6":     TCP{Network: "tcp6"},
		"tls":      TLS{Config: ca.mutual("test")},
		"tls 1.2":  TLS{Config: old},
		"unix":     Unix{Dir: dir},
		"any conn": plainConns{},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			start := func(name string) *Node {
				return c.start(name, func(cfg *Config) {
					cfg.Transport = tt
					switch tt := tt.(type) {
					case Unix:
						cfg.Listen, cfg.Resolve = "", nil
					case TCP:
						if tt.Network == "tcp6" {
							cfg.Listen = "[::1]:0"
							cfg.Resolve = func(_ context.Context, name string) (string, error) {
								c.mu.Lock()
								defer c.mu.Unlock()
								return net.JoinHostPort("::1", strconv.Itoa(c.ports[name])), nil
							}
						}
					}
				})
			}
			a, b := start("a@test"), start("b@test")
			p, q := trapping(t, a), trapping(t, b)
			for i := range 20 {
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := a.Connect(t.Context(), "b@test"); err != nil {
						t.Error(err)
					}
				})
				wg.Go(func() {
					if err := b.Connect(t.Context(), "a@test"); err != nil {
						t.Error(err)
					}
				})
				wg.Wait()
				if t.Failed() {
					t.FailNow()
				}
				if err := p.Link(q.Self()); err != nil {
					t.Fatal(err)
				}
				for size := 1; size < 4<<20; size = size*13 + i {
					b := bytes.Repeat([]byte{byte(size)}, size)
					if err := p.Send(q.Self(), etf.Binary(b)); err != nil {
						t.Fatal(err)
					}
					m, err := q.Receive(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					var got etf.Binary
					if err := m.Decode(&got); err != nil || !bytes.Equal(got, b) {
						t.Fatalf("%d bytes: %v", size, err)
					}
				}
				a.Disconnect("b@test")
				expect(t, p, fmt.Sprintf("{'EXIT',%v,noconnection}", q.Self()))
				expect(t, q, fmt.Sprintf("{'EXIT',%v,noconnection}", p.Self()))
				awaitDown(t, b, "a@test")
			}
		})
	}
}

// plainConns are connections that are no sockets, with a handshake framed by four bytes.
type plainConns struct{ TCP }

type plainListener struct{ net.Listener }

func (l plainListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

func (plainConns) HandshakeHeader() int { return 4 }

func (p plainConns) Listen(ctx context.Context, node, addr string) (net.Listener, error) {
	l, err := p.TCP.Listen(ctx, node, addr)
	return plainListener{l}, err
}

func (p plainConns) Dial(ctx context.Context, node, addr string) (net.Conn, error) {
	c, err := p.TCP.Dial(ctx, node, addr)
	return struct{ net.Conn }{c}, err
}

// What TLS refuses it refuses with the reason, on the side that knows it.
func TestTLSRefused(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	c := newCluster(t)
	with := func(name string, cfg *tls.Config) *Node {
		return c.start(name, func(c *Config) { c.Transport = TLS{Config: cfg}; c.SetupTime = 2 * time.Second })
	}
	with("server@test", ca.mutual("test"))
	with("elsewhere@test", ca.mutual("elsewhere"))
	c.start("plain@test", func(c *Config) { c.SetupTime = 300 * time.Millisecond })

	var hostname x509.HostnameError
	good := with("good@test", ca.mutual("test"))
	if err := good.Connect(t.Context(), "server@test"); err != nil {
		t.Error(err)
	}
	if err := good.Connect(t.Context(), "elsewhere@test"); !errors.As(err, &hostname) {
		t.Errorf("a certificate for another host: %v", err)
	}
	if err := good.Connect(t.Context(), "plain@test"); !errors.Is(err, ErrNoConnection) {
		t.Errorf("a node without TLS: %v", err)
	}
	var authority x509.UnknownAuthorityError
	if err := with("stranger@test", other.mutual("test")).Connect(t.Context(), "server@test"); !errors.As(err, &authority) {
		t.Errorf("of another authority: %v", err)
	}
	bare := with("bare@test", &tls.Config{RootCAs: ca.pool, Certificates: nil, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }})
	if err := bare.Connect(t.Context(), "server@test"); !containsText(err, "certificate") {
		t.Errorf("without a certificate: %v", err)
	}
	if _, err := Start(t.Context(), "x@test", Config{Cookie: "c", EPMD: EPMDNone, Transport: TLS{}}); !errors.Is(err, errNoTLS) {
		t.Error(err)
	}
}

func TestListenRange(t *testing.T) {
	for text, want := range map[string][2]int{"0": {0, 0}, "9100": {9100, 9100}, "9100-9105": {9100, 9105}, "1-1": {1, 1}} {
		if low, high, err := portRange(text); err != nil || [2]int{low, high} != want {
			t.Errorf("%s: %d, %d, %v", text, low, high, err)
		}
	}
	for _, text := range []string{"", "-", "9-", "-9", "9-8", "0-9", "65536", "1-65536", "a", "1-2-3", "-1"} {
		if low, high, err := portRange(text); err == nil {
			t.Errorf("%q: %d to %d", text, low, high)
		}
	}
	// A range of three ports, of which the first is taken: two nodes fit in.
	var low int
	var taken net.Listener
	for {
		var err error
		if taken, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		low = taken.Addr().(*net.TCPAddr).Port
		if low < 65000 && portFree(low+1) && portFree(low+2) {
			break
		}
	}
	start := func(name string) (*Node, error) {
		return Start(t.Context(), name, Config{Cookie: "c", EPMD: EPMDNone, Listen: fmt.Sprintf("127.0.0.1:%d-%d", low, low+2)})
	}
	for i, name := range []string{"a@test", "b@test", "c@test"} {
		n, err := start(name)
		if i == 2 {
			if err == nil {
				t.Error("three nodes on two ports")
				n.Close()
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if n.Port() != low+1+i {
			t.Errorf("%s listens on %d, want %d", name, n.Port(), low+1+i)
		}
	}
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		l.Close()
	}
	return err == nil
}

// A socket that was left behind is taken over, one of a living node is not.
func TestUnixSocketLeft(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "a"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	cfg := Config{Cookie: "c", Transport: Unix{Dir: dir}}
	n, err := Start(t.Context(), "a@test", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if n.Port() != 0 || n.Addr().String() != filepath.Join(dir, "a") || n.Creation() < 4 {
		t.Error(n.Port(), n.Addr(), n.Creation())
	}
	if second, err := Start(t.Context(), "a@test", cfg); err == nil || !containsText(err, "another node") {
		t.Error(second, err)
	}
}

// Whoever does not get through the TLS handshake costs a few seconds of waiting, and keeps nobody from connecting.
func TestTLSHostile(t *testing.T) {
	ca := newAuthority(t)
	c := newCluster(t)
	with := func(name string) *Node {
		return c.start(name, func(c *Config) { c.Transport = TLS{Config: ca.mutual("test")}; c.SetupTime = 300 * time.Millisecond })
	}
	a, b := with("a@test"), with("b@test")
	for _, first := range []string{"", "\x16\x03", "\x00\x00\x00\x03sok", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff\x01"} {
		nc, err := net.Dial("tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc.Write([]byte(first))
		if err := b.Ping(t.Context(), "a@test"); err != nil {
			t.Errorf("after %q: %v", first, err)
		}
		b.Disconnect("a@test")
		awaitDown(t, a, "b@test")
		nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		for buf := make([]byte, 100); err == nil; {
			_, err = nc.Read(buf)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q: the connection is still open", first)
		}
		nc.Close()
	}
}
