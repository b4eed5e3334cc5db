package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	epmdPort := "--epmd-port=" + strconv.Itoa(freePort(t))
	distPort := strconv.Itoa(freePort(t))
	var outA, errA, outB, errB syncBuffer
	stopA := start(t, &outA, &errA, "serve", "--name=a", "--cookie=it's", epmdPort, "--port", distPort)
	host, err := shortHost()
	if err != nil {
		t.Fatal(err)
	}
	hint := errA.await(t, "GenServer.call({:pubsub")
	if want := "ready a@" + host + " port " + distPort + "\n"; outA.String() != want {
		t.Errorf("standard output %q, want %q", outA.String(), want)
	}
	for _, part := range []string{"ERL_EPMD_PORT=", `iex --sname me --cookie 'it'\''s'` + "\n", `n = :"a@` + host + `"`} {
		if !strings.Contains(hint, part) {
			t.Errorf("no %q in the hint:\n%s", part, hint)
		}
	}

	stopB := start(t, &outB, &errB, "serve", "--name=b", "--cookie=it's", epmdPort, "--connect=a", "--ticktime=4", "--verbose")
	outB.await(t, "ready b@"+host)
	if log := errB.String(); !strings.Contains(log, "peer=a@"+host) {
		t.Errorf("b has not connected to a:\n%s", log)
	}
	want(t, []string{"ping", "b", "--cookie=it's", epmdPort}, exitOK, "pong from b@"+host, "")
	want(t, []string{"serve", "--name=a", "--cookie=c", epmdPort}, exitFailed, "", "Another node has that name")
	want(t, []string{"serve", "--name=c", "--cookie=c", epmdPort, "--port", distPort}, exitFailed, "", "The port is taken")
	want(t, []string{"serve", "--name=c", "--cookie=c", epmdPort, "--epmd=embedded"}, exitFailed, "", "The port is taken")
	want(t, []string{"serve", "--name=c", "--cookie=c", epmdPort, "--connect=a"}, exitFailed, "", "cookies differ")
	want(t, []string{"serve", "--name=d", "--cookie=c", epmdPort, "--connect=nobody"}, exitFailed, "", `there is no node "nobody"`)
	if code := stopB(); code != exitOK {
		t.Errorf("b exits with %d", code)
	}
	if code := stopA(); code != exitOK {
		t.Errorf("a exits with %d", code)
	}
	want(t, []string{"serve", "--cookie=c", "--epmd=external", epmdPort}, exitFailed, "", "No epmd runs on port")
}

func TestServeWithoutEPMD(t *testing.T) {
	var stdout, stderr syncBuffer
	start(t, &stdout, &stderr, "serve", "--name=solo@localhost", "--cookie=secret", "--epmd=none")
	ready := regexp.MustCompile(`ready solo@localhost port (\d+)`).FindStringSubmatch(stdout.await(t, "\n"))
	if ready == nil {
		t.Fatalf("not ready: %s", stdout.String())
	}
	command := "erlnode ping solo@localhost --address localhost:" + ready[1]
	stderr.await(t, command)
	want(t, append(strings.Fields(command)[1:], "--cookie=secret"), exitOK, "pong", "")
}

// Over TLS, with the certificate on disk, at one address and a port of a range, found by the fixed port.
func TestServeTLS(t *testing.T) {
	cert, key, ca := certificate(t, "localhost")
	port := strconv.Itoa(freePort(t))
	tls := []string{"--cookie=secret", "--tls-cert", cert, "--tls-key", key, "--tls-ca", ca, "--node-port", port}
	var stdout, stderr syncBuffer
	start(t, &stdout, &stderr, append([]string{"serve", "--name=go@localhost", "--hidden", "--listen=localhost", "--port", port + "-" + port}, tls...)...)
	stdout.await(t, "ready go@localhost port "+port)
	want(t, append([]string{"ping", "go@localhost"}, tls...), exitOK, "pong from go@localhost", "")
	want(t, []string{"ping", "go@localhost", "--cookie=secret", "--node-port", port, "--tls-ca", ca}, exitFailed, "pang", "certificate")
	want(t, []string{"ping", "go@localhost", "--cookie=secret", "--node-port", port}, exitFailed, "pang", "go@localhost")
	_, _, other := certificate(t, "localhost")
	want(t, []string{"ping", "go@localhost", "--cookie=secret", "--node-port", port, "--tls-ca", other}, exitFailed, "pang", "certificate")
}

// certificate makes an authority and a certificate by it for a host.
func certificate(t *testing.T, host string) (cert, key, ca string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := template(1, "authority")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	ownKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := template(2, host)
	own.DNSNames = []string{host}
	ownDER, err := x509.CreateCertificate(rand.Reader, own, authority, &ownKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(ownKey)
	if err != nil {
		t.Fatal(err)
	}
	return write("cert.pem", "CERTIFICATE", ownDER), write("key.pem", "EC PRIVATE KEY", keyDER), write("ca.pem", "CERTIFICATE", caDER)
}
