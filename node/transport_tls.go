package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// TLS is distribution over TLS (-proto_dist inet_tls, inet6_tls). The cookies are checked all the same. EPMD is asked in the
// clear.
type TLS struct {
	TCP
	// Config is for both sides. As the one that is dialled the node shows Certificates, and asks for one of the peer by
	// ClientAuth and ClientCAs ({verify, verify_peer} and {fail_if_no_peer_cert, true}). As the one that dials it checks the
	// peer's certificate by RootCAs, for ServerName or else the host part of the node's name, which is the SNI too, and shows
	// Certificates if it is asked. It is not changed, and must not be.
	Config *tls.Config
	// ClientConfig, if not nil, is used instead where the node dials (the client part of OTP's ssl_dist_optfile).
	ClientConfig *tls.Config
}

// TLSFiles makes a TLS of PEM files: the certificate and the key of this node, and the certificates of those who may sign the
// peers'. Both sides have to show one, whichever dials. Without cert and key it is for nodes that only dial, and show none.
func TLSFiles(cert, key, ca string) (TLS, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return TLS{}, fmt.Errorf("node: TLS: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return TLS{}, fmt.Errorf("node: TLS: no certificate in %s", ca)
	}
	cfg := &tls.Config{RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	if cert != "" || key != "" {
		own, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return TLS{}, fmt.Errorf("node: TLS: %w", err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return TLS{Config: cfg}, nil
}

var errNoTLS = errors.New("the transport TLS has no Config")

// Listen is TCP's. The TLS handshake of a connection is part of its set-up.
func (t TLS) Listen(ctx context.Context, node, addr string) (net.Listener, error) {
	if t.Config == nil {
		return nil, errNoTLS
	}
	l, err := t.TCP.Listen(ctx, node, addr)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, t.Config), nil
}

// Dial dials and does the TLS handshake.
func (t TLS) Dial(ctx context.Context, node, addr string) (net.Conn, error) {
	cfg := t.ClientConfig
	if cfg == nil {
		cfg = t.Config
	}
	if cfg == nil {
		return nil, errNoTLS
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		_, cfg.ServerName = splitName(node)
	}
	nc, err := t.TCP.Dial(ctx, node, addr)
	if err != nil {
		return nil, err
	}
	c := tls.Client(nc, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return c, nil
}

// HandshakeHeader is 4: inet_tls_dist has {packet, 4} from the start.
func (t TLS) HandshakeHeader() int { return 4 }
