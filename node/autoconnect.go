package node

import (
	"errors"

	"github.com/erlnode/erlnode/etf"
)

// AutoConnect says what happens when something is sent to a node that is not connected. Connect connects in any case, and
// connections of peers are taken in any case.
type AutoConnect uint8

// The modes, as the values of dist_auto_connect.
const (
	AutoConnectAlways AutoConnect = iota // connect to it
	AutoConnectOnce                      // connect to it, unless a connection has been lost since the last Connect or connection of the peer
	AutoConnectNever                     // do not: fail with ErrNoConnection
)

var (
	errNever  = errors.New("not connected, and AutoConnect is never")
	errBarred = errors.New("the connection was lost, and AutoConnect is once")
)

// mayConnect returns nil if a connection to a node may be set up without being asked for. It is called with Node.mu held.
func (n *Node) mayConnect(name etf.Atom) error {
	_, barred := n.barred[name]
	switch {
	case n.cfg.AutoConnect == AutoConnectNever:
		return errNever
	case barred:
		return errBarred
	}
	return nil
}

// bar notes that the connection to a node is lost. It is called with Node.mu held. (net_kernel:delete_connection)
func (n *Node) bar(name etf.Atom) {
	if n.cfg.AutoConnect != AutoConnectOnce {
		return
	}
	if n.barred == nil {
		n.barred = make(map[etf.Atom]struct{})
	}
	n.barred[name] = struct{}{}
}
