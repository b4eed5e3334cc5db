package epmd

import "time"

// Names that are no longer registered are remembered, for their creations: when a new name comes and there are more than
// this, the oldest is forgotten (EP: MAX_UNREG_COUNT, DEBUG_MAX_UNREG_COUNT).
const (
	maxRemembered      = 1000
	maxRememberedDebug = 5
)

// registry is what an epmd knows: the registered nodes and some of those that were. It is a plain value without
// clock or lock. The zero value is empty.
type registry struct {
	live  []*node // the last one registered is the last
	old   []*node // the last one unregistered is the last
	floor uint32  // no less than any creation of a node that was forgotten
	keep  int     // how many of old are kept; 0 is maxRemembered
}

// node is an entry. It does not change while it is in a registry.
type node struct {
	Info
	fd      int    // of the connection it is registered on
	counter uint32 // see creation
}

// creation is what the node was told. Nodes of the old protocol have only the values 1, 2 and 3 (EP:get_creation).
func (n *node) creation() uint32 {
	if n.HighVersion >= xRespVersion {
		return n.counter
	}
	return n.counter%3 + 1
}

// bump returns the creation after c. Those below 4 are never given to nodes of the new protocol (EP:bump_creation).
func bump(c uint32) uint32 { return max(c+1, 4) }

// find returns the registered node of a name, or nil.
func (r *registry) find(name string) *node {
	for _, n := range r.live {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// register enters a node, for which checkAlive must hold. It returns nil if the name is taken. again says that
// the name was remembered, and so the creation is the one after its last. (EP:node_reg2)
func (r *registry) register(in Info, fd int, now time.Time) (n *node, again bool) {
	if r.find(in.Name) != nil {
		return nil, false
	}
	n = &node{Info: in, fd: fd}
	for i, o := range r.old {
		if o.Name == in.Name {
			r.old = remove(r.old, i)
			n.counter, again = bump(o.counter), true
			break
		}
	}
	if !again {
		r.forget()
		n.counter = bump(max(uint32(now.Unix()), r.floor))
	}
	r.live = append(r.live, n)
	return n, again
}

// unregister takes the registered node of a name out and remembers it. It returns nil if there is none.
// (EP:node_unreg)
func (r *registry) unregister(name string) *node {
	for i, n := range r.live {
		if n.Name == name {
			r.live = remove(r.live, i)
			r.remember(n)
			return n
		}
	}
	return nil
}

// forget drops the oldest unregistered name if there are too many. The original gives its creation to the next new name; here
// new names only start above it.
func (r *registry) forget() {
	keep := r.keep
	if keep == 0 {
		keep = maxRemembered
	}
	if len(r.old) > keep {
		r.floor = max(r.floor, r.old[0].counter)
		r.old = remove(r.old, 0)
	}
}

// remember keeps an unregistered name.
func (r *registry) remember(n *node) {
	o := *n
	o.Extra = nil
	r.old = append(r.old, &o)
}

func remove(list []*node, i int) []*node {
	copy(list[i:], list[i+1:])
	list[len(list)-1] = nil
	return list[:len(list)-1]
}
