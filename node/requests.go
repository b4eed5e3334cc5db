package node

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/erlnode/erlnode/etf"
)

// requestTable holds the requests of a node, each in a slot for good. The slot is the third word of a request's references, which is 0 in all
// others (Node.newRef), so that an answer finds its request without a table of references that every call enters and leaves. The requests are the
// node's own also because a channel belongs to the bubble of testing/synctest that it was made in.
type requestTable struct {
	node   *Node
	shards [requestShards]requestShard
}

type requestShard struct {
	mu     sync.Mutex
	free   []*request
	made   int
	chunks [shardSlots / chunkSlots]atomic.Pointer[requestChunk]
}

type requestChunk [chunkSlots]atomic.Pointer[request]

const (
	requestShards = 8 // times shardSlots is what has room in 14 bits
	shardSlots    = 2048
	chunkSlots    = 64
)

// request is a call that waits for its reply. It is used again for other calls: who has found it by a reference gives that
// with the answer.
type request struct {
	answer  chan answer // one slot: the first answer counts
	spawned bool        // the answer is the end of the process: SpawnWait
	slot    uint32      // 0: it is in the table of aliases, and only for one call
	session *session    // only for who waits

	encoding encoding

	mu   sync.Mutex
	ref  etf.Ref
	over *session // the connection that the answer comes over, nil on this node
	made uint64   // references
}

// take takes a request that nobody uses, for a call over a connection, and gives it a reference. It may be answered from now on.
func (t *requestTable) take(s *session) *request {
	shard := rand.Uint32N(requestShards)
	r := t.shards[shard].take(shard)
	for i := uint32(1); r == nil && i < requestShards; i++ {
		other := (shard + i) % requestShards
		r = t.shards[other].take(other)
	}
	if r == nil { // they are all under way
		r = &request{answer: make(chan answer, 1), ref: t.node.newRef(), over: s}
		t.node.aliases.add(r.ref, aliased{request: r, session: s})
		return r
	}
	r.mu.Lock()
	r.made++
	r.ref = etf.Ref{Node: t.node.name, Creation: t.node.creation, Len: 3, Words: [5]uint32{uint32(r.made & firstWord), uint32(r.made >> 18), r.slot}}
	r.over = s
	r.mu.Unlock()
	return r
}

func (t *requestShard) take(shard uint32) *request {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		r := t.free[n-1]
		t.free = t.free[:n-1]
		return r
	}
	if t.made == shardSlots-1 {
		return nil
	}
	t.made++ // no slot is 0
	chunk := &t.chunks[t.made/chunkSlots]
	if chunk.Load() == nil {
		chunk.Store(new(requestChunk))
	}
	r := &request{answer: make(chan answer, 1), slot: shard*shardSlots + uint32(t.made)}
	chunk.Load()[t.made%chunkSlots].Store(r)
	return r
}

// release gives a request back. Who has found it before comes too late.
func (t *requestTable) release(r *request) {
	r.session = nil
	if r.slot == 0 {
		t.node.aliases.remove(r.ref)
		return
	}
	r.mu.Lock()
	r.ref, r.over = etf.Ref{}, nil
	select {
	case <-r.answer:
	default:
	}
	r.mu.Unlock()
	shard := &t.shards[r.slot/shardSlots]
	shard.mu.Lock()
	shard.free = append(shard.free, r)
	shard.mu.Unlock()
}

// get returns the request that has a reference of this life of the node now.
func (t *requestTable) get(ref *etf.Ref) (a aliased, ok bool) {
	slot := ref.Words[2]
	chunk := t.shards[slot/shardSlots].chunks[slot%shardSlots/chunkSlots].Load()
	if chunk == nil {
		return a, false
	}
	r := chunk[slot%chunkSlots].Load()
	if r == nil {
		return a, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ref != *ref {
		return a, false
	}
	return aliased{request: r, session: r.over}, true
}

// each calls f for the requests that are under way, with their locks held.
func (t *requestTable) each(f func(*request)) {
	for i := range t.shards {
		for j := range t.shards[i].chunks {
			chunk := t.shards[i].chunks[j].Load()
			if chunk == nil {
				break
			}
			for k := range chunk {
				if r := chunk[k].Load(); r != nil {
					r.mu.Lock()
					if r.ref.Len > 0 {
						f(r)
					}
					r.mu.Unlock()
				}
			}
		}
	}
}
