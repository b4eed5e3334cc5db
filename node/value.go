package node

// Value returns what a package keeps with this node under a key, which is of a type of its own, as with context.Value; create
// makes it for the first who asks. Of two who ask at once create may be called by both, and one of the two is kept.
func (n *Node) Value(key any, create func() any) any {
	if v, ok := n.values.Load(key); ok {
		return v
	}
	v, _ := n.values.LoadOrStore(key, create())
	return v
}
