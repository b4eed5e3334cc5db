package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/discovery"
)

// connectionFlags say how connections are carried and nodes found, for all commands that connect.
type connectionFlags struct {
	cert, key, ca string
	nodePort      int
}

func (f *connectionFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.cert, "tls-cert", "", "connect over TLS, with the certificate in this PEM `FILE`")
	fs.StringVar(&f.key, "tls-key", "", "the certificate's key, a PEM `FILE`")
	fs.StringVar(&f.ca, "tls-ca", "", "connect over TLS; who the others' certificates must be from, a PEM `FILE`")
	fs.IntVar(&f.nodePort, "node-port", 0, "`PORT` that every node takes connections on; epmd is not asked (erl -erl_epmd_port)")
}

// transport returns what carries connections, nil for TCP. A command that listens needs a certificate for TLS.
func (f *connectionFlags) transport(listens bool) (node.Transport, error) {
	switch {
	case f.cert == "" && f.key == "" && f.ca == "":
		return nil, nil
	case f.ca == "":
		return nil, usagef("TLS needs --tls-ca: whom to trust")
	case (f.cert == "") != (f.key == ""):
		return nil, usagef("--tls-cert and --tls-key go together")
	case listens && f.cert == "":
		return nil, usagef("to take connections over TLS, --tls-cert and --tls-key are needed")
	}
	t, err := node.TLSFiles(f.cert, f.key, f.ca)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// discovery returns how nodes are found, nil for epmd.
func (f *connectionFlags) discovery() (node.Discovery, error) {
	port, err := checkPort("--node-port", f.nodePort, 0)
	if err != nil || port == 0 {
		return nil, err
	}
	return discovery.Port(port), nil
}

// checkPorts checks a port or a range of them, "MIN-MAX", given by a flag.
func checkPorts(flag, text string) error {
	first, last, isRange := strings.Cut(text, "-")
	low, err1 := strconv.Atoi(first)
	high, err2 := low, error(nil)
	if isRange {
		high, err2 = strconv.Atoi(last)
	}
	if err1 != nil || err2 != nil || low < 0 || low > high || high > 1<<16-1 || isRange && low == 0 {
		return usagef("%s %s is no port and no range of ports MIN-MAX: 1 to 65535", flag, text)
	}
	return nil
}

// staticAddress is a Resolve that has one address for all.
func staticAddress(addr string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return addr, nil }
}
