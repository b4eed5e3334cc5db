package global

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/gen"
	"github.com/erlnode/erlnode/node"
)

// remote is what the locker or the registrar asks of the servers of other nodes. It asks often, and the same servers: so each of
// these is monitored once per connection, not once per call, and the answers come to the mailbox. Calls to one node are sent
// in the order in which they are made. Its fields are under Global.mu.
type remote struct {
	g       *Global
	p       *node.Process
	calls   map[uint64]*server
	servers map[atom]*server
	refs    map[etf.Ref]*server
	early   map[etf.Ref]bool // ends that came before the reference was known here
}

// server is global_name_server of another node, for as long as a connection lasts.
type server struct {
	node      atom
	conn      uint32
	monitored bool // used in the lane of the node only
}

func newRemote(g *Global, p *node.Process) *remote {
	return &remote{g, p, map[uint64]*server{}, map[atom]*server{}, map[etf.Ref]*server{}, map[etf.Ref]bool{}}
}

// call sends a call over the connection that the machine knows.
func (r *remote) call(a startCall, conn uint32) {
	s := r.servers[a.node]
	if s == nil || s.conn != conn {
		s = &server{node: a.node, conn: conn}
		r.servers[a.node] = s
	}
	r.calls[a.id] = s
	to := node.At(serverName, a.node)
	msg := etf.Tuple{atom("$gen_call"), etf.Tuple{r.p.Self(), etf.Int(a.id)}, a.request}
	sent := func(err error) bool {
		if errors.Is(err, node.ErrNoSuspend) {
			return false
		}
		if err != nil {
			r.answered(a.id, nil, false)
		}
		return true
	}
	r.g.enqueue(a.node, task{
		do: func() {
			if !s.monitored {
				s.monitored = true
				if ref, err := r.p.Monitor(to); err == nil {
					r.monitored(ref, s)
				}
			}
			sent(r.p.SendOver(conn, to, msg))
		},
		now: func() bool { return s.monitored && sent(r.p.SendNoSuspend(conn, to, msg)) },
	})
}

func (r *remote) monitored(ref etf.Ref, s *server) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if r.early[ref] {
		delete(r.early, ref)
		r.lostLocked(s)
		return
	}
	r.refs[ref] = s
}

// lostLocked gives up what a server was asked that has ended, or is on the other side of a lost connection.
func (r *remote) lostLocked(s *server) {
	if r.servers[s.node] == s {
		delete(r.servers, s.node)
	}
	for id, asked := range r.calls {
		if asked == s {
			delete(r.calls, id)
			r.g.happenLocked(func(m *machine) { m.answered(id, nil, false) })
		}
	}
}

func (r *remote) answered(id uint64, value etf.Term, ok bool) {
	r.g.locked(func() {
		if r.calls[id] == nil {
			return
		}
		delete(r.calls, id)
		r.g.happenLocked(func(m *machine) { m.answered(id, value, ok) })
	})
}

// run is the life of the process: answers, and what is not one for other.
func (r *remote) run(other func(t etf.Term)) error {
	return r.p.Serve(context.Background(), func(msg node.Message) error {
		if d, ok := msg.Down(); ok {
			r.down(d.Ref)
			return nil
		}
		if msg.IsNotice() {
			return nil
		}
		t, err := msg.Term()
		if err != nil {
			return nil
		}
		if tuple, _ := t.(etf.Tuple); len(tuple) == 2 {
			if id, ok := tuple[0].(etf.Int); ok {
				r.answered(uint64(id), tuple[1], true)
				return nil
			}
		}
		other(t)
		return nil
	})
}

func (r *remote) down(ref etf.Ref) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	s := r.refs[ref]
	if s == nil {
		r.early[ref] = true
		return
	}
	delete(r.refs, ref)
	r.lostLocked(s)
}

// startCall calls the server of another node. What was sent to that node before goes out before.
func (g *Global) startCall(a startCall) {
	conn := g.conns[a.node]
	from := g.callers[a.from]
	for _, r := range []*remote{g.ofLocker, g.ofRegistrar} {
		if r.p.Self() == a.from {
			from = r.p
			if conn != 0 {
				r.call(a, conn)
				return
			}
		}
	}
	fail := func() { g.happen(func(m *machine) { m.answered(a.id, nil, false) }) }
	if from == nil {
		g.work.Go(fail)
		return
	}
	g.lane(a.node, func() {
		if !a.dial && conn == 0 && !g.isConnected(a.node) {
			fail()
			return
		}
		g.work.Go(func() {
			v, err := gen.Call[etf.Term](g.ctx, from, node.At(serverName, a.node), a.request)
			g.happen(func(m *machine) { m.answered(a.id, v, err == nil) })
		})
	})
}

func (g *Global) isConnected(peer atom) bool {
	for _, n := range g.n.Nodes(node.Connected) {
		if n == peer {
			return true
		}
	}
	return false
}
