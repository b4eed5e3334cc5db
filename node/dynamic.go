package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// Both sides of dynamic node names: erl -sname undefined.

// ErrNameLost is the cause of a ConnectError when the node that gave this one its name is gone: with it went the name, which
// may be another's by now.
var ErrNameLost = errors.New("the node that gave this node its name is gone, and the name with it")

// asksName tells whether a name given to Start means that a peer is to give the node its name.
func asksName(full string) (host string, asks bool) {
	alive, host, _ := strings.Cut(full, "@")
	return host, alive == "undefined" || alive == ""
}

// beNamed has the namer give this node, which listens nowhere, a name on its host. It returns a function that brings the
// connection up, for when processes can be told of it.
func (n *Node) beNamed(ctx context.Context, host string) (up func(), err error) {
	namer := etf.Atom(n.cfg.Namer)
	if namer == "" {
		return nil, errors.New("a node without a name needs a Config.Namer to get one from")
	}
	if err := handshake.CheckName(string(namer)); err != nil {
		return nil, fmt.Errorf("Config.Namer: %w", err)
	}
	cfg := n.handshakeConfig()
	cfg.Name, cfg.Creation, cfg.Host = "", 0, host
	a := &attempt{done: make(chan struct{})}
	nc, res, err := n.initiate(ctx, a, namer, cfg)
	if err != nil {
		return nil, fmt.Errorf("asking %s for a name: %w", string(namer), err)
	}
	n.name, n.creation, n.namer = etf.Atom(res.Named), res.NamedCreation, namer
	n.log = n.cfg.Logger.With("node", res.Named)
	n.attempts[namer] = a
	return func() { n.up(a, nil, nc, res) }, nil
}

// endSessions ends every connection, when the name belongs to the namer again. (net_kernel restarts then, as another node.)
func (n *Node) endSessions() {
	n.mu.Lock()
	var sessions []*session
	for _, s := range n.sessions {
		sessions = append(sessions, s)
	}
	n.mu.Unlock()
	for _, s := range sessions {
		s.conn.Close()
	}
}

// givenName is a name that was given to a peer, for the next one that asks.
type givenName struct {
	name     etf.Atom
	creation uint32 // not used yet
}

// maxGivenNames that are free are remembered, of all hosts together.
const maxGivenNames = 1000

// nameFor returns a name that nobody has, on a host, and its creation: one that was given before and is free again, else a
// new one (net_kernel:generate_node_name). It is called with Node.mu held.
func (n *Node) nameFor(host string) (etf.Atom, uint32) {
	for i := len(n.given) - 1; i >= 0; i-- {
		g := n.given[i]
		if _, h := splitName(string(g.name)); h != host {
			continue
		}
		n.given = append(n.given[:i], n.given[i+1:]...)
		if !n.inUse(g.name) {
			return g.name, g.creation
		}
	}
	for {
		name := etf.Atom(strings.ToUpper(strconv.FormatUint(rand.Uint64(), 36)) + "@" + host)
		if !n.inUse(name) {
			return name, randomCreation()
		}
	}
}

// inUse is called with Node.mu held.
func (n *Node) inUse(name etf.Atom) bool {
	return n.sessions[name] != nil || n.leaving[name] != nil || n.attempts[name] != nil || name == n.name
}

// takeBack notes that a name we gave is free. It is called with Node.mu held.
func (n *Node) takeBack(name etf.Atom, creation uint32) {
	if len(n.given) == maxGivenNames {
		n.given = append(n.given[:0], n.given[1:]...)
	}
	if creation++; creation < 4 {
		creation = 4
	}
	n.given = append(n.given, givenName{name, creation})
}

// giveName answers a peer that asks for a name. Until it has proved the cookie the name is only held for it.
func (in *incoming) giveName() (handshake.Step, error) {
	n := in.node
	host := in.machine.Host()
	if !n.allowed.allows(host) {
		return in.machine.Decide(handshake.StatusNotAllowed)
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return handshake.Step{}, ErrClosed
	}
	name, creation := n.nameFor(host)
	in.peer = name
	a := &attempt{done: make(chan struct{})}
	n.attempts[name] = a
	in.takeOver(a)
	n.mu.Unlock()
	return in.machine.Name(string(name), creation)
}
