package node

import (
	"fmt"
	"os"
	"strings"

	"github.com/erlnode/erlnode/etf"
)

// Name is a process registered as Name on a node, {Name, Node} in Erlang. An empty Node is the sender's own. The zero Name is none.
type Name struct {
	Name, Node etf.Atom
}

// At is the process registered as name on a node: At("echo", "iex@localhost").
func At(name, node etf.Atom) Name { return Name{Name: name, Node: node} }

// String is Erlang's {name,'node@host'}.
func (n Name) String() string { return etf.Tuple{n.Name, n.Node}.String() }

// A Destination finds out where to send to, or whom to call or monitor, when that happens: as a name in global.
type Destination interface {
	// Destination returns an etf.Pid, etf.Atom, Name, etf.Ref or *Process.
	Destination() (to any, err error)
}

// target is what a signal is sent to, in one shape: pid, alias, or, if neither is set, name, which may be empty.
type target struct {
	node  etf.Atom
	pid   etf.Pid
	name  etf.Atom
	alias etf.Ref
}

func (t *target) byName() bool { return t.pid.Node == "" && t.alias.Len == 0 }

// target reads what users give as a destination.
func (n *Node) target(to any) (target, error) {
	switch to := to.(type) {
	case etf.Pid:
		if to.Node != "" {
			return target{node: to.Node, pid: to}, nil
		}
	case etf.Atom:
		return target{node: n.name, name: to}, nil
	case Name:
		given := to != Name{} // that one nobody has filled in
		if to.Node == "" {
			to.Node = n.name
		}
		if given {
			return target{node: to.Node, name: to.Name}, nil
		}
	case etf.Ref:
		if to.Len != 0 {
			return target{node: to.Node, alias: to}, nil
		}
	case *Process:
		return target{node: n.name, pid: to.pid}, nil
	case Destination:
		found, err := to.Destination()
		if err != nil {
			return target{}, err
		}
		if _, again := found.(Destination); !again {
			return n.target(found)
		}
	}
	return target{}, fmt.Errorf("node: %v (%T) is no destination: want etf.Pid, etf.Ref, etf.Atom, node.Name, *node.Process or node.Destination", to, to)
}

// processTarget is target without aliases, which stand for no process that could be monitored.
func (n *Node) processTarget(to any) (target, error) {
	t, err := n.target(to)
	if err == nil && t.alias.Len != 0 {
		err = fmt.Errorf("node: %v is an alias, which cannot be monitored", t.alias)
	}
	return t, err
}

// fullName completes a name without a host as -sname does, with the first part of the machine's host name.
func fullName(name string) (string, error) {
	alive, host, given := strings.Cut(name, "@")
	if !given {
		h, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("node: name %q has no host, and the machine's is not known: %w", name, err)
		}
		host, _, _ = strings.Cut(h, ".")
	}
	return alive + "@" + host, nil
}

func splitName(name string) (alive, host string) {
	alive, host, _ = strings.Cut(name, "@")
	return alive, host
}
