package global

// lane is what is to be done with one peer, one thing after the other: so a peer that does not read, or cannot be reached, holds up nobody
// else. It exists as long as there is something to do. Who has something to do with a peer of which there is no lane does it himself, as
// long as nothing has to be waited for; then a goroutine goes on.
type lane struct {
	peer  atom
	queue []task
}

// task is something to be done. It is not done under Global.mu.
type task struct {
	do   func()
	now  func() bool // does the same unless it would have to wait; then it reports false. It may be nil.
	late bool        // what is sent may overtake it: a monitor
}

// lane has something done when everything before has been that concerns the same node. The caller holds g.mu.
func (g *Global) lane(peer atom, do func()) { g.enqueue(peer, task{do: do}) }

func (g *Global) enqueue(peer atom, t task) {
	if l := g.lanes[peer]; l != nil {
		l.queue = append(l.queue, t)
		return
	}
	l := &lane{peer, []task{t}}
	g.lanes[peer] = l
	if g.holds && (t.now != nil || t.late) {
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

// runNow does what is in a lane that this goroutine has opened. Where it has to wait it leaves the rest to another one, and so what is late: that
// stays before everything but what is sent.
func (g *Global) runNow(l *lane) {
	var rest []task
	for queue := g.next(l); queue != nil; queue = g.next(l) {
		for i, t := range queue {
			if t.late && (len(rest) > 0 || t.now == nil) {
				rest = append(rest, t)
			} else if t.now == nil || !t.now() {
				g.leave(l, append(rest, queue[i:]...))
				return
			}
		}
		if len(rest) > 0 {
			g.leave(l, rest)
			return
		}
	}
}

// leave has a goroutine go on with a lane, first with the rest of what was taken out.
func (g *Global) leave(l *lane, rest []task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.queue = append(rest, l.queue...)
	if !g.over {
		g.start(l)
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
		delete(g.lanes, l.peer)
		return nil
	}
	return queue
}
