package global

// lane is what is to be done with one peer, one thing after the other in a goroutine of its own: so a peer that does not read,
// or cannot be reached, holds up nobody else. It exists as long as there is something to do.
type lane struct{ queue []func() }

// lane has something done when everything before has been that concerns the same node. The caller holds g.mu; what is done is not under it.
func (g *Global) lane(peer atom, do func()) {
	if l := g.lanes[peer]; l != nil {
		l.queue = append(l.queue, do)
		return
	}
	l := &lane{queue: []func(){do}}
	g.lanes[peer] = l
	g.work.Go(func() {
		for {
			g.mu.Lock()
			queue := l.queue
			l.queue = nil
			if len(queue) == 0 || g.over {
				delete(g.lanes, peer)
				g.mu.Unlock()
				return
			}
			g.mu.Unlock()
			for _, do := range queue {
				do()
			}
		}
	})
}
