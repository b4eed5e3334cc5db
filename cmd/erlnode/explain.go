package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/handshake"
	"github.com/erlnode/erlnode/node"
)

// unreachable is why there is no connection to a node, in words that say what to do about it.
type unreachable struct {
	node   string
	reason string
	advice string
	err    error
}

func (e *unreachable) Error() string {
	s := "cannot connect to " + e.node + ": " + e.reason
	if e.advice != "" {
		s += "\n" + indent(e.advice)
	}
	return s
}

func (e *unreachable) Unwrap() error { return e.err }

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// explain turns the failure to connect to a node into an unreachable; other errors stay as they are.
func explain(err error, target string) error {
	var connect *node.ConnectError
	if !errors.As(err, &connect) {
		return err
	}
	e := &unreachable{node: target, reason: connect.Err.Error(), err: err}
	var asked *epmd.Error
	if errors.As(err, &asked) {
		e.lookup(asked)
	} else {
		e.connection(connect.Err)
	}
	return e
}

// lookup explains why the node's port is not known.
func (e *unreachable) lookup(err *epmd.Error) {
	alive, host := splitName(e.node)
	_, port, _ := net.SplitHostPort(err.Addr)
	switch {
	case errors.Is(err, epmd.ErrNotRegistered):
		e.reason = fmt.Sprintf("there is no node %q on %s", alive, host)
		e.advice = fmt.Sprintf("Is it running, and is that its host part? The nodes that are there: erlnode names %s", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.reason = fmt.Sprintf("no epmd on %s port %s, so no node can be found there", host, port)
		e.advice = "Is a node running there? The first one starts epmd, or embeds one (erlnode serve).\n" +
			"An epmd on another port: --epmd-port N, or ERL_EPMD_PORT=N. Without epmd: --address HOST:PORT."
	case e.host(err):
	case isTimeout(err):
		e.reason = fmt.Sprintf("the epmd on %s port %s does not answer", host, port)
		e.advice = "Is the host up, and does no firewall drop connections to that port?"
	}
}

// host explains that the node's host is not known, if that is the reason.
func (e *unreachable) host(err error) bool {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return false
	}
	alive, host := splitName(e.node)
	e.reason = fmt.Sprintf("host %q not found (%s)", dns.Name, dns.Err)
	e.advice = "Is it spelled as in the other node's name? It has to be in /etc/hosts or DNS here."
	if own, err := shortHost(); err == nil && own != host && !isLong(host) {
		e.advice += fmt.Sprintf("\nOn this machine itself it would be %s@%s or %s@localhost.", alive, own, alive)
	}
	return true
}

// connection explains why the node is found but there is no connection to it.
func (e *unreachable) connection(err error) {
	var name *handshake.NameError
	var lost *handshake.LostError
	var dial *net.OpError
	switch {
	case e.host(err): // of --address
	case errors.As(err, &name):
		e.reason = name.Error()
		e.advice = "The node that answers there has another name: connect to it by exactly the name it has (node() in iex)."
	case errors.Is(err, handshake.ErrNotAllowed):
		e.reason = "it does not allow us to connect (net_kernel:allow)"
	case errors.As(err, new(*handshake.FlagsError)), errors.As(err, new(*handshake.MessageError)),
		errors.As(err, new(*handshake.StatusError)):
		// They say it all.
	case isTimeout(err):
		e.reason = "it does not answer"
		e.advice = "Is it stopped or overloaded, or does a firewall drop connections to its port?"
	case errors.As(err, &dial) && dial.Op == "dial":
		e.reason = fmt.Sprintf("nothing takes connections on its port (%v)", dial)
		e.advice = "Has it just ended? A firewall may also let epmd's port pass and not the node's."
	case errors.As(err, new(*handshake.CookieError)), errors.As(err, &lost) && lost.Cookie:
		// A node that does not like our cookie hangs up without a word.
		e.reason = "it hung up when it saw our proof of the cookie, which means that the cookies differ"
		e.advice = "Give the cookie of that node with --cookie; Node.get_cookie() in its iex, or erlang:get_cookie(), tells it.\n" +
			"Without --cookie it is the one in ~/.erlang.cookie."
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// explainStart says why a node did not start.
func explainStart(err error, epmdPort int) error {
	var asked *epmd.Error
	advice := ""
	switch {
	case errors.Is(err, epmd.ErrDuplicateName):
		advice = "Another node has that name on this machine: erlnode names shows it. Take another name with --name."
	case errors.As(err, &asked) && errors.Is(err, syscall.ECONNREFUSED):
		advice = fmt.Sprintf("No epmd runs on port %d. Start one (erlnode epmd, or epmd -daemon), or let the node embed one: --epmd auto.", epmdPort)
	case errors.Is(err, syscall.EADDRINUSE):
		advice = "The port is taken. For an epmd that runs already: --epmd auto. For the node's own port: another --port."
	case errors.Is(err, syscall.EACCES):
		advice = "Ports below 1024 are for root only: another --port."
	}
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, indent(advice))
}
