package node

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/erlnode/erlnode/etf"
)

// ErrNotAllowed is the cause of a ConnectError for a node that Allow does not list. A peer that is not allowed is told
// not_allowed.
var ErrNotAllowed = errors.New("the node is not in the list of allowed ones")

// allowList knows who may connect.
type allowList struct {
	mu   sync.RWMutex
	list []string
}

// Allow restricts connections, from now on and in both directions, to the nodes given here and before: full names, "host",
// or "alive@" (net_kernel:allow/1). Connections that are up stay. With no names at all, given here or in Config.Allow,
// everybody is allowed.
func (n *Node) Allow(names ...string) {
	n.allowed.mu.Lock()
	defer n.allowed.mu.Unlock()
	n.allowed.list = append(n.allowed.list, names...)
}

// Allowed returns what Allow and Config.Allow have listed (net_kernel:allowed/0).
func (n *Node) Allowed() []string {
	n.allowed.mu.RLock()
	defer n.allowed.mu.RUnlock()
	return slices.Clone(n.allowed.list)
}

// allows tells whether a node, or a host that wants a node to be named on it, may connect (dist_util:is_allowed).
func (l *allowList) allows(node string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.list) == 0 {
		return true
	}
	alive, host, named := strings.Cut(node, "@")
	if !named {
		alive, host = "", node
	}
	return slices.ContainsFunc(l.list, func(entry string) bool {
		a, h, isNode := strings.Cut(entry, "@")
		switch {
		case !isNode:
			return entry == host
		case h == "":
			return a != "" && a == alive
		}
		return entry == node
	})
}

func (n *Node) mayTalk(name etf.Atom) bool { return n.allowed.allows(string(name)) }
