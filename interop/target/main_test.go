package main

import (
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

func TestParse(t *testing.T) {
	tests := []struct {
		args  []string
		check func(options) bool // nil: the command line is refused
	}{
		{[]string{"-name", "go@localhost"}, func(o options) bool {
			return o.name == "go@localhost" && o.cfg.Cookie == "" && o.cfg.EPMD == node.EPMDAuto && o.cfg.Listen == ":0" &&
				o.cfg.Dist.NetTickTime == time.Minute && !o.cfg.Hidden && o.connect == nil
		}},
		{[]string{"-name", "a@b", "-cookie", "c", "-hidden", "-epmd", "none", "-port", "9100", "-ticktime", "4"}, func(o options) bool {
			return o.cfg.Cookie == "c" && o.cfg.Hidden && o.cfg.EPMD == node.EPMDNone && o.cfg.Listen == ":9100" &&
				o.cfg.Dist.NetTickTime == 4*time.Second
		}},
		{[]string{"-name", "a@b", "-connect", "c@b", "-connect", "d@b"}, func(o options) bool {
			return len(o.connect) == 2 && o.connect[0] == "c@b" && o.connect[1] == "d@b"
		}},
		{[]string{"-name", "a@b", "-tls-cert", "cert.pem"}, nil},
		{[]string{"-name", "a@b", "-tls-key", "key.pem"}, nil},
		{[]string{"-name", "a@b", "-tls-ca", "ca.pem"}, nil},
		{[]string{"-name", "a@b", "-epmd", "perhaps"}, nil},
		{[]string{"-name", "a@b", "-port", "65536"}, nil},
		{[]string{"-name", "a@b", "-ticktime", "0"}, nil},
		{[]string{"-name", "a@b", "c@d"}, nil},
		{nil, nil},
	}
	for _, test := range tests {
		o, err := parse(test.args, io.Discard)
		switch {
		case test.check == nil && err == nil:
			t.Errorf("%q: accepted", test.args)
		case test.check != nil && err != nil:
			t.Errorf("%q: %v", test.args, err)
		case test.check != nil && !test.check(o):
			t.Errorf("%q: got %+v", test.args, o)
		}
	}
}

// Integers of any size are compared, as Erlang compares them.
func TestOrder(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 70)
	negative := new(big.Int).Neg(huge)
	terms := []etf.Term{etf.Int(5), etf.Int(6), (*etf.Big)(huge), (*etf.Big)(huge), etf.Int(7), (*etf.Big)(negative), etf.Int(-1),
		etf.Atom("no"), etf.Float(9)}
	const received, late = 7, 3 // the second huge one, the 7, and the negative one
	n, err := node.Start(t.Context(), "order@localhost", node.Config{Cookie: "c", EPMD: node.EPMDNone})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	p := n.Open()
	var o order
	for _, term := range terms {
		if err := p.Send(p.Self(), term); err != nil {
			t.Fatal(err)
		}
		m, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := o.HandleInfo(p, m); err != nil {
			t.Fatalf("%v: %v", term, err)
		}
	}
	if o.received != received || o.late != late {
		t.Errorf("received %d, late %d, want %d and %d", o.received, o.late, received, late)
	}
}
