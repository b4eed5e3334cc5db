package global

import "slices"

// lane is what is to be done with one peer, one thing after the other: so a peer that does not read, or cannot be reached, holds up nobody
// else. It exists as long as there is something to do. Who has something to do with a peer of which there is no lane does it himself, as
// long as nothing has to be waited for; then a goroutine goes on.
type lane struct {
	way   way
	queue []task
}

// way tells the lanes apart. Monitors have one of their own: nothing that is sent has to wait until they are set up.
type way struct {
	peer     atom
	monitors bool
}

// task is something to be done. It is not done under Global.mu.
type task struct {
	do  func()
	now func() bool // does the same unless it would have to wait; then it reports false. It may be nil.
}

// lane has something done when everything before has been that concerns the same node. The caller holds g.mu.
func (g *Global) lane(peer atom, do func()) { g.enqueue(way{peer: peer}, task{do: do}) }

func (g *Global) enqueue(w way, t task) {
	if l := g.lanes[w]; l != nil {
		l.queue = append(l.queue, t)
		return
	}
	l := &lane{w, []task{t}}
	g.lanes[w] = l
	if g.holds && t.now != nil {
		g.opened = append(g.opened, l)
		return
	}
	g.start(l)
}

// locked runs f under g.mu, and then does what f wanted done with peers, as far as it need not wait.
func (g *Global) locked(f func()) {
	for _, l := range g.opening(f) {
		g.runNow(l)
	}
}

// opening runs f under g.mu, and returns the lanes that it has opened.
func (g *Global) opening(f func()) (opened []*lane) {
	g.mu.Lock()
	defer func() {
		opened, g.opened, g.holds = g.opened, nil, false
		g.mu.Unlock()
	}()
	g.holds = true
	f()
	return nil
}

// runNow does what is in a lane that this goroutine has opened.
func (g *Global) runNow(l *lane) {
	for queue := g.next(l); queue != nil; queue = g.next(l) {
		for i, t := range queue {
			if t.now == nil || !t.now() {
				g.mu.Lock()
				l.queue = slices.Concat(queue[i:], l.queue)
				if !g.over {
					g.start(l)
				}
				g.mu.Unlock()
				return
			}
		}
	}
}

// start has a goroutine do what is in the lane. The caller holds g.mu, and global is not over.
func (g *Global) start(l *lane) {
	g.work.Go(func() {
		for queue := g.next(l); queue != nil; queue = g.next(l) {
			for _, t := range queue {
				t.do()
			}
		}
	})
}

// next takes what is in the lane, and takes the lane out when there is nothing more, or global is over.
func (g *Global) next(l *lane) []task {
	g.mu.Lock()
	defer g.mu.Unlock()
	queue := l.queue
	l.queue = nil
	if len(queue) == 0 || g.over {
		delete(g.lanes, l.way)
		return nil
	}
	return queue
}
