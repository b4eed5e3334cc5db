package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/erlnode/erlnode"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// options is what the command line says.
type options struct {
	name    string
	connect []etf.Atom
	cfg     erlnode.Config
}

var epmdModes = map[string]node.EPMDMode{
	"auto": node.EPMDAuto, "external": node.EPMDExternal, "embedded": node.EPMDEmbedded, "none": node.EPMDNone,
}

// parse reads the command line. The error has been printed with the usage, as the flag package does.
func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("target", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.name, "name", "", "full node `name`, as go@127.0.0.1")
	f.StringVar(&o.cfg.Cookie, "cookie", "", "the `cookie` (default: that of ~/.erlang.cookie)")
	f.BoolVar(&o.cfg.Hidden, "hidden", false, "do not publish")
	f.BoolVar(&o.cfg.AllowOverlappingPartitions, "allow-overlap", false, "as kernel's prevent_overlapping_partitions false")
	epmd := f.String("epmd", "auto", "`mode`: auto, external, embedded or none")
	port := f.Uint("port", 0, "distribution `port` (0: any)")
	ticktime := f.Uint("ticktime", 60, "net_ticktime in `seconds`")
	f.Func("connect", "connect to that `node` at start; may repeat", func(s string) error {
		o.connect = append(o.connect, etf.Atom(s))
		return nil
	})
	var cert, key, ca string
	f.StringVar(&cert, "tls-cert", "", "TLS distribution with the certificate in this PEM `file`")
	f.StringVar(&key, "tls-key", "", "its key, a PEM `file`")
	f.StringVar(&ca, "tls-ca", "", "who the peers' certificates must be from, a PEM `file`")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	mode, known := epmdModes[*epmd]
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.name == "":
		err = errors.New("-name is missing")
	case !known:
		err = fmt.Errorf("-epmd %s: want auto, external, embedded or none", *epmd)
	case *port > 65535:
		err = fmt.Errorf("-port %d: want at most 65535", *port)
	case (cert == "") != (ca == "") || (cert == "") != (key == ""):
		err = errors.New("-tls-cert, -tls-key and -tls-ca go together")
	case *ticktime == 0 || *ticktime > 1<<24:
		err = fmt.Errorf("-ticktime %d: want 1 to %d seconds", *ticktime, 1<<24)
	}
	if err == nil && cert != "" {
		o.cfg.Transport, err = node.TLSFiles(cert, key, ca)
	}
	if err != nil {
		fmt.Fprintln(stderr, "target:", err)
		f.Usage()
		return o, err
	}
	o.cfg.EPMD = mode
	o.cfg.Listen = ":" + strconv.FormatUint(uint64(*port), 10)
	o.cfg.Dist.NetTickTime = time.Duration(*ticktime) * time.Second
	return o, nil
}
